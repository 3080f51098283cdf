// SPDX-License-Identifier: MIT
//
// A signal comes when a test calls Network::raise(). What was registered is not looked at: tests
// raise what they mean.

#include "net/signals.h"

#include "tests/sim/virtual_network.h"

namespace hilo::sim {

void Network::raise(int number) {
  signals_.push_back(number);
  if (const std::shared_ptr<Socket> event = signal_event.lock()) event->signalled = true;
}

int Network::take_signal() noexcept {
  if (signals_.empty()) return 0;
  const int number = signals_.front();
  signals_.pop_front();
  return number;
}

}  // namespace hilo::sim

namespace hilo::net {

using sim::Network;
using sim::Socket;

Signals::Signals(std::initializer_list<int> numbers) noexcept {
  if (numbers.size() > signals_max) {
    status_ = std::make_error_code(std::errc::invalid_argument);
    return;
  }
  Network& network = Network::current();
  const std::shared_ptr<Socket> event = network.make(Socket::Kind::event);
  Result<Fd> opened = network.open(event);
  if (!opened) {
    status_ = opened.error();
    return;
  }
  network.signal_event = event;
  read_end_ = std::move(*opened);
}

Signals::~Signals() = default;

int Signals::take() noexcept {
  Network& network = Network::current();
  const int number = network.take_signal();
  network.at(fd())->signalled = network.signals_wait();
  return number;
}

void ignore_sigpipe() noexcept {}

}  // namespace hilo::net
