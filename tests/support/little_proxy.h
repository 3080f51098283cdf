// SPDX-License-Identifier: MIT
//
// LittleProxy: a real proxy, HTTP and SOCKS 5, in the thread of the test, which polls it. It serves
// one client after the other.

#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "net/address.h"
#include "net/base/bytes.h"
#include "net/fd.h"
#include "net/socket.h"
#include "tests/support/wire.h"

namespace hilo::test {

// One connection of a proxy: it understands the request, connects, and passes everything on. It is
// a server of its own, and knows nothing of the code under test.
class LittleProxy {
 public:
  LittleProxy() {
    Result<net::Fd> fd = net::socket::listen(*net::Address::from_ip("127.0.0.1", 0), {});
    REQUIRE(fd);
    listening_ = std::move(*fd);
    address = *net::socket::local_address(listening_.value());
  }
  std::string url(std::string_view scheme, std::string_view credentials = {}) const {
    return std::string(scheme) + "://" + std::string(credentials) + address.to_string();
  }

  void poll() {
    if (Result<net::Fd> fd = net::socket::accept(listening_.value(), nullptr)) {
      client_ = std::move(*fd);
      from_client_.clear();
      phase_ = 0;
      server_.reset();
    }
    if (!client_) return;
    take(client_, from_client_);
    if (server_) {
      give(server_, from_client_);
      take(server_, from_server_);
      give(client_, from_server_);
    } else if (!from_client_.empty()) {
      from_client_[0] == 5 || phase_ != 0 ? serve_socks() : serve_http();
    }
  }

  net::Address address;
  std::string password;  // "user:secret" if it wants to be told
  std::string asked;     // for what, last
  std::string shown;     // the credentials that came
  int tunnels = 0;

 private:
  static void take(net::Fd& from, std::string& into) {
    std::uint8_t block[65536];
    while (from) {
      const net::Io io = net::socket::receive(from.value(), block);
      if (io.kind == net::Io::Kind::would_block) return;
      if (io.kind != net::Io::Kind::done) return from.reset();
      into += as_text({block, io.bytes});
    }
  }
  static void give(net::Fd& to, std::string& from) {
    while (to && !from.empty()) {
      const Bytes all = as_bytes(from);
      const net::Io io = net::socket::send(to.value(), {&all, 1});
      if (io.kind != net::Io::Kind::done) return;
      from.erase(0, io.bytes);
    }
  }
  void answer(std::string_view bytes) {
    std::string all(bytes);
    give(client_, all);
  }
  bool connect_to(std::uint16_t port) {
    Result<net::Fd> fd = net::socket::open_stream(net::Family::ipv4);
    REQUIRE(fd);
    server_ = std::move(*fd);
    const net::Io io =
        net::socket::connect(server_.value(), *net::Address::from_ip("127.0.0.1", port));
    ++tunnels;
    return io.kind != net::Io::Kind::failed;
  }

  void serve_http() {
    const std::size_t end = from_client_.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const std::string head = from_client_.substr(0, end + 2);
    from_client_.erase(0, end + 4);
    asked = head.substr(0, head.find("\r\n"));
    const std::size_t at = head.find("Proxy-Authorization: ");
    shown = at == std::string::npos ? "" : head.substr(at + 21, head.find("\r\n", at) - at - 21);
    if (!password.empty() && shown != "Basic dXNlcjpzZWNyZXQ=") {
      return answer(
          "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n");
    }
    const std::size_t port = asked.find(':') + 1;
    REQUIRE(connect_to(static_cast<std::uint16_t>(std::stoi(asked.substr(port)))));
    answer("HTTP/1.0 200 Connection established\r\nProxy-Agent: little\r\n\r\n");
  }

  void serve_socks() {
    if (phase_ == 0) {
      const char method = password.empty() ? 0 : 2;
      if (from_client_.find(method, 2) == std::string::npos) return answer("\x05\xff");
      from_client_.clear();
      phase_ = password.empty() ? 2 : 1;
      return answer(std::string("\x05") + method);
    }
    if (phase_ == 1) {
      const auto size = static_cast<std::size_t>(from_client_[1]);
      shown = from_client_.substr(2, size) + ":" + from_client_.substr(3 + size);
      from_client_.clear();
      phase_ = 2;
      return answer(hex(shown == password ? "01 00" : "01 01"));
    }
    asked = from_client_;
    from_client_.clear();
    const std::size_t end = asked.size();
    const auto high = static_cast<std::uint8_t>(asked[end - 2]);
    const auto low = static_cast<std::uint8_t>(asked[end - 1]);
    REQUIRE(connect_to(static_cast<std::uint16_t>(high << 8 | low)));
    answer(hex("05 00 00 01 7f 00 00 01 00 50"));
  }

  net::Fd listening_;
  net::Fd client_;
  net::Fd server_;
  int phase_ = 0;
  std::string from_client_;
  std::string from_server_;
};

}  // namespace hilo::test
