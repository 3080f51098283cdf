// SPDX-License-Identifier: MIT
//
// Poller: waits until descriptors are ready. One class, one file per kernel interface:
// poller_epoll.cc, poller_kqueue.cc, poller_poll.cc; the Makefile picks one (POLLER=). A seam.
//
// Events are data. What goes through the kernel is a Token, which names a slot and its generation:
// one batch of events may hold a stale one for a descriptor number that was closed and given out
// again within that very batch, and only the generation tells the two apart.
//
//   level   readiness is reported for as long as it lasts, so a reader may stop early
//   thread  one, but for the notes in wakeup.h

#pragma once

#include <cstdint>
#include <span>

#include "net/base/owner.h"
#include "net/base/result.h"
#include "net/duration.h"

namespace hilo::net {

struct Token {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;  // even: refers to nothing
  explicit operator bool() const noexcept { return (generation & 1) != 0; }
  friend bool operator==(const Token&, const Token&) = default;
};

enum class Interest : std::uint8_t { none = 0, read = 1, write = 2, read_write = 3 };

// What a descriptor is ready for. An error or a hang-up is reported whatever the interest.
struct Ready {
  bool readable = false;
  bool writable = false;
  bool broken = false;  // reset, or both directions are shut
  // The socket's error, where the backend has learned it: a socket tells each error once, and so
  // nobody else will hear of this one. 0: none, or still to be taken from the socket.
  int error = 0;
};

struct Fired {
  Token token;
  Ready ready;
};

class Poller {
 public:
  static constexpr std::size_t events_per_wait_max = 512;

  Poller() noexcept;  // opens the kernel object; status() says how that went
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  const Status& status() const noexcept { return status_; }
  static const char* name() noexcept;  // "epoll", "kqueue", "poll"

  Status add(int fd, Interest interest, Token token) noexcept;
  // From `before` to `after`, so that backends with one entry per direction need no memory of it.
  Status change(int fd, Interest before, Interest after, Token token) noexcept;
  // Call it before the descriptor is closed: a duplicate of it would go on reporting.
  void remove(int fd, Interest interest) noexcept;

  // Waits at most `timeout` (negative: for ever; zero: not at all). The span is valid until the
  // next wait. A signal ends the wait with an empty span. The same token may be there twice.
  Result<std::span<const Fired>> wait(Duration timeout) noexcept;

  // A descriptor that is readable when wait(0) would report something, or -1 where there is none:
  // for nesting in another event loop.
  int fd() const noexcept;

 private:
  struct Backend;  // each poller_*.cc has its own
  Owner<Backend> backend_;
  Status status_;
};

}  // namespace hilo::net
