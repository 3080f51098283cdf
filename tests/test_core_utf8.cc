// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "ws/core/utf8.h"
#include "ws/core/utf8_kernels.h"

namespace {

using hilo::as_bytes;
using hilo::Bytes;
using hilo::ws::utf8_valid;
using hilo::ws::Utf8Kernel;
using hilo::ws::Utf8Validator;
using hilo::ws::utf8_detail::State;

// The bytes once more, ending exactly where their block of memory ends, so that AddressSanitizer
// sees a step beyond, and beginning where it begins.
class Exact {
 public:
  explicit Exact(std::string_view text) : size_(text.size()), memory_(new std::uint8_t[size_]) {
    if (size_ != 0) std::memcpy(memory_.get(), text.data(), size_);
  }
  Bytes bytes() const { return {memory_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<std::uint8_t[]> memory_;
};

// What a validator knows at the end.
enum class Verdict { right, cut, wrong };

Verdict verdict_of(const State& state) {
  if (state.failed()) return Verdict::wrong;
  return state.missing == 0 ? Verdict::right : Verdict::cut;
}

Verdict by_automaton(Bytes bytes) {
  State state;
  hilo::ws::utf8_scalar::advance(state, bytes);
  return verdict_of(state);
}

Verdict by_kernel(const Utf8Kernel& kernel, Bytes bytes) {
  State state;
  hilo::ws::utf8_advance(kernel.check, state, bytes);
  return verdict_of(state);
}

Verdict by_validator(Bytes first, Bytes second = {}) {
  Utf8Validator validator;
  if (!validator.feed(first) || !validator.feed(second)) return Verdict::wrong;
  return validator.complete() ? Verdict::right : Verdict::cut;
}

// Whole by every kernel of this machine and by the public function: all say the same.
bool all_say(Verdict expected, std::string_view text) {
  const Exact exact(text);
  bool agreed = by_automaton(exact.bytes()) == expected && by_validator(exact.bytes()) == expected;
  for (const Utf8Kernel& kernel : hilo::ws::utf8_kernels()) {
    agreed = agreed && (!kernel.available() || by_kernel(kernel, exact.bytes()) == expected);
  }
  return agreed && utf8_valid(exact.bytes()) == (expected == Verdict::right);
}

// The same bytes at each place of a register, among ASCII.
bool all_say_among_ascii(Verdict expected, std::string_view text) {
  bool agreed = true;
  for (const std::size_t before : {0U, 13U, 14U, 15U, 16U, 29U, 31U, 61U, 63U, 127U}) {
    const std::string whole = std::string(before, 'x') + std::string(text) + std::string(150, 'y');
    agreed = agreed && all_say(expected, whole);
  }
  return agreed;
}

// By the arithmetic of RFC 3629 section 3, without asking whether the code point is allowed.
std::string encoded(std::uint32_t code, int length) {
  constexpr std::array<std::uint32_t, 5> marks{0, 0x00, 0xC0, 0xE0, 0xF0};
  std::string text(static_cast<std::size_t>(length), '\0');
  for (int i = length - 1; i > 0; --i) {
    text[static_cast<std::size_t>(i)] = static_cast<char>(0x80 | (code & 0x3F));
    code >>= 6;
  }
  text[0] = static_cast<char>(marks[static_cast<std::size_t>(length)] | code);
  return text;
}

int shortest_length(std::uint32_t code) {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

const std::string spanish_japanese_emoji =
    "¿Qué tal? El pingüino 日本語のテキスト 😀🎉 niño — いろは 𝄞 fin de la línea, y más texto: ñandú";

// The place of the first byte at which the bytes can no longer become right, fed one by one.
std::size_t fails_at(std::string_view text) {
  Utf8Validator validator;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!validator.feed(as_bytes(text.substr(i, 1)))) return i;
  }
  return text.size();
}

}  // namespace

TEST_CASE("every code point is right in its shortest form, and surrogates are wrong") {
  for (std::uint32_t code = 0; code <= 0x10FFFF; ++code) {
    const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
    const std::string text = encoded(code, shortest_length(code));
    REQUIRE_UNARY(utf8_valid(as_bytes(text)) != is_surrogate);
  }
}

TEST_CASE("code points at every boundary are judged alike at every place of a register") {
  constexpr std::array<std::uint32_t, 26> codes{
      0x0,     0x1,     0x7F,    0x80,    0x81,    0x7FF,    0x800,    0xFFF,   0x1000,
      0xCFFF,  0xD000,  0xD7FF,  0xE000,  0xFEFF,  0xFFFD,   0xFFFE,   0xFFFF,  0x10000,
      0x10001, 0x3FFFF, 0x40000, 0xBFFFF, 0xFFFFF, 0x100000, 0x10FFFE, 0x10FFFF};
  for (const std::uint32_t code : codes) {
    CAPTURE(code);
    for (int length = shortest_length(code); length <= 4; ++length) {
      const bool is_shortest = length == shortest_length(code);
      CHECK(all_say_among_ascii(is_shortest ? Verdict::right : Verdict::wrong,
                                encoded(code, length)));
    }
  }
  for (const std::uint32_t code : {0xD800U, 0xDABCU, 0xDBFFU, 0xDC00U, 0xDFFFU}) {
    CHECK(all_say_among_ascii(Verdict::wrong, encoded(code, 3)));
  }
  for (const std::uint32_t code : {0x110000U, 0x13FFFFU, 0x140000U, 0x1FFFFFU}) {
    CHECK(all_say_among_ascii(Verdict::wrong, encoded(code, 4)));
  }
}

TEST_CASE("overlong forms, surrogates and too large values are wrong") {
  for (const char* text : {"\xC0\x80",
                           "\xC1\xBF",
                           "\xE0\x80\x80",
                           "\xE0\x9F\xBF",
                           "\xF0\x80\x80\x80",
                           "\xF0\x8F\xBF\xBF",
                           "\xED\xA0\x80",
                           "\xED\xBF\xBF",
                           "\xED\xA0\x80\xED\xB0\x80",
                           "\xF4\x90\x80\x80",
                           "\xF5\x80\x80\x80",
                           "\xF8\x88\x80\x80\x80",
                           "\xFC\x84\x80\x80\x80\x80",
                           "\xFE",
                           "\xFF",
                           "\x80",
                           "\xBF",
                           "\xC3\xA9\xA9",
                           "\xE2\x82\xAC\x80",
                           "\xF0\x9F\x98\x80\x80",
                           "\xC3x",
                           "\xE2\x82x",
                           "\xF0\x9F\x98x",
                           "\xE2x",
                           "\xF0x",
                           "\xF0\x9Fx",
                           "\xE2\xC3\xA9"}) {
    CAPTURE(text);
    CHECK(all_say(Verdict::wrong, text));
    CHECK(all_say_among_ascii(Verdict::wrong, text));
  }
}

TEST_CASE("zero, non-characters and the byte order mark are right") {
  for (const std::string& text : {std::string(1, '\0'), std::string("\xEF\xBF\xBE"),
                                  std::string("\xEF\xBB\xBF"), std::string("\xF4\x8F\xBF\xBF")}) {
    CHECK(all_say(Verdict::right, text));
    CHECK(all_say_among_ascii(Verdict::right, text));
  }
}

TEST_CASE("the first impossible byte is the one that fails") {
  CHECK(fails_at("\xF4\x90\x80\x80") == 1);
  CHECK(fails_at("\xF4\x8F\x80\x80") == 4);
  CHECK(fails_at("\xE0\x80\x80") == 1);
  CHECK(fails_at("\xE0\x9F\xBF") == 1);
  CHECK(fails_at("\xED\xA0\x80") == 1);
  CHECK(fails_at("\xF0\x8F\xBF\xBF") == 1);
  CHECK(fails_at("\xC0\x80") == 0);
  CHECK(fails_at("\xF5\x80") == 0);
  CHECK(fails_at("ab\x80") == 2);
  CHECK(fails_at("\xE2\x82z") == 2);
}

TEST_CASE("a piece fails although the wrong byte is its last") {
  for (const std::size_t before : {0U, 1U, 15U, 16U, 31U, 32U, 63U, 64U, 127U, 128U, 300U}) {
    CAPTURE(before);
    const std::string ascii(before, 'a');
    for (const char* bad : {"\x80", "\xC0", "\xC1", "\xF5", "\xFF", "\xE0\x80", "\xED\xA0",
                            "\xF0\x8F", "\xF4\x90", "\xE2\x82z", "\xF0\x9F\x98z"}) {
      CHECK(all_say(Verdict::wrong, ascii + bad));
    }
    for (const char* open : {"\xC2", "\xE0", "\xE0\xA0", "\xED\x9F", "\xF0\x90", "\xF4\x8F\xBF"}) {
      CHECK(all_say(Verdict::cut, ascii + open));
    }
  }
}

TEST_CASE("failure lasts until reset, also for an empty piece") {
  Utf8Validator validator;
  CHECK_FALSE(validator.feed(as_bytes("ok\xFF")));
  CHECK_FALSE(validator.complete());
  CHECK_FALSE(validator.feed({}));
  CHECK_FALSE(validator.feed(as_bytes("fine")));
  CHECK_FALSE(validator.feed(as_bytes(std::string(300, 'x'))));
  CHECK_FALSE(validator.feed(as_bytes(std::string_view("\0", 1))));
  validator.reset();
  CHECK(validator.feed(as_bytes("fine")));
  CHECK(validator.complete());
}

TEST_CASE("a character cut between pieces goes on, and an ASCII byte there is wrong") {
  Utf8Validator validator;
  CHECK(validator.feed(as_bytes("\xE2")));
  CHECK_FALSE(validator.complete());
  CHECK(validator.feed({}));
  CHECK(validator.feed(as_bytes("\x82")));
  CHECK_FALSE(validator.complete());
  CHECK(validator.feed(as_bytes("\xAC")));
  CHECK(validator.complete());
  CHECK(validator.feed(as_bytes("\xF0\x9F")));
  CHECK_FALSE(validator.feed(as_bytes("plain")));
}

TEST_CASE("a text may be cut anywhere into two or three pieces") {
  std::string text = spanish_japanese_emoji;
  const Bytes bytes = as_bytes(text);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    REQUIRE(by_validator(bytes.first(cut), bytes.subspan(cut)) == Verdict::right);
    for (std::size_t second = cut; second <= bytes.size(); ++second) {
      Utf8Validator validator;
      REQUIRE_UNARY(validator.feed(bytes.first(cut)));
      REQUIRE_UNARY(validator.feed(bytes.subspan(cut, second - cut)));
      REQUIRE_UNARY(validator.feed(bytes.subspan(second)));
      REQUIRE_UNARY(validator.complete());
    }
  }
}

