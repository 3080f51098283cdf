// SPDX-License-Identifier: MIT
//
// What the tests of net share: turning a loop until something has happened, connected pairs of
// descriptors of each kind, a transport that counts, and a Stream with a handler that records.

#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/bytes.h"
#include "net/clock.h"
#include "net/fd.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/stream.h"
#include "net/transport_memory.h"

namespace hilo::test {

// Turns until `done()`; gives up after a minute, long after any test that passes, even emulated.
template <class Done>
bool turn_until(net::Loop& loop, Done&& done) {
  const net::Time limit = net::clock_now() + net::Duration::seconds(60);
  while (!done()) {
    if (net::clock_now() > limit) return false;
    REQUIRE(loop.run_once(net::Duration::milliseconds(100)));
  }
  return true;
}

// Enough turns, none of them waiting, for everything that is on its way within this process.
inline void settle(net::Loop& loop) {
  for (int i = 0; i < 20; ++i) REQUIRE(loop.run_once(net::Duration{}));
}

enum class Kind { socketpair, tcp, memory };
inline constexpr Kind all_kinds[] = {Kind::socketpair, Kind::tcp, Kind::memory};

inline std::pair<net::Fd, net::Fd> connected_sockets(Kind kind) {
  if (kind == Kind::socketpair) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    return {net::Fd{ends[0]}, net::Fd{ends[1]}};
  }
  Result<net::Address> any = net::Address::from_ip("127.0.0.1", 0);
  REQUIRE(any);
  Result<net::Fd> listening = net::socket::listen(*any, {});
  REQUIRE(listening);
  Result<net::Address> bound = net::socket::local_address(listening->value());
  REQUIRE(bound);
  Result<net::Fd> client = net::socket::open_stream(net::Family::ipv4);
  REQUIRE(client);
  const net::Io io = net::socket::connect(client->value(), *bound);
  REQUIRE(io.kind != net::Io::Kind::failed);
  while (true) {  // on the loopback the connection is there when connect() returns
    Result<net::Fd> server = net::socket::accept(listening->value(), nullptr);
    if (server) return {std::move(*client), std::move(*server)};
  }
}

// Passes everything on to the descriptor's socket, or to another transport, and counts.
class CountingTransport final : public net::Transport {
 public:
  struct Counts {
    int reads = 0;
    int writes = 0;
    std::vector<std::vector<Bytes>> batches;  // what each write was given, by address
  };

  CountingTransport(int fd, Counts& counts) noexcept : fd_(fd), counts_(&counts) {}
  CountingTransport(std::unique_ptr<net::Transport> inner, Counts& counts) noexcept
      : inner_(std::move(inner)), counts_(&counts) {}

  void attach(net::Stream& stream) noexcept override {
    if (inner_ != nullptr) inner_->attach(stream);
  }
  net::Io read(MutableBytes into) noexcept override {
    ++counts_->reads;
    return inner_ != nullptr ? inner_->read(into) : net::socket::receive(fd_, into);
  }
  net::Io write(std::span<const Bytes> slices) noexcept override {
    ++counts_->writes;
    counts_->batches.emplace_back(slices.begin(), slices.end());
    return inner_ != nullptr ? inner_->write(slices) : net::socket::send(fd_, slices);
  }
  Status shutdown_write() noexcept override {
    return inner_ != nullptr ? inner_->shutdown_write() : net::socket::shutdown_write(fd_);
  }
  bool has_buffered_input() const noexcept override {
    return inner_ != nullptr && inner_->has_buffered_input();
  }

 private:
  std::unique_ptr<net::Transport> inner_;
  int fd_ = -1;
  Counts* counts_;
};

// A stream and a handler that takes all input into `received` and logs every call. Hooks come
// after the logging.
class Peer final : public net::Stream::Handler {
 public:
  using Want = net::Stream::Want;

  Peer(net::Loop& loop, net::Fd fd)
      : stream(std::make_unique<net::Stream>(loop, std::move(fd), *this)) {
    REQUIRE(stream->start());
  }
  Peer(net::Loop& loop, std::unique_ptr<net::Transport> transport, net::Fd fd = net::Fd{})
      : stream(std::make_unique<net::Stream>(loop, std::move(transport), std::move(fd), *this)) {
    REQUIRE(stream->start());
  }

  Want on_input(MutableBytes& input) override {
    log.push_back("input");
    if (input_hook) return input_hook(input);
    received += as_text(input);
    input = {};
    return Want::more;
  }
  // From now on bytes are received there.
  void receive_into(MutableBytes own) {
    space = own;
    stream->ask_for_space(true);
  }
  MutableBytes receive_space() override { return space; }
  std::size_t bytes_per_turn_max() const override { return turn_bytes; }
  Want on_received(std::size_t bytes) override {
    log.push_back("received");
    received += as_text(space.first(bytes));
    return received_hook ? received_hook(bytes) : Want::more;
  }
  void on_end() override {
    log.push_back("end");
    if (end_hook) end_hook();
  }
  void on_blocked() override {
    ++blocked;
    if (blocked_hook) blocked_hook();
  }
  void on_drained() override {
    log.push_back("drained");
    if (drained_hook) drained_hook();
  }
  void on_broken(std::error_code why) override {
    log.push_back("broken");
    error = why;
    if (broken_hook) broken_hook();
  }
  void on_reap() override {
    log.push_back("reap");
    stream.reset();
  }

  int count(std::string_view what) const {
    int n = 0;
    for (const std::string& entry : log) n += entry == what ? 1 : 0;
    return n;
  }
  void write(std::string_view text) { REQUIRE(stream->write(as_bytes(text))); }

  std::unique_ptr<net::Stream> stream;
  std::string received;
  std::vector<std::string> log;
  std::error_code error;
  int blocked = 0;
  MutableBytes space;
  std::size_t turn_bytes = net::Stream::bytes_per_turn_max;
  std::function<Want(MutableBytes&)> input_hook;
  std::function<Want(std::size_t)> received_hook;
  std::function<void()> end_hook;
  std::function<void()> blocked_hook;
  std::function<void()> drained_hook;
  std::function<void()> broken_hook;
};

// Two streams, connected with each other.
struct PeerPair {
  PeerPair(net::Loop& loop, Kind kind) {
    if (kind == Kind::memory) {
      auto ends = net::MemoryTransport::pair();
      REQUIRE(ends);
      a = std::make_unique<Peer>(loop, std::move(ends->a));
      b = std::make_unique<Peer>(loop, std::move(ends->b));
      return;
    }
    auto [one, other] = connected_sockets(kind);
    a = std::make_unique<Peer>(loop, std::move(one));
    b = std::make_unique<Peer>(loop, std::move(other));
  }
  std::unique_ptr<Peer> a;
  std::unique_ptr<Peer> b;
};

// Bytes in which every place can be told from its neighbours.
inline std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  std::uint32_t state = 1;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

}  // namespace hilo::test
