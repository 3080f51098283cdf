// SPDX-License-Identifier: MIT
//
// Poller by poll(2): for systems with nothing better. Each wait costs time for every descriptor.
//
//     entries_  [fd events revents][...][...]     what poll(2) sees
//     tokens_   [token            ][...][...]     in the same order
//     places_   fd -> index of its entry
//
// An entry that leaves is replaced by the last one, so order means nothing.

#include <poll.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <new>

#include "net/base/check.h"
#include "net/last_error.h"
#include "net/poller.h"

namespace hilo::net {

namespace {

constexpr std::uint32_t nowhere = 0xFFFFFFFF;

short events_for(Interest interest) noexcept {
  const auto bits = static_cast<unsigned>(interest);
  return static_cast<short>(((bits & 1) != 0 ? POLLIN : 0) | ((bits & 2) != 0 ? POLLOUT : 0));
}

// Rounded up: a wait that ends before the deadline it was meant for would be repeated, with nothing
// to do, until the deadline comes.
int to_timeout(Duration timeout) noexcept {
  if (timeout < Duration{}) return -1;
  const std::int64_t milliseconds =
      timeout.to_milliseconds() + (timeout.nanoseconds % 1'000'000 != 0 ? 1 : 0);
  return static_cast<int>(std::min<std::int64_t>(milliseconds, INT_MAX));
}

// Makes room for `count` elements; false if there is no memory.
template <class T>
bool make_room(T*& array, std::size_t& capacity, std::size_t count) noexcept {
  if (count <= capacity) return true;
  const std::size_t wanted = std::max({count, capacity * 2, std::size_t{64}});
  void* grown = std::realloc(array, wanted * sizeof(T));
  if (grown == nullptr) return false;
  array = static_cast<T*>(grown);
  capacity = wanted;
  return true;
}

}  // namespace

struct Poller::Backend {
  ~Backend() {
    std::free(entries);
    std::free(tokens);
    std::free(places);
  }
  // The index of the entry of `fd`, or `nowhere`.
  std::uint32_t place_of(int fd) const noexcept {
    const auto index = static_cast<std::size_t>(fd);
    return fd >= 0 && index < place_count ? places[index] : nowhere;
  }
  bool make_place(int fd) noexcept {
    const std::size_t wanted = static_cast<std::size_t>(fd) + 1;
    if (!make_room(places, place_capacity, wanted)) return false;
    while (place_count < wanted) places[place_count++] = nowhere;
    return true;
  }

  pollfd* entries = nullptr;
  Token* tokens = nullptr;
  std::uint32_t* places = nullptr;
  std::size_t count = 0;
  std::size_t entry_capacity = 0;
  std::size_t token_capacity = 0;
  std::size_t place_count = 0;
  std::size_t place_capacity = 0;
  std::size_t first = 0;  // where the next wait begins to look, so that nobody is always last
  std::array<Fired, events_per_wait_max> fired;
};

Poller::Poller() noexcept : backend_(new (std::nothrow) Backend) {
  if (!backend_) status_ = out_of_memory();
}

Poller::~Poller() = default;

const char* Poller::name() noexcept {
  return "poll";
}

Status Poller::add(int fd, Interest interest, Token token) noexcept {
  Backend& backend = *backend_;
  if (fd < 0) return std::make_error_code(std::errc::bad_file_descriptor);
  if (backend.place_of(fd) != nowhere) return std::make_error_code(std::errc::file_exists);
  if (!backend.make_place(fd) ||
      !make_room(backend.entries, backend.entry_capacity, backend.count + 1) ||
      !make_room(backend.tokens, backend.token_capacity, backend.count + 1)) {
    return out_of_memory();
  }
  backend.places[fd] = static_cast<std::uint32_t>(backend.count);
  backend.entries[backend.count] = {.fd = fd, .events = events_for(interest), .revents = 0};
  backend.tokens[backend.count] = token;
  ++backend.count;
  return {};
}

Status Poller::change(int fd, Interest before, Interest after, Token token) noexcept {
  static_cast<void>(before);
  const std::uint32_t place = backend_->place_of(fd);
  if (place == nowhere) return std::make_error_code(std::errc::no_such_file_or_directory);
  backend_->entries[place].events = events_for(after);
  backend_->tokens[place] = token;
  return {};
}

void Poller::remove(int fd, Interest interest) noexcept {
  static_cast<void>(interest);
  Backend& backend = *backend_;
  const std::uint32_t place = backend.place_of(fd);
  if (place == nowhere) return;
  const std::size_t last = --backend.count;
  backend.entries[place] = backend.entries[last];
  backend.tokens[place] = backend.tokens[last];
  backend.places[backend.entries[place].fd] = place;
  backend.places[fd] = nowhere;
}

Result<std::span<const Fired>> Poller::wait(Duration timeout) noexcept {
  Backend& backend = *backend_;
  const int ready =
      ::poll(backend.entries, static_cast<nfds_t>(backend.count), to_timeout(timeout));
  if (ready < 0) {
    if (errno == EINTR) return std::span<const Fired>{};
    return last_error();
  }
  std::size_t left = std::min(static_cast<std::size_t>(ready), backend.fired.size());
  std::size_t fired_count = 0;
  std::size_t index = backend.first < backend.count ? backend.first : 0;
  for (std::size_t looked_at = 0; left > 0 && looked_at < backend.count; ++looked_at) {
    const int events = backend.entries[index].revents;
    if (events != 0) {
      backend.fired[fired_count++] = {
          .token = backend.tokens[index],
          .ready = {.readable = (events & POLLIN) != 0,
                    .writable = (events & POLLOUT) != 0,
                    .broken = (events & (POLLERR | POLLHUP | POLLNVAL)) != 0}};
      --left;
    }
    if (++index == backend.count) index = 0;
  }
  backend.first = index;
  return std::span<const Fired>(backend.fired.data(), fired_count);
}

int Poller::fd() const noexcept {
  return -1;
}

}  // namespace hilo::net
