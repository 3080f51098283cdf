// SPDX-License-Identifier: MIT
//
// Network: a kernel in a few hundred lines, for one process and one thread. It holds a table of
// descriptors, connections as pairs of byte queues, listening sockets with their queues, names, and
// the clock. The virtual_*.cc files put the seams of net/ (socket.h, poller.h, clock.h, ...) on top
// of it, so that everything above them runs unchanged and without one system call.
//
//     listener.waiting -> [ server end ] <== inbox ==== [ client end ]
//                              ======== inbox ====> (each end owns the queue it reads from)
//
// Bytes arrive the moment they are sent. Time moves only when the poller has nothing to report: it
// then jumps to the end of the wait. All chance comes from one seed, so a run replays exactly.
//
// It keeps to the kernel's manners where the code above may depend on them: the lowest free
// descriptor number is given out first, closing with input unread resets the peer, bytes that came
// before a reset can still be read, sending to a peer that is gone succeeds once. It is stricter in
// one point: using or closing a number that is not open, and waiting for one that was closed
// without telling the poller, are bugs of the caller's and abort.
//
//   life    one Network at a time; it must outlive every loop and every Peer

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "net/address.h"
#include "net/base/buffer.h"
#include "net/duration.h"
#include "net/fd.h"
#include "net/poller.h"
#include "net/socket.h"
#include "tests/sim/random.h"

namespace hilo::sim {

// What may go wrong, each in percent of the cases in which it could. All off by default.
struct Faults {
  unsigned short_io = 0;     // a receive or send moves less than it could
  unsigned would_block = 0;  // a receive or send that could move something moves nothing
  unsigned held_back = 0;    // a ready descriptor is reported one wait later
  unsigned shuffled = 0;     // the events of a wait come in any order
  unsigned taken_error = 0;  // the poller takes a socket's error and tells it with the event
  unsigned connected_at_once = 0;
  unsigned reset = 0;                 // of the connections: reset at some byte
  std::size_t reset_byte_max = 4096;  // which one, at most, counted in one direction
  bool no_entropy = false;            // not by chance: every draw of the product's fails
};

// What a descriptor refers to: one end of a connection, a listening socket, or an event.
struct Socket {
  enum class Kind : std::uint8_t { stream, listener, event, reserve };
  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

  Socket(Kind k, std::uint64_t number, Pool& pool) : kind(k), serial(number), inbox(pool) {}

  Kind kind;
  std::uint64_t serial;  // never used again, unlike a descriptor
  net::Address local;
  net::Address remote;

  // stream
  std::weak_ptr<Socket> other;  // empty: not connected yet, or gone
  Buffer inbox;
  std::size_t capacity = 0;  // of the inbox
  std::size_t bytes_to_reset = never;
  std::error_code error;  // told once, by whatever call comes first
  bool connecting = false;
  bool connected = false;
  bool input_ended = false;  // FIN came
  bool output_ended = false;
  bool abortive = false;  // SO_LINGER 0

  // listener
  std::deque<std::shared_ptr<Socket>> waiting;
  std::size_t backlog = 0;
  bool shared_port = false;
  bool ipv6_only = true;

  // event
  bool signalled = false;
};

class Network {
 public:
  explicit Network(std::uint64_t seed = 1);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();
  // The one there is.
  static Network& current() noexcept;

  // --- what a test sets and reads ---

  Faults faults;
  std::size_t inbox_bytes = std::size_t{64} << 10;  // of connections made from now on
  std::size_t descriptors_max = std::size_t{1} << 20;
  std::deque<std::errc> accept_errors;  // one for each accept while somebody waits
  std::uint64_t accept_calls = 0;
  std::uint64_t waits = 0;     // of all pollers
  bool wait_was_idle = false;  // the last one reported nothing
  // A name of the resolver: its addresses, after `delay`. One without addresses does not exist.
  struct Name {
    std::vector<net::Address> addresses;
    net::Duration delay;
  };
  std::map<std::string, Name, std::less<>> names;
  // A connect to this address is never answered.
  void blackhole(const net::Address& address) { blackholes_.push_back(address); }

  // Delivers a signal to net::Signals.
  void raise(int number);

  std::size_t open_descriptors() const noexcept;
  Random& random() noexcept { return random_; }
  net::Time now() const noexcept { return now_; }
  void advance(net::Duration by) noexcept { now_ = now_ + by; }

  // --- descriptors ---

  std::shared_ptr<Socket> make(Socket::Kind kind);
  // Gives it the lowest free number. errc::too_many_files_open at descriptors_max.
  Result<net::Fd> open(std::shared_ptr<Socket> socket);
  const std::shared_ptr<Socket>& at(int fd) noexcept;
  void close(int fd) noexcept;

  // --- connections; nothing here fails by chance ---

  Status listen(const std::shared_ptr<Socket>& socket, const net::Address& address,
                const net::socket::ListenOptions& options);
  // done, would_block (for ever if nobody answers) or failed.
  net::Io connect(const std::shared_ptr<Socket>& socket, const net::Address& to);
  net::Io receive(Socket& socket, MutableBytes into);
  net::Io send(Socket& socket, Bytes bytes);
  void shutdown_write(Socket& socket) noexcept;
  // What close(2) does, for a socket that no descriptor refers to any more.
  void hang_up(Socket& socket) noexcept;
  net::Ready readiness(const Socket& socket) const noexcept;

  // --- signals ---

  std::weak_ptr<Socket> signal_event;  // of net::Signals, if there is one
  int take_signal() noexcept;          // 0: none waits
  bool signals_wait() const noexcept { return !signals_.empty(); }

 private:
  Socket* find_listener(const net::Address& address);
  void reset(Socket& socket, std::errc error) noexcept;
  net::Address next_local_address(net::Family family);

  Pool pool_;
  Random random_;
  net::Time now_;
  std::uint64_t next_serial_ = 1;
  std::uint16_t next_port_ = 32768;
  std::vector<std::shared_ptr<Socket>> table_;
  std::vector<std::weak_ptr<Socket>> listeners_;
  std::vector<net::Address> blackholes_;
  std::deque<int> signals_;
};

}  // namespace hilo::sim
