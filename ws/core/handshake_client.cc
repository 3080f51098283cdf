// SPDX-License-Identifier: MIT

#include <algorithm>

#include "ws/core/accept_key.h"
#include "ws/core/extension.h"
#include "ws/core/handshake.h"
#include "ws/core/http_sink.h"
#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

// The fields that the handshake writes itself, and those that would announce a body.
bool is_request_field(std::string_view name, bool has_origin) noexcept {
  for (const std::string_view own :
       {"Host", "Upgrade", "Connection", "Content-Length", "Transfer-Encoding"}) {
    if (equals_ignoring_case(name, own)) return true;
  }
  return starts_with_ignoring_case(name, "Sec-WebSocket-") ||
         (has_origin && equals_ignoring_case(name, "Origin"));
}

bool is_visible(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

// RFC 6455 §4.1: the elements are tokens and distinct. Their number is the caller's, and small.
bool are_subprotocols(std::span<const std::string_view> names) noexcept {
  if (names.size() > subprotocols_max) return false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!is_token(names[i])) return false;
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<std::ptrdiff_t>(i)) {
      return false;
    }
  }
  return true;
}

bool is_valid(const UpgradeRequest& request) noexcept {
  return parse_authority(request.authority).has_value() && request.path.starts_with('/') &&
         request.path.find('?') == std::string_view::npos && is_target_text(request.path) &&
         is_target_text(request.query) && is_valid_key(request.key) && is_visible(request.origin) &&
         are_subprotocols(request.subprotocols);
}

// The offer of that name in a list that is ours, and therefore well-formed.
bool offers_extension(std::string_view offered, std::string_view name) noexcept {
  ExtensionReader reader(offered);
  while (const auto offer = reader.next()) {
    if (offer->name == name) return true;
  }
  return false;
}

// RFC 6455 §4.1, check 5: what was chosen was offered, and each only once.
Errc check_chosen_extensions(Fields fields, std::string_view offered) noexcept {
  if (check_extensions(fields) != Errc::none) return Errc::response_extension;
  std::array<std::string_view, extension_offers_max> seen;
  std::size_t count = 0;
  ExtensionReader reader(fields);
  while (const auto chosen = reader.next()) {
    const auto end = seen.begin() + static_cast<std::ptrdiff_t>(count);
    const bool is_repeated = std::find(seen.begin(), end, chosen->name) != end;
    if (is_repeated || !offers_extension(offered, chosen->name)) return Errc::response_extension;
    seen[count++] = chosen->name;
  }
  return Errc::none;
}

}  // namespace

// RFC 4648 §4. Sixteen bytes are five groups of three and one byte, so the end is always "==".
Key encode_key(std::span<const std::uint8_t, key_bytes> nonce) noexcept {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Key key;
  std::size_t to = 0;
  for (std::size_t from = 0; from < key_bytes; from += 3) {
    std::uint32_t group = static_cast<std::uint32_t>(nonce[from]) << 16;
    if (from + 2 < key_bytes) group |= load_be16(&nonce[from + 1]);
    for (const unsigned shift : {18U, 12U, 6U, 0U}) key[to++] = alphabet[(group >> shift) & 0x3F];
  }
  key[22] = key[23] = '=';
  return key;
}

Status write_upgrade_request(Buffer& out, const UpgradeRequest& request) noexcept {
  if (!is_valid(request)) return Errc::argument;
  return emit_head(out, [&](HeadSink& sink) {
    sink.text("GET ");
    sink.text(request.path);
    if (!request.query.empty()) sink.text("?");
    sink.text(request.query);
    sink.text(" HTTP/1.1\r\n");
    sink.field("Host", request.authority);
    sink.text("Upgrade: websocket\r\nConnection: Upgrade\r\n");
    sink.field("Sec-WebSocket-Key", request.key);
    if (!request.origin.empty()) sink.field("Origin", request.origin);
    if (!request.subprotocols.empty()) {
      sink.text(subprotocol_field);
      std::string_view separator = ": ";
      for (const std::string_view name : request.subprotocols) {
        sink.text(separator);
        sink.text(name);
        separator = ", ";
      }
      sink.text("\r\n");
    }
    sink.text("Sec-WebSocket-Version: 13\r\n");
    if (!request.extensions.empty()) sink.field(extensions_field, request.extensions);
    for (const FieldView& field : request.fields) {
      sink.require(!is_request_field(field.name, !request.origin.empty()));
      sink.field(field.name, field.value);
    }
    sink.text("\r\n");
  });
}

HeadProgress ResponseReader::parse(Bytes all_so_far) noexcept {
  const Bytes accepted = all_so_far.first(std::min(all_so_far.size(), bytes_max));
  while (error_ == Errc::none) {
    const Bytes rest = accepted.subspan(skipped_);
    HeadProgress progress = parser_.parse(rest);
    switch (progress.kind) {
      case HeadProgress::Kind::failed: error_ = progress.error; break;
      case HeadProgress::Kind::need_input:
        if (all_so_far.size() <= bytes_max) return {};
        error_ = Errc::response_too_long;
        break;
      case HeadProgress::Kind::complete: {
        // RFC 9110 §15.2: interim responses may precede the answer; 101 is the answer.
        const std::uint16_t status = parser_.head(rest).status;
        if (status >= 200 || status == 101) {
          progress.head_bytes += skipped_;
          return progress;
        }
        if (++interim_count_ > interim_max) error_ = Errc::response_interim;
        skipped_ += progress.head_bytes;
        parser_.reset();
        break;
      }
    }
  }
  return {HeadProgress::Kind::failed, error_, 0};
}

ResponseCheck check_response(const ResponseHead& head, const UpgradeRequest& request) noexcept {
  const Fields& fields = head.fields;
  if (head.status != 101) return {Errc::response_status, {}, false};
  // RFC 9110 §15.2: a 1xx response to HTTP/1.0 does not exist.
  if (head.version_minor < 1) return {Errc::response_malformed, {}, false};
  // RFC 6455 §4.1 asks of Upgrade to be "websocket", not to name it among others.
  const auto upgrade = fields.find("Upgrade");
  if (!upgrade || fields.count("Upgrade") != 1 || !equals_ignoring_case(*upgrade, "websocket")) {
    return {Errc::response_upgrade, {}, false};
  }
  if (!fields.lists_token("Connection", "upgrade")) return {Errc::response_connection, {}, false};

  const auto accept = fields.find("Sec-WebSocket-Accept");
  const std::array<char, 28> expected = accept_key(request.key);
  if (!accept || fields.count("Sec-WebSocket-Accept") != 1 ||
      *accept != std::string_view(expected.data(), expected.size())) {
    return {Errc::response_accept, {}, false};
  }

  ResponseCheck check;
  check.has_extensions = fields.contains(extensions_field);
  check.error = check_chosen_extensions(fields, request.extensions);
  if (check.error != Errc::none) return check;
  if (const auto chosen = fields.find(subprotocol_field)) {
    const auto match = std::find(request.subprotocols.begin(), request.subprotocols.end(), *chosen);
    if (fields.count(subprotocol_field) != 1 || match == request.subprotocols.end()) {
      check.error = Errc::response_protocol;
    } else {
      check.subprotocol = *match;
    }
  }
  return check;
}

}  // namespace hilo::ws
