// SPDX-License-Identifier: MIT

#include "net/entropy.h"

#include "tests/sim/torture.h"
#include "tests/sim/virtual_network.h"

namespace hilo::net {

Status entropy_fill(MutableBytes out) noexcept {
  const sim::torture::SystemCall call(sim::torture::Call::entropy);
  if (call.fails()) return call.error();
  if (sim::Network::current().faults.no_entropy) {
    return std::make_error_code(std::errc::function_not_supported);
  }
  sim::Network::current().random().fill(out);
  return {};
}

unsigned entropy_fork_generation() noexcept {
  return 1;
}

}  // namespace hilo::net
