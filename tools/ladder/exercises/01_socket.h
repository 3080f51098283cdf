// SPDX-License-Identifier: MIT
//
// Exercise 1: name both ends of a connection.
//
// A descriptor is a small number, good within one program. What names the connection behind it, for
// everybody on the way, is a pair of addresses: ours and the peer's, each an IP address and a port.
// The kernel knows both, and tells.
//
// Write each end of an IPv4 socket as "127.0.0.1:40000". Who is connected to nobody, as a listening
// socket is, has no remote end: that is the empty text.
//
//   to know   getsockname(2) fills in our address, getpeername(2) the peer's, or fails; of an IPv4
//             socket it is a sockaddr_in. inet_ntop(3) writes its address. Its port stands there in
//             network byte order, most significant byte first: ntohs(3)
//   RFC       9293 §3.3.1
//   stuck?    net/address.cc, from_native() and to_string()

#pragma once

#include <string>

namespace hilo::exercise {

struct Ends {
  std::string local;
  std::string remote;
};

Ends ends_of(int fd);

}  // namespace hilo::exercise
