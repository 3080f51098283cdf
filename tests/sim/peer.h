// SPDX-License-Identifier: MIT
//
// Peer: one end of a virtual connection in the hands of a test, which writes what it likes and sees
// every byte and the manner of the end. It has no descriptor and suffers no faults, so the numbers
// and the baseline of what is tested are not disturbed by it.
//
//   life  must not outlive the Network

#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/base/check.h"
#include "tests/sim/virtual_network.h"

namespace hilo::sim {

class Peer {
 public:
  explicit Peer(std::shared_ptr<Socket> socket) : socket_(std::move(socket)) {}
  Peer(Peer&&) = default;
  Peer& operator=(Peer&& other) noexcept {
    close();
    socket_ = std::move(other.socket_);
    received_ = std::move(other.received_);
    ended_ = other.ended_;
    was_reset_ = other.was_reset_;
    return *this;
  }
  ~Peer() { close(); }

  // Connects to somebody who listens there.
  static Peer connect(const net::Address& to) {
    Network& network = Network::current();
    const std::shared_ptr<Socket> socket = network.make(Socket::Kind::stream);
    HILO_CHECK(network.connect(socket, to).kind != net::Io::Kind::failed);
    return Peer(socket);
  }

  // All of it must fit.
  void send(std::string_view bytes) {
    if (bytes.empty()) return;
    const net::Io io = Network::current().send(*socket_, as_bytes(bytes));
    HILO_CHECK(io.kind != net::Io::Kind::done || io.bytes == bytes.size());
  }

  // Takes what has arrived, and returns all that ever did.
  const std::string& received() {
    std::array<std::uint8_t, 4096> chunk;
    while (socket_ && !was_reset_) {
      const net::Io io = Network::current().receive(*socket_, chunk);
      if (io.kind == net::Io::Kind::would_block) break;
      received_ += as_text(Bytes{chunk}.first(io.bytes));
      ended_ = ended_ || io.kind == net::Io::Kind::end;
      was_reset_ = io.kind == net::Io::Kind::failed;
      // A reset may still come behind a FIN, and each look goes past it.
      if (io.kind == net::Io::Kind::end) break;
    }
    return received_;
  }
  // The same, and forgets it.
  std::string take() {
    static_cast<void>(received());
    return std::exchange(received_, {});
  }
  bool saw_fin() {
    static_cast<void>(received());
    return ended_;
  }
  bool saw_reset() {
    static_cast<void>(received());
    return was_reset_;
  }

  void finish_sending() { Network::current().shutdown_write(*socket_); }
  void set_capacity(std::size_t bytes) { socket_->capacity = bytes; }
  void close() {
    if (socket_) Network::current().hang_up(*std::exchange(socket_, nullptr));
  }
  void reset() {
    socket_->abortive = true;
    close();
  }

 private:
  std::shared_ptr<Socket> socket_;
  std::string received_;
  bool ended_ = false;
  bool was_reset_ = false;
};

// Somebody who listens, in the hands of a test.
class PeerListener {
 public:
  explicit PeerListener(std::string_view address)
      : socket_(Network::current().make(Socket::Kind::listener)) {
    HILO_CHECK(Network::current().listen(socket_, *net::Address::parse(address), {}));
  }
  ~PeerListener() { Network::current().hang_up(*socket_); }

  std::size_t waiting() const { return socket_->waiting.size(); }
  Peer accept() { return Peer(accept_socket()); }
  std::shared_ptr<Socket> accept_socket() {
    HILO_CHECK(!socket_->waiting.empty());
    std::shared_ptr<Socket> socket = std::move(socket_->waiting.front());
    socket_->waiting.pop_front();
    return socket;
  }

 private:
  std::shared_ptr<Socket> socket_;
};

}  // namespace hilo::sim
