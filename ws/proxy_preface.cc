// SPDX-License-Identifier: MIT

#include "ws/proxy_preface.h"

#include <utility>

#include "net/socket.h"

namespace hilo::ws {
namespace {

net::PeerAddress source_of(const ProxyHeader& header, const net::PeerAddress& proxy) noexcept {
  switch (header.source) {
    case ProxyHeader::Source::unknown: break;
    case ProxyHeader::Source::ipv4:
      return net::PeerAddress::from_bytes(net::Family::ipv4, header.ip, header.port);
    case ProxyHeader::Source::ipv6:
      return net::PeerAddress::from_bytes(net::Family::ipv6, header.ip, header.port);
  }
  return proxy;
}

}  // namespace

ProxyPreface::ProxyPreface(SlabHandle handle, net::Loop& loop, Host& host, net::Fd fd,
                           const net::PeerAddress& proxy, void* door) noexcept
    : handle_(handle), loop_(&loop), host_(&host), fd_(std::move(fd)), proxy_(proxy), door_(door) {}

ProxyPreface::~ProxyPreface() {
  static_cast<void>(release());
}

Status ProxyPreface::start(net::Duration patience) noexcept {
  const Result<net::Token> token = loop_->watch(fd_.value(), net::Interest::read, *this);
  if (!token) return token.error();
  token_ = *token;
  if (patience.nanoseconds != 0) loop_->timers().arm(*this, loop_->now() + patience);
  return {};
}

net::Fd ProxyPreface::release() noexcept {
  loop_->timers().cancel(*this);
  loop_->unwatch(std::exchange(token_, {}));
  return std::move(fd_);
}

// Looks at what is there, and takes of it what belongs to the header: all of it while the header is
// incomplete, so that the socket is not readable again until more has come.
void ProxyPreface::on_ready(net::Ready ready) {
  static_cast<void>(ready);
  const net::Io seen = net::socket::peek(fd_.value(), MutableBytes{bytes_}.subspan(size_));
  switch (seen.kind) {
    case net::Io::Kind::done: break;
    case net::Io::Kind::would_block: return;
    case net::Io::Kind::end:
    case net::Io::Kind::failed:
      // A port that is probed, as in rows 2 to 4 of the catalogue: nothing was promised yet.
      return host_->on_preface_failed(*this, size_ == 0 ? Errc::none : Errc::proxy_header);
  }
  const ProxyHeader header = parse_proxy_header(Bytes{bytes_}.first(size_ + seen.bytes));
  switch (header.kind) {
    case ProxyHeader::Kind::need_input: static_cast<void>(take(seen.bytes)); return;
    case ProxyHeader::Kind::complete:
      if (take(header.bytes - size_)) host_->on_preface(*this, source_of(header, proxy_));
      return;
    case ProxyHeader::Kind::failed: return host_->on_preface_failed(*this, Errc::proxy_header);
  }
}

// False if the kernel did not hand over at once what it has shown. The rest is seen again then.
bool ProxyPreface::take(std::size_t bytes) noexcept {
  const std::size_t end = size_ + bytes;
  while (size_ < end) {
    const net::Io taken =
        net::socket::receive(fd_.value(), MutableBytes{bytes_}.subspan(size_, end - size_));
    if (taken.kind != net::Io::Kind::done) return false;
    size_ += taken.bytes;
  }
  return true;
}

void ProxyPreface::on_timer(net::Time now) {
  static_cast<void>(now);
  host_->on_preface_failed(*this, size_ == 0 ? Errc::idle_preface : Errc::proxy_header);
}

}  // namespace hilo::ws
