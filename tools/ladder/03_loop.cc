// SPDX-License-Identifier: MIT
//
// Chapter 3: the loop.
//
// A program that waits for many things has one place where it waits, and calls whoever the event
// is for. That place is the reactor, or event loop: the same idea that runs JavaScript in a browser
// and in Node. One thread, one turn after the other, and in each turn: wait, call those whose
// socket is ready, then the timers that are due, then what other threads have asked for.
//
// Since only one callback runs at a time, none of them needs a lock. The price: a callback that
// takes long makes everybody wait. And post() is the one door through which other threads come in.
//
//   to read   net/loop.h, net/timers.h, net/wakeup.h
//   exercise  make exercise N=03: how long may the loop sleep, and who is due when it wakes up?
//   next      04_stream.cc: bytes that find the road blocked

#include <cstdio>
#include <thread>

#include "net/loop.h"
#include "net/socket.h"
#include "tools/ladder/expect.h"

using namespace hilo;
using namespace hilo::net::literals;
using ladder::expect;
using ladder::must;

namespace {

// Accepts one caller and is content. A Watcher must stay where it is while it is watching.
class Door final : public net::Watcher {
 public:
  Door(net::Loop& loop, const net::Fd& listening) : loop_(&loop), fd_(listening.value()) {
    token_ = must(loop.watch(fd_, net::Interest::read, *this));
  }
  ~Door() { loop_->unwatch(token_); }
  bool opened() const { return opened_; }

 private:
  void on_ready(net::Ready ready) override {
    expect(ready.readable, "readiness: someone is at the door");
    opened_ = static_cast<bool>(net::socket::accept(fd_, nullptr));
    loop_->stop();
  }

  net::Loop* loop_;
  net::Token token_;
  int fd_;
  bool opened_ = false;
};

}  // namespace

int main() {
  net::Loop loop;
  const net::Fd listening = must(net::socket::listen(must(net::Address::parse("127.0.0.1:0")), {}));
  const net::Fd client = must(net::socket::open_stream(net::Family::ipv4));
  const net::Address address = must(net::socket::local_address(listening.value()));
  Door door{loop, listening};

  // Each step asks for the next one, and none of them waits.
  std::thread other;
  loop.call_after(1_ms, [&] {
    std::puts("timer: a millisecond is over");
    other = std::thread([&] {
      loop.post([&] {
        expect(loop.in_loop_thread(), "post: another thread asked, the loop's own thread runs it");
        net::socket::connect(client.value(), address);
      });
    });
  });

  std::puts("the loop runs");
  must(loop.run());
  expect(door.opened(), "timer, thread, socket: all went through one loop");
  other.join();
  return 0;
}
