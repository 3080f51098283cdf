// SPDX-License-Identifier: MIT

#include "net/base/allocator.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "net/base/buffer.h"
#include "net/base/slab.h"
#include "net/loop.h"
#include "tests/support/frames.h"
#include "ws/client.h"
#include "ws/core/deflate.h"
#include "ws/core/session.h"
#include "ws/server.h"

using namespace hilo;

namespace {

// Counts what is out, and refuses beyond a number. In use as long as it lives.
class Counting {
 public:
  Counting() {
    use_allocator({.allocate =
                       [](void* self, std::size_t bytes) noexcept {
                         return static_cast<Counting*>(self)->take(bytes);
                       },
                   .release =
                       [](void* self, void* memory) noexcept {
                         --static_cast<Counting*>(self)->held;
                         std::free(memory);
                       },
                   .context = this});
  }
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;
  ~Counting() { use_standard_allocator(); }

  std::atomic<std::size_t> held{0};   // blocks
  std::atomic<std::size_t> given{0};  // since the beginning
  std::size_t held_max = SIZE_MAX;

 private:
  void* take(std::size_t bytes) noexcept {
    if (held == held_max) return nullptr;
    ++held;
    ++given;
    return std::malloc(bytes);
  }
};

}  // namespace

TEST_CASE("pools, slabs and zlib take their memory where they are told, and give it back there") {
  Counting counting;
  {
    Pool pool;
    Buffer buffer(pool);
    REQUIRE(buffer.append(as_bytes(std::string(100'000, 'x'))));
    Slab<int> slab;
    for (int i = 0; i < 1000; ++i) REQUIRE(slab.emplace(i).object != nullptr);
    ws::DeflateMemory memory;
    ws::Deflater deflater(memory, {});
    Buffer out(pool);
    REQUIRE(deflater.deflate(buffer.readable(), 1000, out));
    CHECK(counting.given > 20);
  }
  CHECK(counting.held == 0);
}

TEST_CASE("a session takes all its memory there") {
  Counting counting;
  {
    Pool pool;
    const ws::Session::Shared shared{.pool = &pool};
    ws::Session session(ws::Role::server, shared);
    std::string first = test::header_of(0x01, 300, &test::example_key) +
                        test::masked(std::string(300, 'a'), test::example_key);
    MutableBytes input(reinterpret_cast<std::uint8_t*>(first.data()), first.size());
    CHECK_FALSE(session.next(input));
    CHECK(counting.held == 2);  // the message, and what is known of it
  }
  CHECK(counting.held == 0);
}

TEST_CASE("a server and a client on a loop take theirs there, and all of it comes back") {
  Counting counting;
  {
    net::Loop loop;
    REQUIRE(loop.status());
    ws::Server server{loop};
    server.on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
    const auto bound = server.listen({.host = "127.0.0.1"});
    REQUIRE(bound);
    ws::Client client{loop};
    const std::string url = "ws://" + bound->to_string() + "/";
    const std::string large(300'000, 'x');
    std::size_t heard = 0;
    client.on_open([&](ws::Connection& c) { c.send_text(large); });
    client.on_message([&](ws::Connection&, ws::Message m) {
      heard = m.payload.size();
      loop.stop();
    });
    REQUIRE(client.connect({.url = url}));
    REQUIRE(loop.run());
    CHECK(heard == large.size());
    CHECK(counting.held > 10);
  }
  CHECK(counting.held == 0);
}

TEST_CASE("what an allocator refuses is an error of whoever asked") {
  Counting counting;
  {
    Pool pool;
    Buffer held(pool);
    REQUIRE(held.append(as_bytes("x")));
    counting.held_max = 1;
    Buffer refused(pool);
    CHECK(refused.append(as_bytes("y")).error() == std::errc::not_enough_memory);
    Slab<int> slab;
    CHECK(slab.emplace(1).object == nullptr);
    const net::Loop loop;
    CHECK(loop.status().error() == std::errc::not_enough_memory);
  }
  CHECK(counting.held == 0);
}
