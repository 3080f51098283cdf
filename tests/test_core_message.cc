// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>

#include "net/base/pool.h"
#include "tests/support/frames.h"
#include "ws/core/message.h"

using namespace hilo;
using namespace hilo::test;
using namespace hilo::ws;

namespace {

constexpr MessageLimits limits;

// Masks `payload` as a client would and appends it.
Errc append(MessageAssembly& assembly, std::string_view payload, std::size_t offset = 0) {
  std::string wire(payload);
  mask({reinterpret_cast<std::uint8_t*>(wire.data()), wire.size()}, example_key, offset);
  return assembly.append(as_bytes(wire), example_key, offset);
}

// Reads `payload` into the space of the assembly, as a socket would. False if there is none.
bool read_into_space(MessageAssembly& assembly, std::string_view payload, std::size_t offset,
                     Errc& error) {
  const MutableBytes space = assembly.space(payload.size());
  if (space.size() < payload.size()) return false;
  std::memcpy(space.data(), payload.data(), payload.size());
  mask(space.first(payload.size()), example_key, offset);
  error = assembly.commit(payload.size(), example_key, offset);
  return true;
}

std::string content(MessageAssembly& assembly) {
  return std::string(as_text(assembly.whole()));
}

}  // namespace

TEST_CASE("a message is put together from its pieces") {
  Pool pool;
  MessageAssembly assembly(pool);
  CHECK_FALSE(assembly.active());
  CHECK(assembly.size() == 0);
  REQUIRE(assembly.begin_frame(Opcode::text, limits) == Errc::none);
  CHECK(assembly.active());
  CHECK(assembly.opcode() == Opcode::text);
  CHECK(pool.taken_bytes() == 0);  // A header alone costs nothing.
  CHECK(append(assembly, "") == Errc::none);
  CHECK(pool.taken_bytes() == 0);
  CHECK(append(assembly, "one, ") == Errc::none);
  REQUIRE(assembly.begin_frame(Opcode::continuation, limits) == Errc::none);
  CHECK(assembly.opcode() == Opcode::text);
  CHECK(append(assembly, "two") == Errc::none);
  CHECK(append(assembly, ", three", 3) == Errc::none);
  CHECK(assembly.finish() == Errc::none);
  CHECK(content(assembly) == "one, two, three");
  CHECK(assembly.size() == 15);

  assembly.release();
  CHECK_FALSE(assembly.active());
  CHECK(assembly.size() == 0);
  CHECK(pool.taken_bytes() == 0);
}

TEST_CASE("the next message remembers nothing of the one before") {
  Pool pool;
  MessageAssembly assembly(pool);
  REQUIRE(assembly.begin_frame(Opcode::text, limits) == Errc::none);
  REQUIRE(append(assembly, "cut \xE2\x82") == Errc::none);
  assembly.release();
  REQUIRE(assembly.begin_frame(Opcode::text, limits) == Errc::none);
  CHECK(append(assembly, "whole") == Errc::none);
  CHECK(assembly.finish() == Errc::none);
  CHECK(content(assembly) == "whole");
  assembly.release();
  REQUIRE(assembly.begin_frame(Opcode::binary, limits) == Errc::none);
  CHECK(assembly.opcode() == Opcode::binary);
}

TEST_CASE("154: empty fragments end where the budget does") {
  Pool pool;
  MessageAssembly assembly(pool);
  for (unsigned i = 0; i < limits.fragments_base; ++i) {
    REQUIRE(assembly.begin_frame(Opcode::binary, limits) == Errc::none);
  }
  CHECK(assembly.begin_frame(Opcode::continuation, limits) == Errc::fragment_budget);
  CHECK(pool.taken_bytes() == 0);
}

TEST_CASE("155: every 64 bytes received buy one more fragment") {
  for (const std::size_t bytes : {0U, 1U, 63U, 64U, 65U, 127U, 128U, 6400U}) {
    CAPTURE(bytes);
    Pool pool;
    MessageAssembly assembly(pool);
    REQUIRE(assembly.begin_frame(Opcode::binary, limits) == Errc::none);
    REQUIRE(append(assembly, std::string(bytes, 'x')) == Errc::none);
    std::size_t fragments = 1;
    while (assembly.begin_frame(Opcode::continuation, limits) == Errc::none) ++fragments;
    CHECK(fragments == 1024 + bytes / 64);
  }
}

TEST_CASE("155: fragments of one byte end after 1040 of them") {
  Pool pool;
  MessageAssembly assembly(pool);
  std::size_t fragments = 0;
  while (assembly.begin_frame(Opcode::binary, limits) == Errc::none) {
    ++fragments;
    REQUIRE(append(assembly, "x") == Errc::none);
  }
  // The first n for which n + 1 is more than 1024 + n / 64.
  CHECK(fragments == 1040);
}

TEST_CASE("a message may always have one fragment, however small the budget") {
  constexpr MessageLimits none{.fragments_base = 0, .bytes_per_fragment = 64};
  Pool pool;
  MessageAssembly assembly(pool);
  CHECK(assembly.begin_frame(Opcode::binary, none) == Errc::none);
  CHECK(assembly.begin_frame(Opcode::continuation, none) == Errc::fragment_budget);
}

