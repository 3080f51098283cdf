// SPDX-License-Identifier: MIT
//
// The protocol on the reactor, without the layer ws: a WebSocket session on each of two streams,
// and messages that go over a TCP connection and come back. Built without exceptions and RTTI, as
// net and ws/core promise (`make embedded`).

#include <cstdint>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

#include "net/listener.h"
#include "net/socket.h"
#include "net/stream.h"
#include "ws/core/session.h"

using namespace hilo;

namespace {

constexpr int messages = 1000;
constexpr ws::MaskKey key = {0x37, 0xFA, 0x21, 0x3D};

// One end. The client sends `messages` messages, one after the other; the server sends back.
class End final : public net::Stream::Handler {
 public:
  End(net::Loop& loop, net::Fd fd, ws::Role role)
      : loop_(&loop),
        role_(role),
        shared_{.pool = &loop.pool()},
        session_(role, shared_),
        stream_(loop, std::move(fd), *this) {}
  bool start() { return static_cast<bool>(stream_.start()); }

  // The client's; false: not sent.
  bool say() {
    Buffer wire{loop_->pool()};
    const std::uint8_t text[] = {'h', 'o', 'l', 'a', static_cast<std::uint8_t>('0' + heard_ % 10)};
    return session_.send(ws::Opcode::text, text, key, wire) && stream_.write(wire.readable());
  }
  int heard() const { return heard_; }
  bool failed() const { return failed_; }
  void close() { stream_.close(); }

 private:
  net::Stream::Want on_input(MutableBytes& input) override {
    for (;;) {
      const ws::Event event = session_.next(input);
      if (event.kind == ws::Event::Kind::need_input) return net::Stream::Want::more;
      failed_ = failed_ || event.kind != ws::Event::Kind::message || !answer(event);
      if (failed_) {
        loop_->stop();
        return net::Stream::Want::more;
      }
    }
  }
  bool answer(const ws::Event& event) {
    ++heard_;
    if (role_ == ws::Role::client) {
      if (heard_ < messages) return say();
      loop_->stop();
      return true;
    }
    const ws::Outgoing outgoing = session_.send(event.opcode, event.payload);
    return static_cast<bool>(stream_.write(outgoing.slices()));
  }
  void on_end() override { stream_.close(); }
  void on_broken(std::error_code) override {
    failed_ = true;
    loop_->stop();
  }
  void on_reap() override {}

  net::Loop* loop_;
  ws::Role role_;
  ws::Session::Shared shared_;
  ws::Session session_;
  net::Stream stream_;
  int heard_ = 0;
  bool failed_ = false;
};

bool run() {
  net::Loop loop;
  const Result<net::Address> any = net::Address::from_ip("127.0.0.1", 0);
  std::unique_ptr<End> server;
  net::Listener listener{loop};
  const Status opened = listener.open(*any, {}, [&](net::Fd fd, const net::Address&) {
    server = std::make_unique<End>(loop, std::move(fd), ws::Role::server);
    if (!server->start()) loop.stop();
  });
  Result<net::Fd> socket = net::socket::open_stream(net::Family::ipv4);
  if (!opened || !socket) return false;
  net::socket::connect(socket->value(), listener.address());
  End client{loop, std::move(*socket), ws::Role::client};
  if (!client.start() || !client.say()) return false;
  const bool ran = static_cast<bool>(loop.run());
  const bool holds = ran && server && !server->failed() && !client.failed() &&
                     server->heard() == messages && client.heard() == messages;
  listener.close();
  client.close();
  if (server) server->close();
  return loop.run_once(net::Duration{}) && holds;
}

}  // namespace

int main() {
  const bool holds = run();
  std::printf("%s sessions on streams echo over TCP\n", holds ? "ok" : "not ok");
  return holds ? 0 : 1;
}
