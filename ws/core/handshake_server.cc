// SPDX-License-Identifier: MIT

#include <array>

#include "ws/core/accept_key.h"
#include "ws/core/extension.h"
#include "ws/core/handshake.h"
#include "ws/core/http_sink.h"
#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

// RFC 6455 §4.1: the version's ABNF, 0 to 255 without leading zeros.
bool is_version(std::string_view text) noexcept {
  if (text.empty() || text.size() > 3 || !all_in(text, ByteClass::digit)) return false;
  if (text.size() > 1 && text.front() == '0') return false;
  return text.size() < 3 || text <= "255";
}

Errc check_version(Fields fields) noexcept {
  const auto version = fields.find_only("Sec-WebSocket-Version");
  if (version == "13") return Errc::none;
  const bool is_good = version ? is_version(*version) : !fields.contains("Sec-WebSocket-Version");
  return is_good ? Errc::upgrade_version : Errc::upgrade_version_malformed;
}

// RFC 6455 §4.1: one or more distinct tokens.
Errc check_subprotocols(Fields fields) noexcept {
  std::array<std::string_view, subprotocols_max> seen;
  std::size_t count = 0;
  FieldListReader reader(fields, subprotocol_field);
  while (const auto member = reader.next()) {
    if (count == seen.size() || !is_token(*member)) return Errc::upgrade_protocol_malformed;
    for (const std::string_view earlier : std::span(seen).first(count)) {
      if (earlier == *member) return Errc::upgrade_protocol_malformed;
    }
    seen[count++] = *member;
  }
  const bool is_empty = count == 0 && fields.contains(subprotocol_field);
  return is_empty ? Errc::upgrade_protocol_malformed : Errc::none;
}

Errc check_all(const RequestHead& head, std::string_view key) noexcept {
  const Fields& fields = head.fields;
  if (head.method != Method::get) return Errc::upgrade_method;
  if (head.version_minor < 1) return Errc::http_version;
  if (fields.contains("Sec-WebSocket-Key1") || fields.contains("Sec-WebSocket-Key2")) {
    return Errc::upgrade_hixie76;
  }
  if (!fields.lists_token("Upgrade", "websocket")) return Errc::upgrade_header;
  if (!fields.lists_token("Connection", "upgrade")) return Errc::upgrade_connection;
  // A body here would be read as frames by us and as a body by a proxy, or the other way round.
  if (head.has_body_fields()) return Errc::http_framing;
  if (const Errc error = check_version(fields); error != Errc::none) return error;
  if (!is_valid_key(key)) return Errc::upgrade_key;
  if (const Errc error = check_subprotocols(fields); error != Errc::none) return error;
  return check_extensions(fields);
}

bool is_answer_field(std::string_view name) noexcept {
  return equals_ignoring_case(name, "Upgrade") || equals_ignoring_case(name, "Connection") ||
         is_framing_field(name) || starts_with_ignoring_case(name, "Sec-WebSocket-");
}

}  // namespace

bool wants_websocket(const RequestHead& head) noexcept {
  FieldListReader reader(head.fields, "Upgrade");
  auto member = reader.next();
  if (!member) return head.fields.contains("Upgrade");
  for (; member; member = reader.next()) {
    if (!equals_ignoring_case(*member, "h2c")) return true;
  }
  return false;
}

UpgradeCheck check_upgrade(const RequestHead& head) noexcept {
  UpgradeCheck check;
  // RFC 6455 §11.3.1: not more than once.
  const std::string_view key =
      head.fields.find_only("Sec-WebSocket-Key").value_or(std::string_view());
  check.error = check_all(head, key);
  if (check.error != Errc::none) return check;
  check.key = key;
  check.origin = head.fields.find("Origin").value_or(std::string_view());
  check.subprotocols = FieldListReader(head.fields, subprotocol_field);
  check.has_extensions = head.fields.contains(extensions_field);
  return check;
}

std::string_view choose_subprotocol(FieldListReader offered,
                                    std::span<const std::string_view> supported) noexcept {
  while (const auto member = offered.next()) {
    for (const std::string_view candidate : supported) {
      if (candidate == *member) return candidate;
    }
  }
  return {};
}

Status write_upgrade_response(Buffer& out, const UpgradeResponse& response) noexcept {
  if (!is_valid_key(response.key)) return Errc::argument;
  const std::array<char, 28> accept = accept_key(response.key);
  return emit_head(out, [&](HeadSink& sink) {
    sink.text(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: ");
    sink.text({accept.data(), accept.size()});
    sink.text("\r\n");
    if (!response.subprotocol.empty()) {
      sink.require(is_token(response.subprotocol));
      sink.field(subprotocol_field, response.subprotocol);
    }
    if (!response.extensions.empty()) sink.field(extensions_field, response.extensions);
    for (const FieldView& field : response.fields) {
      sink.require(!is_answer_field(field.name));
      sink.field(field.name, field.value);
    }
    sink.text("\r\n");
  });
}

}  // namespace hilo::ws
