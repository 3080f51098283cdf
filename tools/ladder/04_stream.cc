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
// Called with --check, the program is its own slow peer: it sends 16 MiB and reads nothing until
// the echo has stopped reading too. Otherwise it serves, and `nc 127.0.0.1 9001` talks to it.
//
//   to read   net/stream.h, net/listener.h, net/connector.h; RFC 9293 §3.8.6 for TCP's own windows
//   next      05_http_head.cc: the first bytes that mean something

#include <cstdint>
#include <cstdio>
#include <system_error>
#include <utility>
#include <vector>

#include "net/connector.h"
#include "net/listener.h"
#include "net/stream.h"
#include "tools/ladder/expect.h"

using namespace hilo;
using ladder::expect;
using ladder::must;

namespace {

constexpr std::size_t kernel_bytes = 64 << 10;  // little, so that the end of it is soon reached
constexpr std::size_t sent_bytes = 16 << 20;

// What the check wants to hear.
struct Hooks {
  Callback<void(std::size_t queued_bytes)> on_blocked;
  Callback<void()> on_gone;
};

// One peer's echo. It lives as long as the connection, and ends itself when that has ended.
class Echo final : public net::Stream::Handler {
 public:
  Echo(net::Loop& loop, net::Fd fd, Hooks& hooks)
      : hooks_(&hooks), stream_(loop, std::move(fd), *this) {
    static_cast<void>(net::socket::set_send_buffer(stream_.fd(), kernel_bytes));
    if (!stream_.start()) stream_.close();
  }

 private:
  net::Stream::Want on_input(MutableBytes& input) override {
    if (!stream_.write(input)) stream_.close();
    input = {};
    return net::Stream::Want::more;
  }
  // The kernel takes no more. What it did not take waits in the stream, and nothing is added to it.
  void on_blocked() override {
    stream_.pause();
    if (hooks_->on_blocked) hooks_->on_blocked(stream_.queued_bytes());
  }
  // It has taken everything by now.
  void on_drained() override {
    if (end_seen_) return stream_.close();
    stream_.resume();
  }
  // The peer has said its last word. Ours may still be waiting.
  void on_end() override {
    end_seen_ = true;
    stream_.flush_collected();
    if (stream_.queued_bytes() == 0) stream_.close();
  }
  void on_broken(std::error_code) override { stream_.close(); }
  void on_reap() override {
    if (hooks_->on_gone) hooks_->on_gone();
    delete this;
  }

  Hooks* hooks_;
  net::Stream stream_;
  bool end_seen_ = false;
};

// Sends much and reads nothing until it is told to.
class SlowPeer final : public net::Stream::Handler {
 public:
  SlowPeer(net::Loop& loop, net::Fd fd) : stream_(loop, std::move(fd), *this) {
    static_cast<void>(net::socket::set_receive_buffer(stream_.fd(), kernel_bytes));
    stream_.pause();
    const std::vector<std::uint8_t> bytes(sent_bytes, 'x');
    must(stream_.start());
    must(stream_.write(bytes));
  }
  void read_at_last() { stream_.resume(); }

 private:
  net::Stream::Want on_input(MutableBytes& input) override {
    received_bytes_ += input.size();
    input = {};
    if (received_bytes_ == sent_bytes) stream_.close();
    return net::Stream::Want::more;
  }
  void on_end() override { expect(false, "the echo goes last"); }
  void on_broken(std::error_code) override { expect(false, "the connection holds"); }
  void on_reap() override {
    expect(received_bytes_ == sent_bytes, "all 16 MiB came back");
    delete this;
  }

  net::Stream stream_;
  std::size_t received_bytes_ = 0;
};

void check(net::Loop& loop, const net::Address& address, Hooks& hooks) {
  SlowPeer* peer = nullptr;
  bool told = false;
  hooks.on_blocked = [&](std::size_t queued_bytes) {
    if (told) return;
    told = true;
    expect(queued_bytes < 1 << 20, "the kernel takes no more; less than 1 MiB waits in the echo");
    peer->read_at_last();
  };
  hooks.on_gone = [&] { loop.stop(); };

  net::Connector connector{loop};
  connector.connect({&address, 1}, {},
                    [&](Result<net::Fd> fd) { peer = new SlowPeer(loop, must(std::move(fd))); });
  must(loop.run());
  expect(told, "the peer was slow, and lost nothing");
}

}  // namespace

int main(int argc, char** argv) {
  const bool checking = ladder::checking(argc, argv);
  net::Loop loop;
  Hooks hooks;
  net::Listener listener{loop};
  const net::Address wanted =
      must(net::Address::parse(checking ? "127.0.0.1:0" : "127.0.0.1:9001"));
  must(listener.open(
      wanted, {}, [&](net::Fd fd, const net::Address&) { new Echo(loop, std::move(fd), hooks); }));
  std::printf("an echo over TCP on %s\n", listener.address().to_string().c_str());
  if (!checking) return loop.run() ? 0 : 1;
  check(loop, listener.address(), hooks);
  return 0;
}
