// SPDX-License-Identifier: MIT

#include "net/wakeup.h"

#include "tests/sim/virtual_network.h"

namespace hilo::net {

using sim::Network;
using sim::Socket;

Wakeup::Wakeup() noexcept {
  Network& network = Network::current();
  Result<Fd> opened = network.open(network.make(Socket::Kind::event));
  if (opened) {
    read_end_ = std::move(*opened);
  } else {
    status_ = opened.error();
  }
}

void Wakeup::signal() noexcept {
  Network::current().at(fd())->signalled = true;
}

void Wakeup::drain() noexcept {
  Network::current().at(fd())->signalled = false;
}

}  // namespace hilo::net
