// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <string>

#include "net/base/buffer.h"
#include "tests/support/allocation_counter.h"

using namespace hilo;

namespace allocation_counter = test::allocation_counter;

TEST_CASE("an empty buffer owns no memory") {
  Pool pool;
  Buffer buffer(pool);
  CHECK(buffer.empty());
  CHECK(buffer.size() == 0);
  CHECK(buffer.capacity() == 0);
  CHECK(buffer.readable().empty());
  CHECK(buffer.append({}));
  CHECK(pool.taken_bytes() == 0);
}

TEST_CASE("bytes come out in the order they went in") {
  Pool pool;
  Buffer buffer(pool);
  REQUIRE(buffer.append(as_bytes("hello ")));
  REQUIRE(buffer.append(as_bytes("world")));
  CHECK(as_text(buffer.readable()) == "hello world");
  buffer.consume(6);
  CHECK(as_text(buffer.readable()) == "world");
  REQUIRE(buffer.append(as_bytes("!")));
  CHECK(as_text(buffer.readable()) == "world!");
}

TEST_CASE("the last byte consumed gives the block back") {
  Pool pool;
  Buffer buffer(pool);
  REQUIRE(buffer.append(as_bytes("abc")));
  CHECK(pool.taken_bytes() == buffer.capacity());
  buffer.consume(2);
  CHECK(pool.taken_bytes() != 0);
  buffer.consume(1);
  CHECK(buffer.capacity() == 0);
  CHECK(pool.taken_bytes() == 0);
}

TEST_CASE("the pool counts what is copied into a buffer and within it") {
  Pool pool;
  Buffer buffer(pool);
  REQUIRE(buffer.append(as_bytes("abc")));
  CHECK(pool.copied_bytes() == 3);
  REQUIRE(buffer.reserve(buffer.writable().size() + 1));  // into a larger block
  CHECK(pool.copied_bytes() == 6);
  buffer.consume(3);
  REQUIRE(buffer.reserve(1000));
  CHECK(pool.copied_bytes() == 6);
}

TEST_CASE("reserve makes room, and commit makes it readable") {
  Pool pool;
  Buffer buffer(pool);
  REQUIRE(buffer.reserve(1000));
  MutableBytes space = buffer.writable();
  REQUIRE(space.size() >= 1000);
  CHECK(buffer.empty());
  std::memcpy(space.data(), "xyz", 3);
  buffer.commit(3);
  CHECK(as_text(buffer.readable()) == "xyz");
  const std::size_t capacity = buffer.capacity();
  REQUIRE(buffer.reserve(capacity - 3));
  CHECK(buffer.capacity() == capacity);
}

TEST_CASE("a buffer that is mostly consumed moves to the front instead of growing") {
  Pool pool;
  Buffer buffer(pool);
  REQUIRE(buffer.append(as_bytes(std::string(250, 'a') + "tail")));
  const std::size_t capacity = buffer.capacity();
  buffer.consume(250);
  REQUIRE(buffer.append(as_bytes(std::string(capacity - 4, 'b'))));
  CHECK(buffer.capacity() == capacity);
  CHECK(as_text(buffer.readable()).substr(0, 5) == "tailb");
}

TEST_CASE("what would not fit is refused and changes nothing") {
  Pool pool;
  Buffer buffer(pool);
  REQUIRE(buffer.append(as_bytes("kept")));
  CHECK_FALSE(buffer.reserve(Pool::block_bytes_max));
  CHECK_FALSE(buffer.reserve(~std::size_t{0}));
  const Status status = buffer.reserve(Pool::block_bytes_max - 3);
  CHECK(status.error() == std::errc::not_enough_memory);
  CHECK(as_text(buffer.readable()) == "kept");
}

TEST_CASE("a moved buffer takes its block along, and each block is given back once") {
  Pool pool;
  {
    Buffer first(pool);
    REQUIRE(first.append(as_bytes("first")));
    Buffer second(std::move(first));
    CHECK(first.empty());
    CHECK(first.capacity() == 0);
    CHECK(as_text(second.readable()) == "first");
    Buffer third(pool);
    REQUIRE(third.append(as_bytes("third")));
    third = std::move(second);
    CHECK(as_text(third.readable()) == "first");
  }
  CHECK(pool.taken_bytes() == 0);
}

TEST_CASE("a steady echo of large blocks allocates nothing") {
  Pool pool;
  Buffer buffer(pool);
  const std::string message(1 << 20, 'm');
  REQUIRE(buffer.append(as_bytes(message)));
  buffer.consume(message.size());
  const auto before = allocation_counter::count();
  bool stored = true;
  for (int i = 0; i < 20; ++i) {
    stored = stored && static_cast<bool>(buffer.append(as_bytes(message)));
    buffer.consume(message.size());
  }
  CHECK(allocation_counter::count() == before);
  CHECK(stored);
}

TEST_CASE("random appends and consumes agree with a string") {
  Pool pool;
  Buffer buffer(pool);
  std::string model;
  std::mt19937 random(7);
  std::uint8_t next = 0;
  for (int step = 0; step < 5000; ++step) {
    if (random() % 2 == 0) {
      std::string piece(random() % 700, '\0');
      for (char& c : piece) c = static_cast<char>(next++);
      REQUIRE(buffer.append(as_bytes(piece)));
      model += piece;
    } else {
      const std::size_t bytes = random() % (model.size() + 1);
      buffer.consume(bytes);
      model.erase(0, bytes);
    }
    REQUIRE(as_text(buffer.readable()) == model);
    REQUIRE(buffer.size() == model.size());
  }
}
