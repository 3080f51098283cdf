// SPDX-License-Identifier: MIT

#include "tools/conform/frame.h"

#include <algorithm>

namespace hilo::tools::conform {
namespace {

// No peer has reason to send us more in one frame; it would be its fault, not our memory.
constexpr std::uint64_t readable_bytes_max = std::uint64_t{64} << 20;

Octets masked_with(std::uint32_t key, std::string_view payload) {
  const Octets bytes = big_endian(key, 4);
  Octets out{payload};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ bytes[i % 4]);
  return out;
}

std::uint64_t read_big_endian(std::string_view octets) {
  std::uint64_t value = 0;
  for (const char octet : octets) value = value << 8 | static_cast<std::uint8_t>(octet);
  return value;
}

std::string flags(bool final, std::uint8_t rsv) {
  std::string text = final ? "" : " fin=0";
  if (rsv != 0) text += " rsv=" + std::to_string(rsv);
  return text;
}

std::string close_text(std::string_view body) {
  if (body.size() < 2) return body.empty() ? " (no code)" : " hex " + to_hex(body);
  std::string text = " " + std::to_string(read_big_endian(body.substr(0, 2)));
  if (body.size() > 2) text += " " + quoted(body.substr(2));
  return text;
}

// What is wrong with a header, whatever came before it.
std::string check(const SeenFrame& frame, std::uint64_t length, std::size_t length_bytes,
                  bool expects_masked) {
  const bool control = frame.opcode >= 8;
  if ((frame.opcode & 7) > 2) return "a reserved opcode (§5.2)";
  if (frame.masked != expects_masked) {
    return expects_masked ? "a client's frame is not masked (§5.1)"
                          : "a server's frame is masked (§5.1)";
  }
  if (control && !frame.final) return "a fragmented control frame (§5.5)";
  if (control && length > 125) return "a control frame of more than 125 bytes (§5.5)";
  if (length_bytes == 2 && length < 126) return "a length that is not minimal (§5.2)";
  if (length_bytes == 8 && length < 65536) return "a length that is not minimal (§5.2)";
  if (length >> 63 != 0) return "a length with its top bit set (§5.2)";
  return {};
}

}  // namespace

std::string opcode_name(std::uint8_t opcode) {
  switch (opcode) {
    case op_continuation: return "continuation";
    case op_text: return "text";
    case op_binary: return "binary";
    case op_close: return "close";
    case op_ping: return "ping";
    case op_pong: return "pong";
    default: return "opcode " + std::to_string(opcode);
  }
}

Octets encode(const Frame& frame, bool masked) {
  const bool with_mask = masked != (frame.masking == Masking::wrong);
  const std::uint64_t length = frame.declared.value_or(frame.payload.size());
  Octets out;
  out.push_back(static_cast<char>((frame.final ? 0x80 : 0) | frame.rsv << 4 | frame.opcode));
  const int mask_bit = with_mask ? 0x80 : 0;
  if (frame.length == Length::in_64_bits || length > 0xFFFF) {
    out.push_back(static_cast<char>(mask_bit | 127));
    out += big_endian(length, 8);
  } else if (frame.length == Length::in_16_bits || length > 125) {
    out.push_back(static_cast<char>(mask_bit | 126));
    out += big_endian(length, 2);
  } else {
    out.push_back(static_cast<char>(mask_bit | static_cast<int>(length)));
  }
  if (!with_mask) return out + frame.payload;
  return out + big_endian(frame.key, 4) + masked_with(frame.key, frame.payload);
}

std::string describe(const Frame& frame) {
  std::string text = opcode_name(frame.opcode) + flags(frame.final, frame.rsv);
  if (frame.masking == Masking::wrong) text += " mask=wrong";
  if (frame.length == Length::in_16_bits) text += " length=16bit";
  if (frame.length == Length::in_64_bits) text += " length=64bit";
  if (frame.declared) text += " declares=" + std::to_string(*frame.declared);
  if (frame.opcode == op_close) return text + close_text(frame.payload);
  return text + " " + quoted(frame.payload);
}

std::string describe(const SeenFrame& frame) {
  std::string text = opcode_name(frame.opcode) + flags(frame.final, frame.rsv);
  text += frame.opcode == op_close ? close_text(frame.payload) : " " + quoted(frame.payload);
  if (!frame.wrong.empty()) text += "  <-- " + frame.wrong;
  return text;
}

std::optional<SeenFrame> FrameReader::next() {
  const std::string_view all = std::string_view(buffer_).substr(at_);
  if (stuck_ || all.size() < 2) return std::nullopt;
  const auto first = static_cast<std::uint8_t>(all[0]);
  const auto second = static_cast<std::uint8_t>(all[1]);
  const std::size_t length_bytes = (second & 127) == 126 ? 2 : (second & 127) == 127 ? 8 : 0;
  const bool masked = (second & 0x80) != 0;
  const std::size_t header_bytes = 2 + length_bytes + (masked ? 4 : 0);
  if (all.size() < header_bytes) return std::nullopt;
  const std::uint64_t length =
      length_bytes == 0 ? second & 127U : read_big_endian(all.substr(2, length_bytes));

  SeenFrame frame{.opcode = static_cast<std::uint8_t>(first & 15),
                  .final = (first & 0x80) != 0,
                  .rsv = static_cast<std::uint8_t>(first >> 4 & 7),
                  .masked = masked,
                  .key = 0,
                  .payload = {},
                  .wrong = {}};
  frame.wrong = check(frame, length, length_bytes, expects_masked_);
  if (masked) {
    frame.key = static_cast<std::uint32_t>(read_big_endian(all.substr(header_bytes - 4, 4)));
  }
  if (length > readable_bytes_max) {
    if (frame.wrong.empty()) frame.wrong = "a frame far larger than anything that was asked for";
    stuck_ = true;
    return frame;
  }
  if (all.size() - header_bytes < length) return std::nullopt;
  const std::string_view payload = all.substr(header_bytes, static_cast<std::size_t>(length));
  frame.payload = masked ? masked_with(frame.key, payload) : Octets(payload);
  at_ += header_bytes + static_cast<std::size_t>(length);
  if (at_ == buffer_.size()) {
    buffer_.clear();
    at_ = 0;
  }
  return frame;
}

}  // namespace hilo::tools::conform
