// SPDX-License-Identifier: MIT

#include "ws/core/deflate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "tests/support/frames.h"

using namespace hilo;
using namespace hilo::test;
using namespace hilo::ws;

namespace {

// What came out, or which rule was broken.
struct Inflated {
  Errc error = Errc::none;
  std::string text = {};
  bool operator==(const Inflated&) const = default;
};

struct Codec {
  explicit Codec(DeflateTuning tuning = {})
      : inflater(memory, tuning.window_bits), deflater(memory, tuning) {}

  Inflated inflate(std::string_view wire) {
    Buffer out(pool);
    // A block of exactly this size, so that AddressSanitizer sees a step beyond.
    const std::vector<std::uint8_t> block(wire.begin(), wire.end());
    const Errc error = inflater.inflate(block, limits, out);
    largest_block = std::max(largest_block, out.capacity());
    if (error != Errc::none) CHECK(out.capacity() == 0);
    return {error, std::string(as_text(std::as_const(out).readable()))};
  }
  Inflated inflate_alone(std::string_view wire) {
    inflater.reset();
    return inflate(wire);
  }

  // Empty: it would have more than `wire_bytes_max`.
  std::string deflate(std::string_view text, std::size_t wire_bytes_max = 1 << 24) {
    Buffer out(pool);
    const bool done = deflater.deflate(as_bytes(text), wire_bytes_max, out);
    CHECK(done == !out.empty());
    CHECK(out.size() <= wire_bytes_max);
    if (!done) CHECK(out.capacity() == 0);
    return std::string(as_text(std::as_const(out).readable()));
  }

  Pool pool;
  DeflateMemory memory;
  MessageLimits limits;
  Inflater inflater;
  Deflater deflater;
  std::size_t largest_block = 0;
};

// Words, so that it shrinks as text does.
std::string prose(std::size_t bytes, unsigned seed = 1) {
  constexpr std::array<std::string_view, 8> words = {"hilo ", "de ", "agua ", "sigue ",
                                                     "el ",   "al ", "mar ",  "y "};
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < bytes)
    text.append(words[random() % words.size()]).append(std::to_string(random()));
  text.resize(bytes);
  return text;
}
std::string noise(std::size_t bytes) {
  std::mt19937 random(7);
  std::string text(bytes, '\0');
  for (char& c : text) c = as_char(random());
  return text;
}

// The compressed form of any text whatever, stored if there is no shorter one.
std::string stored(std::string_view text) {
  std::string wire;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, 65535);
    const auto size = static_cast<unsigned>(part.size());
    wire += as_char(0);
    wire += as_char(size);
    wire += as_char(size >> 8);
    wire += as_char(~size);
    wire += as_char(~size >> 8);
    wire += part;
    text.remove_prefix(part.size());
  }
  return wire + as_char(0);
}

std::string zeros(std::size_t bytes) {
  Codec codec;
  return codec.deflate(std::string(bytes, '\0'));
}

const std::string hello = from_hex("F2 48 CD C9 C9 07 00");
const std::string hello_again = from_hex("F2 00 11 00 00");

}  // namespace

// --- golden bytes --------------------------------------------------------------------------------

TEST_CASE("Hello deflates to the bytes of RFC 7692 §7.2.3.1, and again to those of §7.2.3.2") {
  Codec codec;
  CHECK(codec.deflate("Hello") == hello);
  CHECK(codec.deflate("Hello") == hello_again);
  codec.deflater.reset();
  CHECK(codec.deflate("Hello") == hello);
}

TEST_CASE("Hello twice inflates, the second time out of the window (L 187)") {
  Codec codec;
  CHECK(codec.inflate(hello) == Inflated{Errc::none, "Hello"});
  CHECK(codec.inflate(hello_again) == Inflated{Errc::none, "Hello"});
  CHECK(codec.inflate(hello_again) == Inflated{Errc::none, "Hello"});
}

TEST_CASE("without context takeover the window is empty (L 186)") {
  Codec codec;
  CHECK(codec.inflate_alone(hello) == Inflated{Errc::none, "Hello"});
  CHECK(codec.inflate_alone(hello_again) == Inflated{Errc::inflate_data});
  CHECK(codec.inflate_alone(hello) == Inflated{Errc::none, "Hello"});
}

