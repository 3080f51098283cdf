// SPDX-License-Identifier: MIT
//
// Dialer: from a URL to a connected socket, for whoever speaks over it then: the look-up of the
// name, TCP to one of the addresses, and a proxy in between.
//
//   thread  the loop's; the callback runs there, and may come from within start() where that fails
//           at once. It must not destroy the dialer.
//   owns    the socket, until it gives it back
//   errors  Errc::proxy_*, or what the network says
//   limits  no deadline of its own: whoever waits cancels
//   life    the texts of the URL and of the proxy must outlive it

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "net/address.h"
#include "net/base/callback.h"
#include "net/base/result.h"
#include "net/connector.h"
#include "net/fd.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "net/tls.h"
#include "ws/core/url.h"
#include "ws/proxy_dialer.h"
#include "ws/proxy_tunnel.h"

namespace hilo::net {
class WireObservers;
}

namespace hilo::ws {

class Dialer {
 public:
  using OnDialed = Callback<void(Result<net::Fd>)>;

  explicit Dialer(net::Loop& loop) noexcept : loop_(&loop), resolver_(loop), connector_(loop) {}

  // What can be wrong with the arguments: Errc::proxy_url, Errc::argument for a Unix socket behind
  // a proxy. An empty proxy is none.
  Status prepare(const Url& to, std::string_view proxy);
  // Once, after prepare().
  void start(net::Duration user_timeout, OnDialed on_dialed);
  // Nobody is called any more.
  void cancel() noexcept;

  // Of the server or the proxy, once there is a connection.
  const net::PeerAddress& peer() const noexcept { return peer_; }
  // What a proxy answered that said no, and its status or reply; null and 0 without.
  const ResponseHead* proxy_response() const noexcept;
  std::uint16_t proxy_code() const noexcept;
  std::uint64_t received_bytes() const noexcept;

 private:
  // Between us and the server.
  struct Proxy {
    explicit Proxy(net::Loop& loop) noexcept : dialer(loop, tunnel) {}
    ProxyUrl url;
    ProxyTunnel tunnel;
    ProxyDialer dialer;
  };

  void connect_to(std::span<const net::Address> addresses);
  void on_connected(Result<net::Fd> fd);

  net::Loop* loop_;
  Url to_;
  std::unique_ptr<Proxy> proxy_;  // null: none
  net::Resolver resolver_;
  net::Connector connector_;
  net::PeerAddress peer_;
  net::Duration user_timeout_;
  OnDialed on_dialed_;
  bool is_canceled_ = false;
};

// A stream over a connected socket, started, with TLS if there is a context for it.
Result<std::unique_ptr<net::Stream>> start_stream(net::Loop& loop, net::Fd fd,
                                                  const net::tls::ClientContext* tls,
                                                  std::string_view tls_server_name,
                                                  net::Stream::Handler& handler);
// Where there are observers, one is shown what passes; without memory for it nobody is.
void observe(net::Stream& stream, const std::shared_ptr<net::WireObservers>& observers) noexcept;

}  // namespace hilo::ws
