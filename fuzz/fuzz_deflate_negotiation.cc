// SPDX-License-Identifier: MIT
//
// What a server answers to any list of offers must be a good answer: to one of the offers, in the
// grammar, within what both sides can do; what a client makes of any answer must be covered by its
// offer; and our own client and server must always agree.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/check.h"
#include "ws/core/deflate_negotiation.h"
#include "ws/core/extension.h"
#include "ws/core/http_head.h"

namespace {

using namespace hilo;
using namespace hilo::ws;

DeflateOptions options_from(std::uint8_t choices) {
  return {.enabled = true,
          .server_no_context_takeover = (choices & 1) != 0,
          .client_no_context_takeover = (choices & 2) != 0,
          .server_max_window_bits = static_cast<std::uint8_t>(8 + (choices >> 2) % 8),
          .client_max_window_bits = static_cast<std::uint8_t>(8 + (choices >> 5) % 8)};
}

// The head of a request that has these extensions, and nothing else.
class Head {
 public:
  explicit Head(std::string_view extensions)
      : text_("GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Extensions: " + std::string(extensions) +
              "\r\n\r\n") {
    if (parser_.parse(as_bytes(text_)).kind != HeadProgress::Kind::complete) return;
    fields_ = parser_.head(as_bytes(text_)).fields;
    is_good_ = check_extensions(fields_) == Errc::none;
  }
  Head(const Head&) = delete;
  Head& operator=(const Head&) = delete;
  bool is_good() const { return is_good_; }
  Fields fields() const { return fields_; }

 private:
  std::string text_;
  RequestParser parser_;
  Fields fields_;
  bool is_good_ = false;
};

void check_agreed(const DeflateParameters& agreed) {
  HILO_CHECK(agreed.server_window_bits >= 8 && agreed.server_window_bits <= 15);
  HILO_CHECK(agreed.client_window_bits >= 8 && agreed.client_window_bits <= 15);
}

// Whoever offered `list` must be able to live with the answer.
void check_server(std::string_view list, const DeflateOptions& options) {
  const Head head(list);
  if (!head.is_good()) return;
  const auto accepted = accept_deflate(head.fields(), options);
  if (!accepted) return;
  const DeflateParameters& agreed = accepted->agreed;
  check_agreed(agreed);
  HILO_CHECK(agreed.server_window_bits >= 9);
  HILO_CHECK(agreed.server_no_context_takeover || !options.server_no_context_takeover);
  HILO_CHECK(agreed.client_no_context_takeover || !options.client_no_context_takeover);

  // The answer is one extension, and our client reads it as it was meant.
  const Head answer(accepted->text.view());
  HILO_CHECK(answer.is_good());
  const DeflateCheck checked = check_deflate_answer(
      answer.fields(), {.enabled = true,
                        .server_no_context_takeover = false,
                        .client_no_context_takeover = agreed.client_no_context_takeover});
  HILO_CHECK(checked.error == Errc::none && checked.is_agreed);
  HILO_CHECK(checked.agreed == agreed);
  // Offered again, it is accepted as it stands.
  const auto again = accept_deflate(answer.fields(), options);
  HILO_CHECK(again && again->agreed == agreed);
}

void check_client(std::string_view list, const DeflateOptions& options) {
  const Head head(list);
  if (!head.is_good()) return;
  const DeflateCheck checked = check_deflate_answer(head.fields(), options);
  HILO_CHECK(checked.error == Errc::none || checked.error == Errc::response_extension);
  HILO_CHECK(checked.error == Errc::none || !checked.is_agreed);
  if (!checked.is_agreed) return;
  const DeflateParameters& agreed = checked.agreed;
  check_agreed(agreed);
  HILO_CHECK(agreed.server_no_context_takeover || !options.server_no_context_takeover);
  HILO_CHECK(agreed.client_no_context_takeover || !options.client_no_context_takeover);
  HILO_CHECK(agreed.server_window_bits <= std::max<int>(9, options.server_max_window_bits));
  HILO_CHECK(agreed.client_window_bits <= std::max<int>(9, options.client_max_window_bits));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const DeflateOptions options = options_from(data[0]);
  const DeflateOptions other = options_from(static_cast<std::uint8_t>(data[0] ^ data[1]));
  const std::string_view list = as_text({data + 1, size - 1});
  if (all_in(list, ByteClass::value)) {
    check_server(list, options);
    check_client(list, options);
  }
  const DeflateText offer = deflate_offer(options);
  const Head head(offer.view());
  const auto accepted = accept_deflate(head.fields(), other);
  HILO_CHECK(accepted);
  const Head answer(accepted->text.view());
  const DeflateCheck checked = check_deflate_answer(answer.fields(), options);
  HILO_CHECK(checked.error == Errc::none && checked.agreed == accepted->agreed);
  return 0;
}
