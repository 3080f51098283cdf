// SPDX-License-Identifier: MIT
//
// The core alone, in a loop around poll(2). From hilo come the handshake and ws::Session and
// nothing else: no net/, no thread, no callback. This is how it goes into a program that has its
// sockets already.

#include <poll.h>

#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "tools/loops/sockets.h"
#include "tools/loops/visit.h"

using namespace hilo;
using namespace hilo::loops;

namespace {

short events_of(Guest& guest) {
  return static_cast<short>((guest.wants_input() ? POLLIN : 0) |
                            (guest.wants_output() ? POLLOUT : 0));
}

}  // namespace

int main(int argc, char** argv) {
  const bool checks = checking(argc, argv);
  const int listening = listen_on(checks ? 0 : 9001);
  expect(listening >= 0, "it listens");
  std::printf("an echo on %s\n", url_of(listening).c_str());
  std::jthread visitor;
  if (checks) visitor = visit(url_of(listening));

  Pool pool;
  std::vector<std::unique_ptr<Guest>> guests;
  std::vector<pollfd> waits;
  // A check is over when its visitor has come and gone.
  for (bool came = false; !checks || !came || !guests.empty();) {
    waits.assign(1, {listening, POLLIN, 0});
    for (auto& guest : guests) waits.push_back({guest->fd(), events_of(*guest), 0});
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;

    for (std::size_t i = 0; i < guests.size(); ++i) {
      const int ready = waits[i + 1].revents;
      if ((ready & POLLOUT) != 0) guests[i]->send();
      if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0) guests[i]->receive();
    }
    std::erase_if(guests, [](auto& guest) { return guest->is_gone(); });

    if (waits[0].revents == 0) continue;
    const int fd = ::accept(listening, nullptr, nullptr);
    if (fd < 0) continue;
    guests.push_back(std::make_unique<Guest>(fd, pool));
    came = true;
  }
  return 0;
}
