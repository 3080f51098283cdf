// SPDX-License-Identifier: MIT

#include "ws/socketio/packet.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace hilo::socketio {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

std::string_view take_digits(std::string_view& text) noexcept {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto count = static_cast<std::size_t>(end - text.begin());
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

// False if it does not fit.
template <class Number>
bool to_number(std::string_view digits, Number& into) noexcept {
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), into);
  return result.ec == std::errc{};
}

Errc take_attachments(std::string_view& text, const PacketLimits& limits,
                      std::uint32_t& into) noexcept {
  const std::string_view digits = take_digits(text);
  if (digits.empty() || !text.starts_with('-')) return Errc::packet_attachments;
  text.remove_prefix(1);
  const bool fits = to_number(digits, into) && into <= limits.attachments_max;
  return fits ? Errc::none : Errc::attachments_too_many;
}

Errc take_namespace(std::string_view& text, const PacketLimits& limits, PacketHead& head) noexcept {
  if (!text.starts_with('/')) return Errc::none;
  // The comma may be missing if nothing follows: socket.io-client-cpp leaves it out.
  const std::size_t comma = std::min(text.find(','), text.size());
  const std::string_view name = text.substr(0, comma);
  text.remove_prefix(std::min(comma + 1, text.size()));
  return set_namespace(name, limits, head);
}

}  // namespace

Errc set_namespace(std::string_view name, const PacketLimits& limits, PacketHead& into) noexcept {
  if (!name.starts_with('/') || name.size() > limits.namespace_bytes_max) {
    return Errc::packet_namespace;
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(name.begin(), name.end(), is_control)) return Errc::packet_namespace;
  if (const std::size_t mark = name.find('?'); mark != std::string_view::npos) {
    into.query = name.substr(mark + 1);
    name = name.substr(0, mark);
  }
  into.nsp = name;
  return Errc::none;
}

Errc split_packet(std::string_view text, const PacketLimits& limits, PacketHead& into) noexcept {
  into = {};
  if (text.empty() || text[0] < '0' || text[0] > '6') return Errc::packet_type;
  into.type = static_cast<PacketType>(text[0] - '0');
  text.remove_prefix(1);
  if (is_binary(into.type)) {
    if (const Errc error = take_attachments(text, limits, into.attachments); error != Errc::none) {
      return error;
    }
  }
  if (const Errc error = take_namespace(text, limits, into); error != Errc::none) return error;
  if (const std::string_view digits = take_digits(text); !digits.empty()) {
    std::uint64_t id = 0;
    if (!to_number(digits, id) || id > id_max) return Errc::packet_id;
    into.id = id;
  }
  into.json = text;
  return Errc::none;
}

void write_head(const PacketHead& head, std::string& out) {
  out += static_cast<char>('0' + static_cast<int>(head.type));
  std::array<char, 20> digits;
  const auto write_number = [&](std::uint64_t number) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
  };
  if (is_binary(head.type)) {
    write_number(head.attachments);
    out += '-';
  }
  if (head.nsp != "/") {
    out += head.nsp;
    out += ',';
  }
  if (head.id) write_number(*head.id);
}

bool is_reserved_event(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 6> reserved = {
      "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"};
  return std::find(reserved.begin(), reserved.end(), name) != reserved.end();
}

}  // namespace hilo::socketio
