// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tools/ladder/exercises/07_frame.h"
#include "tools/ladder/exercises/shown.h"
#include "ws/core/frame.h"

using namespace hilo;
using exercise::FrameHead;
using exercise::read_frame_head;
using exercise::unmask;
using Wire = std::vector<std::uint8_t>;

namespace {

// A head in words, so that a failure says what came.
std::string head_of(const Wire& wire) {
  const std::optional<FrameHead> head = read_frame_head(wire);
  if (!head) return "nothing";
  std::string text = head->final ? "final, " : "";
  text += "opcode " + std::to_string(head->opcode);
  if (head->masked) text += ", key " + exercise::shown(Wire(head->key.begin(), head->key.end()));
  text += ", " + std::to_string(head->payload_bytes) + " bytes behind " +
          std::to_string(head->head_bytes);
  return text;
}

// Some bytes that begin like a frame, with each of the three forms of the length.
Wire random_wire(std::mt19937& random) {
  constexpr std::uint8_t lengths[] = {0, 5, 125, 126, 127};
  Wire wire(16);
  for (std::uint8_t& byte : wire) byte = static_cast<std::uint8_t>(random());
  wire[1] = static_cast<std::uint8_t>((wire[1] & 0x80U) | lengths[random() % 5]);
  return wire;
}

}  // namespace

TEST_SUITE_BEGIN("7: read the head of a frame, and unmask what follows");

TEST_CASE("§5.7: a single-frame unmasked text message") {
  CHECK(head_of({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}) == "final, opcode 1, 5 bytes behind 2");
}

TEST_CASE("§5.7: a single-frame masked text message, which says Hello") {
  Wire wire = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
  CHECK(head_of(wire) == "final, opcode 1, key {37, fa, 21, 3d}, 5 bytes behind 6");
  unmask(MutableBytes{wire}.subspan(6), {0x37, 0xfa, 0x21, 0x3d}, 0);
  CHECK(as_text(Bytes{wire}.subspan(6)) == "Hello");
}

TEST_CASE("§5.7: a fragmented message, whose first frame is not final and whose last one is") {
  CHECK(head_of({0x01, 0x03, 0x48, 0x65, 0x6c}) == "opcode 1, 3 bytes behind 2");
  CHECK(head_of({0x80, 0x02, 0x6c, 0x6f}) == "final, opcode 0, 2 bytes behind 2");
}

TEST_CASE("§5.7: 256 bytes in a single frame, whose length is two bytes") {
  CHECK(head_of({0x82, 0x7e, 0x01, 0x00}) == "final, opcode 2, 256 bytes behind 4");
}

TEST_CASE("§5.7: 64 KiB in a single frame, whose length is eight bytes") {
  CHECK(head_of({0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}) == "final, opcode 2, 65536 bytes behind 10");
}

TEST_CASE("a length that needs all of its bytes") {
  CHECK(head_of({0x82, 0xff, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 1, 2, 3, 4}) ==
        "final, opcode 2, key {01, 02, 03, 04}, 1311768467463790320 bytes behind 14");
}

TEST_CASE("a head that comes byte by byte is complete with its last byte, not before it") {
  const Wire wire = {0x82, 0xfe, 0x01, 0x00, 1, 2, 3, 4, 99};
  for (std::size_t bytes = 0; bytes <= wire.size(); ++bytes) {
    CAPTURE(bytes);
    CHECK(read_frame_head(Bytes{wire}.first(bytes)).has_value() == (bytes >= 8));
  }
}

TEST_CASE("two thousand heads, whole and cut, are read as hilo reads them") {
  std::mt19937 random{7};
  for (int round = 0; round < 2000; ++round) {
    const Wire wire = random_wire(random);
    const Bytes so_far = Bytes{wire}.first(random() % (wire.size() + 1));
    const ws::FrameHeader expected = ws::parse_header(so_far);
    const std::optional<FrameHead> head = read_frame_head(so_far);
    CAPTURE(so_far.size());
    REQUIRE(head.has_value() == (expected.progress == ws::HeaderProgress::complete));
    if (!head) continue;
    REQUIRE(head->final == expected.final);
    REQUIRE(head->opcode == static_cast<std::uint8_t>(expected.opcode));
    REQUIRE(head->masked == expected.masked);
    REQUIRE(head->key == expected.key);
    REQUIRE(head->payload_bytes == expected.payload_bytes);
    REQUIRE(head->head_bytes == expected.header_bytes);
  }
}

TEST_CASE("a payload in pieces is unmasked as the whole is, wherever it is cut") {
  std::mt19937 random{53};
  for (int round = 0; round < 500; ++round) {
    Wire payload(random() % 40);
    for (std::uint8_t& byte : payload) byte = static_cast<std::uint8_t>(random());
    const ws::MaskKey key = {0x37, 0xfa, 0x21, 0x3d};
    Wire expected = payload;
    ws::mask(expected, key);
    const std::size_t cut = payload.empty() ? 0 : random() % payload.size();
    unmask(MutableBytes{payload}.first(cut), key, 0);
    unmask(MutableBytes{payload}.subspan(cut), key, cut);
    CAPTURE(cut);
    REQUIRE(payload == expected);
  }
}
