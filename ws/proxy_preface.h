// SPDX-License-Identifier: MIT
//
// ProxyPreface: a connection whose first bytes are the header of a PROXY protocol
// (proxy_protocol.h). It takes exactly those bytes off the socket, by looking before it takes, so
// that whatever comes next, TLS or HTTP, finds the stream as if nothing had stood in front of it.
//
//   deadline  Limits::head_timeout, for the header alone
//   thread    the loop's
//   life      dies within its host's call

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/address.h"
#include "net/base/slab.h"
#include "net/fd.h"
#include "net/loop.h"
#include "ws/core/error.h"
#include "ws/core/proxy_protocol.h"

namespace hilo::ws {

class ProxyPreface final : private net::Watcher, private net::Timer {
 public:
  class Host {
   public:
    // The header was read: `peer` is who connected to the proxy, or the proxy itself if it did not
    // say. Takes what it needs and destroys the preface.
    virtual void on_preface(ProxyPreface& preface, const net::PeerAddress& peer) = 0;
    // proxy_header, or none if the peer just went. Destroys the preface.
    virtual void on_preface_failed(ProxyPreface& preface, Errc error) = 0;

   protected:
    ~Host() = default;
  };

  // `door` is the host's own note of where the connection came in.
  ProxyPreface(SlabHandle handle, net::Loop& loop, Host& host, net::Fd fd,
               const net::PeerAddress& proxy, void* door) noexcept;
  ProxyPreface(const ProxyPreface&) = delete;
  ProxyPreface& operator=(const ProxyPreface&) = delete;
  ~ProxyPreface();

  // On failure it may just be destroyed.
  Status start(net::Duration patience) noexcept;

  SlabHandle handle() const noexcept { return handle_; }
  const net::PeerAddress& proxy() const noexcept { return proxy_; }
  void* door() const noexcept { return door_; }
  std::size_t received_bytes() const noexcept { return size_; }
  // The socket, which nobody watches any more.
  net::Fd release() noexcept;

 private:
  void on_ready(net::Ready ready) override;
  void on_timer(net::Time now) override;
  bool take(std::size_t bytes) noexcept;

  SlabHandle handle_;
  net::Loop* loop_;
  Host* host_;
  net::Fd fd_;
  net::Token token_;
  net::PeerAddress proxy_;
  void* door_;
  std::size_t size_ = 0;
  std::array<std::uint8_t, proxy_header_bytes_max> bytes_;
};

}  // namespace hilo::ws
