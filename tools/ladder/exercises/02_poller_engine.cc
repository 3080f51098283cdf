// SPDX-License-Identifier: MIT
//
// How hilo answers exercise 2: net::Poller, with the place in the list as the token that comes
// back.

#include <cstdint>

#include "net/poller.h"
#include "tools/ladder/exercises/02_poller.h"

namespace hilo::exercise {

std::vector<int> ready_to_read(std::span<const int> fds) {
  net::Poller poller;
  for (std::uint32_t i = 0; i < fds.size(); ++i) {
    if (!poller.add(fds[i], net::Interest::read, {.slot = i, .generation = 1})) return {};
  }
  std::vector<bool> is_ready(fds.size());
  const auto fired = poller.wait(net::Duration{0});  // the same token may be there twice
  if (!fired) return {};
  for (const net::Fired& each : *fired) is_ready[each.token.slot] = true;

  std::vector<int> ready;
  for (std::size_t i = 0; i < fds.size(); ++i) {
    if (is_ready[i]) ready.push_back(fds[i]);
    poller.remove(fds[i], net::Interest::read);
  }
  return ready;
}

}  // namespace hilo::exercise
