// SPDX-License-Identifier: MIT

#include "tools/broken/speech.h"

#include <array>
#include <utility>

#include "net/base/buffer.h"
#include "net/base/pool.h"
#include "ws/core/frame.h"

namespace hilo::tools::broken {
namespace {

using ws::Opcode;

constexpr std::uint8_t text_opcode = 0x1;
constexpr std::uint8_t continuation_opcode = 0x0;
constexpr std::uint8_t reserved_opcode = 0x3;
constexpr std::uint8_t rsv3 = 1;
constexpr ws::MaskKey mask_key = {0x11, 0x22, 0x33, 0x44};
constexpr std::string_view no_utf8 = "\xff";

std::uint8_t number(Opcode opcode) {
  return static_cast<std::uint8_t>(opcode);
}

std::string big_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string close_body(std::uint16_t code, std::string_view reason) {
  return big_endian(code, 2) + std::string(reason);
}

}  // namespace

void Speech::message(Opcode opcode, std::string_view text, ws::Compression* compression) {
  Pool pool;
  Buffer squeezed{pool};
  std::string payload{text};
  Frame frame{.opcode = number(opcode)};
  if (compression != nullptr && compression->shrink(as_bytes(text), squeezed)) {
    payload = as_text(squeezed.readable());
    frame.rsv = fault_ == Fault::compresses_without_bit ? 0 : ws::rsv1;
    if (fault_ == Fault::compresses_with_bit_twice) {
      return say_in_two(frame, continuation_opcode, ws::rsv1, payload);
    }
  }
  if (fault_ == Fault::sends_rsv) frame.rsv |= rsv3;
  if (fault_ == Fault::sends_reserved_opcode) frame.opcode = reserved_opcode;
  if (fault_ == Fault::sends_orphan) frame.opcode = continuation_opcode;
  if (fault_ == Fault::sends_no_final) frame.final = false;
  if (fault_ == Fault::sends_binary_for_text) frame.opcode = number(Opcode::binary);
  if (fault_ == Fault::sends_bad_utf8 && opcode == Opcode::text) payload += no_utf8;
  if (fault_ == Fault::sends_new_start) return say_in_two(frame, text_opcode, 0, payload);
  say(frame, payload);
  if (fault_ != Fault::sends_half_a_frame) return;
  out_.resize(out_.size() - (payload.size() + 1) / 2);
  broke_off_ = true;
}

void Speech::pong(std::string_view payload) {
  say_control(Opcode::pong, fault_ == Fault::other_pong ? "pong" : payload);
}

void Speech::close(std::uint16_t code) {
  if (fault_ == Fault::other_close_code) code = 1000;
  say_control(Opcode::close, code == 0 ? std::string() : close_body(code, ""));
  if (fault_ == Fault::closes_twice) say_control(Opcode::close, close_body(1000, ""));
  if (fault_ == Fault::sends_after_close) say({.opcode = text_opcode}, "late");
}

void Speech::fail(std::uint16_t code) {
  std::string body = close_body(code, "");
  if (fault_ == Fault::closes_with_1005) body = close_body(1005, "");
  if (fault_ == Fault::closes_with_1011) body = close_body(1011, "");
  if (fault_ == Fault::closes_with_one_byte) body.resize(1);
  if (fault_ == Fault::closes_with_bad_reason) body += no_utf8;
  if (fault_ == Fault::sends_long_control) body += std::string(200, 'r');
  if (fault_ != Fault::closes_silently) say_control(Opcode::close, body);
}

std::string Speech::take() {
  return std::exchange(out_, {});
}

void Speech::say_control(Opcode opcode, std::string_view payload) {
  say({.opcode = number(opcode), .final = fault_ != Fault::sends_fragmented_control}, payload);
}

void Speech::say_in_two(Frame first, std::uint8_t second_opcode, std::uint8_t second_rsv,
                        std::string_view payload) {
  const std::size_t half = payload.size() / 2;
  first.final = false;
  say(first, payload.substr(0, half));
  say({.opcode = second_opcode, .final = true, .rsv = second_rsv}, payload.substr(half));
}

void Speech::say(Frame frame, std::string_view payload) {
  std::array<std::uint8_t, ws::frame_header_bytes_max> header;
  const ws::MaskKey* key = fault_ == Fault::masks ? &mask_key : nullptr;
  const std::uint64_t size = payload.size();
  std::size_t bytes =
      ws::write_header(header.data(), static_cast<Opcode>(frame.opcode), frame.final, size, key);
  std::string written{as_text(Bytes{header.data(), bytes})};
  if (fault_ == Fault::sends_long_form) written = written[0] + ('\x7f' + big_endian(size, 8));
  if (fault_ == Fault::sends_16_bits && size > 0xFFFF) {
    written = written[0] + ('\x7e' + big_endian(size & 0xFFFF, 2));
  }
  written[0] = static_cast<char>(static_cast<std::uint8_t>(written[0]) | frame.rsv << 4);
  std::string copy{payload};
  if (key != nullptr) {
    for (std::size_t i = 0; i < copy.size(); ++i) {
      copy[i] = static_cast<char>(static_cast<std::uint8_t>(copy[i]) ^ mask_key[i % 4]);
    }
  }
  out_ += written + copy;
}

}  // namespace hilo::tools::broken
