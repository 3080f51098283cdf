// SPDX-License-Identifier: MIT

#include "net/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "net/last_error.h"

namespace hilo::net {

namespace {

constexpr int signal_number_max = 63;

// What the handler needs: it has no argument to find an object by.
std::atomic<int> pipe_fd{-1};
// Bit n: signal n is in the pipe already. So the pipe holds every number once at most and is never
// full, and one signal that comes in floods cannot push another one out.
std::atomic<std::uint64_t> in_pipe{0};
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "used in a signal handler");

struct sigaction previous_actions[8];

std::uint64_t bit_of(int number) noexcept {
  return std::uint64_t{1} << number;
}

void handle(int number) {
  const int saved_errno = errno;
  if ((in_pipe.fetch_or(bit_of(number)) & bit_of(number)) == 0) {
    const auto byte = static_cast<std::uint8_t>(number);
    ssize_t written;
    do {
      written = ::write(pipe_fd.load(), &byte, 1);
    } while (written < 0 && errno == EINTR);
  }
  errno = saved_errno;
}

bool set_flags(int fd) noexcept {
  return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

}  // namespace

Signals::Signals(std::initializer_list<int> numbers) noexcept {
  static_assert(std::size(previous_actions) == signals_max);
  if (numbers.size() > signals_max) {
    status_ = std::make_error_code(std::errc::invalid_argument);
    return;
  }
  int ends[2];
  if (::pipe(ends) != 0) {
    status_ = last_error();
    return;
  }
  read_end_ = Fd(ends[0]);
  write_end_ = Fd(ends[1]);
  if (!set_flags(ends[0]) || !set_flags(ends[1])) {
    status_ = last_error();
    return;
  }
  int nobody = -1;
  if (!pipe_fd.compare_exchange_strong(nobody, ends[1])) {
    status_ = std::make_error_code(std::errc::device_or_resource_busy);
    return;
  }
  in_pipe.store(0);

  struct sigaction action;
  std::memset(&action, 0, sizeof action);
  action.sa_handler = &handle;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  for (const int number : numbers) {
    if (number <= 0 || number > signal_number_max) {
      status_ = std::make_error_code(std::errc::invalid_argument);
      return;
    }
    if (sigaction(number, &action, &previous_actions[count_]) != 0) {
      status_ = last_error();
      return;
    }
    numbers_[count_++] = number;
  }
}

Signals::~Signals() {
  // Backwards, so that a number that was given twice gets its first handler back.
  while (count_ > 0) {
    --count_;
    sigaction(numbers_[count_], &previous_actions[count_], nullptr);
  }
  int mine = write_end_.value();
  if (mine >= 0) pipe_fd.compare_exchange_strong(mine, -1);
}

int Signals::take() noexcept {
  std::uint8_t byte = 0;
  ssize_t taken;
  do {
    taken = ::read(read_end_.value(), &byte, 1);
  } while (taken < 0 && errno == EINTR);
  if (taken != 1) return 0;
  // One that comes before this line is told together with the one that is about to be.
  in_pipe.fetch_and(~bit_of(byte));
  return byte;
}

void ignore_sigpipe() noexcept {
  ::signal(SIGPIPE, SIG_IGN);
}

}  // namespace hilo::net
