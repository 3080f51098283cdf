// SPDX-License-Identifier: MIT
//
// What client and server agree on about permessage-deflate (RFC 7692 §7.1): pure functions from the
// extension lists of the two heads to DeflateParameters.
//
//   server  accept_deflate: the first offer that can be had, and the text that accepts it
//   client  deflate_offer -> check_deflate_answer
//
// An offer that is malformed or cannot be had is declined by passing over it; without any other the
// connection goes on uncompressed (§5.1). An answer that is malformed, or not covered by the offer,
// fails the connection (§5.2).

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ws/core/error.h"
#include "ws/core/http_fields.h"

namespace hilo::ws {

// What one side is ready to do, and how. The same for both roles; "server" and "client" are what
// they are in the RFC's parameters, whoever we are.
struct DeflateOptions {
  bool enabled = false;
  // Shorter messages go out as they are: compression costs more than it saves.
  std::size_t threshold_bytes = 1024;
  // No context takeover (§7.1.1): each message stands for itself, and all connections of a loop
  // share one context per direction. False in a direction lets connections that agree have a
  // context of their own there, which compresses small messages of a kind better, and costs memory
  // for the life of the connection: see deflate.h.
  bool server_no_context_takeover = true;
  bool client_no_context_takeover = true;
  // The largest LZ77 window (§7.1.2), as powers of two from 9 to 15; what is beyond counts as the
  // nearest of these. Smaller ones cost less memory and compress less.
  std::uint8_t server_max_window_bits = 15;
  std::uint8_t client_max_window_bits = 15;
  // zlib's: 1 is fastest and 9 smallest; and how much memory goes into finding matches, 1 to 9.
  std::uint8_t level = 6;
  std::uint8_t memory_level = 8;
};

// What both sides have agreed on.
struct DeflateParameters {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::uint8_t server_window_bits = 15;  // 8 to 15
  std::uint8_t client_window_bits = 15;
  friend bool operator==(const DeflateParameters&, const DeflateParameters&) = default;
};

// One member of Sec-WebSocket-Extensions, written here.
class DeflateText {
 public:
  void add(std::string_view part) noexcept;
  void add_bits(std::string_view name, std::uint8_t bits) noexcept;
  std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 160> text_;  // all four parameters are 151 bytes
  std::size_t size_ = 0;
};

struct DeflateAnswer {
  DeflateParameters agreed;
  DeflateText text;  // for the 101
};

// Null: nothing is agreed on, and the 101 has no word about it. `fields` must have passed
// check_extensions(). Our own window is never one of 8 bits, which zlib cannot do, so an offer that
// demands it is declined.
std::optional<DeflateAnswer> accept_deflate(Fields fields, const DeflateOptions& options) noexcept;

// Empty unless enabled.
DeflateText deflate_offer(const DeflateOptions& options) noexcept;

struct DeflateCheck {
  Errc error = Errc::none;  // or response_extension
  bool is_agreed = false;   // the server has chosen it
  DeflateParameters agreed;
};

// Judges the server's answer to deflate_offer(options). `fields` must have passed check_response():
// what is chosen was offered, and only once.
DeflateCheck check_deflate_answer(Fields fields, const DeflateOptions& options) noexcept;

}  // namespace hilo::ws
