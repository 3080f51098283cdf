// SPDX-License-Identifier: MIT
//
// How sockets behave, as far as the code above net/socket.h depends on it: run on the kernel
// (test_net_kernel_manners) and on the simulated network (test_sim_kernel_manners), which may
// differ in nothing of it.

#pragma once

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "net/poller.h"
#include "net/socket.h"

namespace hilo::test {

struct Manner {
  std::string_view says;
  void (*holds)();
};

namespace manners {

using net::Fd;
using net::Interest;
using net::Io;
using net::Ready;

inline net::Address any_port() {
  return *net::Address::parse("127.0.0.1:0");
}

// What the poller says of it, once it says something; nothing after so long.
inline Ready wait(const Fd& fd, Interest interest,
                  net::Duration at_most = net::Duration::seconds(10)) {
  net::Poller poller;
  REQUIRE(poller.add(fd.value(), interest, net::Token{}));
  const auto fired = poller.wait(at_most);
  REQUIRE(fired);
  const Ready ready = fired->empty() ? Ready{} : fired->front().ready;
  poller.remove(fd.value(), interest);
  return ready;
}

struct Pair {
  Pair() : listening(std::move(*net::socket::listen(any_port(), {}))) {
    address = *net::socket::local_address(listening.value());
    client = std::move(*net::socket::open_stream(net::Family::ipv4));
    REQUIRE(net::socket::connect(client.value(), address).kind != Io::Kind::failed);
    wait(client, Interest::write);
    REQUIRE(net::socket::finish_connect(client.value()));
    wait(listening, Interest::read);
    server = std::move(*net::socket::accept(listening.value(), nullptr));
  }
  Fd listening;
  net::Address address;
  Fd client;
  Fd server;
};

inline Io send(const Fd& fd, std::string_view text) {
  return net::socket::send(fd.value(), as_bytes(text));
}

// What one receive brings, once there is something.
inline std::string receive(const Fd& fd) {
  wait(fd, Interest::read);
  std::array<std::uint8_t, 100> bytes;
  const Io io = net::socket::receive(fd.value(), bytes);
  switch (io.kind) {
    case Io::Kind::done: return std::string(as_text(Bytes{bytes}.first(io.bytes)));
    case Io::Kind::would_block: return "(nothing)";
    case Io::Kind::end: return "(end)";
    case Io::Kind::failed: break;
  }
  return io.error == std::errc::connection_reset ? "(reset)" : "(failed)";
}

inline void both_ways() {
  Pair pair;
  CHECK(*net::socket::peer_address(pair.client.value()) == pair.address);
  CHECK(*net::socket::local_address(pair.client.value()) ==
        *net::socket::peer_address(pair.server.value()));
  CHECK(send(pair.client, "there").bytes == 5);
  CHECK(receive(pair.server) == "there");
  CHECK(send(pair.server, "and back").bytes == 8);
  CHECK(receive(pair.client) == "and back");
}

inline void refused() {
  net::Address address;
  {
    const Fd listening = std::move(*net::socket::listen(any_port(), {}));
    address = *net::socket::local_address(listening.value());
  }
  const Fd client = std::move(*net::socket::open_stream(net::Family::ipv4));
  const Io io = net::socket::connect(client.value(), address);
  if (io.kind == Io::Kind::failed) {
    CHECK(io.error == std::errc::connection_refused);
    return;
  }
  CHECK(wait(client, Interest::write).broken);
  CHECK(net::socket::finish_connect(client.value()).error() == std::errc::connection_refused);
}

inline void half_closed() {
  Pair pair;
  CHECK(send(pair.client, "last words").bytes == 10);
  CHECK(net::socket::shutdown_write(pair.client.value()));
  CHECK(receive(pair.server) == "last words");
  CHECK(receive(pair.server) == "(end)");
  CHECK(receive(pair.server) == "(end)");
  CHECK(send(pair.server, "heard").bytes == 5);
  CHECK(receive(pair.client) == "heard");
  CHECK(send(pair.client, "more").error == std::errc::broken_pipe);
}

inline void closed() {
  Pair pair;
  CHECK(send(pair.client, "bye").bytes == 3);
  pair.client.reset();
  CHECK(receive(pair.server) == "bye");
  CHECK(receive(pair.server) == "(end)");
}

inline void closed_with_input_unread() {
  Pair pair;
  CHECK(send(pair.server, "never read").bytes == 10);
  wait(pair.client, Interest::read);
  pair.client.reset();
  CHECK(wait(pair.server, Interest::read).broken);
  CHECK(receive(pair.server) == "(reset)");
  CHECK(receive(pair.server) == "(end)");  // an error is told once
}

inline void closed_abruptly() {
  Pair pair;
  CHECK(send(pair.client, "before").bytes == 6);
  wait(pair.server, Interest::read);
  net::socket::set_abortive_close(pair.client.value());
  pair.client.reset();
  CHECK(receive(pair.server) == "before");
  CHECK(receive(pair.server) == "(reset)");
}

inline void sending_to_nobody() {
  Pair pair;
  pair.client.reset();
  CHECK(receive(pair.server) == "(end)");
  CHECK(send(pair.server, "first").bytes == 5);  // the answer to it is a reset
  CHECK(wait(pair.server, Interest::read).broken);
  CHECK(send(pair.server, "second").error == std::errc::broken_pipe);
}

inline void gone_before_it_was_accepted() {
  const Fd listening = std::move(*net::socket::listen(any_port(), {}));
  Fd client = std::move(*net::socket::open_stream(net::Family::ipv4));
  static_cast<void>(
      net::socket::connect(client.value(), *net::socket::local_address(listening.value())));
  wait(client, Interest::write);
  CHECK(send(client, "hello").bytes == 5);
  client.reset();
  wait(listening, Interest::read);
  const Fd server = std::move(*net::socket::accept(listening.value(), nullptr));
  CHECK(receive(server) == "hello");
  CHECK(receive(server) == "(end)");
}

inline void never_accepted() {
  Fd listening = std::move(*net::socket::listen(any_port(), {}));
  const Fd client = std::move(*net::socket::open_stream(net::Family::ipv4));
  static_cast<void>(
      net::socket::connect(client.value(), *net::socket::local_address(listening.value())));
  wait(client, Interest::write);
  wait(listening, Interest::read);
  listening.reset();
  CHECK(receive(client) == "(reset)");
}

inline void full() {
  Pair pair;
  const std::string text(60'000, 'x');
  std::size_t sent = 0;
  for (Io io = send(pair.client, text); io.kind == Io::Kind::done; io = send(pair.client, text)) {
    sent += io.bytes;
  }
  CHECK(sent > 0);
  CHECK_FALSE(wait(pair.client, Interest::write, net::Duration::milliseconds(1)).writable);
  std::size_t received = 0;
  while (received < sent) received += receive(pair.server).size();
  CHECK(received == sent);
  CHECK(wait(pair.client, Interest::write).writable);
}

inline void readiness() {
  Pair pair;
  constexpr net::Duration soon = net::Duration::milliseconds(1);
  CHECK_FALSE(wait(pair.server, Interest::read, soon).readable);
  CHECK(wait(pair.server, Interest::read_write).writable);
  CHECK(send(pair.client, "x").bytes == 1);
  CHECK(wait(pair.server, Interest::read).readable);
  CHECK(receive(pair.server) == "x");
  CHECK_FALSE(wait(pair.server, Interest::read, soon).readable);
  CHECK(net::socket::shutdown_write(pair.client.value()));
  const Ready half = wait(pair.server, Interest::read);
  CHECK(half.readable);
  CHECK_FALSE(half.broken);
  CHECK(net::socket::shutdown_write(pair.server.value()));
  CHECK(wait(pair.server, Interest::none).broken);  // whatever is asked for
}

inline void lowest_number_first() {
  Fd a = std::move(*net::socket::open_stream(net::Family::ipv4));
  const Fd b = std::move(*net::socket::open_stream(net::Family::ipv4));
  const int number = a.value();
  CHECK(b.value() > number);
  a.reset();
  const Fd c = std::move(*net::socket::open_stream(net::Family::ipv4));
  CHECK(c.value() == number);
}

inline void one_listener_at_a_place() {
  const Fd first = std::move(*net::socket::listen(any_port(), {}));
  const net::Address place = *net::socket::local_address(first.value());
  CHECK(net::socket::listen(place, {}).error() == std::errc::address_in_use);
  CHECK(net::socket::listen(place, {.reuse_port = true}).error() == std::errc::address_in_use);
  const Fd shared = std::move(*net::socket::listen(any_port(), {.reuse_port = true}));
  const net::Address both = *net::socket::local_address(shared.value());
  CHECK(net::socket::listen(both, {.reuse_port = true}));
}

inline void not_connected() {
  const Fd fd = std::move(*net::socket::open_stream(net::Family::ipv4));
  std::array<std::uint8_t, 10> bytes;
  CHECK(net::socket::receive(fd.value(), bytes).error == std::errc::not_connected);
  CHECK(net::socket::shutdown_write(fd.value()).error() == std::errc::not_connected);
  CHECK(net::socket::peer_address(fd.value()).error() == std::errc::not_connected);
}

inline void peeked() {
  Pair pair;
  CHECK(send(pair.client, "twice").bytes == 5);
  wait(pair.server, Interest::read);
  std::array<std::uint8_t, 10> bytes;
  CHECK(net::socket::peek(pair.server.value(), bytes).bytes == 5);
  CHECK(receive(pair.server) == "twice");
}

// Too little to be worth an event is there all the same, and the end is always worth one.
inline void low_water() {
  Pair pair;
  REQUIRE(net::socket::set_receive_low_water(pair.server.value(), 10));
  const auto is_readable = [&] {
    return wait(pair.server, Interest::read, net::Duration::milliseconds(20)).readable;
  };
  send(pair.client, "nine byte");
  CHECK_FALSE(is_readable());
  send(pair.client, "s");
  CHECK(is_readable());
  CHECK(receive(pair.server) == "nine bytes");
  send(pair.client, "few");
  CHECK_FALSE(is_readable());
  std::array<std::uint8_t, 100> bytes;
  CHECK(net::socket::receive(pair.server.value(), bytes).bytes == 3);
  send(pair.client, "last");
  REQUIRE(net::socket::shutdown_write(pair.client.value()));
  CHECK(is_readable());
  CHECK(receive(pair.server) == "last");
}

inline constexpr std::array all{
    Manner{"bytes go both ways between two addresses", both_ways},
    Manner{"where nobody listens a connect is refused", refused},
    Manner{"after a half close the other half goes on", half_closed},
    Manner{"a close is an end behind what was sent", closed},
    Manner{"a close with input unread resets the peer, who is told once", closed_with_input_unread},
    Manner{"what came before a reset can be read", closed_abruptly},
    Manner{"sending to a peer that is gone succeeds once", sending_to_nobody},
    Manner{"who is gone before it is accepted is accepted", gone_before_it_was_accepted},
    Manner{"who waits at a listener that closes is reset", never_accepted},
    Manner{"a full socket takes nothing until the peer has read", full},
    Manner{"what is ready is told, and what is broken whatever is asked", readiness},
    Manner{"the lowest free number is given out first", lowest_number_first},
    Manner{"one listens at one place, or all who share it", one_listener_at_a_place},
    Manner{"what is not connected says so", not_connected},
    Manner{"what was peeked at is still there", peeked},
    Manner{"below its low-water mark nothing is readable but the end", low_water},
};

}  // namespace manners
}  // namespace hilo::test
