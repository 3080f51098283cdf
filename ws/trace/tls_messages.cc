// SPDX-License-Identifier: MIT

#include "ws/trace/tls_messages.h"

#include <algorithm>
#include <utility>

#include "ws/trace/text.h"
#include "ws/trace/tls_names.h"

namespace hilo::trace {
namespace {

constexpr Fault malformed_message = {
    .label = "tls_message",
    .text = "a handshake message whose lengths do not fit (RFC 8446 §6.2)",
    .alert = "decode_error"};

std::string_view section_of(std::uint8_t type) noexcept {
  switch (type) {
    case tls_client_hello: return "RFC 8446 §4.1.2";
    case tls_server_hello: return "RFC 8446 §4.1.3";
    case 4: return "RFC 8446 §4.6.1";
    case 8: return "RFC 8446 §4.3.1";
    case 11: return "RFC 8446 §4.4.2";
    case 15: return "RFC 8446 §4.4.3";
    case 20: return "RFC 8446 §4.4.4";
    case 24: return "RFC 8446 §4.6.3";
    case 12:
    case 14:
    case 16: return "RFC 5246 §7.4";
    default: return "RFC 8446 §4";
  }
}

std::string numbers_listed(Bytes numbers, std::string (*name)(std::uint16_t)) {
  std::string text;
  constexpr std::size_t listed_max = 8;
  const std::size_t count = numbers.size() / 2;
  for (std::size_t i = 0; i < std::min(count, listed_max); ++i) {
    text += (i == 0 ? "" : ", ") + name(load_be16(numbers.data() + 2 * i));
  }
  return count > listed_max ? text + " ... (" + std::to_string(count) + ")" : text;
}

}  // namespace

// Of the message that is coming, once its length has come.
std::size_t TlsMessageReader::size() const noexcept {
  if (message_.size() < header_bytes) return header_bytes;
  return header_bytes + (load_be32(message_.data()) & 0xFFFFFF);
}

void TlsMessageReader::feed(Bytes content, std::optional<std::uint64_t> offset) {
  while (!content.empty() && !failed_) {
    if (message_come_ == 0) begin_ = offset;
    const Bytes next = content.first(std::min(content.size(), size() - message_come_));
    const std::size_t room = message_bytes_max - std::min(message_bytes_max, message_.size());
    const Bytes kept = next.first(std::min(next.size(), room));
    message_.insert(message_.end(), kept.begin(), kept.end());
    message_come_ += next.size();
    content = content.subspan(next.size());
    if (offset) *offset += next.size();
    if (message_.size() >= header_bytes && message_come_ == size()) end_message();
  }
  // What follows stands behind the header of another record.
  begin_.reset();
}

void TlsMessageReader::end_message() {
  const Bytes body = Bytes(message_).subspan(header_bytes);
  TlsMessage message{.type = message_[0]};
  if (message.type == tls_client_hello) message.hello = parse_client_hello(body);
  if (message.type == tls_server_hello) message.hello = parse_server_hello(body);
  const bool is_retry =
      message.type == tls_server_hello && message.hello && is_retry_request(*message.hello);
  tell(message_, is_retry ? "HelloRetryRequest" : tls_message_name(message.type),
       counted_bytes(message_come_ - header_bytes), section_of(message.type));
  bool good = true;
  if (message.type == tls_client_hello || message.type == tls_server_hello)
    good = message.hello.has_value();
  if (good && message.type == tls_client_hello) tell_client_hello(*message.hello);
  if (good && message.type == tls_server_hello) tell_server_hello(*message.hello);
  if (message.type == tls_encrypted_extensions) {
    const std::optional<TlsExtensions> extensions = parse_encrypted_extensions(body);
    good = extensions.has_value();
    if (good) tell_protocols(extensions->protocols);
  }
  if (!good) return fail();
  on_message_(message);
  message_.clear();
  message_come_ = 0;
}

void TlsMessageReader::tell_client_hello(const TlsHello& hello) {
  tell(hello.version, "legacy version", tls_version_text(load_be16(hello.version.data())),
       "RFC 8446 §4.1.2");
  tell(hello.random, "random", hexadecimal(hello.random), "RFC 8446 §4.1.2");
  tell(hello.suites, "cipher suites", numbers_listed(hello.suites, tls_suite_text),
       "RFC 8446 §B.4");
  const TlsExtensions& extensions = hello.extensions;
  if (!extensions.server_name.empty()) {
    tell(extensions.server_name, "server name (SNI)",
         in_quotes(as_text(extensions.server_name), false), "RFC 6066 §3");
  }
  tell_protocols(extensions.protocols);
  if (!extensions.versions.empty()) {
    tell(extensions.versions, "supported versions",
         numbers_listed(extensions.versions, tls_version_text), "RFC 8446 §4.2.1");
  }
}

void TlsMessageReader::tell_server_hello(const TlsHello& hello) {
  tell(hello.version, "legacy version", tls_version_text(load_be16(hello.version.data())),
       "RFC 8446 §4.1.3");
  tell(hello.random, "random", hexadecimal(hello.random), "RFC 8446 §4.1.3");
  tell(hello.suites, "cipher suite", tls_suite_text(load_be16(hello.suites.data())),
       "RFC 8446 §B.4");
  tell_protocols(hello.extensions.protocols);
  if (!hello.extensions.versions.empty()) {
    tell(hello.extensions.versions, "chosen version", tls_version_text(hello.chosen_version()),
         "RFC 8446 §4.2.1");
  }
}

void TlsMessageReader::tell_protocols(Bytes protocols) {
  if (protocols.empty()) return;
  std::string names;
  for (Bytes rest = protocols; !rest.empty();) {
    const std::size_t length = std::min<std::size_t>(rest.front(), rest.size() - 1);
    names += (names.empty() ? "" : ", ") + in_quotes(as_text(rest.subspan(1, length)), false);
    rest = rest.subspan(1 + length);
  }
  tell(protocols, "protocols (ALPN)", std::move(names), "RFC 7301 §3.1");
}

// A message at depth 1, what it says at depth 2.
void TlsMessageReader::tell(Bytes where, std::string_view name, std::string value,
                            std::string_view section) {
  const auto at = static_cast<std::uint64_t>(where.data() - message_.data());
  (*sink_)({.direction = direction_,
            .layer = Layer::tls,
            .depth = static_cast<std::uint8_t>(at == 0 ? 1 : 2),
            .place = begin_ ? bytes_at(*begin_ + at, where.size()) : Place{},
            .name = name,
            .value = std::move(value),
            .section = section,
            .source = "ws/trace/tls_hello.cc"});
}

void TlsMessageReader::fail() {
  failed_ = true;
  (*sink_)({.direction = direction_,
            .layer = Layer::tls,
            .depth = 2,
            .name = "message",
            .section = "RFC 8446 §6.2",
            .source = "ws/trace/tls_hello.cc",
            .fault = malformed_message});
}

}  // namespace hilo::trace