TEST_CASE("the other examples of RFC 7692 §7.2.3 inflate (L 185, 188-190)") {
  struct Row {
    int number;
    std::string_view wire;
    std::string_view text;
  };
  const std::vector<Row> rows = {
      {189, "00 05 00 FA FF 48 65 6C 6C 6F 00", "Hello"},        // stored, §7.2.3.3
      {188, "F3 48 CD C9 C9 07 00 00", "Hello"},                 // final, §7.2.3.4
      {190, "F2 48 05 00 00 00 FF FF CA C9 C9 07 00", "Hello"},  // two blocks, §7.2.3.5
      {185, "00", ""},                                           // empty, §7.2.3.6
      {185, "", ""},
      {185, "02 00", ""},  // empty too, in a block of fixed codes
  };
  for (const Row& row : rows) {
    CAPTURE(row.wire);
    Codec codec;
    CHECK(codec.inflate(from_hex(row.wire)) == Inflated{Errc::none, std::string(row.text)});
    // Whatever it was, the next message is read as it should be.
    CHECK(codec.inflate(hello) == Inflated{Errc::none, "Hello"});
  }
}

TEST_CASE("a final block ends nothing: more follows, and may refer to it (L 188)") {
  const std::string final_hello = from_hex("F3 48 CD C9 C9 07 00");
  Codec codec;
  CHECK(codec.inflate(final_hello + hello) == Inflated{Errc::none, "HelloHello"});
  CHECK(codec.inflate(final_hello + hello_again) == Inflated{Errc::none, "HelloHello"});
  // Without the empty block behind it, and the next message refers to it.
  CHECK(codec.inflate(final_hello) == Inflated{Errc::none, "Hello"});
  CHECK(codec.inflate(hello_again) == Inflated{Errc::none, "Hello"});
  CHECK(codec.inflate_alone(final_hello + final_hello + final_hello) ==
        Inflated{Errc::none, "HelloHelloHello"});
}

TEST_CASE("the tail may be left in (L 191)") {
  const std::string with_tail = hello + from_hex("00 00 FF FF");
  Codec codec;
  CHECK(codec.inflate(with_tail) == Inflated{Errc::none, "Hello"});
  CHECK(codec.inflate(hello_again + from_hex("00 00 FF FF")) == Inflated{Errc::none, "Hello"});
  CHECK(codec.inflate_alone(with_tail + with_tail) == Inflated{Errc::none, "HelloHello"});
}

TEST_CASE("the end of a message is seen where its text just fills the memory taken for it") {
  Codec codec;
  for (std::size_t size = 1; size < 1200; ++size) {
    CAPTURE(size);
    const std::string text = prose(size);
    // One stored block and nothing behind it, as if the empty one had been left in.
    std::string wire = stored(text);
    wire.pop_back();
    CHECK(codec.inflate_alone(wire) == Inflated{Errc::none, text});
    codec.limits.message_bytes_max = size;
    CHECK(codec.inflate_alone(wire) == Inflated{Errc::none, text});
    CHECK(codec.inflate_alone(wire + '\0') == Inflated{Errc::none, text});
    codec.limits = {};
  }
}

// --- what breaks a rule --------------------------------------------------------------------------

TEST_CASE("what is not DEFLATE is refused (L 183)") {
  const std::vector<std::string_view> rows = {
      "06",                          // a block of type 3
      "FF FF FF FF",                 // the same, and final
      "00 05 00 FA FE 48",           // a stored block whose lengths do not fit
      "04 00",                       // too few codes, once the tail is there
      "ED FD FF FF FF",              // an over-subscribed set of code lengths
      "F2 48 05 00 00 00 FF FF 06",  // a good block, and one of type 3
      "02 02",                       // a distance before the beginning
  };
  for (const std::string_view row : rows) {
    CAPTURE(row);
    Codec codec;
    const Inflated said = codec.inflate(from_hex(row));
    CAPTURE(rule(said.error).label);
    CHECK((said.error == Errc::inflate_data || said.error == Errc::inflate_cut));
    CHECK(close_code_for(said.error) == CloseCode::invalid_payload);
    CHECK(codec.inflate_alone(hello) == Inflated{Errc::none, "Hello"});
  }
  Codec codec;
  CHECK(codec.inflate(from_hex("06")) == Inflated{Errc::inflate_data});
}

