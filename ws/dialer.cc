// SPDX-License-Identifier: MIT

#include "ws/dialer.h"

#include <new>
#include <optional>
#include <utility>

#include "net/base/guard.h"
#include "net/observed_transport.h"
#include "net/socket.h"
#include "ws/credentials.h"

namespace hilo::ws {

Status Dialer::prepare(const Url& to, std::string_view proxy) {
  to_ = to;
  if (proxy.empty()) return {};
  const Result<ProxyUrl> url = parse_proxy_url(proxy);
  if (!url) return url.error();
  const std::optional<Credentials> credentials = parse_userinfo(url->userinfo);
  if (!credentials) return Errc::proxy_url;
  // No proxy reaches the files of this machine.
  if (to.scheme == Url::Scheme::ws_unix) return Errc::argument;
  proxy_ = std::make_unique<Proxy>(*loop_);
  proxy_->url = *url;
  return proxy_->tunnel.begin(url->scheme, to.host, to.port, *credentials);
}

void Dialer::start(net::Duration user_timeout, OnDialed on_dialed) {
  user_timeout_ = user_timeout;
  on_dialed_ = std::move(on_dialed);
  if (to_.scheme == Url::Scheme::ws_unix) {
    const Result<net::Address> address = net::Address::from_unix_path(to_.socket_path);
    if (address) {
      connect_to({&*address, 1});
    } else {
      on_dialed_(address.error());
    }
    return;
  }
  const std::string_view host = proxy_ ? proxy_->url.host : to_.host;
  const std::uint16_t port = proxy_ ? proxy_->url.port : to_.port;
  resolver_.resolve(host, port, [this](const Result<std::span<const net::Address>>& addresses) {
    if (is_canceled_) return;
    if (addresses) return connect_to(*addresses);
    on_dialed_(addresses.error());
  });
}

void Dialer::cancel() noexcept {
  is_canceled_ = true;
  connector_.cancel();
  if (proxy_) proxy_->dialer.cancel();
}

void Dialer::connect_to(std::span<const net::Address> addresses) {
  // The deadline is our owner's, if there is one; else the kernel's.
  constexpr net::Duration longer_than_the_kernel = net::Duration::seconds(3600);
  connector_.connect(addresses, {.timeout = longer_than_the_kernel},
                     [this](Result<net::Fd> fd) { on_connected(std::move(fd)); });
}

void Dialer::on_connected(Result<net::Fd> fd) {
  if (!fd) return on_dialed_(fd.error());
  if (const Result<net::Address> peer = net::socket::peer_address(fd->value())) {
    peer_ = net::PeerAddress{*peer};
  }
  // A Unix socket has neither.
  static_cast<void>(net::socket::set_no_delay(fd->value()));
  if (user_timeout_.nanoseconds != 0) {
    static_cast<void>(net::socket::set_user_timeout(fd->value(), user_timeout_));
  }
  if (!proxy_) return on_dialed_(std::move(fd));
  const Status started = proxy_->dialer.start(
      std::move(*fd), [this](Result<net::Fd> tunnel) { on_dialed_(std::move(tunnel)); });
  if (!started) on_dialed_(started.error());
}

const ResponseHead* Dialer::proxy_response() const noexcept {
  return proxy_ ? proxy_->tunnel.response() : nullptr;
}

std::uint16_t Dialer::proxy_code() const noexcept {
  return proxy_ ? proxy_->tunnel.code() : std::uint16_t{};
}

std::uint64_t Dialer::received_bytes() const noexcept {
  return proxy_ ? proxy_->dialer.received_bytes() : 0;
}

Result<std::unique_ptr<net::Stream>> start_stream(net::Loop& loop, net::Fd fd,
                                                  const net::tls::ClientContext* tls,
                                                  std::string_view tls_server_name,
                                                  net::Stream::Handler& handler) {
  std::unique_ptr<net::Transport> transport;
  if (tls != nullptr) {
    transport = tls->connect(fd.value(), tls_server_name);
    if (!transport) return out_of_memory();
  }
  std::unique_ptr<net::Stream> stream{
      new (std::nothrow) net::Stream(loop, std::move(transport), std::move(fd), handler)};
  if (!stream) return out_of_memory();
  if (Status started = stream->start(); !started) return started.error();
  return stream;
}

void observe(net::Stream& stream, const std::shared_ptr<net::WireObservers>& observers) noexcept {
  if (observers == nullptr) return;
  static_cast<void>(guarded([&] {
    auto observer = observers->make();
    if (observer != nullptr) static_cast<void>(stream.observe(std::move(observer)));
  }));
}

}  // namespace hilo::ws
