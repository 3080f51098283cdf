// SPDX-License-Identifier: MIT
//
// What the two session fuzzers share. An input is one byte of choices and then a stream of frames
// as the peer might send them, with or without compression. However it is cut, the session must say
// the same, and what its slow twin says; and with a Close of our own somewhere in between it must
// at least stay true to itself.
//
// The mutator knows frames: it sets the mask bit and the length right, so that mutations get past
// the header, and it mutates payloads under a key of zeros, so that UTF-8 and close codes are
// found.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/check.h"
#include "tests/support/reference_session.h"
#include "tests/support/session_feed.h"

// Only libFuzzer has it; a replay does without.
extern "C" [[gnu::weak]] std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size,
                                                      std::size_t size_max);

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

struct Frame {
  std::uint8_t first;
  std::string payload;
};

// Takes a stream apart as if every mask bit and length were right.
inline std::vector<Frame> split_frames(Role role, std::string_view stream) {
  std::vector<Frame> frames;
  while (!stream.empty()) {
    std::string copy(stream.substr(0, ws::frame_header_bytes_max));
    if (copy.size() > 1) {
      const unsigned mask_bit = role == Role::server ? 0x80 : 0;
      copy[1] = test::as_char((static_cast<std::uint8_t>(copy[1]) & 0x7FU) | mask_bit);
    }
    const ws::FrameHeader header = ws::parse_header(as_bytes(copy));
    stream.remove_prefix(
        std::min<std::size_t>(stream.size(), header.header_bytes == 0 ? 1 : header.header_bytes));
    const std::string_view payload = stream.substr(0, header.payload_bytes);
    stream.remove_prefix(payload.size());
    frames.push_back({static_cast<std::uint8_t>(copy[0]), test::masked(payload, header.key)});
  }
  return frames;
}

// A frame as it is likely to matter.
inline Frame random_frame(std::mt19937& random) {
  constexpr std::array<std::uint8_t, 12> firsts = {0x81, 0x82, 0x01, 0x02, 0x00, 0x80,
                                                   0x88, 0x89, 0x8A, 0xC1, 0xC2, 0x41};
  constexpr std::array<std::string_view, 9> payloads = {
      "",
      "a",
      "\x03\xE8",
      "\xE2\x82",
      "\xAC",
      "\xF0\x9F\x98\x80",
      // "Hello" deflated, the same out of the window, and stored.
      {"\xF2\x48\xCD\xC9\xC9\x07\0", 7},
      {"\xF2\0\x11\0\0", 5},
      {"\0\5\0\xFA\xFFHello\0", 11}};
  return {firsts[random() % firsts.size()], std::string(payloads[random() % payloads.size()])};
}

inline void mutate_frames(std::vector<Frame>& frames, std::mt19937& random) {
  const std::size_t at = random() % (frames.size() + 1);
  const auto place = frames.begin() + static_cast<std::ptrdiff_t>(at);
  if (frames.empty() || random() % 3 == 0 || at == frames.size()) {
    frames.insert(place, random_frame(random));
    return;
  }
  Frame& frame = *place;
  switch (random() % 6) {
    case 0: frames.erase(place); return;
    case 1: frames.push_back(frame); return;
    case 2: frame.first = random_frame(random).first; return;
    case 3: std::swap(frame, frames[random() % frames.size()]); return;
    case 4: frame.payload.resize(random() % 300, 'x'); return;
    default: break;
  }
  std::string& payload = frame.payload;
  const std::size_t size = payload.size();
  payload.resize(size + 16);
  payload.resize(
      LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(payload.data()), size, payload.size()));
}

inline std::size_t mutate_session(Role role, std::uint8_t* data, std::size_t size,
                                  std::size_t size_max, unsigned seed) {
  if (LLVMFuzzerMutate == nullptr) return size;
  std::mt19937 random(seed);
  // Faults in the headers are the plain mutator's.
  if (size < 2 || random() % 4 == 0) return LLVMFuzzerMutate(data, size, size_max);
  std::vector<Frame> frames =
      split_frames(role, {reinterpret_cast<const char*>(data) + 1, size - 1});
  mutate_frames(frames, random);
  std::string stream(1, test::as_char(random() % 8 == 0 ? random() : data[0]));
  const ws::MaskKey key = random() % 2 == 0 ? ws::MaskKey{} : test::example_key;
  for (const Frame& frame : frames) {
    stream += role == Role::server ? test::masked_frame(frame.first, frame.payload, key)
                                   : test::plain_frame(frame.first, frame.payload);
  }
  stream.resize(std::min({stream.size(), size_max, input_bytes_max}));
  std::copy(stream.begin(), stream.end(), data);
  return stream.size();
}

}  // namespace hilo::fuzz