TEST_CASE("bytes buy no fragments where bytes_per_fragment is 0") {
  constexpr MessageLimits fixed{.fragments_base = 2, .bytes_per_fragment = 0};
  Pool pool;
  MessageAssembly assembly(pool);
  REQUIRE(assembly.begin_frame(Opcode::binary, fixed) == Errc::none);
  REQUIRE(append(assembly, std::string(10000, 'x')) == Errc::none);
  CHECK(assembly.begin_frame(Opcode::continuation, fixed) == Errc::none);
  CHECK(assembly.begin_frame(Opcode::continuation, fixed) == Errc::fragment_budget);
}

TEST_CASE("memory grows with what arrived") {
  for (const std::size_t piece : {1U, 7U, 100U, 1000U, 5000U, 65536U}) {
    CAPTURE(piece);
    Pool pool;
    MessageAssembly assembly(pool);
    REQUIRE(assembly.begin_frame(Opcode::binary, limits) == Errc::none);
    std::size_t arrived = 0;
    bool within = true;
    while (arrived < std::min<std::size_t>(200 * piece, 1 << 20)) {
      REQUIRE(append(assembly, std::string(piece, 'x'), arrived) == Errc::none);
      arrived += piece;
      within = within && pool.taken_bytes() <= 2 * arrived + 4096;
    }
    CHECK(within);
    assembly.release();
    CHECK(pool.taken_bytes() == 0);
  }
}

TEST_CASE("space is offered once enough has arrived, and never more than that") {
  Pool pool;
  MessageAssembly assembly(pool);
  REQUIRE(assembly.begin_frame(Opcode::binary, limits) == Errc::none);
  CHECK(assembly.space(1 << 20).empty());
  const std::string text(16 * 1024, 'a');
  REQUIRE(append(assembly, text.substr(1)) == Errc::none);
  CHECK(assembly.space(1 << 20).empty());
  REQUIRE(append(assembly, "a", 3) == Errc::none);

  CHECK(assembly.space(100).size() == 100);
  CHECK(assembly.space(0).empty());
  std::size_t arrived = assembly.size();
  std::string expected = text;
  std::mt19937 random(1);
  while (arrived < (1 << 20)) {
    const MutableBytes space = assembly.space(1 << 20);
    REQUIRE_FALSE(space.empty());
    CHECK(space.size() <= arrived);
    std::string piece(1 + random() % space.size(), as_char(random()));
    Errc error = Errc::no_memory;
    REQUIRE(read_into_space(assembly, piece, arrived, error));
    CHECK(error == Errc::none);
    expected += piece;
    arrived += piece.size();
    CHECK(pool.taken_bytes() <= 2 * arrived + 4096);
  }
  const bool same = content(assembly) == expected;
  CHECK(same);
}

TEST_CASE("text that was read into the space is validated as well") {
  Pool pool;
  MessageAssembly assembly(pool);
  REQUIRE(assembly.begin_frame(Opcode::text, limits) == Errc::none);
  const std::string start = std::string(16 * 1024, 'a') + "\xE2\x82";
  REQUIRE(append(assembly, start) == Errc::none);
  CHECK(assembly.finish() == Errc::text_not_utf8);
  Errc error = Errc::none;
  REQUIRE(read_into_space(assembly, "\xAC", start.size(), error));
  CHECK(error == Errc::none);
  CHECK(assembly.finish() == Errc::none);
  REQUIRE(read_into_space(assembly, "\xF4\x90", start.size() + 1, error));
  CHECK(error == Errc::text_not_utf8);
}

TEST_CASE("a character may be cut at any byte, and fails at the first byte that cannot be right") {
  const std::string text = "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Pool pool;
    MessageAssembly assembly(pool);
    REQUIRE(assembly.begin_frame(Opcode::text, limits) == Errc::none);
    CHECK(append(assembly, text.substr(0, cut)) == Errc::none);
    const bool between = cut == 0 || cut == 2 || cut == 5 || cut == 9;
    CHECK(assembly.finish() == (between ? Errc::none : Errc::text_not_utf8));
    REQUIRE(assembly.begin_frame(Opcode::continuation, limits) == Errc::none);
    CHECK(append(assembly, text.substr(cut)) == Errc::none);
    CHECK(assembly.finish() == Errc::none);
    CHECK(append(assembly, "\xFF") == Errc::text_not_utf8);
  }
}

TEST_CASE("binary may hold any bytes") {
  Pool pool;
  MessageAssembly assembly(pool);
  std::string all;
  for (unsigned value = 0; value < 256; ++value) all += as_char(value);
  REQUIRE(assembly.begin_frame(Opcode::binary, limits) == Errc::none);
  CHECK(append(assembly, all) == Errc::none);
  CHECK(assembly.finish() == Errc::none);
  CHECK(content(assembly) == all);
}

TEST_CASE("more than a pool can give is reported, and what was there stays") {
  Pool pool;
  MessageAssembly assembly(pool);
  REQUIRE(assembly.begin_frame(Opcode::binary, limits) == Errc::none);
  REQUIRE(append(assembly, "before") == Errc::none);
  // The size alone is too much; no byte of it is looked at.
  const std::uint8_t one = 0;
  const Bytes enormous{&one, Pool::block_bytes_max};
  CHECK(assembly.append(enormous, example_key, 6) == Errc::no_memory);
  CHECK(content(assembly) == "before");
}

TEST_CASE("a message that is dropped half way gives everything back") {
  Pool pool;
  {
    MessageAssembly assembly(pool);
    REQUIRE(assembly.begin_frame(Opcode::binary, limits) == Errc::none);
    REQUIRE(append(assembly, std::string(100000, 'x')) == Errc::none);
    CHECK(pool.taken_bytes() > 0);
  }
  CHECK(pool.taken_bytes() == 0);
}
