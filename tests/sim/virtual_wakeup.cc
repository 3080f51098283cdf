// SPDX-License-Identifier: MIT

#include "net/wakeup.h"

#include "tests/sim/torture.h"
#include "tests/sim/virtual_network.h"

namespace hilo::net {

using sim::Network;
using sim::Socket;
using sim::torture::Call;
using sim::torture::SystemCall;

Wakeup::Wakeup() noexcept {
  const SystemCall call(Call::wakeup);
  status_ = call.error();
  if (call.fails()) return;
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
