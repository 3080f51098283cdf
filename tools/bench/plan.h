// SPDX-License-Identifier: MIT
//
// Plan: what a run of `hilo bench` does, as the flags said it and with names looked up. One Plan is
// shared by all threads, which only read it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/duration.h"
#include "net/tls.h"

namespace hilo::tools::bench {

enum class Mode : std::uint8_t {
  echo,     // every connection sends, and what it sent comes back
  fanout,   // one connection sends, and it comes to all of them
  connect,  // connections open and close, so many at once
  idle,     // connections open and say nothing
};

enum class Protocol : std::uint8_t {
  websocket,
  socketio,  // Engine.IO 4 over WebSocket, Socket.IO 5
  raw,       // TCP and nothing else, for servers that send bytes back as they are: the floor
};

enum class Payload : std::uint8_t {
  text,    // letters
  binary,  // random bytes
  json,    // records that compress about as well as records do
};

struct Plan {
  Mode mode = Mode::echo;
  Protocol protocol = Protocol::websocket;

  // Where to.
  std::string url;
  net::Address address;
  std::vector<net::Address> sources;  // to connect from, in turns; empty: the kernel chooses
  std::shared_ptr<const net::tls::ClientContext> tls;  // null: plain
  std::string host;                                    // for TLS
  std::string authority;                               // for the Host field
  std::string target = "/";                            // path and query

  // What.
  Payload payload = Payload::text;
  std::size_t payload_bytes = 20;
  bool deflate = false;
  // Socket.IO: the event as a JSON array, with "@" where the text of payload_bytes goes; and an
  // event to join by, which has to be answered before the client counts as open, or nothing.
  std::string emit;
  std::string join;

  // How much.
  bool resets = false;  // connections are reset at their end, in place of a Close
  std::size_t connections = 64;
  std::size_t in_flight = 1;  // of each connection; fanout: of the sender
  double rate = 0;            // messages a second of all connections together; 0: closed loop
  unsigned threads = 1;
  std::uint32_t busy_poll_us = 0;  // net::Loop::Options::busy_poll of each thread
  net::Duration duration = net::Duration::seconds(10);
  std::uint64_t messages = 0;  // as soon as so many are answered it is over; 0: by time alone
  net::Duration warm_up = net::Duration::seconds(1);
  net::Duration ramp;  // the connections open evenly over it; zero: as fast as they can
  net::Duration interval = net::Duration::seconds(1);   // of a point in the plots
  net::Duration patience = net::Duration::seconds(10);  // for a connection to open

  // Of each thread: at most so many connections are on their way at once, so that no server's
  // queue of new ones is what is measured.
  static constexpr std::size_t opening_max = 64;
};

}  // namespace hilo::tools::bench
