// SPDX-License-Identifier: MIT

#include "net/wakeup.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <thread>

using namespace hilo::net;

namespace {

bool is_readable(const Wakeup& wakeup) {
  pollfd entry{wakeup.fd(), POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

}  // namespace

TEST_CASE("a wakeup is readable from a signal to the next drain") {
  Wakeup wakeup;
  REQUIRE(wakeup.status());
  CHECK(!is_readable(wakeup));
  wakeup.signal();
  CHECK(is_readable(wakeup));
  wakeup.drain();
  CHECK(!is_readable(wakeup));
  wakeup.signal();
  CHECK(is_readable(wakeup));
}

TEST_CASE("draining without a signal does not block") {
  Wakeup wakeup;
  wakeup.drain();
  CHECK(!is_readable(wakeup));
}

TEST_CASE("any number of signals makes one event, and one drain ends it") {
  Wakeup wakeup;
  // More than a pipe holds.
  for (int i = 0; i < 200'000; ++i) wakeup.signal();
  CHECK(is_readable(wakeup));
  wakeup.drain();
  CHECK(!is_readable(wakeup));
}

TEST_CASE("errno is as it was, since a signal handler may be what signals") {
  Wakeup wakeup;
  for (int i = 0; i < 200'000; ++i) {
    errno = ERANGE;
    wakeup.signal();
    if (errno != ERANGE) break;
  }
  CHECK(errno == ERANGE);
}

TEST_CASE("a poller is woken by another thread") {
  Wakeup wakeup;
  std::thread other([&] { wakeup.signal(); });
  pollfd entry{wakeup.fd(), POLLIN, 0};
  CHECK(::poll(&entry, 1, -1) == 1);
  other.join();
}

TEST_CASE("a wakeup does not outlive an exec") {
  Wakeup wakeup;
  CHECK((fcntl(wakeup.fd(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((fcntl(wakeup.fd(), F_GETFL) & O_NONBLOCK) != 0);
}