TEST_CASE("every prefix and every suffix of a long mixed text is judged alike by all kernels") {
  std::string text;
  while (text.size() < 400) text += spanish_japanese_emoji;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    CAPTURE(i);
    const std::string_view prefix = std::string_view(text).substr(0, i);
    const std::string_view suffix = std::string_view(text).substr(i);
    REQUIRE(all_say(by_automaton(as_bytes(prefix)), prefix));
    REQUIRE(all_say(by_automaton(as_bytes(suffix)), suffix));
  }
}

TEST_CASE("one wrong byte is found at every place of short ASCII of every length") {
  for (std::size_t size = 1; size <= 70; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      std::string text(size, 'a');
      text[place] = '\x80';
      REQUIRE(all_say(Verdict::wrong, text));
    }
  }
}

TEST_CASE("one wrong byte is found at every place of long ASCII") {
  for (std::size_t size : {130U, 256U, 301U, 520U}) {
    for (std::size_t place = 0; place < size; ++place) {
      CAPTURE(place);
      for (const char bad : {'\x80', '\xBF', '\xC1', '\xFF'}) {
        std::string text(size, 'a');
        text[place] = bad;
        REQUIRE(all_say(Verdict::wrong, text));
      }
      std::string text(size, 'a');
      text[place] = '\xE2';
      REQUIRE(all_say(place + 1 == size ? Verdict::cut : Verdict::wrong, text));
    }
  }
}