TEST_CASE("a message that is cut anywhere is refused (L 184)") {
  Codec codec;
  const std::string text = prose(3000);
  const std::string wire = codec.deflate(text);
  CHECK(codec.inflate_alone(wire) == Inflated{Errc::none, text});
  for (std::size_t size = 1; size < wire.size(); ++size) {
    CAPTURE(size);
    const Inflated said = codec.inflate_alone(std::string_view(wire).substr(0, size));
    CHECK((said.error == Errc::inflate_cut || said.error == Errc::inflate_data));
  }
  CHECK(codec.inflate_alone(from_hex("F2 48 CD C9 C9")) == Inflated{Errc::inflate_cut});
}

TEST_CASE("a message may inflate to the limit and no further, however it was compressed (L 181)") {
  Codec codec;
  codec.limits.message_bytes_max = 5000;
  for (const std::string& text : {prose(5001), noise(5001)}) {
    codec.deflater.reset();
    const std::string largest = codec.deflate(std::string_view(text).substr(0, 5000));
    CHECK(codec.inflate_alone(largest) == Inflated{Errc::none, text.substr(0, 5000)});
    codec.deflater.reset();
    CHECK(codec.inflate_alone(codec.deflate(text)) == Inflated{Errc::inflate_too_big});
    CHECK(codec.inflate_alone(stored(text)) == Inflated{Errc::inflate_too_big});
  }
  codec.limits.message_bytes_max = 5;
  CHECK(codec.inflate_alone(hello) == Inflated{Errc::none, "Hello"});
  codec.limits.message_bytes_max = 4;
  CHECK(codec.inflate_alone(hello) == Inflated{Errc::inflate_too_big});
  codec.limits.message_bytes_max = 0;
  CHECK(codec.inflate_alone(hello) == Inflated{Errc::inflate_too_big});
  CHECK(codec.inflate_alone(from_hex("00")) == Inflated{Errc::none, ""});
}

