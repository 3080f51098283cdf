// SPDX-License-Identifier: MIT
//
// Connected sockets for tests.

#pragma once

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/socket.h>

#include "net/base/result.h"
#include "net/fd.h"
#include "net/socket.h"

namespace hilo::test {

struct SocketPair {
  net::Fd a;
  net::Fd b;
};

// Two ends of a stream, non-blocking, without a name.
inline SocketPair socket_pair() {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  for (const int fd : ends) REQUIRE(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
  return {net::Fd(ends[0]), net::Fd(ends[1])};
}

// A TCP connection over the loopback device: `a` connected, `b` was accepted.
inline SocketPair tcp_pair(const net::socket::ListenOptions& options = {}) {
  Result<net::Fd> listening = net::socket::listen(*net::Address::parse("127.0.0.1:0"), options);
  REQUIRE(listening);
  const Result<net::Address> address = net::socket::local_address(listening->value());
  REQUIRE(address);
  Result<net::Fd> connected = net::socket::open_stream(net::Family::ipv4);
  REQUIRE(connected);
  // Over loopback the connection is in the queue of the listener when connect returns.
  REQUIRE(net::socket::connect(connected->value(), *address).kind != net::Io::Kind::failed);
  Result<net::Fd> accepted = net::socket::accept(listening->value(), nullptr);
  REQUIRE(accepted);
  return {std::move(*connected), std::move(*accepted)};
}

}  // namespace hilo::test
