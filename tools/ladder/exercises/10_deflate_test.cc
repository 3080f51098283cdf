// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "tools/ladder/exercises/10_deflate.h"
#include "tools/ladder/exercises/shown.h"
#include "ws/core/deflate.h"

using namespace hilo;
using exercise::inflate_message;

namespace {

std::string deflated(std::string_view message) {
  Pool pool;
  ws::DeflateMemory memory;
  ws::Deflater deflater{memory, {}};
  Buffer wire{pool};
  REQUIRE(deflater.deflate(as_bytes(message), message.size() + 100, wire));
  return std::string(as_text(wire.readable()));
}

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

}  // namespace

TEST_SUITE_BEGIN("10: inflate a message, and refuse a bomb");

TEST_CASE("§7.2.3.1: one block of Hello") {
  CHECK(inflate_message(bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00}), 100) == "Hello");
}

TEST_CASE("§7.2.3.3: a block that is not compressed") {
  CHECK(inflate_message(bytes({0x00, 0x05, 0x00, 0xfa, 0xff, 'H', 'e', 'l', 'l', 'o', 0x00}),
                        100) == "Hello");
}

TEST_CASE("§7.2.3.4: a block that says that it is the last one") {
  CHECK(inflate_message(bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00}), 100) == "Hello");
}

TEST_CASE("§7.2.3.5: two blocks, with an empty one in between") {
  CHECK(inflate_message(
            bytes({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00}),
            100) == "Hello");
}

TEST_CASE("an empty message is one byte on the wire, and no error") {
  CHECK(inflate_message(bytes({0x00}), 100) == "");
}

TEST_CASE("what hilo makes shorter comes back, whatever it was") {
  constexpr std::string_view words[] = {"hola ", "adios ", "mañana ", "socket ", "\1\2\3"};
  std::mt19937 random{10};
  for (int round = 0; round < 100; ++round) {
    std::string message;
    for (std::size_t i = random() % 3000; i != 0; --i)
      message += words[random() % std::size(words)];
    CAPTURE(message.size());
    REQUIRE((inflate_message(deflated(message), 100'000) == message));
  }
}

TEST_CASE("a message of exactly the limit is inflated, and not one of a byte more") {
  const std::string message(5000, 'a');
  CHECK(inflate_message(deflated(message), 5000) == message);
  CHECK(inflate_message(deflated(message), 4999) == std::nullopt);
}

TEST_CASE("a bomb is refused: a kilobyte that stands for a megabyte") {
  const std::string bomb = deflated(std::string(1 << 20, 'a'));
  REQUIRE(bomb.size() < 2000);
  CHECK((inflate_message(bomb, 64 << 10) == std::nullopt));
  CHECK((inflate_message(bomb, 1 << 20) == std::string(1 << 20, 'a')));
}

TEST_CASE("what is no DEFLATE is refused") {
  CHECK(inflate_message("\xff\xff\xff\xff", 100) == std::nullopt);
  CHECK(inflate_message(bytes({0x00, 0x05, 0x00, 0x05, 0x00, 'H'}), 100) == std::nullopt);
}
