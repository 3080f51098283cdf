// SPDX-License-Identifier: MIT

#include "net/listener.h"

#include <algorithm>
#include <utility>

#include "net/base/check.h"
#include "net/base/guard.h"

namespace hilo::net {
namespace {

// What a failed accept says about us.
enum class Trouble : std::uint8_t {
  nothing_waits,
  connection,   // only the arriving connection is of no use
  descriptors,  // none is left, and the connection stays in the queue
  other,        // no memory, or something unheard of: try again later
};

Trouble classify(std::error_code error) noexcept {
  using std::errc;
  if (error == errc::operation_would_block || error == errc::resource_unavailable_try_again) {
    return Trouble::nothing_waits;
  }
  if (error == errc::too_many_files_open || error == errc::too_many_files_open_in_system) {
    return Trouble::descriptors;
  }
  // accept(2): Linux passes on errors that are already pending on the new socket.
  for (const errc harmless :
       {errc::connection_aborted, errc::protocol_error, errc::operation_not_permitted,
        errc::connection_reset, errc::network_down, errc::network_unreachable,
        errc::host_unreachable, errc::no_protocol_option, errc::operation_not_supported,
        errc::timed_out, errc::interrupted}) {
    if (error == harmless) return Trouble::connection;
  }
  return Trouble::other;
}

}  // namespace

Listener::~Listener() {
  close();
}

Status Listener::open(const Address& address, const Options& options, OnAccept on_accept,
                      OnExhausted on_exhausted) {
  Result<Fd> listening = socket::listen(address, options.socket);
  if (!listening) return listening.error();
  return adopt(std::move(*listening), options, std::move(on_accept), std::move(on_exhausted));
}

Status Listener::adopt(Fd listening, const Options& options, OnAccept on_accept,
                       OnExhausted on_exhausted) {
  HILO_DCHECK(!calling_);  // the callback that runs would be replaced under its feet
  close();
  Result<Address> address = socket::local_address(listening.value());
  if (!address) return address.error();
  Result<Fd> reserve = socket::open_reserve();
  if (!reserve) return reserve.error();
  Result<Token> token = loop_->watch(listening.value(), Interest::read, *this);
  if (!token) return token.error();
  fd_ = std::move(listening);
  reserve_ = std::move(*reserve);
  token_ = *token;
  address_ = *address;
  options_ = options;
  on_accept_ = std::move(on_accept);
  on_exhausted_ = std::move(on_exhausted);
  pause_ = options_.pause_min;
  return {};
}

// The callbacks stay until the next open(): one of them may be running.
void Listener::close() noexcept {
  if (!is_open()) return;
  if (armed()) loop_->timers().cancel(*this);
  loop_->unwatch(token_);
  token_ = {};
  fd_.reset();
  reserve_.reset();
}

void Listener::on_ready(Ready ready) {
  static_cast<void>(ready);
  calling_ = true;
  accept_batch();
  calling_ = false;
}

void Listener::accept_waiting() {
  const int rounds = 1 + options_.socket.backlog / options_.accepts_per_turn_max;
  for (int i = 0; i < rounds && is_open() && !armed(); ++i) {
    const std::uint64_t before = accepted_count_;
    on_ready({});
    if (accepted_count_ == before) return;
  }
}

// No more than wait, where that can be known, so that no accept finds nobody.
int Listener::batch_size() const noexcept {
  const int most = options_.accepts_per_turn_max;
  if (address_.family() == Family::unix_path) return most;
  const int waiting = socket::waiting_count(fd_.value());
  return waiting > 0 ? std::min(waiting, most) : most;
}

void Listener::accept_batch() {
  const int most = batch_size();
  for (int i = 0; i < most && is_open(); ++i) {
    Address peer;
    Result<Fd> accepted = socket::accept(fd_.value(), &peer);
    if (accepted) {
      ++accepted_count_;
      pause_ = options_.pause_min;
      static_cast<void>(guarded([&] { on_accept_(std::move(*accepted), peer); }));
      continue;
    }
    switch (classify(accepted.error())) {
      case Trouble::nothing_waits: return;
      case Trouble::connection: break;
      case Trouble::descriptors:
        shed();
        pause(accepted.error());
        return;
      case Trouble::other: pause(accepted.error()); return;
    }
  }
}

// Accepts what waits with the descriptor held in reserve, one after the other, and drops it.
void Listener::shed() noexcept {
  if (!reserve_) return;
  reserve_.reset();
  for (int i = 0; i < options_.accepts_per_turn_max; ++i) {
    const Result<Fd> dropped = socket::accept(fd_.value(), nullptr);
    if (dropped) {
      ++shed_count_;
    } else if (classify(dropped.error()) != Trouble::connection) {
      break;
    }
  }
  restock();
}

// Another thread may have taken the descriptor meanwhile. Then the next pause's end tries again.
void Listener::restock() noexcept {
  if (reserve_) return;
  Result<Fd> reserve = socket::open_reserve();
  if (reserve) reserve_ = std::move(*reserve);
}

// The socket stays readable for as long as somebody waits, so the poller must forget it.
void Listener::pause(std::error_code why) {
  loop_->unwatch(token_);
  token_ = {};
  loop_->timers().arm(*this, loop_->now() + pause_);
  pause_ = std::min(pause_ * 2, options_.pause_max);
  if (on_exhausted_) static_cast<void>(guarded([&] { on_exhausted_(why); }));
}

void Listener::on_timer(Time now) {
  static_cast<void>(now);
  restock();
  Result<Token> token = loop_->watch(fd_.value(), Interest::read, *this);
  if (token) {
    token_ = *token;
    return;
  }
  calling_ = true;
  pause(token.error());
  calling_ = false;
}

}  // namespace hilo::net
