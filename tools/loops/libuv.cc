// SPDX-License-Identifier: MIT
//
// A ws::Server in a libuv loop. net::Loop is nested: libuv waits for its descriptor, and for the
// time of its next turn.
//
// A prepare handle runs before every wait of libuv's, and asks for that time anew.

#include <uv.h>

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
  explicit Nested(uv_loop_t& host) {
    uv_prepare_init(&host, &prepare_);
    uv_timer_init(&host, &timer_);
    prepare_.data = timer_.data = poll_.data = this;
    uv_prepare_start(&prepare_, [](uv_prepare_t* handle) { of(handle).before_wait(); });
    if (loop.fd() < 0) return;
    uv_poll_init(&host, &poll_, loop.fd());
    uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* handle, int, int) { of(handle).turn(); });
  }

  net::Loop loop;

 private:
  template <class Handle>
  static Nested& of(Handle* handle) {
    return *static_cast<Nested*>(handle->data);
  }
  void turn() { must(loop.run_once({})); }
  void before_wait() {
    const std::int64_t wait = milliseconds_to_turn(loop);
    if (wait < 0) {
      uv_timer_stop(&timer_);
      return;
    }
    uv_update_time(timer_.loop);
    const auto call = [](uv_timer_t* handle) { of(handle).turn(); };
    uv_timer_start(&timer_, call, static_cast<std::uint64_t>(wait), 0);
  }

  uv_prepare_t prepare_;
  uv_timer_t timer_;
  uv_poll_t poll_;
};

}  // namespace

int main(int argc, char** argv) {
  const bool checks = checking(argc, argv);
  uv_loop_t* const host = uv_default_loop();
  Nested nested(*host);
  ws::Server server{nested.loop};
  server.on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
  const std::uint16_t port = checks ? 0 : 9001;
  const net::Address bound = must(server.listen({.host = "127.0.0.1", .port = port}));
  const std::string url = "ws://" + bound.to_string() + "/";
  std::printf("an echo on %s\n", url.c_str());

  std::jthread visitor;
  if (checks) visitor = visit(url, [&] { nested.loop.post([host] { uv_stop(host); }); });
  uv_run(host, UV_RUN_DEFAULT);
  return 0;
}
