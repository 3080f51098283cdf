// SPDX-License-Identifier: MIT
//
// Target: all that a client reads before it has a connection: the server's answer, with its checks,
// compression and redirections, and what proxies say.
//
// The first byte chooses who speaks: a server, or a proxy of either kind. What it says is read
// whole, in two pieces, and byte by byte, and must come to the same. A '@' in a server's answer is
// replaced by the right value of Sec-WebSocket-Accept.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/mutator.h"
#include "net/base/bytes.h"
#include "net/base/check.h"
#include "ws/core/deflate_negotiation.h"
#include "ws/core/handshake.h"
#include "ws/core/url.h"
#include "ws/proxy_tunnel.h"
#include "ws/redirect.h"

namespace {

using namespace hilo;
using namespace hilo::ws;
using Kind = HeadProgress::Kind;

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::array<std::string_view, 2> protocols = {"chat", "superchat"};

// Reads the text as it would come in pieces that end there, there, and at its end.
HeadProgress read(ResponseReader& reader, std::string_view text, std::size_t step) {
  HeadProgress progress;
  for (std::size_t end = std::min(step, text.size());; end = std::min(end + step, text.size())) {
    progress = reader.parse(as_bytes(text.substr(0, end)));
    if (progress.kind != Kind::need_input || end == text.size()) return progress;
  }
}

void check_same(const ResponseHead& a, const ResponseHead& b) {
  HILO_CHECK(a.status == b.status && a.version_minor == b.version_minor && a.reason == b.reason);
  HILO_CHECK(a.fields.size() == b.fields.size());
  for (std::size_t i = 0; i < a.fields.size(); ++i) {
    HILO_CHECK(a.fields[i].name == b.fields[i].name && a.fields[i].value == b.fields[i].value);
  }
}

// What opens a connection says so itself, and chose what was offered.
void check_accepted(const ResponseHead& head, const ResponseCheck& check, bool has_deflate) {
  HILO_CHECK(head.status == 101);
  HILO_CHECK(head.fields.count("Upgrade") == 1);
  HILO_CHECK(head.fields.lists_token("Connection", "upgrade"));
  HILO_CHECK(head.fields.count("Sec-WebSocket-Accept") == 1);
  HILO_CHECK(head.fields.count("Sec-WebSocket-Protocol") == (check.subprotocol.empty() ? 0U : 1U));
  HILO_CHECK(has_deflate || !check.has_extensions);
}

// Wherever it leads, it is a WebSocket, not less safe than before, and a place that leads to
// itself.
void check_redirect(const ResponseHead& head, std::string_view from_text) {
  const Result<Url> from = parse_url(from_text);
  HILO_CHECK(static_cast<bool>(from));
  const Result<std::string> to = resolve_redirect(*from, head.fields);
  if (!to) {
    HILO_CHECK(to.error() == Errc::redirect_location || to.error() == Errc::redirect_downgrade);
    return;
  }
  const Result<Url> url = parse_url(*to);
  HILO_CHECK(url && url->userinfo.empty() && to->find('#') == std::string::npos);
  HILO_CHECK(from->scheme != Url::Scheme::wss || url->scheme == Url::Scheme::wss);
  const bool is_local = from->scheme == Url::Scheme::ws_unix;
  HILO_CHECK(is_local == (url->scheme == Url::Scheme::ws_unix));
  HILO_CHECK(!is_local || is_same_origin(*from, *url));
  HILO_CHECK(is_same_origin(*url, *url));

  const std::string again = "HTTP/1.1 302 x\r\nLocation: " + *to + "\r\n\r\n";
  ResponseReader reader;
  if (reader.parse(as_bytes(again)).kind != Kind::complete) return;  // too long for a line
  const Result<std::string> same = resolve_redirect(*from, reader.head(as_bytes(again)).fields);
  HILO_CHECK(same && *same == *to);
}

void check_server(std::string text, std::size_t step) {
  text = fuzz::with_accept(std::move(text), key);
  ResponseReader whole;
  const HeadProgress progress = whole.parse(as_bytes(text));
  for (const std::size_t each : {std::size_t{1}, step}) {
    ResponseReader split;
    const HeadProgress piecewise = read(split, text, each);
    HILO_CHECK(piecewise.kind == progress.kind && piecewise.error == progress.error);
    HILO_CHECK(piecewise.head_bytes == progress.head_bytes);
    if (progress.kind == Kind::complete) {
      check_same(whole.head(as_bytes(text)), split.head(as_bytes(text)));
    }
  }
  if (progress.kind != Kind::complete) return;

  const ResponseHead head = whole.head(as_bytes(text));
  HILO_CHECK(head.status == 101 || head.status >= 200);
  const DeflateOptions offered{.enabled = true};
  const DeflateText offer = deflate_offer(offered);
  const UpgradeRequest request{.key = key, .extensions = offer.view(), .subprotocols = protocols};
  const ResponseCheck check = check_response(head, request);
  if (check.error == Errc::none) {
    const DeflateCheck deflate = check_deflate_answer(head.fields, offered);
    if (deflate.error == Errc::none) check_accepted(head, check, deflate.is_agreed);
  }
  // Who offers nothing accepts no more.
  const ResponseCheck bare = check_response(head, {.key = key});
  HILO_CHECK(bare.error != Errc::none || check.error == Errc::none);
  HILO_CHECK(bare.error != Errc::none || (!bare.has_extensions && bare.subprotocol.empty()));

  for (const std::string_view from :
       {"ws://a.test/b/c?d", "wss://[::1]:8443/", "ws+unix:///run/s:/a/b"}) {
    check_redirect(head, from);
  }
}

struct Outcome {
  ProxyTunnel::State state;
  Errc error;
  std::uint16_t code;
  std::string said;
  bool operator==(const Outcome&) const = default;
};

Outcome dial(ProxyUrl::Scheme scheme, const Credentials& credentials, std::string_view text,
             std::size_t step) {
  ProxyTunnel tunnel;
  HILO_CHECK(static_cast<bool>(tunnel.begin(scheme, "example.test", 443, credentials)));
  std::string said = tunnel.take_output();
  for (std::size_t at = 0; at < text.size(); at += step) {
    tunnel.feed(as_bytes(text.substr(at, step)));
    // What was said before the failure depends on how much came at once.
    said += tunnel.take_output();
  }
  const bool has_failed = tunnel.state() == ProxyTunnel::State::failed;
  HILO_CHECK(has_failed == (tunnel.error() != Errc::none));
  HILO_CHECK(tunnel.response() == nullptr || tunnel.response()->status == tunnel.code());
  HILO_CHECK(tunnel.response() == nullptr || has_failed);
  return {tunnel.state(), tunnel.error(), tunnel.code(), has_failed ? std::string{} : said};
}

void check_proxy(std::string_view text, std::size_t step, ProxyUrl::Scheme scheme,
                 const Credentials& credentials) {
  const Outcome whole = dial(scheme, credentials, text, text.size());
  HILO_CHECK(dial(scheme, credentials, text, 1) == whole);
  HILO_CHECK(dial(scheme, credentials, text, step) == whole);
  HILO_CHECK(whole.state != ProxyTunnel::State::established || !text.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > 20'000) return 0;
  const std::string_view text = as_text(Bytes{data + 2, size - 2});
  const std::size_t step = 1 + std::size_t{data[1]} * text.size() / 256;
  const Credentials credentials{"user", "secret"};
  switch (data[0] % 5) {
    case 1: check_proxy(text, step, ProxyUrl::Scheme::http, credentials); break;
    case 2: check_proxy(text, step, ProxyUrl::Scheme::socks5, {}); break;
    case 3: check_proxy(text, step, ProxyUrl::Scheme::socks5, credentials); break;
    default: check_server(std::string(text), step); break;
  }
  const Result<ProxyUrl> url = parse_proxy_url(text);
  HILO_CHECK(!url || (!url->host.empty() && url->port != 0));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned seed) {
  const hilo::fuzz::HeadWords& words = hilo::fuzz::answer_words;
  return hilo::fuzz::mutate_behind(2, data, size, size_max, seed,
                                   [&](std::string_view text, std::mt19937& random) {
                                     return hilo::fuzz::mutate_head(text, words, random);
                                   });
}
