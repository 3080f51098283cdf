// SPDX-License-Identifier: MIT

#include "tests/support/wire.h"

#include <dirent.h>
#include <doctest/doctest.h>

#include "net/socket.h"
#include "tests/support/late_closing.h"
#include "ws/metrics.h"

namespace hilo::test {

using ws::Opcode;

std::size_t open_descriptors() {
  await_late_closing();
  std::size_t count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) folder = ::opendir("/dev/fd");
  REQUIRE(folder != nullptr);
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

namespace {

ws::ServerOptions with_log(ws::ServerOptions options, std::vector<std::string>& log,
                           std::vector<std::string>& debug_log) {
  options.log = [&log, &debug_log](ws::LogLevel level, std::string_view line) {
    (level == ws::LogLevel::debug ? debug_log : log).emplace_back(line);
  };
  options.log_rejects_per_second_max = 1'000'000;
  options.date = false;  // answers are compared byte by byte
  return options;
}

}  // namespace

WireServer::WireServer(const ws::Limits& limits, ws::ServerOptions options,
                       std::shared_ptr<net::tls::ServerContext> tls)
    : server(loop, limits, with_log(std::move(options), log, debug_log)),
      speaks_tls(tls != nullptr) {
  server.on_open([this](ws::Connection&) { ++opened; })
      .on_message([this](ws::Connection& connection, ws::Message message) {
        messages.emplace_back(message.opcode, std::string(as_text(message.payload)));
        connection.send(message);
      })
      .on_close([this](ws::Connection&, const ws::CloseInfo& info) { note_close(info); });
  serve_exact_paths(std::move(tls));
}

WireServer::WireServer(ExactPaths)
    : server(loop, {}, with_log({}, log, debug_log)), speaks_tls(false) {
  serve_exact_paths(nullptr);
}

void WireServer::note_close(const ws::CloseInfo& info) {
  closed.push_back({info.code, info.error, info.clean, info.by, std::string(info.reason)});
}

void WireServer::serve_exact_paths(std::shared_ptr<net::tls::ServerContext> tls) {
  server.at("/mute")
      .on_open([this](ws::Connection&) { ++opened; })
      .on_message([this](ws::Connection&, ws::Message message) {
        messages.emplace_back(message.opcode, std::string(as_text(message.payload)));
      })
      .on_close([this](ws::Connection&, const ws::CloseInfo& info) { note_close(info); });
  server.get("/page", [](ws::http::Exchange& exchange) {
    REQUIRE(exchange.respond(200, "text/plain", "a page\n"));
  });
  const auto bound = server.listen({.host = "127.0.0.1", .tls = std::move(tls)});
  REQUIRE(bound);
  address = *bound;
}

bool WireServer::turn() {
  return static_cast<bool>(loop.run_once(net::Duration::milliseconds(1)));
}

std::ostream& operator<<(std::ostream& out, const Baseline& baseline) {
  return out << "{descriptors " << baseline.descriptors << ", watched " << baseline.watched
             << ", timers " << baseline.timers << ", pool_bytes " << baseline.pool_bytes
             << ", connections " << baseline.connections << '}';
}

bool WireServer::settle() {
  return until(
      [this] { return server.connection_count() == 0 && server.http_connection_count() == 0; });
}

Baseline WireServer::baseline() {
  return {.descriptors = open_descriptors(),
          .watched = loop.watched_count(),
          .timers = loop.timers().armed_count(),
          .pool_bytes = loop.pool().taken_bytes(),
          .connections = server.connection_count() + server.http_connection_count()};
}

std::uint64_t WireServer::all_rejects() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : server.metrics().rejects) sum += count;
  return sum;
}

std::shared_ptr<net::tls::ServerContext> any_tls_context() {
  static const auto context = [] {
    auto made = net::tls::ServerContext::create({.self_signed = true});
    REQUIRE(made);
    return *made;
  }();
  return context;
}

std::shared_ptr<net::tls::ServerContext> plain_then_tls() {
  std::shared_ptr<net::tls::ServerContext> context;
  SUBCASE("plain") {}
  SUBCASE("over TLS") {
    context = any_tls_context();
  }
  return context;
}

WirePeer::WirePeer(WireServer& server, int receive_buffer_bytes) : server_(&server) {
  connect(receive_buffer_bytes);
  if (server.speaks_tls) tls_ = std::make_unique<TlsEndpoint>();
}

WirePeer::WirePeer(WireServer& server, const TlsEndpointOptions& tls)
    : server_(&server), tls_(std::make_unique<TlsEndpoint>(tls)) {
  connect(0);
}

WirePeer::WirePeer(WireServer& server, Raw) : server_(&server) {
  connect(0);
}

void WirePeer::connect(int receive_buffer_bytes) {
  Result<net::Fd> fd = net::socket::open_stream(server_->address.family());
  REQUIRE(fd);
  if (receive_buffer_bytes != 0) {
    REQUIRE(net::socket::set_receive_buffer(fd->value(), receive_buffer_bytes));
  }
  const net::Io io = net::socket::connect(fd->value(), server_->address);
  REQUIRE(io.kind != net::Io::Kind::failed);
  fd_ = std::move(*fd);
}

