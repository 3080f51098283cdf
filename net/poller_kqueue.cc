// SPDX-License-Identifier: MIT
//
// Poller by kqueue(2), level-triggered: the BSDs and macOS.
//
// A descriptor has one entry (a filter) for each direction, so one that is ready both ways is
// reported twice, with the same token. A descriptor without interest keeps one for reading that is
// edge-triggered (EV_CLEAR) and of which nothing is told on but a reset.

#include <sys/types.h>

#include <sys/event.h>
#include <sys/time.h>

#include <array>
#include <new>

#include "net/fd.h"
#include "net/last_error.h"
#include "net/poller.h"

namespace hilo::net {

namespace {

// The token travels as the user's pointer.
static_assert(sizeof(void*) >= sizeof(std::uint64_t), "a 32-bit system wants POLLER=poll");

void* pack(Token token) noexcept {
  return reinterpret_cast<void*>((std::uintptr_t{token.generation} << 32) | token.slot);
}
Token unpack(void* packed) noexcept {
  const auto bits = reinterpret_cast<std::uintptr_t>(packed);
  return {static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)};
}

bool wants(Interest interest, Interest direction) noexcept {
  return (static_cast<unsigned>(interest) & static_cast<unsigned>(direction)) != 0;
}

// What is entered for reading where there is no interest.
constexpr unsigned short quiet = EV_ADD | EV_CLEAR;

// A few changes, made in one call.
struct Changes {
  std::array<struct kevent, 4> entries;
  int count = 0;

  void put(int fd, short filter, unsigned short flags, Token token) noexcept {
    struct kevent& entry = entries[static_cast<std::size_t>(count++)];
    entry = {};
    entry.ident = static_cast<std::uintptr_t>(fd);
    entry.filter = filter;
    entry.flags = flags;
    entry.udata = pack(token);
  }
  void turn(int fd, short filter, bool before, bool after, Token token) noexcept {
    if (before == after) return;
    put(fd, filter, after ? EV_ADD : EV_DELETE, token);
  }
};

Status apply(int kqueue_fd, const Changes& changes) noexcept {
  if (changes.count == 0) return {};
  const timespec no_wait{};
  int outcome;
  do {
    // Without room for events a change that fails is the outcome of the call.
    outcome = kevent(kqueue_fd, changes.entries.data(), changes.count, nullptr, 0, &no_wait);
  } while (outcome < 0 && errno == EINTR);
  if (outcome < 0) return last_error();
  return {};
}

Ready ready_from(const struct kevent& event) noexcept {
  const bool is_quiet = (event.flags & EV_CLEAR) != 0;
  const bool is_read = event.filter == EVFILT_READ;
  const bool is_end = (event.flags & EV_EOF) != 0;
  // EV_EOF for reading is the peer's FIN, perhaps with data still unread: readable, like any other
  // input. For writing it means that nobody will ever read. `fflags` then holds the error, if any,
  // and with some (libkqueue since 2026) the socket has lost it by that.
  const int error = is_end ? static_cast<int>(event.fflags) : 0;
  return {.readable = is_read && !is_quiet,
          .writable = !is_read,
          .broken = (event.flags & EV_ERROR) != 0 || (is_end && (!is_read || error != 0)),
          .error = error};
}

}  // namespace

struct Poller::Backend {
  Fd kqueue;
  std::array<struct kevent, events_per_wait_max> events;
  std::array<Fired, events_per_wait_max> fired;
};

Poller::Poller() noexcept : backend_(new (std::nothrow) Backend) {
  if (!backend_) {
    status_ = out_of_memory();
    return;
  }
  // Not inherited by fork(2), so there is no need for close-on-exec.
  backend_->kqueue = Fd(kqueue());
  if (!backend_->kqueue) status_ = last_error();
}

Poller::~Poller() = default;

const char* Poller::name() noexcept {
  return "kqueue";
}

Status Poller::add(int fd, Interest interest, Token token) noexcept {
  Changes changes;
  if (interest == Interest::none) changes.put(fd, EVFILT_READ, quiet, token);
  changes.turn(fd, EVFILT_READ, false, wants(interest, Interest::read), token);
  changes.turn(fd, EVFILT_WRITE, false, wants(interest, Interest::write), token);
  Status status = apply(backend_->kqueue.value(), changes);
  // One direction may have been entered before the other one failed.
  if (!status) remove(fd, interest);
  return status;
}

Status Poller::change(int fd, Interest before, Interest after, Token token) noexcept {
  if (before == after) return {};
  Changes changes;
  if (before == Interest::none) changes.put(fd, EVFILT_READ, EV_DELETE, token);
  changes.turn(fd, EVFILT_READ, wants(before, Interest::read), wants(after, Interest::read), token);
  changes.turn(fd, EVFILT_WRITE, wants(before, Interest::write), wants(after, Interest::write),
               token);
  if (after == Interest::none) changes.put(fd, EVFILT_READ, quiet, token);
  return apply(backend_->kqueue.value(), changes);
}

void Poller::remove(int fd, Interest interest) noexcept {
  // One by one: a list of changes ends at the first that fails.
  for (const int filter : {EVFILT_READ, EVFILT_WRITE}) {
    const bool is_read = filter == EVFILT_READ;
    const bool is_quiet = is_read && interest == Interest::none;
    if (!is_quiet && !wants(interest, is_read ? Interest::read : Interest::write)) continue;
    Changes changes;
    changes.put(fd, static_cast<short>(filter), EV_DELETE, {});
    static_cast<void>(apply(backend_->kqueue.value(), changes));
  }
}

Result<std::span<const Fired>> Poller::wait(Duration timeout) noexcept {
  Backend& backend = *backend_;
  const Duration limit = timeout < Duration{} ? Duration{} : timeout;
  timespec patience{};
  patience.tv_sec = static_cast<time_t>(limit.nanoseconds / 1'000'000'000);
  patience.tv_nsec = static_cast<long>(limit.nanoseconds % 1'000'000'000);
  const int count =
      kevent(backend.kqueue.value(), nullptr, 0, backend.events.data(),
             static_cast<int>(backend.events.size()), timeout < Duration{} ? nullptr : &patience);
  if (count < 0) {
    if (errno == EINTR) return std::span<const Fired>{};
    return last_error();
  }
  std::size_t fired_count = 0;
  for (const struct kevent& event :
       std::span{backend.events}.first(static_cast<std::size_t>(count))) {
    const Ready ready = ready_from(event);
    if (!ready.readable && !ready.writable && !ready.broken) continue;
    backend.fired[fired_count++] = {.token = unpack(event.udata), .ready = ready};
  }
  return std::span<const Fired>(backend.fired.data(), fired_count);
}

int Poller::fd() const noexcept {
  return !backend_ ? -1 : backend_->kqueue.value();
}

}  // namespace hilo::net
