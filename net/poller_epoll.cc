// SPDX-License-Identifier: MIT
//
// Poller by epoll(7), level-triggered.

#include <sys/epoll.h>

#include <array>
#include <bit>
#include <climits>
#include <new>

#include "net/fd.h"
#include "net/last_error.h"
#include "net/poller.h"

namespace hilo::net {

namespace {

// epoll calls its flags an enum and its field a uint32_t.
constexpr std::uint32_t readable_flag = EPOLLIN;
constexpr std::uint32_t writable_flag = EPOLLOUT;
constexpr std::uint32_t broken_flags = std::uint32_t{EPOLLERR} | std::uint32_t{EPOLLHUP};

// What each combination of the flags says, so that an event is looked up and not taken apart.
constexpr std::uint32_t known_flags = readable_flag | writable_flag | broken_flags;
constexpr auto ready_by_flags = [] {
  std::array<Ready, known_flags + 1> table;
  for (std::uint32_t flags = 0; flags <= known_flags; ++flags) {
    table[flags] = {.readable = (flags & readable_flag) != 0,
                    .writable = (flags & writable_flag) != 0,
                    .broken = (flags & broken_flags) != 0};
  }
  return table;
}();

epoll_event event_for(Interest interest, Token token) noexcept {
  epoll_event event{};
  if (interest == Interest::read || interest == Interest::read_write) event.events |= readable_flag;
  if (interest == Interest::write || interest == Interest::read_write)
    event.events |= writable_flag;
  event.data.u64 = std::bit_cast<std::uint64_t>(token);
  return event;
}

// Rounded up: a wait that ends before the deadline it was meant for would be repeated, with nothing
// to do, until the deadline comes.
int to_timeout(Duration timeout) noexcept {
  if (timeout < Duration{}) return -1;
  constexpr std::int64_t ms = 1'000'000;
  if (timeout.nanoseconds > INT_MAX * ms - ms) return INT_MAX;
  return static_cast<int>((timeout.nanoseconds + ms - 1) / ms);
}

}  // namespace

struct Poller::Backend {
  Fd epoll;
  std::array<epoll_event, events_per_wait_max> events;
  std::array<Fired, events_per_wait_max> fired;
};

Poller::Poller() noexcept : backend_(new (std::nothrow) Backend) {
  if (!backend_) {
    status_ = out_of_memory();
    return;
  }
  backend_->epoll = Fd(epoll_create1(EPOLL_CLOEXEC));
  if (!backend_->epoll) status_ = last_error();
}

Poller::~Poller() = default;

const char* Poller::name() noexcept {
  return "epoll";
}

Status Poller::add(int fd, Interest interest, Token token) noexcept {
  epoll_event event = event_for(interest, token);
  if (epoll_ctl(backend_->epoll.value(), EPOLL_CTL_ADD, fd, &event) != 0) return last_error();
  return {};
}

Status Poller::change(int fd, Interest before, Interest after, Token token) noexcept {
  if (before == after) return {};
  epoll_event event = event_for(after, token);
  if (epoll_ctl(backend_->epoll.value(), EPOLL_CTL_MOD, fd, &event) != 0) return last_error();
  return {};
}

void Poller::remove(int fd, Interest interest) noexcept {
  static_cast<void>(interest);
  epoll_event ignored{};
  epoll_ctl(backend_->epoll.value(), EPOLL_CTL_DEL, fd, &ignored);
}

Result<std::span<const Fired>> Poller::wait(Duration timeout) noexcept {
  Backend& backend = *backend_;
  const int count = epoll_wait(backend.epoll.value(), backend.events.data(),
                               static_cast<int>(backend.events.size()), to_timeout(timeout));
  if (count < 0) {
    if (errno == EINTR) return std::span<const Fired>{};
    return last_error();
  }
  const auto fired_count = static_cast<std::size_t>(count);
  const epoll_event* event = backend.events.data();
  for (Fired& fired : std::span(backend.fired.data(), fired_count)) {
    fired.token = std::bit_cast<Token>(std::uint64_t{event->data.u64});
    fired.ready = ready_by_flags[event->events & known_flags];
    ++event;
  }
  return std::span<const Fired>(backend.fired.data(), fired_count);
}

int Poller::fd() const noexcept {
  return !backend_ ? -1 : backend_->epoll.value();
}

}  // namespace hilo::net
