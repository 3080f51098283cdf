// SPDX-License-Identifier: MIT
//
// The poller, level-triggered, and the only place where time passes. A batch of events is put
// together before the first of them is handled, as the kernel does, so it goes stale as there.

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "net/base/check.h"
#include "net/poller.h"
#include "tests/sim/torture.h"
#include "tests/sim/virtual_network.h"

namespace hilo::net {

using sim::Fault;
using sim::Network;
using sim::Socket;
using sim::torture::Call;
using sim::torture::Outside;
using sim::torture::SystemCall;

namespace {

bool wants(Interest interest, Interest part) noexcept {
  return (static_cast<unsigned>(interest) & static_cast<unsigned>(part)) != 0;
}

}  // namespace

struct Poller::Backend {
  struct Entry {
    std::uint64_t serial;
    Interest interest;
    Token token;
  };
  std::map<int, Entry> entries;
  std::vector<Fired> fired;

  void collect(Network& network);
  void disturb(Network& network);
  void take_errors(Network& network);
};

void Poller::Backend::collect(Network& network) {
  fired.clear();
  for (const auto& [fd, entry] : entries) {
    const Socket& socket = *network.at(fd);
    HILO_CHECK(socket.serial == entry.serial);  // closed and opened again, but not removed
    Ready ready = network.readiness(socket);
    ready.readable = ready.readable && wants(entry.interest, Interest::read);
    ready.writable = ready.writable && wants(entry.interest, Interest::write);
    if (ready.readable || ready.writable || ready.broken) fired.push_back({entry.token, ready});
  }
}

// Events come in any order, and some of them later; but never all of them later, since a wait that
// reports nothing lets time pass.
void Poller::Backend::disturb(Network& network) {
  sim::Random& random = network.random();
  if (fired.size() > 1 && network.strikes(Fault::shuffled, network.faults.shuffled)) {
    for (std::size_t i = fired.size(); i > 1; --i) std::swap(fired[i - 1], fired[random.below(i)]);
  }
  std::erase_if(fired, [&, left = fired.size()](const Fired&) mutable {
    if (left == 1 || !network.strikes(Fault::held_back, network.faults.held_back)) return false;
    --left;
    return true;
  });
  if (fired.size() > events_per_wait_max) fired.resize(events_per_wait_max);
}

// As kqueue may do: the socket has told its error by that, and seems to have ended in good order.
void Poller::Backend::take_errors(Network& network) {
  if (network.faults.taken_error == 0) return;
  for (Fired& event : fired) {
    if (!event.ready.broken) continue;
    if (!network.strikes(Fault::taken_error, network.faults.taken_error)) continue;
    for (const auto& [fd, entry] : entries) {
      if (entry.token != event.token) continue;
      event.ready.error = std::exchange(network.at(fd)->error, std::error_code{}).value();
    }
  }
}

Poller::Poller() noexcept {
  const SystemCall call(Call::wakeup);
  if (call.fails()) status_ = call.error();
  backend_.reset(new Backend);
  Network::current().pollers[this] = [backend = backend_.get()] {
    backend->collect(Network::current());
    return !backend->fired.empty();
  };
}

Poller::~Poller() {
  Network::current().pollers.erase(this);
}

const char* Poller::name() noexcept {
  return "simulation";
}

Status Poller::add(int fd, Interest interest, Token token) noexcept {
  const SystemCall call(Call::watch);
  if (call.fails()) return call.error();
  const std::uint64_t serial = Network::current().at(fd)->serial;
  const bool added =
      backend_->entries.try_emplace(fd, Backend::Entry{serial, interest, token}).second;
  if (!added) return std::make_error_code(std::errc::file_exists);
  return {};
}

Status Poller::change(int fd, Interest before, Interest after, Token token) noexcept {
  const SystemCall call(Call::watch);
  if (call.fails()) return call.error();
  const auto found = backend_->entries.find(fd);
  HILO_CHECK(found != backend_->entries.end());
  HILO_CHECK(found->second.interest == before && found->second.token == token);
  found->second.interest = after;
  return {};
}

void Poller::remove(int fd, Interest interest) noexcept {
  const auto found = backend_->entries.find(fd);
  HILO_CHECK(found != backend_->entries.end());
  HILO_CHECK(found->second.interest == interest);
  backend_->entries.erase(found);
}

Result<std::span<const Fired>> Poller::wait(Duration timeout) noexcept {
  const SystemCall call(Call::wait);
  Network& network = Network::current();
  ++network.waits;
  // EINTR, which the pollers settle.
  if (call.fails()) return std::span<const Fired>{};
  backend_->collect(network);
  if (backend_->fired.empty()) {
    Duration step = timeout;
    const Duration until_call = network.until_next_call();
    if (until_call >= Duration{} && (step < Duration{} || until_call < step)) step = until_call;
    // Nobody is left who could ever make anything ready.
    if (step < Duration{}) return std::make_error_code(std::errc::resource_deadlock_would_occur);
    network.advance(step);
    backend_->collect(network);
  }
  network.wait_was_idle = backend_->fired.empty();
  if (!network.wait_was_idle && network.strikes(Fault::interrupted, network.faults.interrupted)) {
    return std::span<const Fired>{};
  }
  backend_->disturb(network);
  backend_->take_errors(network);
  return std::span<const Fired>{backend_->fired};
}

int Poller::fd() const noexcept {
  return -1;
}

}  // namespace hilo::net
