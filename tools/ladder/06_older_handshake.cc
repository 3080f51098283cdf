// SPDX-License-Identifier: MIT
//
// Chapter 6, in the museum: the handshake of 2010.
//
// Lessons of that time show another opening: two keys with spaces and letters strewn in, eight
// bytes behind the head, and an answer that looks like noise. It is draft 76, which Chrome 6 and
// Safari 5 spoke. Each key hides a number: its digits, divided by how many spaces there are. The
// server hashes both numbers and the eight bytes with MD5, and the digest is its answer.
//
// It was given up within a year. Behind the head of a GET there is no body that HTTP knows of, so a
// proxy may hold the eight bytes back for ever, or take them for the next request. And the frames
// that follow are not masked, so a page could write into a cache on the way what looks like an
// answer of somebody else's. Both were shown to work, and browsers turned it off.
//
//   to read   ws/trace/hixie76.h
//   to see    hilo serve --hixie76, and a client that is old enough
//   exercise  make exercise N=06_older: the number that a key of 2010 hides
//   next      07_frame.cc: the frames of today

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include "tools/ladder/expect.h"
#include "ws/trace/hixie76.h"

using namespace hilo;
using ladder::expect;

int main() {
  // The numbers of the draft's own example. The lesson prints the keys with their double spaces
  // lost, and an l that has become a 1: so its bytes do not give its answer.
  constexpr std::string_view key1 = "4 @1  46546xW%0l 1 5";
  constexpr std::string_view key2 = "12998 5 Y3 1  .P00";
  constexpr std::array<std::uint8_t, hixie76::body_bytes> body = {'^', 'n', ':', 'd',
                                                                  's', '[', '4', 'U'};
  const auto number1 = hixie76::number_of(key1);
  const auto number2 = hixie76::number_of(key2);
  expect(number1 == 829309203, "4146546015 and five spaces: the first key hides 829309203");
  expect(number2 == 259970620, "1299853100 and five spaces: the second hides 259970620");
  const auto answer = hixie76::answer_to(*number1, *number2, body);
  expect(answer && as_text(*answer) == "8jKS'y:G*Co,Wxa-",
         "MD5 of all three is what the lesson shows");
  expect(hixie76::number_of("4 @1 46546xW%01 1 5") != number1,
         "its own print of the key is another number");

  // A text stands between a zero and a byte that no UTF-8 has, plain for all to see.
  const std::string wire{"\0hola\xff\xff\0", 8};
  const hixie76::Frame frame = hixie76::read_frame(as_bytes(wire));
  expect(as_text(frame.text) == "hola", "00 h o l a FF is a message");
  expect(wire.find("hola") != std::string::npos,
         "whoever is on the way reads it, and so does a cache");
  const hixie76::Frame last = hixie76::read_frame(as_bytes(wire).subspan(frame.bytes));
  expect(last.kind == hixie76::Frame::Kind::close, "FF 00 is the end, and nobody is told why");
  return 0;
}
