// SPDX-License-Identifier: MIT
//
// Chapter 2: readiness.
//
// Instead of asking each socket again and again, a program can ask the kernel once for all of them:
// wake me up when one is ready. On Linux that is epoll, on BSD and macOS kqueue; Poller gives both
// the same face. A socket is handed over together with a token, and the token is what comes back:
// the poller neither knows nor cares what stands behind it.
//
// The readiness told here is a level, not an edge: it is told again and again for as long as there
// is something to read. Whoever reads only a part loses nothing.
//
//   to read   net/poller.h, net/poller_epoll.cc; man 7 epoll
//   exercise  make exercise N=02: which of many sockets are ready to be read?
//   next      03_loop.cc: turn readiness into calls

#include <array>
#include <cstdint>
#include <cstdio>
#include <span>

#include "net/poller.h"
#include "net/socket.h"
#include "tools/ladder/expect.h"

using namespace hilo;
using ladder::expect;
using ladder::must;

namespace {

constexpr net::Duration not_at_all{0};
constexpr net::Duration for_ever{-1};

// Token{slot, generation}: the generation is odd for a token that is in use.
constexpr net::Token door{1, 1};
constexpr net::Token guest{2, 1};

bool nothing_happens(net::Poller& poller) {
  return must(poller.wait(not_at_all)).empty();
}

// Sleeps, costing nothing, until something is ready. A signal may end a wait with no event.
net::Fired next_event(net::Poller& poller) {
  for (;;) {
    const std::span<const net::Fired> fired = must(poller.wait(for_ever));
    if (!fired.empty()) return fired.front();
  }
}

}  // namespace

int main() {
  net::Poller poller;
  std::printf("the kernel's interface here is called %s\n", net::Poller::name());

  const net::Fd listening = must(net::socket::listen(must(net::Address::parse("127.0.0.1:0")), {}));
  must(poller.add(listening.value(), net::Interest::read, door));
  expect(nothing_happens(poller), "nobody is at the door");

  const net::Fd client = must(net::socket::open_stream(net::Family::ipv4));
  net::socket::connect(client.value(), must(net::socket::local_address(listening.value())));
  expect(next_event(poller).token == door, "a listening socket is readable when someone has come");

  const net::Fd accepted = must(net::socket::accept(listening.value(), nullptr));
  must(poller.add(accepted.value(), net::Interest::read, guest));
  expect(nothing_happens(poller), "the guest is in, and says nothing");

  const Bytes hello = as_bytes("hello");
  net::socket::send(client.value(), {&hello, 1});
  expect(next_event(poller).token == guest, "the guest has said something");
  expect(next_event(poller).ready.readable, "and it is told again until it was read");

  std::array<std::uint8_t, 64> space{};
  const net::Io io = net::socket::receive(accepted.value(), space);
  expect(as_text(Bytes{space}.first(io.bytes)) == "hello", "it said hello");
  expect(nothing_happens(poller), "all is quiet again");

  poller.remove(accepted.value(), net::Interest::read);
  poller.remove(listening.value(), net::Interest::read);
  return 0;
}
