// SPDX-License-Identifier: MIT
//
// A ws::Server in an asio::io_context (of Boost, the same with another namespace). A descriptor of
// Asio's waits for net::Loop's, and a timer for its next turn.
//
// Asio has no place where it asks before it waits, so the time is asked for after each turn. Code
// of yours that calls hilo from a handler of Asio's does so through Loop::post(), which makes the
// descriptor readable.

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "tools/loops/nested.h"
#include "tools/loops/visit.h"
#include "ws/server.h"

using namespace hilo;
using namespace hilo::loops;

namespace {

class Nested {
 public:
  explicit Nested(asio::io_context& host) : descriptor_(host), timer_(host) {
    if (loop.fd() >= 0) descriptor_.assign(loop.fd());
  }
  ~Nested() {
    if (loop.fd() >= 0) descriptor_.release();  // it is the loop's
  }

  // Once, when all is set up.
  void start() {
    if (loop.fd() >= 0) wait_for_descriptor();
    turn();
  }

  net::Loop loop;

 private:
  void wait_for_descriptor() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, [this](asio::error_code e) {
      if (e) return;
      turn();
      wait_for_descriptor();
    });
  }
  void turn() {
    must(loop.run_once({}));
    const std::int64_t wait = milliseconds_to_turn(loop);
    timer_.cancel();
    if (wait < 0) return;
    timer_.expires_after(std::chrono::milliseconds(wait));
    timer_.async_wait([this](asio::error_code e) {
      if (!e) turn();
    });
  }

  asio::posix::stream_descriptor descriptor_;
  asio::steady_timer timer_;
};

}  // namespace

int main(int argc, char** argv) {
  const bool checks = checking(argc, argv);
  asio::io_context host;
  Nested nested(host);
  ws::Server server{nested.loop};
  server.on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
  const std::uint16_t port = checks ? 0 : 9001;
  const net::Address bound = must(server.listen({.host = "127.0.0.1", .port = port}));
  const std::string url = "ws://" + bound.to_string() + "/";
  std::printf("an echo on %s\n", url.c_str());

  nested.start();
  std::jthread visitor;
  if (checks) visitor = visit(url, [&] { nested.loop.post([&host] { host.stop(); }); });
  host.run();
  return 0;
}
