// SPDX-License-Identifier: MIT

#include "net/signals.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>

#include <cerrno>

using namespace hilo::net;

namespace {

bool is_readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, 0) == 1;
}

void (*handler_of(int number))(int) {
  struct sigaction action {};
  REQUIRE(sigaction(number, nullptr, &action) == 0);
  return action.sa_handler;
}

}  // namespace

TEST_CASE("signals are told in the order in which they came") {
  Signals signals({SIGUSR1, SIGUSR2});
  REQUIRE(signals.status());
  CHECK(!is_readable(signals.fd()));
  CHECK(signals.take() == 0);
  ::raise(SIGUSR2);
  ::raise(SIGUSR1);
  CHECK(is_readable(signals.fd()));
  CHECK(signals.take() == SIGUSR2);
  CHECK(signals.take() == SIGUSR1);
  CHECK(signals.take() == 0);
  CHECK(!is_readable(signals.fd()));
}

TEST_CASE("a flood of one signal is told once, and does not hide another") {
  Signals signals({SIGUSR1, SIGUSR2});
  for (int i = 0; i < 100'000; ++i) ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  CHECK(signals.take() == SIGUSR1);
  CHECK(signals.take() == SIGUSR2);
  CHECK(signals.take() == 0);
  ::raise(SIGUSR1);
  CHECK(signals.take() == SIGUSR1);
}

TEST_CASE("what was interrupted finds errno as it was") {
  Signals signals({SIGUSR1});
  errno = ERANGE;
  ::raise(SIGUSR1);
  CHECK(errno == ERANGE);
}

TEST_CASE("the handlers of before are restored") {
  ::signal(SIGUSR1, SIG_IGN);
  {
    // Twice the same number must not make ours the one of before.
    Signals signals({SIGUSR1, SIGUSR1});
    REQUIRE(signals.status());
    CHECK((handler_of(SIGUSR1) != SIG_IGN));
  }
  CHECK((handler_of(SIGUSR1) == SIG_IGN));
  ::signal(SIGUSR1, SIG_DFL);
}

TEST_CASE("there is one catcher of signals at a time") {
  {
    Signals first({SIGUSR1});
    REQUIRE(first.status());
    Signals second({SIGUSR2});
    CHECK(second.status().error() == std::errc::device_or_resource_busy);
    CHECK((handler_of(SIGUSR2) == SIG_DFL));
  }
  Signals third({SIGUSR2});
  CHECK(third.status());
}

TEST_CASE("numbers that cannot be caught are refused, and nothing is left behind") {
  for (const int number : {0, -1, 64, 1000, SIGKILL}) {
    CAPTURE(number);
    {
      Signals signals({SIGUSR1, number});
      CHECK(signals.status().error() == std::errc::invalid_argument);
    }
    CHECK((handler_of(SIGUSR1) == SIG_DFL));
  }
  Signals many({1, 2, 3, 4, 5, 6, 7, 8, 10});
  CHECK(many.status().error() == std::errc::invalid_argument);
}

TEST_CASE("a broken pipe is no reason to die, once it is ignored") {
  ignore_sigpipe();
  CHECK((handler_of(SIGPIPE) == SIG_IGN));
  ::raise(SIGPIPE);
}
