// SPDX-License-Identifier: MIT
//
// sizes SUBJECT: how many bytes things have. The chapters of net/ and ws/ show its output.
//
//   layers    "Hello" from a browser, layer by layer
//   net       what the loop holds for each connection
//   ws        what a connection is while it speaks HTTP, and what is left of it afterwards
//   polling   one event by POST, and as a frame
//
// Sizes of objects are those of 64 bits and libstdc++.

#include <netinet/ip.h>
#include <netinet/tcp.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "net/base/pool.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/timers.h"
#include "tools/chapters/visitor.h"
#include "ws/connection.h"
#include "ws/connection_engine.h"
#include "ws/core/session.h"
#include "ws/http_connection.h"
#include "ws/server.h"

using namespace hilo;

namespace {

void row(std::string_view name, std::size_t bytes, std::string_view words = {}) {
  std::printf("  %-26.*s %7zu%s%.*s\n", static_cast<int>(name.size()), name.data(), bytes,
              words.empty() ? "" : "   ", static_cast<int>(words.size()), words.data());
}

void show_layers() {
  // With the time stamps that Linux adds to each segment.
  constexpr std::size_t tcp_options = 12;
  constexpr std::size_t ethernet = 14;
  std::size_t bytes = 5;
  row("payload", bytes, "Hello");
  bytes = chapters::client_frame(ws::Opcode::text, "Hello").size();
  row("frame", bytes, "+ 2 of header, 4 of masking key");
  bytes += sizeof(tcphdr) + tcp_options;
  row("TCP segment", bytes, "+ 20 of header, 12 of time stamps");
  bytes += sizeof(iphdr);
  row("IPv4 packet", bytes, "+ 20 of header");
  bytes += ethernet;
  row("Ethernet frame", bytes, "+ 14 of header");
}

void show_net() {
  row("Stream", sizeof(net::Stream), "its transport, its flags, where it is in the loop");
  row("Timer", sizeof(net::Timer), "a place in the wheel, with the deadline");
  row("smallest block of a Pool", Pool::block_bytes_min, "output that the kernel did not take");
  row("Loop's receive buffer", net::Loop::Options{}.receive_bytes, "one for all connections");
  row("Loop's send buffer", net::Loop::Options{}.send_bytes, "one for all connections");
}

void show_ws() {
  row("HttpConnection", sizeof(ws::HttpConnection), "until the 101, and then it is gone");
  row("Connection", sizeof(ws::Connection::Engine),
      "from the 101 on, with its Session and its deadline");
  row("  Session", sizeof(ws::Session), "the protocol: what ws/core knows of a peer");
  row("Stream", sizeof(net::Stream), "moves from the one to the other");
  row("an idle WebSocket", sizeof(ws::Connection::Engine) + sizeof(net::Stream),
      "Connection and Stream");
}

void show_polling() {
  constexpr std::string_view packet = "42[\"stats\",{\"numClients\":2}]";
  const std::string request =
      "POST /socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA HTTP/1.1\r\n"
      "Host: localhost\r\nContent-Length: " +
      std::to_string(packet.size()) + "\r\n\r\n";
  row("the packet", packet.size(), packet);
  row("by POST", request.size() + packet.size(), "with the shortest head that there is");
  row("in a frame", chapters::client_frame(ws::Opcode::text, packet).size(), "masked");
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::array<std::pair<std::string_view, void (*)()>, 4> subjects = {
      {{"layers", show_layers}, {"net", show_net}, {"ws", show_ws}, {"polling", show_polling}}};
  for (const auto& [name, show] : subjects) {
    if (argc == 2 && name == argv[1]) return show(), 0;
  }
  std::fputs("sizes layers|net|ws|polling\n", stderr);
  return 2;
}