TEST_CASE("a bomb costs no more memory than the largest message (L 180)") {
  Codec codec;
  const std::string bomb = zeros(10'000'000);
  CHECK(bomb.size() < 11'000);
  CHECK(codec.inflate_alone(bomb) == Inflated{Errc::inflate_too_big});
  CHECK(codec.largest_block == 0);
  // What was taken meanwhile lies in the pool now: halves of the limit and less.
  CHECK(codec.pool.cached_bytes() <= 2 * codec.limits.message_bytes_max);
  codec.limits.inflate_ratio_max = 0;
  CHECK(codec.inflate_alone(bomb) == Inflated{Errc::inflate_too_big});
  CHECK(codec.pool.cached_bytes() <= 2 * codec.limits.message_bytes_max);
  CHECK(codec.pool.taken_bytes() == 0);
}

TEST_CASE("beyond 64 KiB a message may stand for a hundred times its size (L 182)") {
  Codec codec;
  CHECK(codec.inflate_alone(zeros(65536)) == Inflated{Errc::none, std::string(65536, '\0')});
  CHECK(codec.inflate_alone(zeros(65537)) == Inflated{Errc::inflate_ratio});
  CHECK(codec.inflate_alone(zeros(1 << 20)) == Inflated{Errc::inflate_ratio});
  CHECK(codec.inflate_alone(zeros((1 << 20) + 1)) == Inflated{Errc::inflate_too_big});
  // The same zeros among bytes that are worth their size.
  Codec other;
  const std::string dense = noise(3000) + std::string(200'000, '\0');
  CHECK(codec.inflate_alone(other.deflate(dense)) == Inflated{Errc::none, dense});
  codec.limits.inflate_ratio_max = 0;
  CHECK(codec.inflate_alone(zeros(1 << 20)) == Inflated{Errc::none, std::string(1 << 20, '\0')});
}

TEST_CASE("blocks without output are counted (L 192)") {
  Codec codec;
  // With the empty block at the end of the message: twice the 1,024 fragments.
  const std::string empty_block = from_hex("00 00 00 FF FF");
  CHECK(codec.inflate_alone(repeat(empty_block, 2047) + '\0') == Inflated{Errc::none, ""});
  CHECK(codec.inflate_alone(repeat(empty_block, 2048) + '\0') == Inflated{Errc::inflate_blocks});
  CHECK(codec.inflate_alone(repeat(empty_block, 100'000)) == Inflated{Errc::inflate_blocks});
  // Final ones, and those of fixed codes.
  CHECK(codec.inflate_alone(repeat(from_hex("03 00"), 100'000)) == Inflated{Errc::inflate_blocks});
  CHECK(codec.inflate_alone(repeat(from_hex("02 08 20 80 00"), 100'000)) ==
        Inflated{Errc::inflate_blocks});
  // Output earns more of them.
  const std::string text(64, 'x');
  std::string flushed;
  for (int i = 0; i < 4000; ++i) flushed += codec.deflate(text) + from_hex("00 00 FF FF");
  CHECK(codec.inflate_alone(flushed) == Inflated{Errc::none, repeat(text, 4000)});
}

// --- round trips ---------------------------------------------------------------------------------

TEST_CASE("every window and every level gives back what it got, alone and with takeover") {
  const std::vector<std::string> texts = {
      prose(100),   prose(40'000, 2),         noise(70'000),
      prose(20, 3), std::string(50'000, 'a'), prose(100'000, 4)};
  for (std::uint8_t bits = window_bits_min; bits <= window_bits_max; ++bits) {
    for (const std::uint8_t level : std::to_array<std::uint8_t>({1, 6, 9})) {
      CAPTURE(static_cast<int>(bits));
      CAPTURE(static_cast<int>(level));
      Codec codec({.window_bits = bits, .level = level, .memory_level = level});
      for (const std::string& text : texts) {
        const bool same = codec.inflate(codec.deflate(text)) == Inflated{Errc::none, text};
        CHECK(same);
      }
      for (const std::string& text : texts) {
        codec.deflater.reset();
        const bool same = codec.inflate_alone(codec.deflate(text)) == Inflated{Errc::none, text};
        CHECK(same);
      }
      CHECK(codec.memory.taken_bytes() <=
            inflater_bytes(bits) + deflater_bytes(bits, level) + 2 * 128);
    }
  }
}

TEST_CASE("what would be longer than allowed is not deflated, and is forgotten") {
  Codec codec;
  CHECK(codec.deflate("Hello", 6) == "");
  CHECK(codec.deflate("Hello", 7) == hello);
  CHECK(codec.deflate("Hello", 4) == "");
  // The peer has not seen the last one, so nothing may refer to it.
  CHECK(codec.deflate("Hello", 7) == hello);
  CHECK(codec.deflate("") == "");
  CHECK(codec.deflate(noise(5000), 5000) == "");
  CHECK(codec.deflate(prose(5000), 4000) != "");
}

// --- memory --------------------------------------------------------------------------------------

TEST_CASE("a context takes no memory before its first use, and then what the header says") {
  Codec codec;
  CHECK(codec.memory.taken_bytes() == 0);
  CHECK(codec.deflate("Hello") == hello);
  const std::size_t deflating = codec.memory.taken_bytes();
  CHECK(deflating <= deflater_bytes(15, 8));
  CHECK(deflating + 4096 >= deflater_bytes(15, 8));
  CHECK(codec.inflate(hello) == Inflated{Errc::none, "Hello"});
  const std::size_t inflating = codec.memory.taken_bytes() - deflating;
  CHECK(inflating <= inflater_bytes(15));
  CHECK(inflating + 4096 >= inflater_bytes(15));
}

TEST_CASE("without memory nothing is inflated and nothing deflated, at any step (L 196)") {
  const std::string text = prose(60'000);
  const std::string wire = Codec().deflate(text);
  std::size_t refused = 0;
  for (std::size_t bytes_max = 0; bytes_max < deflater_bytes(15, 8) - 8192; bytes_max += 2000) {
    CAPTURE(bytes_max);
    Codec codec;
    codec.memory.set_bytes_max(bytes_max);
    const Inflated said = codec.inflate(wire);
    if (said.error != Errc::none) {
      ++refused;
      CHECK(said == Inflated{Errc::no_memory});
      // Once there is memory, it goes on.
      codec.memory.set_bytes_max(DeflateMemory::unlimited);
      CHECK(codec.inflate_alone(wire) == Inflated{Errc::none, text});
    }
    Codec other;
    other.memory.set_bytes_max(bytes_max);
    CHECK(other.deflate(text) == "");
    CHECK(other.memory.taken_bytes() == 0);
    other.memory.set_bytes_max(DeflateMemory::unlimited);
    const bool same = other.deflate(text) == wire;
    CHECK(same);
  }
  CHECK(refused >= 15);
}
