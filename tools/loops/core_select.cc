// SPDX-License-Identifier: MIT
//
// The core alone, in a loop around select(2), the oldest and most widespread of all. The same as
// core_poll.cc; only the waiting differs.

#include <sys/select.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "tools/loops/sockets.h"
#include "tools/loops/visit.h"

using namespace hilo;
using namespace hilo::loops;

int main(int argc, char** argv) {
  const bool checks = checking(argc, argv);
  const int listening = listen_on(checks ? 0 : 9001);
  expect(listening >= 0, "it listens");
  std::printf("an echo on %s\n", url_of(listening).c_str());
  std::jthread visitor;
  if (checks) visitor = visit(url_of(listening));

  Pool pool;
  std::vector<std::unique_ptr<Guest>> guests;
  // A check is over when its visitor has come and gone.
  for (bool came = false; !checks || !came || !guests.empty();) {
    fd_set readable;
    fd_set writable;
    FD_ZERO(&readable);
    FD_ZERO(&writable);
    FD_SET(listening, &readable);
    int last = listening;
    for (auto& guest : guests) {
      if (guest->wants_input()) FD_SET(guest->fd(), &readable);
      if (guest->wants_output()) FD_SET(guest->fd(), &writable);
      last = std::max(last, guest->fd());
    }
    if (::select(last + 1, &readable, &writable, nullptr, nullptr) < 0) continue;

    for (auto& guest : guests) {
      if (FD_ISSET(guest->fd(), &writable)) guest->send();
      if (FD_ISSET(guest->fd(), &readable)) guest->receive();
    }
    std::erase_if(guests, [](auto& guest) { return guest->is_gone(); });

    if (!FD_ISSET(listening, &readable)) continue;
    const int fd = ::accept(listening, nullptr, nullptr);
    if (fd >= FD_SETSIZE) ::close(fd);  // select() cannot name it
    if (fd < 0 || fd >= FD_SETSIZE) continue;
    guests.push_back(std::make_unique<Guest>(fd, pool));
    came = true;
  }
  return 0;
}
