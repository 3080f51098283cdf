// SPDX-License-Identifier: MIT
//
// The opening handshake from both sides. Even first byte: the input is a request; one that passes
// every check is answered, and our own client must take the answer. Odd: the input is an answer
// whose "@" in Sec-WebSocket-Accept is replaced by the right value, so that what stands behind that
// check is reached. URLs are tried as well: what parses must make a request that our server takes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/mutator.h"
#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "net/base/check.h"
#include "net/base/pool.h"
#include "ws/core/extension.h"
#include "ws/core/handshake.h"
#include "ws/core/http_response.h"
#include "ws/core/origin.h"
#include "ws/core/url.h"

namespace {

using namespace hilo;
using namespace hilo::ws;
using Kind = HeadProgress::Kind;

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::array<std::string_view, 2> protocols = {"chat", "superchat"};

// Errors of the handshake are answered before the upgrade, with a whole response.
void check_refusal(Errc error) {
  Pool pool;
  Buffer out(pool);
  HILO_CHECK(static_cast<bool>(write_error_response(out, error)));
  ResponseParser parser;
  const Bytes bytes = std::as_const(out).readable();
  HILO_CHECK(parser.parse(bytes).kind == Kind::complete);
  const ResponseHead head = parser.head(bytes);
  HILO_CHECK(head.status == http_status_for(error) && head.status >= 400);
  HILO_CHECK(head.fields.lists_token("Connection", "close"));
}

void check_answer(const UpgradeCheck& check) {
  Pool pool;
  Buffer out(pool);
  const std::string_view chosen = choose_subprotocol(check.subprotocols, protocols);
  HILO_CHECK(
      static_cast<bool>(write_upgrade_response(out, {.key = check.key, .subprotocol = chosen})));
  ResponseReader reader;
  const Bytes bytes = std::as_const(out).readable();
  HILO_CHECK(reader.parse(bytes).kind == Kind::complete);
  const ResponseCheck answer =
      check_response(reader.head(bytes), {.key = check.key, .subprotocols = protocols});
  HILO_CHECK(answer.error == Errc::none);
  HILO_CHECK(answer.subprotocol == chosen);
}

// The head byte by byte ends where the whole one does, and in the same way.
template <class Parser>
void check_piecewise(Bytes input, const HeadProgress& progress) {
  Parser split;
  HeadProgress piecewise;
  for (std::size_t end = 1; end <= input.size() && piecewise.kind == Kind::need_input; ++end) {
    piecewise = split.parse(input.first(end));
  }
  HILO_CHECK(piecewise.kind == progress.kind);
  HILO_CHECK(piecewise.error == progress.error);
  HILO_CHECK(piecewise.head_bytes == progress.head_bytes);
}

void check_server(Bytes input) {
  RequestParser parser;
  const HeadProgress progress = parser.parse(input);
  check_piecewise<RequestParser>(input, progress);
  if (progress.kind == Kind::failed) check_refusal(progress.error);
  if (progress.kind != Kind::complete) return;
  const RequestHead head = parser.head(input);
  const UpgradeCheck check = check_upgrade(head);
  const Errc origin = check_origin({head.fields, head.host, false}, {});
  if (origin != Errc::none) check_refusal(origin);
  // Allowing every page refuses no more than allowing one's own.
  const OriginPolicy any{.allow = OriginPolicy::Allow::any};
  HILO_CHECK(origin != Errc::none || check_origin({head.fields, head.host, false}, any) == origin);
  if (check.error != Errc::none) {
    check_refusal(check.error);
    return;
  }
  HILO_CHECK(wants_websocket(head));
  HILO_CHECK(head.method == Method::get && head.version_minor > 0);
  HILO_CHECK(check_extensions(head.fields) == Errc::none);
  check_answer(check);
}

void check_client(std::string text) {
  text = fuzz::with_accept(std::move(text), key);
  const UpgradeRequest request{
      .key = key, .extensions = "permessage-deflate", .subprotocols = protocols};
  ResponseReader whole;
  const HeadProgress progress = whole.parse(as_bytes(text));
  check_piecewise<ResponseReader>(as_bytes(text), progress);
  if (progress.kind != Kind::complete) return;

  const ResponseHead head = whole.head(as_bytes(text));
  HILO_CHECK(head.status == 101 || head.status >= 200);
  const ResponseCheck check = check_response(head, request);
  if (check.error != Errc::none) return;
  HILO_CHECK(head.status == 101);
  HILO_CHECK(head.fields.count("Sec-WebSocket-Accept") == 1);
  HILO_CHECK(head.fields.count("Sec-WebSocket-Protocol") == (check.subprotocol.empty() ? 0U : 1U));
}

void check_url(std::string_view text) {
  const Result<Url> url = parse_url(text);
  if (!url) return;
  Pool pool;
  Buffer out(pool);
  HILO_CHECK(url->scheme == Url::Scheme::ws_unix || url->port != 0);
  HILO_CHECK(static_cast<bool>(write_upgrade_request(
      out, {.authority = url->authority, .path = url->path, .query = url->query, .key = key})));
  RequestParser parser;
  const Bytes bytes = std::as_const(out).readable();
  HILO_CHECK(parser.parse(bytes).kind == Kind::complete);
  const RequestHead head = parser.head(bytes);
  HILO_CHECK(check_upgrade(head).error == Errc::none);
  HILO_CHECK(head.path == url->path && head.query == url->query);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const Bytes input{data + 1, size - 1};
  if (data[0] % 2 == 0) {
    check_server(input);
  } else {
    check_client(std::string(as_text(input)));
  }
  check_url(as_text(input));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned seed) {
  return hilo::fuzz::mutate_head_of_either(data, size, size_max, seed);
}