TEST_CASE("all pairs of bytes are judged alike by all kernels") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string pair{static_cast<char>(first), static_cast<char>(second)};
      const std::string long_text = std::string(35, 'a') + pair + std::string(35, 'b');
      REQUIRE(all_say(by_automaton(as_bytes(pair)), pair));
      REQUIRE(all_say(by_automaton(as_bytes(long_text)), long_text));
    }
  }
}

TEST_CASE("all triples of telling bytes are judged alike by all kernels") {
  const std::string telling(
      "\x00\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE"
      "\xEF\xF0\xF1\xF3\xF4\xF5\xF7\xF8\xFF",
      26);
  for (const char first : telling) {
    for (const char second : telling) {
      for (const char third : telling) {
        const std::string text =
            std::string(61, 'a') + first + second + third + "\x80" + std::string(80, 'b');
        REQUIRE(all_say(by_automaton(as_bytes(text)), text));
      }
    }
  }
}

TEST_CASE("right and damaged texts in random pieces are judged as by the automaton") {
  constexpr std::array<std::string_view, 6> characters{
      "a", "ñ", "日", "😀", "\xF4\x8F\xBF\xBF", "twenty-four bytes ASCII "};
  std::mt19937 random(20111211);  // The same texts in every run.
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (int round = 0; round < 6000; ++round) {
    CAPTURE(round);
    std::string text;
    const std::size_t size = below(300);
    const std::size_t kinds = 1 + below(characters.size());
    while (text.size() < size) text += characters[characters.size() - 1 - below(kinds)];
    for (std::size_t damages = below(3); damages > 0 && !text.empty(); --damages) {
      text[below(text.size())] = static_cast<char>(random());
    }
    const Verdict expected = by_automaton(as_bytes(text));
    REQUIRE(all_say(expected, text));

    for (const Utf8Kernel& kernel : hilo::ws::utf8_kernels()) {
      if (!kernel.available()) continue;
      State state;
      State twin;
      for (Bytes rest = as_bytes(text); !rest.empty();) {
        const std::size_t piece = std::min<std::size_t>(1 + below(90), rest.size());
        const bool is_right = hilo::ws::utf8_advance(kernel.check, state, rest.first(piece));
        REQUIRE_UNARY(is_right == hilo::ws::utf8_scalar::advance(twin, rest.first(piece)));
        REQUIRE_UNARY(is_right == !state.failed());
        rest = rest.subspan(piece);
      }
      REQUIRE(verdict_of(state) == expected);
    }
  }
}

TEST_CASE("the empty text is right without any memory") {
  CHECK(utf8_valid({}));
  Utf8Validator validator;
  CHECK(validator.feed({}));
  CHECK(validator.complete());
}
