// SPDX-License-Identifier: MIT
//
// What the mutators of the targets share. libFuzzer's own knows bytes; these know what the bytes
// are made of, so that most of what they try gets past the first check:
//
//   pieces   whole frames, lines or steps are put in, doubled, left out and exchanged
//   frames   mask bit and length are set right, and payloads are changed under a key of zeros, so
//            that UTF-8 and close codes are found
//   heads    field lines stay lines, and each of them ends as it should
//
// A '@' in an answer stands for the right Sec-WebSocket-Accept: targets put it in by
// with_accept(). One input in four is left to the plain mutator, whose are faults in all of this.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/frames.h"
#include "ws/core/accept_key.h"
#include "ws/core/frame.h"

// Only libFuzzer has it; a replay does without.
extern "C" [[gnu::weak]] std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size,
                                                      std::size_t size_max);

namespace hilo::fuzz {

inline void mutate_bytes(std::string& bytes, std::size_t growth_max = 16) {
  const std::size_t size = bytes.size();
  bytes.resize(size + growth_max);
  bytes.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(bytes.data()), size, bytes.size()));
}

template <std::size_t N>
std::string_view any_of(const std::array<std::string_view, N>& all, std::mt19937& random) {
  return all[random() % N];
}

// make() draws a new piece, change(piece) alters one.
template <class Piece, class Make, class Change>
void mutate_pieces(std::vector<Piece>& pieces, std::mt19937& random, Make&& make, Change&& change) {
  const std::size_t at = random() % (pieces.size() + 1);
  const auto place = pieces.begin() + static_cast<std::ptrdiff_t>(at);
  if (at == pieces.size() || random() % 3 == 0) {
    pieces.insert(place, make());
    return;
  }
  switch (random() % 6) {
    case 0: pieces.erase(place); return;
    case 1: pieces.push_back(*place); return;
    case 2: std::swap(*place, pieces[random() % pieces.size()]); return;
    default: change(*place); return;
  }
}

// What a mutator returns: `text` where the input was, as far as there is room.
inline std::size_t give_back(std::string_view text, std::uint8_t* data, std::size_t size_max) {
  text = text.substr(0, size_max);
  std::copy(text.begin(), text.end(), data);
  return text.size();
}

// The mutator of a target whose inputs are `front` bytes of choices and a text behind them, which
// mutate(text, random) makes another one of.
template <class Mutate>
std::size_t mutate_behind(std::size_t front, std::uint8_t* data, std::size_t size,
                          std::size_t size_max, unsigned seed, Mutate&& mutate) {
  if (LLVMFuzzerMutate == nullptr) return size;
  std::mt19937 random(seed);
  if (size <= front || random() % 4 == 0) return LLVMFuzzerMutate(data, size, size_max);
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  std::string changed(input.substr(0, front));
  if (random() % 8 == 0) changed[random() % front] = test::as_char(random());
  changed += mutate(input.substr(front), random);
  return give_back(changed, data, size_max);
}

// --- frames --------------------------------------------------------------------------------------

struct Frame {
  std::uint8_t first;
  std::string payload;
};

