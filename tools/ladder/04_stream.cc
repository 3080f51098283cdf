// SPDX-License-Identifier: MIT
//
// Chapter 4: the stream.
//
// An echo over TCP looks like two lines: receive, send. The third one is the hard one: what if the
// peer sends and does not read? The kernel takes what fits into its buffers, then it takes no more.
// Keep the rest, and such a peer makes the program grow for ever. Drop it, and the echo lies. The
// way out is to stop reading from that peer until it has taken what it was sent. Then its own
// kernel stops it: the pressure travels back to where it came from. That is back-pressure.
//
// Called with --check, the program is its own slow peer: it sends and reads nothing until the echo
// has stopped reading too. Otherwise it serves, and `nc 127.0.0.1 9001` talks to it.
//
//   to read   net/stream.h, net/listener.h; RFC 9293 §3.8.6 for TCP's own windows
//   exercise  make exercise N=04: send what the kernel takes, keep the rest, and lose no byte
//   next      05_http_head.cc: the first bytes that mean something

#include <array>
#include <cstdint>
#include <cstdio>
#include <system_error>
#include <utility>

#include "net/listener.h"
#include "net/socket.h"
#include "net/stream.h"
#include "tools/ladder/expect.h"

using namespace hilo;
using ladder::expect;
using ladder::must;

namespace {

// One peer's echo. It lives as long as the connection, and ends itself when that has ended.
class Echo final : public net::Stream::Handler {
 public:
  Echo(net::Loop& loop, net::Fd fd) : stream_(loop, std::move(fd), *this) {
    if (!stream_.start()) stream_.close();
  }
  // What the last of them that was blocked kept.
  static inline std::size_t kept_bytes = 0;

 private:
  net::Stream::Want on_input(MutableBytes& input) override {
    if (!stream_.write(input)) stream_.close();
    input = {};
    return net::Stream::Want::more;
  }
  // The kernel takes no more. What it did not take waits in the stream, and nothing is added to it.
  void on_blocked() override {
    stream_.pause();
    kept_bytes = stream_.queued_bytes();
  }
  // It has taken everything by now.
  void on_drained() override { end_seen_ ? stream_.close() : stream_.resume(); }
  // The peer has said its last word. Ours may still be waiting.
  void on_end() override {
    end_seen_ = true;
    stream_.flush_collected();
    if (stream_.queued_bytes() == 0) stream_.close();
  }
  void on_broken(std::error_code) override { stream_.close(); }
  void on_reap() override { delete this; }

  net::Stream stream_;
  bool end_seen_ = false;
};

// A peer that sends, and at first does not read.
void check(net::Loop& loop, const net::Address& address) {
  net::Fd peer = must(net::socket::open_stream(net::Family::ipv4));
  net::socket::connect(peer.value(), address);
  static std::array<std::uint8_t, 65536> block;
  const Bytes all{block};
  std::size_t on_the_way = 0;
  while (Echo::kept_bytes == 0) {
    on_the_way += net::socket::send(peer.value(), {&all, 1}).bytes;
    must(loop.run_once({}));
  }
  expect(Echo::kept_bytes < 1 << 20, "the kernel takes no more; less than 1 MiB waits in the echo");
  net::Io io;
  while ((io = net::socket::send(peer.value(), {&all, 1})).bytes != 0) on_the_way += io.bytes;
  expect(io.kind == net::Io::Kind::would_block, "and now the peer's own kernel takes no more");
  while (on_the_way != 0) {
    on_the_way -= net::socket::receive(peer.value(), block).bytes;
    must(loop.run_once({}));
  }
  peer.reset();
  while (loop.watched_count() != 1) must(loop.run_once(net::Duration{-1}));
  expect(loop.watched_count() == 1, "the peer was slow, lost nothing, and its echo went with it");
}

}  // namespace

int main(int argc, char** argv) {
  const bool checking = ladder::checking(argc, argv);
  net::Loop loop;
  net::Listener listener{loop};
  const net::Address wanted =
      must(net::Address::parse(checking ? "127.0.0.1:0" : "127.0.0.1:9001"));
  must(listener.open(wanted, {},
                     [&](net::Fd fd, const net::Address&) { new Echo(loop, std::move(fd)); }));
  std::printf("an echo over TCP on %s\n", listener.address().to_string().c_str());
  if (!checking) return loop.run() ? 0 : 1;
  check(loop, listener.address());
  return 0;
}
