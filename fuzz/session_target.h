// SPDX-License-Identifier: MIT
//
// What the two session fuzzers share. An input is one byte of choices and then a stream of frames
// as the peer might send them, with or without compression. However it is cut, the session must say
// the same, and what its slow twin says; and with a Close of our own somewhere in between it must
// at least stay true to itself. The mutator is that of frames: see mutator.h.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "fuzz/mutator.h"
#include "net/base/check.h"
#include "tests/support/reference_session.h"
#include "tests/support/session_feed.h"

namespace hilo::fuzz {

// Feeding single bytes is slow, and what longer streams do is seen in short ones.
constexpr std::size_t input_bytes_max = 1536;

using test::Transcript;
using ws::Role;

// What the session sent are frames of our role, one behind the other, and behind a Close of ours
// there are only Pongs.
inline void check_sent(std::string_view sent) {
  bool closed = false;
  while (!sent.empty()) {
    const ws::FrameHeader header = ws::parse_header(as_bytes(sent));
    HILO_CHECK(!closed || header.opcode == ws::Opcode::pong);
    HILO_CHECK(header.progress == ws::HeaderProgress::complete);
    HILO_CHECK(ws::check_header(header, {.role = Role::client}) == ws::Errc::none);
    HILO_CHECK(header.header_bytes + header.payload_bytes <= sent.size());
    closed = closed || header.opcode == ws::Opcode::close;
    sent.remove_prefix(header.header_bytes + header.payload_bytes);
  }
}

inline void run_session(Role role, const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > input_bytes_max) return;
  const std::uint8_t choices = data[0];
  const std::string stream(data + 1, data + size);
  ws::MessageLimits limits;
  if ((choices & 1) != 0) limits = {300, 0, 4, 16};
  const std::uint32_t seed = choices + static_cast<std::uint32_t>(size);
  std::optional<ws::DeflateParameters> deflate;
  if ((choices & 0x60) != 0) deflate = ws::DeflateParameters{};
  if ((choices & 0x60) == 0x20) deflate = ws::DeflateParameters{true, true, 15, 15};

  const Transcript expected = test::reference(role, limits, stream, deflate);
  for (const test::Way way : test::all_ways) {
    const test::FeedOptions options{.way = way, .seed = seed, .deflate = deflate};
    HILO_CHECK(test::feed(role, limits, stream, options) == expected);
  }
  check_sent(expected.replies);
  limits.streamed_bytes_max = limits.message_bytes_max;
  for (const test::Way way : test::all_ways) {
    const Transcript in_chunks = test::feed(
        role, limits, stream, {.way = way, .seed = seed, .deflate = deflate, .in_chunks = true});
    HILO_CHECK(in_chunks == expected);
  }

  const std::size_t close_after = 1 + (choices >> 1) % 8U;
  const Transcript closing =
      test::feed(role, limits, stream, {.close_after = close_after, .deflate = deflate});
  HILO_CHECK(closing.fault.empty());
  const test::FeedOptions in_chunks{
      .way = test::Way::chunks, .seed = seed, .close_after = close_after, .deflate = deflate};
  HILO_CHECK(test::feed(role, limits, stream, in_chunks) == closing);
  check_sent(closing.replies);
}

inline std::size_t mutate_session(Role role, std::uint8_t* data, std::size_t size,
                                  std::size_t size_max, unsigned seed) {
  return mutate_behind(1, data, size, std::min(size_max, input_bytes_max), seed,
                       [&](std::string_view stream, std::mt19937& random) {
                         return mutate_stream(role, stream, random);
                       });
}

}  // namespace hilo::fuzz