// Takes a stream apart as if every mask bit and length were right. `role` is whose peer sent it.
inline std::vector<Frame> split_frames(ws::Role role, std::string_view stream) {
  std::vector<Frame> frames;
  while (!stream.empty()) {
    std::string copy(stream.substr(0, ws::frame_header_bytes_max));
    if (copy.size() > 1) {
      const unsigned mask_bit = role == ws::Role::server ? 0x80 : 0;
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

inline std::string join_frames(ws::Role role, std::span<const Frame> frames, ws::MaskKey key) {
  std::string stream;
  for (const Frame& frame : frames) {
    stream += role == ws::Role::server ? test::masked_frame(frame.first, frame.payload, key)
                                       : test::plain_frame(frame.first, frame.payload);
  }
  return stream;
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
  return {firsts[random() % firsts.size()], std::string(any_of(payloads, random))};
}

inline std::string mutate_stream(ws::Role role, std::string_view stream, std::mt19937& random) {
  std::vector<Frame> frames = split_frames(role, stream);
  mutate_pieces(
      frames, random, [&] { return random_frame(random); },
      [&](Frame& frame) {
        switch (random() % 3) {
          case 0: frame.first = random_frame(random).first; break;
          case 1: frame.payload.resize(random() % 300, 'x'); break;
          default: mutate_bytes(frame.payload); break;
        }
      });
  return join_frames(role, frames, random() % 2 == 0 ? ws::MaskKey{} : test::example_key);
}

// --- heads ---------------------------------------------------------------------------------------

inline std::string with_accept(std::string text, std::string_view key) {
  const std::array<char, 28> accept = ws::accept_key(key);
  if (const std::size_t at = text.find('@'); at != std::string::npos) {
    text.replace(at, 1, accept.data(), accept.size());
  }
  return text;
}

// What a mutator of heads knows: first lines, and fields.
struct HeadWords {
  std::span<const std::string_view> first_lines;
  std::span<const std::string_view> fields;
};

inline constexpr std::array<std::string_view, 6> request_lines{
    "GET / HTTP/1.1",      "GET /a?b=c HTTP/1.1",
    "POST /form HTTP/1.1", "GET http://a.test/ HTTP/1.1",
    "OPTIONS * HTTP/1.1",  "GET / HTTP/1.0"};
inline constexpr std::array<std::string_view, 16> request_fields{
    "Host: a.test",
    "Host: [::1]:80",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Version: 8, 13",
    "Sec-WebSocket-Protocol: chat, superchat",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    "Origin: http://a.test",
    "Origin: null",
    "Content-Length: 5",
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
    " folded"};
inline constexpr std::array<std::string_view, 6> status_lines{"HTTP/1.1 101 Switching Protocols",
                                                              "HTTP/1.1 200 OK",
                                                              "HTTP/1.1 302 Found",
                                                              "HTTP/1.1 407 No",
                                                              "HTTP/1.0 200 OK",
                                                              "HTTP/1.1 100 Continue"};
inline constexpr std::array<std::string_view, 14> answer_fields{
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Connection: close",
    "Sec-WebSocket-Accept: @",
    "Sec-WebSocket-Protocol: chat",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10",
    "Location: ws://b.test/c",
    "Location: /d?e#f",
    "Location: //u:p@[::1]:81",
    "Content-Length: 0",
    "Transfer-Encoding: chunked",
    "Set-Cookie: a=b",
    " folded"};
inline constexpr HeadWords request_words{request_lines, request_fields};
inline constexpr HeadWords answer_words{status_lines, answer_fields};

inline constexpr std::string_view line_end = "\r\n";

// Changes one line of the head at the front of `text`; what stands behind it stays.
inline std::string mutate_head(std::string_view text, const HeadWords& words,
                               std::mt19937& random) {
  const std::size_t end = std::min(text.find("\r\n\r\n"), text.size());
  std::vector<std::string> lines;
  for (std::string_view rest = text.substr(0, end); !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find(line_end));
    lines.emplace_back(line);
    rest.remove_prefix(std::min(rest.size(), line.size() + line_end.size()));
  }
  std::string first(lines.empty() ? std::string{} : lines.front());
  if (!lines.empty()) lines.erase(lines.begin());
  if (first.empty() || random() % 8 == 0) {
    first = words.first_lines[random() % words.first_lines.size()];
  } else if (random() % 8 == 0) {
    mutate_bytes(first);
  } else {
    const auto draw = [&] { return std::string(words.fields[random() % words.fields.size()]); };
    mutate_pieces(lines, random, draw, [&](std::string& line) { mutate_bytes(line); });
  }
  std::string head = first.append(line_end);
  for (const std::string& line : lines) head.append(line).append(line_end);
  return head.append(line_end).append(text.substr(std::min(text.size(), end + 4)));
}

// The mutator of a target whose first byte, if even, says that a request follows, and else an
// answer.
inline std::size_t mutate_head_of_either(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                         unsigned seed) {
  const HeadWords& words = size == 0 || data[0] % 2 == 0 ? request_words : answer_words;
  return mutate_behind(1, data, size, size_max, seed,
                       [&](std::string_view text, std::mt19937& random) {
                         return mutate_head(text, words, random);
                       });
}

}  // namespace hilo::fuzz
