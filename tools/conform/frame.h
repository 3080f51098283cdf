// SPDX-License-Identifier: MIT
//
// Frames as the tester writes them, right or wrong on purpose, and as it reads them, strictly
// (RFC 6455 §5.2).
//
// A Frame says what is to be on the wire, lies included: a length that is not the payload's, a mask
// where none may be. FrameReader cuts what a peer sent into frames, and says of each what is wrong
// with it; what a frame means within its message is for PeerReader.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tools/conform/octets.h"

namespace hilo::tools::conform {

inline constexpr std::uint8_t op_continuation = 0x0;
inline constexpr std::uint8_t op_text = 0x1;
inline constexpr std::uint8_t op_binary = 0x2;
inline constexpr std::uint8_t op_close = 0x8;
inline constexpr std::uint8_t op_ping = 0x9;
inline constexpr std::uint8_t op_pong = 0xA;

std::string opcode_name(std::uint8_t opcode);

enum class Length : std::uint8_t { minimal, in_16_bits, in_64_bits };
enum class Masking : std::uint8_t {
  as_due,
  wrong
};  // wrong: a client's unmasked, a server's masked

struct Frame {
  std::uint8_t opcode = op_text;
  bool final = true;
  std::uint8_t rsv = 0;  // 4: RSV1, 2: RSV2, 1: RSV3
  Octets payload;
  Length length = Length::minimal;
  std::optional<std::uint64_t> declared;  // a length other than the payload's
  Masking masking = Masking::as_due;
  std::uint32_t key = 0x37FA213D;  // fixed, so that a log can be compared with the last one
};

// `masked`: whether a frame of ours is to be masked, that is, whether we are the client.
Octets encode(const Frame& frame, bool masked);
// "text fin=0 \"Hel\"", for reports.
std::string describe(const Frame& frame);

struct SeenFrame {
  std::uint8_t opcode = 0;
  bool final = true;
  std::uint8_t rsv = 0;
  bool masked = false;
  std::uint32_t key = 0;
  Octets payload;     // unmasked
  std::string wrong;  // the rule it breaks by itself, or empty
};
std::string describe(const SeenFrame& frame);

class FrameReader {
 public:
  // `expects_masked`: whether the peer is a client.
  explicit FrameReader(bool expects_masked) : expects_masked_(expects_masked) {}

  void feed(std::string_view octets) { buffer_ += octets; }
  // The next complete frame. A frame that cannot be read on from is returned as far as it got, with
  // `wrong` set, and is the last.
  std::optional<SeenFrame> next();
  bool in_frame() const { return buffer_.size() > at_ && !stuck_; }

 private:
  bool expects_masked_;
  bool stuck_ = false;
  Octets buffer_;
  std::size_t at_ = 0;
};

}  // namespace hilo::tools::conform
