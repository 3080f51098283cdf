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

#include "ws/core/deflate_options.h"
#include "ws/core/error.h"
#include "ws/core/http_fields.h"

namespace hilo::ws {

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
