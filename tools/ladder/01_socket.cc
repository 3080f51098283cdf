// SPDX-License-Identifier: MIT
//
// Chapter 1: the socket.
//
// A socket is one end of a conversation between two programs. What names the conversation is a pair
// of addresses, each with a port: no other connection of this machine has the same four numbers.
// One program waits to be found (listen, accept): the server. The other one calls (connect): the
// client. From then on both do the same: send bytes, receive bytes.
//
// The sockets of hilo never block. When there is nothing to receive yet, `would_block` says so and
// the program may do something else. This one has nothing else to do and asks again at once, which
// keeps a whole processor busy with waiting: chapter 2 does better.
//
//   to read   net/socket.h, net/fd.h; RFC 9293 §3.3 for what the kernel does underneath
//   exercise  make exercise N=01: name both ends of a connection
//   next      02_poller.cc: wait until a socket is ready

#include <array>
#include <cstdint>
#include <cstdio>

#include "net/socket.h"
#include "tools/ladder/expect.h"

using namespace hilo;
using ladder::expect;
using ladder::must;

namespace {

std::uint8_t receive_byte(const net::Fd& fd) {
  std::array<std::uint8_t, 1> byte{};
  net::Io io;
  do {
    io = net::socket::receive(fd.value(), byte);
  } while (io.kind == net::Io::Kind::would_block);
  expect(io.kind == net::Io::Kind::done, "a byte has arrived");
  return byte[0];
}

void send_byte(const net::Fd& fd, std::uint8_t byte) {
  const Bytes slice{&byte, 1};
  const net::Io io = net::socket::send(fd.value(), {&slice, 1});
  expect(io.kind == net::Io::Kind::done, "a byte has left");
}

}  // namespace

int main() {
  // The server: port 0 lets the kernel choose one that is free.
  const net::Address any_port = must(net::Address::parse("127.0.0.1:0"));
  const net::Fd listening = must(net::socket::listen(any_port, {}));
  const net::Address server = must(net::socket::local_address(listening.value()));
  std::printf("the server listens on %s\n", server.to_string().c_str());

  // The client: it needs no port of its own choosing, the kernel gives it one.
  const net::Fd client = must(net::socket::open_stream(net::Family::ipv4));
  const net::Io connecting = net::socket::connect(client.value(), server);
  expect(connecting.kind != net::Io::Kind::failed, "the client has called");

  // Accepting makes a second socket: the first one goes on listening.
  net::Address caller;
  const net::Fd accepted = must(net::socket::accept(listening.value(), &caller));
  std::printf("a connection: %s <-> %s\n", caller.to_string().c_str(), server.to_string().c_str());
  expect(caller == must(net::socket::local_address(client.value())), "both ends agree on its name");

  // The smallest echo there is.
  send_byte(client, 'h');
  send_byte(accepted, receive_byte(accepted));
  expect(receive_byte(client) == 'h', "the byte came back");
  return 0;
}
