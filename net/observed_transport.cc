// SPDX-License-Identifier: MIT

#include "net/observed_transport.h"

#include <algorithm>
#include <array>
#include <utility>

#include "net/stream.h"

namespace hilo::net {
namespace {

constexpr std::size_t observed_slices_max = 16;  // what one socket::send takes

// The first `bytes` of the slices, or of as many slices as fit.
std::size_t cut(std::span<const Bytes> slices, std::size_t bytes, std::span<Bytes> into) noexcept {
  std::size_t count = 0;
  for (const Bytes slice : slices) {
    if (bytes == 0 || count == into.size()) break;
    into[count] = slice.first(std::min(slice.size(), bytes));
    bytes -= into[count++].size();
  }
  return count;
}

}  // namespace

void ObservedTransport::attach(Stream& stream) noexcept {
  stream_ = &stream;
  if (below_ != nullptr) below_->attach(stream);
  observer_->on_begin(*this);
  if (below_ != nullptr) below_->show_to(observer_.get());
}

void ObservedTransport::leave() noexcept {
  observer_->on_leave();
  if (below_ != nullptr) below_->leave();
}

Io ObservedTransport::read(MutableBytes into) noexcept {
  const Io io = below_ != nullptr ? below_->read(into) : socket::receive(fd_, into);
  observer_->on_read(io, io.kind == Io::Kind::done ? into.first(io.bytes) : MutableBytes{});
  return io;
}

Io ObservedTransport::write(std::span<const Bytes> slices) noexcept {
  std::size_t offered = 0;
  for (const Bytes slice : slices) offered += slice.size();
  const std::size_t refused = refused_bytes();
  const std::size_t allowed = std::min(offered, std::max(observer_->may_write(offered), refused));
  held_back_ = allowed == 0 && offered != 0;
  if (held_back_) return {.kind = Io::Kind::would_block};
  std::array<Bytes, observed_slices_max> some;
  const std::span<const Bytes> now{some.data(), cut(slices, allowed, some)};
  const Io io = below_ != nullptr ? below_->write(now) : socket::send(fd_, now);
  observer_->on_write(io, now);
  return io;
}

Status ObservedTransport::shutdown_write() noexcept {
  const Status status = below_ != nullptr ? below_->shutdown_write() : socket::shutdown_write(fd_);
  const bool is_to_come = !status && status.error() == std::errc::resource_unavailable_try_again;
  if (observer_ != nullptr && !is_to_come) observer_->on_shutdown();
  return status;
}

void ObservedTransport::observe(std::shared_ptr<WireObserver> observer) noexcept {
  std::exchange(observer_, std::move(observer))->on_gone();
  observer_->on_begin(*this);
  if (below_ != nullptr) below_->show_to(observer_.get());
  release();
}

void ObservedTransport::release() noexcept {
  if (!held_back_) return;
  held_back_ = false;
  stream_->transport_ready({.writable = true});
}

// What is held back waits for release(), and not for the descriptor.
Interest ObservedTransport::write_waits_for() const noexcept {
  if (held_back_) return Interest::none;
  return below_ != nullptr ? below_->write_waits_for() : Interest::write;
}
Interest ObservedTransport::read_waits_for() const noexcept {
  return below_ != nullptr ? below_->read_waits_for() : Interest::read;
}

std::size_t ObservedTransport::refused_bytes() const noexcept {
  return below_ != nullptr ? below_->refused_bytes() : 0;
}
bool ObservedTransport::has_buffered_input() const noexcept {
  return below_ != nullptr && below_->has_buffered_input();
}
bool ObservedTransport::was_cut() const noexcept {
  // Of a bare socket nothing is known that its error does not say.
  return below_ == nullptr || below_->was_cut();
}
const tls::TlsTransport* ObservedTransport::tls() const noexcept {
  return below_ != nullptr ? below_->tls() : nullptr;
}
void ObservedTransport::set_abortive_close() noexcept {
  if (below_ != nullptr) below_->set_abortive_close();
}
void ObservedTransport::detach() noexcept {
  if (below_ != nullptr) below_->show_to(nullptr);
  if (const auto observer = std::exchange(observer_, nullptr)) observer->on_gone();
  if (below_ != nullptr) below_->detach();
}

}  // namespace hilo::net
