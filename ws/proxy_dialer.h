// SPDX-License-Identifier: MIT
//
// ProxyDialer: takes a socket that is connected to a proxy and gives it back connected to a server.
//
//   thread  the loop's; the callback runs there, from the loop and never from within start()
//   owns    the socket, until it gives it back
//   errors  Errc::proxy_*, or what the network says; connection_aborted if the proxy hangs up
//   limits  no deadline of its own
//   life    the tunnel must outlive it; the destructor drops the socket and calls nobody

#pragma once

#include <string>

#include "net/base/callback.h"
#include "net/base/result.h"
#include "net/fd.h"
#include "net/loop.h"
#include "ws/proxy_tunnel.h"

namespace hilo::ws {

class ProxyDialer final : private net::Watcher {
 public:
  using OnTunnel = Callback<void(Result<net::Fd>)>;

  // `tunnel` was begun.
  ProxyDialer(net::Loop& loop, ProxyTunnel& tunnel) noexcept : loop_(&loop), tunnel_(&tunnel) {}
  ProxyDialer(const ProxyDialer&) = delete;
  ProxyDialer& operator=(const ProxyDialer&) = delete;
  ~ProxyDialer() { cancel(); }

  Status start(net::Fd fd, OnTunnel on_tunnel);
  void cancel() noexcept;
  std::uint64_t received_bytes() const noexcept { return received_bytes_; }

 private:
  void on_ready(net::Ready ready) override;
  std::error_code receive();
  std::error_code send();
  void finish(std::error_code error);

  net::Loop* loop_;
  ProxyTunnel* tunnel_;
  OnTunnel on_tunnel_;
  net::Fd fd_;
  net::Token token_;
  std::string unsent_;
  std::uint64_t received_bytes_ = 0;
};

}  // namespace hilo::ws
