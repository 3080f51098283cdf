// SPDX-License-Identifier: MIT
//
// RawServer: a listener that answers a client with bytes of the test's choice, and sees exactly
// what the client sent. It lives beside the loop and is served from the test's own until(). Over
// TLS all of this means the plain text, with a certificate that nobody vouches for.

#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/address.h"
#include "net/fd.h"
#include "net/socket.h"
#include "tests/support/tls_endpoint.h"
#include "ws/core/accept_key.h"

namespace hilo::test {

// A frame as a client sent it, unmasked.
struct ClientFrame {
  std::uint8_t first = 0;
  std::string key;
  std::string payload;
};

// Takes the whole frames from the front of `bytes`. Every one of them must be masked (§5.1).
inline std::vector<ClientFrame> take_client_frames(std::string& bytes) {
  std::vector<ClientFrame> frames;
  const auto at = [&bytes](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  while (bytes.size() >= 6) {
    REQUIRE((at(1) & 0x80) != 0);
    std::size_t size = at(1) & 0x7F;
    std::size_t header = 2;
    const std::size_t extended = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (extended != 0) size = 0;
    if (bytes.size() < header + extended + 4) break;
    for (std::size_t i = 0; i < extended; ++i) size = size << 8 | at(header + i);
    header += extended + 4;
    if (bytes.size() < header + size) break;
    ClientFrame frame{at(0), bytes.substr(header - 4, 4), bytes.substr(header, size)};
    for (std::size_t i = 0; i < size; ++i) {
      frame.payload[i] = static_cast<char>(frame.payload[i] ^ frame.key[i % 4]);
    }
    frames.push_back(std::move(frame));
    bytes.erase(0, header + size);
  }
  return frames;
}

class RawServer {
 public:
  static TlsEndpointOptions self_signed() {
    TlsEndpointOptions options;
    options.server = options.self_signed = true;
    return options;
  }
  // Another certificate comes with the options.
  explicit RawServer(bool secure = false, TlsEndpointOptions options = self_signed())
      : speaks_tls(secure), tls_options_(std::move(options)) {
    Result<net::Fd> fd = net::socket::listen(*net::Address::from_ip("127.0.0.1", 0), {});
    REQUIRE(fd);
    listening_ = std::move(*fd);
    address = *net::socket::local_address(listening_.value());
  }

  std::string url(std::string_view rest = "/") const {
    return (speaks_tls ? "wss://127.0.0.1:" : "ws://127.0.0.1:") + std::to_string(address.port()) +
           std::string(rest);
  }

  // Accepts a client and takes what it has sent. One client at a time: a later one replaces it.
  void poll() {
    if (Result<net::Fd> fd = net::socket::accept(listening_.value(), nullptr)) {
      peer_ = std::move(*fd);
      if (speaks_tls) tls_ = std::make_unique<TlsEndpoint>(tls_options_);
      received.clear();
      ended = was_reset = false;
      ++accepted;
    }
    static thread_local std::uint8_t block[65536];
    while (peer_ && !ended && !was_reset) {
      const net::Io io = net::socket::receive(peer_.value(), block);
      if (io.kind == net::Io::Kind::would_block) return;
      ended = io.kind == net::Io::Kind::end;
      was_reset = io.kind == net::Io::Kind::failed;
      if (io.kind == net::Io::Kind::done) take({block, io.bytes});
    }
  }
  // Whether a request has come, which is then moved to `request`.
  bool take_request() {
    poll();
    const std::size_t end = received.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    request = received.substr(0, end + 4);
    received.erase(0, end + 4);
    return true;
  }
  // What the accept key of the last request has to be answered with.
  std::string accept_of_request() const {
    constexpr std::string_view name = "Sec-WebSocket-Key: ";
    const std::size_t at = request.find(name) + name.size();
    const auto accept = ws::accept_key(std::string_view(request).substr(at, 24));
    return {accept.data(), accept.size()};
  }
  // The right answer, with more fields behind.
  std::string good_answer(std::string_view more = {}) const {
    std::string answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: ";
    return answer.append(accept_of_request()).append("\r\n").append(more).append("\r\n");
  }
  // Must fit into the kernel's buffers. An ended client is no error.
  void send(std::string_view bytes) { tls_ ? send_raw(tls_->seal(bytes)) : send_raw(bytes); }
  // Over TLS close_notify goes in front of the FIN.
  void finish_sending() {
    if (tls_) tls_->close_notify();
    if (tls_) send_raw(tls_->take_wire());
    finish_sending_raw();
  }
  void finish_sending_raw() { static_cast<void>(net::socket::shutdown_write(peer_.value())); }
  void reset() {
    net::socket::set_abortive_close(peer_.value());
    peer_.reset();
  }
  void hang_up() { peer_.reset(); }

  net::Address address;
  const bool speaks_tls;
  std::string request;
  std::string received;  // behind the request
  int accepted = 0;
  bool ended = false;
  bool was_reset = false;

 private:
  void take(Bytes bytes) {
    if (!tls_) {
      received += as_text(bytes);
      return;
    }
    tls_->put_wire(as_text(bytes));
    send_raw(tls_->take_wire());
    received += std::exchange(tls_->plain, {});
  }
  void send_raw(std::string_view bytes) {
    const Bytes all = as_bytes(bytes);
    if (!all.empty()) static_cast<void>(net::socket::send(peer_.value(), {&all, 1}));
  }

  TlsEndpointOptions tls_options_;
  net::Fd listening_;
  net::Fd peer_;
  std::unique_ptr<TlsEndpoint> tls_;
};

}  // namespace hilo::test