bool WirePeer::handshake() {
  return server_->until([&] {
    receive();
    return tls_->is_established() || tls_->failed || ended_somehow();
  }) && tls_->is_established() &&
         !tls_->failed;
}

bool WirePeer::send(std::string_view bytes) {
  if (tls_ == nullptr) return send_raw(bytes);
  if (!tls_->is_established() && !handshake()) return false;
  return send_raw(tls_->seal(bytes));
}

bool WirePeer::send_raw(std::string_view bytes) {
  unsent_ += bytes;
  return server_->until([&] {
    push();
    if (!may_read || may_read()) receive();
    return unsent_.empty() || was_reset;
  }) && !was_reset;
}

// Offers the kernel what it has not taken so far.
void WirePeer::push() {
  if (tls_ != nullptr) unsent_ += tls_->take_wire();
  Bytes left = as_bytes(unsent_);
  while (!left.empty() && !was_reset) {
    const net::Io io = net::socket::send(fd_.value(), {&left, 1});
    if (io.kind == net::Io::Kind::would_block) break;
    if (io.kind == net::Io::Kind::done) {
      left = left.subspan(io.bytes);
    } else {
      was_reset = true;
    }
  }
  unsent_.erase(0, unsent_.size() - left.size());
}

void WirePeer::finish_sending() {
  if (tls_ != nullptr) tls_->close_notify();
  push();
  REQUIRE(unsent_.empty());
  finish_sending_raw();
}

void WirePeer::finish_sending_raw() {
  REQUIRE(net::socket::shutdown_write(fd_.value()));
}

void WirePeer::reset() {
  net::socket::set_abortive_close(fd_.value());
  fd_.reset();
}

void WirePeer::receive() {
  static thread_local std::uint8_t block[65536];
  while (!ended && !was_reset) {
    push();
    const net::Io io = net::socket::receive(fd_.value(), block);
    const std::string_view bytes = as_text(Bytes{block, io.bytes});
    switch (io.kind) {
      case net::Io::Kind::done:
        if (tls_ == nullptr) {
          received += bytes;
          break;
        }
        tls_->put_wire(bytes);
        received += std::exchange(tls_->plain, {});
        break;
      case net::Io::Kind::would_block: return;
      case net::Io::Kind::end: ended = true; break;
      case net::Io::Kind::failed: was_reset = true; break;
    }
  }
}

bool WirePeer::until_received(std::size_t bytes) {
  return server_->until([&] {
    receive();
    return received.size() >= bytes || ended || was_reset;
  }) && received.size() >= bytes;
}

bool WirePeer::until_contains(std::string_view text) {
  return server_->until([&] {
    receive();
    return received.find(text) != std::string::npos || ended || was_reset;
  }) && received.find(text) != std::string::npos;
}

bool WirePeer::until_end() {
  return server_->until([&] {
    receive();
    return ended || was_reset;
  });
}

bool WirePeer::upgrade(std::string_view path) {
  if (!send(upgrade_request(path)) || !until_contains("\r\n\r\n")) return false;
  if (!received.starts_with("HTTP/1.1 101 ")) return false;
  received.erase(0, received.find("\r\n\r\n") + 4);
  return true;
}

namespace {

void append_length(std::string& frame, std::size_t size, unsigned mask_bit) {
  const auto byte = [&frame](std::size_t value) { frame += static_cast<char>(value & 0xFF); };
  if (size < 126) {
    byte(mask_bit | size);
  } else if (size <= 0xFFFF) {
    byte(mask_bit | 126);
    byte(size >> 8);
    byte(size);
  } else {
    byte(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) byte(size >> shift);
  }
}

}  // namespace

std::string client_frame(std::uint8_t first, std::string_view payload, std::uint32_t key) {
  std::string frame(1, static_cast<char>(first));
  append_length(frame, payload.size(), 0x80);
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(key >> shift & 0xFF);
  for (std::size_t i = 0; i < payload.size(); ++i) {
    frame += static_cast<char>(static_cast<unsigned char>(payload[i]) ^
                               (key >> (24 - 8 * (i % 4)) & 0xFF));
  }
  return frame;
}

std::string server_frame(std::uint8_t first, std::string_view payload) {
  std::string frame(1, static_cast<char>(first));
  append_length(frame, payload.size(), 0);
  return frame.append(payload);
}

std::string close_body(std::uint16_t code, std::string_view reason) {
  std::string body{static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
  return body.append(reason);
}

std::string hex(std::string_view digits) {
  std::string bytes;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ') continue;
    const int value = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = value;
    } else {
      bytes += static_cast<char>(high * 16 + value);
      high = -1;
    }
  }
  return bytes;
}

std::string upgrade_request(std::string_view path, std::string_view more) {
  std::string request = "GET ";
  request.append(path).append(
      " HTTP/1.1\r\n"
      "Host: 127.0.0.1\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\n");
  return request.append(more).append("\r\n");
}

}  // namespace hilo::test
