// SPDX-License-Identifier: MIT

#include "tools/explain/frame_builder.h"

#include <array>
#include <charconv>
#include <utility>

#include "tools/hilo/values.h"

namespace hilo::tools::explain {
namespace {

constexpr std::array<std::pair<std::string_view, ws::Opcode>, 6> opcode_names = {
    {{"continuation", ws::Opcode::continuation},
     {"text", ws::Opcode::text},
     {"binary", ws::Opcode::binary},
     {"close", ws::Opcode::close},
     {"ping", ws::Opcode::ping},
     {"pong", ws::Opcode::pong}}};

// "1000 bye": the code in two bytes, and the reason.
std::optional<std::vector<std::uint8_t>> close_payload(std::string_view text) {
  if (text.empty()) return std::vector<std::uint8_t>{};
  std::uint16_t code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  if (error != std::errc{}) return std::nullopt;
  std::vector<std::uint8_t> payload = {static_cast<std::uint8_t>(code >> 8),
                                       static_cast<std::uint8_t>(code & 0xFF)};
  std::string_view reason = text.substr(static_cast<std::size_t>(end - text.data()));
  if (!reason.empty()) reason.remove_prefix(1);
  payload.insert(payload.end(), reason.begin(), reason.end());
  return payload;
}

}  // namespace

std::optional<ws::Opcode> find_opcode(std::string_view name) noexcept {
  for (const auto& [each, opcode] : opcode_names) {
    if (each == name) return opcode;
  }
  return std::nullopt;
}

std::string_view name_of(ws::Opcode opcode) noexcept {
  for (const auto& [name, each] : opcode_names) {
    if (each == opcode) return name;
  }
  return "reserved";
}

std::optional<std::vector<std::uint8_t>> build_payload(ws::Opcode opcode, std::string_view text) {
  if (opcode == ws::Opcode::close) return close_payload(text);
  if (opcode != ws::Opcode::binary) return std::vector<std::uint8_t>(text.begin(), text.end());
  Result<std::vector<std::uint8_t>> bytes = parse_hex(text);
  return bytes ? std::optional(std::move(*bytes)) : std::nullopt;
}

std::string_view payload_wanted(ws::Opcode opcode) noexcept {
  return opcode == ws::Opcode::close ? "a Close is a code and a reason: '1000 bye'"
                                     : "binary payload is wanted in hexadecimal";
}

std::vector<std::uint8_t> build_frame(ws::Opcode opcode, bool final,
                                      std::vector<std::uint8_t> payload, const ws::MaskKey* key) {
  std::vector<std::uint8_t> frame(ws::frame_header_bytes_max);
  frame.resize(ws::write_header(frame.data(), opcode, final, payload.size(), key));
  if (key != nullptr) ws::mask(payload, *key);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

}  // namespace hilo::tools::explain
