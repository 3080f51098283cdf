// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "tools/ladder/exercises/10_deflate.h"
#include "tools/ladder/exercises/shown.h"
#include "ws/core/deflate.h"

using namespace hilo;
using exercise::inflate_messages;
using List = std::vector<std::string>;

namespace {

// What hilo sends for these, over one connection.
List deflated(const List& messages) {
  Pool pool;
  ws::DeflateMemory memory;
  ws::Deflater deflater{memory, {}};
  List payloads;
  for (const std::string& message : messages) {
    Buffer wire{pool};
    REQUIRE(deflater.deflate(as_bytes(message), message.size() + 100, wire));
    payloads.emplace_back(as_text(wire.readable()));
  }
  return payloads;
}

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

const std::string hello = bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00});

}  // namespace

TEST_SUITE_BEGIN("10: inflate the messages of a connection, and refuse a bomb");

TEST_CASE("§7.2.3.1: one block of Hello") {
  CHECK(inflate_messages(List{hello}, 100) == List{"Hello"});
}

TEST_CASE("§7.2.3.2: a second Hello points to the first one") {
  const std::string again = bytes({0xf2, 0x00, 0x11, 0x00, 0x00});
  CHECK(inflate_messages(List{hello, again}, 100) == List{"Hello", "Hello"});
}

TEST_CASE("§7.2.3.3: a block that is not compressed") {
  const List wire = {bytes({0x00, 0x05, 0x00, 0xfa, 0xff, 'H', 'e', 'l', 'l', 'o', 0x00})};
  CHECK(inflate_messages(wire, 100) == List{"Hello"});
}

TEST_CASE("§7.2.3.4: a block that says that it is the last one") {
  const List wire = {bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00})};
  CHECK(inflate_messages(wire, 100) == List{"Hello"});
}

TEST_CASE("§7.2.3.5: two blocks, with an empty one in between") {
  const List wire = {bytes({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff,  //
                            0xca, 0xc9, 0xc9, 0x07, 0x00})};
  CHECK(inflate_messages(wire, 100) == List{"Hello"});
}

TEST_CASE("an empty message is one byte on the wire, and no error") {
  CHECK(inflate_messages(List{bytes({0x00}), hello}, 100) == List{"", "Hello"});
}

TEST_CASE("what hilo makes shorter comes back, message by message") {
  constexpr std::string_view words[] = {"hola ", "adios ", "mañana ", "socket ", "\1\2\3"};
  std::mt19937 random{10};
  for (int round = 0; round < 20; ++round) {
    List messages(1 + random() % 8);
    for (std::string& message : messages) {
      for (std::size_t i = random() % 3000; i != 0; --i) {
        message += words[random() % std::size(words)];
      }
    }
    REQUIRE((inflate_messages(deflated(messages), 100'000) == messages));
  }
}

TEST_CASE("a message of exactly the limit is inflated, and not one of a byte more") {
  const List messages = {std::string(5000, 'a'), std::string(5000, 'b')};
  CHECK(inflate_messages(deflated(messages), 5000) == messages);
  CHECK(inflate_messages(deflated(messages), 4999) == std::nullopt);
}

TEST_CASE("a bomb is refused: a kilobyte that stands for a megabyte") {
  const List megabyte = {std::string(1 << 20, 'a')};
  const List bomb = deflated(megabyte);
  REQUIRE(bomb[0].size() < 2000);
  CHECK((inflate_messages(bomb, 64 << 10) == std::nullopt));
  CHECK((inflate_messages(bomb, 1 << 20) == megabyte));
}

TEST_CASE("what is no DEFLATE is refused, and with it the connection") {
  CHECK(inflate_messages(List{hello, "\xff\xff\xff\xff"}, 100) == std::nullopt);
  const std::string lengths_that_differ = bytes({0x00, 0x05, 0x00, 0x05, 0x00, 'H'});
  CHECK(inflate_messages(List{lengths_that_differ}, 100) == std::nullopt);
}
