// SPDX-License-Identifier: MIT

#include "ws/proxy_dialer.h"

#include <array>
#include <utility>

#include "net/socket.h"

namespace hilo::ws {

Status ProxyDialer::start(net::Fd fd, OnTunnel on_tunnel) {
  // A fresh socket can be written to: the first words leave when it says so.
  const Result<net::Token> token = loop_->watch(fd.value(), net::Interest::read_write, *this);
  if (!token) return token.error();
  token_ = *token;
  fd_ = std::move(fd);
  on_tunnel_ = std::move(on_tunnel);
  unsent_ = tunnel_->take_output();
  return {};
}

void ProxyDialer::cancel() noexcept {
  if (!fd_) return;
  loop_->unwatch(token_);
  fd_.reset();
}

void ProxyDialer::on_ready(net::Ready ready) {
  std::error_code error;
  if (ready.readable || ready.broken) error = receive();
  if (error && ready.error != 0) error = {ready.error, std::generic_category()};
  if (!error && tunnel_->state() == ProxyTunnel::State::failed) {
    error = make_error_code(tunnel_->error());
  }
  if (!error) error = send();
  if (error || tunnel_->state() == ProxyTunnel::State::established) finish(error);
}

std::error_code ProxyDialer::receive() {
  std::array<std::uint8_t, 4096> block;
  for (;;) {
    const net::Io io = net::socket::receive(fd_.value(), block);
    switch (io.kind) {
      case net::Io::Kind::would_block: return {};
      case net::Io::Kind::end: return std::make_error_code(std::errc::connection_aborted);
      case net::Io::Kind::failed: return io.error;
      case net::Io::Kind::done: break;
    }
    received_bytes_ += io.bytes;
    if (tunnel_->feed(Bytes{block}.first(io.bytes)) == ProxyTunnel::State::failed) return {};
    unsent_.append(tunnel_->take_output());
    if (io.bytes < block.size()) return {};
  }
}

std::error_code ProxyDialer::send() {
  while (!unsent_.empty()) {
    const Bytes all = as_bytes(unsent_);
    const net::Io io = net::socket::send(fd_.value(), {&all, 1});
    if (io.kind == net::Io::Kind::would_block) break;
    if (io.kind != net::Io::Kind::done) return io.error;
    unsent_.erase(0, io.bytes);
  }
  const net::Interest wanted = unsent_.empty() ? net::Interest::read : net::Interest::read_write;
  return loop_->change(token_, wanted).error();
}

void ProxyDialer::finish(std::error_code error) {
  loop_->unwatch(token_);
  net::Fd fd = std::move(fd_);
  // Its owner may destroy this in there.
  OnTunnel callback = std::move(on_tunnel_);
  if (error) return callback(error);
  callback(std::move(fd));
}

}  // namespace hilo::ws
