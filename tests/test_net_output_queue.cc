// SPDX-License-Identifier: MIT

#include "net/output_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <string_view>

#include "tests/support/no_memory.h"

using namespace hilo;
using net::OutputQueue;

namespace {

SharedBytes shared_bytes(Pool& pool, std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return SharedBytes::copy_of(pool, {&bytes, 1});
}

// A queue that gives its memory back at the end.
struct Queue {
  ~Queue() { queue.release(pool); }

  Status add(std::string_view text) {
    const Bytes bytes = as_bytes(text);
    return queue.append(pool, {&bytes, 1});
  }
  Status add(const SharedBytes& shared, std::size_t begin = 0) {
    return queue.append(pool, shared, begin);
  }
  std::string content() const {
    std::array<Bytes, 1000> slices;
    std::string text;
    for (std::size_t i = 0, count = queue.gather(slices); i < count; ++i) {
      CHECK_FALSE(slices[i].empty());
      text += as_text(slices[i]);
    }
    CHECK(text.size() == queue.size());
    return text;
  }

  Pool pool;
  OutputQueue queue;
};

}  // namespace

TEST_CASE("an empty queue owns no memory") {
  Queue q;
  CHECK(q.queue.empty());
  CHECK(q.queue.size() == 0);
  CHECK(q.queue.held_bytes() == 0);
  CHECK(q.content().empty());
  CHECK(q.add(""));
  CHECK(q.queue.empty());
  CHECK(q.pool.taken_bytes() == 0);
}

TEST_CASE("own bytes and shared ones leave in the order they came in, the shared ones uncopied") {
  Queue q;
  const SharedBytes shared = shared_bytes(q.pool, "SHARED");
  const Bytes slices[] = {as_bytes("a"), as_bytes("bc")};
  const std::uint64_t copied = q.pool.copied_bytes();
  REQUIRE(q.queue.append(q.pool, slices));
  REQUIRE(q.add(shared));
  REQUIRE(q.add(shared, 2));
  REQUIRE(q.add("d"));
  REQUIRE(q.add("e"));
  CHECK(q.pool.copied_bytes() == copied + 5);
  CHECK(q.content() == "abcSHAREDAREDde");
  std::array<Bytes, 8> found;
  REQUIRE(q.queue.gather(found) == 4);
  CHECK(found[1].data() == shared.bytes().data());
  CHECK(found[2].data() == shared.bytes().data() + 2);
  CHECK(q.queue.gather(std::span(found).first(3)) == 3);
  q.queue.consume(q.pool, 4);  // into a part
  CHECK(q.content() == "HAREDAREDde");
  q.queue.consume(q.pool, 5);  // to its end
  CHECK(q.content() == "AREDde");
  REQUIRE(q.add("f"));
  q.queue.consume(q.pool, 5);  // past a part, into what is behind it
  CHECK(q.content() == "ef");
  q.queue.consume(q.pool, 2);
  CHECK(q.queue.empty());
  CHECK(q.pool.taken_bytes() == shared.held_bytes());
}

TEST_CASE("what queues share is held once, and each holds its share of it") {
  Queue a;
  OutputQueue b;
  SharedBytes shared = shared_bytes(a.pool, std::string(100'000, 'x'));
  REQUIRE(a.add(shared));
  REQUIRE(b.append(a.pool, shared, 50'000));
  shared = {};
  CHECK(a.queue.size() == 100'000);
  CHECK(b.size() == 50'000);
  CHECK(a.queue.held_share() + b.held_share() == a.pool.taken_bytes());
  CHECK(a.queue.held_bytes() > 100'000);
  CHECK(b.held_bytes() > 100'000);
  b.release(a.pool);
  CHECK(b.empty());
  CHECK(a.queue.held_bytes() == a.pool.taken_bytes());
  a.queue.release(a.pool);
  CHECK(a.pool.taken_bytes() == 0);
}

TEST_CASE("where there is no memory, nothing is added") {
  const test::NoMemory rest(1);
  Queue q;
  const SharedBytes shared = shared_bytes(q.pool, "shared");
  REQUIRE(shared);
  CHECK(q.add("own").error() == std::errc::not_enough_memory);
  CHECK(q.add(shared).error() == std::errc::not_enough_memory);
  CHECK(q.queue.empty());
  CHECK(q.pool.taken_bytes() == shared.held_bytes());
}

TEST_CASE("random appends and consumes of a queue agree with a string") {
  Queue q;
  std::string model;
  std::mt19937 random(11);
  std::uint8_t next = 0;
  const auto text = [&](std::size_t size) {
    std::string made(size, ' ');
    for (char& c : made) c = static_cast<char>(next++);
    return made;
  };
  for (int step = 0; step < 20'000; ++step) {
    switch (random() % 5) {
      case 0:
      case 1: {
        const std::string own = text(random() % 300);
        REQUIRE(q.add(own));
        model += own;
        break;
      }
      case 2: {
        const std::string all = text(1 + random() % 3000);
        const std::size_t begin = random() % all.size();
        const SharedBytes shared = shared_bytes(q.pool, all);
        const std::string own = text(random() % 2 * 10);
        const Bytes slice = as_bytes(own);
        REQUIRE(q.queue.append(q.pool, {&slice, 1}));
        REQUIRE(q.add(shared, begin));
        model += own + all.substr(begin);
        break;
      }
      default: {
        const std::size_t bytes = std::min<std::size_t>(random() % 2000, model.size());
        q.queue.consume(q.pool, bytes);
        model.erase(0, bytes);
      }
    }
    REQUIRE(q.queue.size() == model.size());
    REQUIRE(q.queue.empty() == model.empty());
    REQUIRE(q.queue.held_bytes() == q.pool.taken_bytes());
    if (step % 16 == 0) REQUIRE((q.content() == model));
  }
}
