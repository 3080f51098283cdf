// SPDX-License-Identifier: MIT
//
// TCP connections out of a capture of packets: pcapng and the older pcap, as tcpdump, Wireshark and
// `hilo tap --capture` write them; and the key log of TLS that a pcapng may hold (as `editcap
// --inject-secrets` puts it in).
//
//   read   links without a header (RAW), Ethernet, loopback (NULL), Linux "any" (SLL, SLL2); IPv4,
//          and IPv6 without extension headers; TCP
//   order  bytes of a direction by their sequence numbers: repeated ones once, ones that came too
//          early when the gap is filled. What is missing for good ends that direction, and so do
//          2 GiB of it.
//   memory all of it is in memory already; what comes early is kept, the rest are views into `file`

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "ws/trace/part.h"

namespace hilo::tools::explain {

struct Segment {
  trace::Direction direction = trace::Direction::to_server;
  Bytes bytes;
};

struct CapturedConnection {
  std::string name;  // "127.0.0.1:40000 > 127.0.0.1:8080", from client to server
  std::vector<Segment> segments;
};

struct Capture {
  std::vector<CapturedConnection> connections;
  std::vector<std::string_view> key_logs;  // texts in NSS's format (ws/trace/tls_key_log.h)
};

bool is_capture(Bytes file) noexcept;

// Connections in the order in which they began. Who is the client is told by a SYN, else by who
// speaks first. Nothing where the file is malformed; a last packet that was cut is left out.
std::optional<Capture> read_capture(Bytes file);

}  // namespace hilo::tools::explain
