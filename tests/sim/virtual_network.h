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
// Bytes arrive the moment they are sent, unless Faults::delayed holds them up. Time moves only when
// the poller has nothing to report: it then jumps to the end of the wait, or to the next entry of
// the network's own agenda. All chance comes from one seed, so a run replays exactly; trace() is a
// number that two equal runs share.
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
#include <cstdio>
#include <deque>
#include <functional>
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
#include "net/loop.h"
#include "net/poller.h"
#include "net/socket.h"
#include "tests/sim/faults.h"
#include "tests/sim/random.h"

namespace hilo::sim {

// What a descriptor refers to: one end of a connection, a listening socket, or an event.
struct Socket : std::enable_shared_from_this<Socket> {
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
  std::size_t capacity = 0;       // of the inbox, with what is on its way there
  std::size_t low_water = 1;      // fewer bytes in the inbox are not worth an event
  std::size_t bytes_on_way = 0;   // to the inbox
  net::Time last_arrival;         // of what is on its way
  net::Time window_closed_until;  // until then nothing more is let in
  std::size_t bytes_to_reset = never;
  std::size_t bytes_to_silence = never;
  bool is_silent = false;         // whatever is sent never arrives, and nobody is told
  std::size_t bytes_unheard = 0;  // what was sent into that silence
  net::Duration user_timeout;     // TCP_USER_TIMEOUT; 0: none
  std::error_code error;          // told once, by whatever call comes first
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
  bool has_ipv6 = true;
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
  // How far the clock on the wall is from where it would be; the other one knows nothing of it.
  net::Duration wall_clock_offset;

  // Delivers a signal to net::Signals.
  void raise(int number);

  std::size_t open_descriptors() const noexcept;
  Random& random() noexcept { return random_; }
  net::Time now() const noexcept { return now_; }
  // Lets time pass, and whatever is due on the way happen.
  void advance(net::Duration by);
  // Something of the network's, or of a test's, at a time to come. In the order of the times, and
  // of the calls.
  void call_at(net::Time at, std::function<void()> action);
  // From now to the next of them; negative if there is none.
  net::Duration until_next_call() const noexcept;
  // No fault strikes any more, not even one that was drawn for a byte to come. A connection that
  // has fallen silent stays so.
  void heal() noexcept;
  // True in so many percent of the cases; counts it as having happened.
  bool strikes(Fault fault, unsigned percent) noexcept;
  void count(Fault fault) noexcept { ++fault_counts_[static_cast<std::size_t>(fault)]; }
  // How often each happened.
  const FaultCounts& fault_counts() const noexcept { return fault_counts_; }
  // Where each arrival and each reset is written down; null: nowhere.
  std::FILE* log = nullptr;
  // Of every byte that was moved, by which connection and when.
  std::uint64_t trace() const noexcept { return trace_; }

  // --- who waits ---

  // Whether this loop's wait would report something at once.
  bool would_wake(const net::Loop& loop) const;
  // Of each poller there is, whether it has something to report.
  std::map<const net::Poller*, std::function<bool()>> pollers;

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
  void shutdown_write(Socket& socket);
  // What close(2) does, for a socket that no descriptor refers to any more.
  void hang_up(Socket& socket);
  net::Ready readiness(const Socket& socket) const noexcept;
  // How much the peer of this connection may still send.
  std::size_t room(const Socket& receiver) const noexcept;

  // --- signals ---

  std::weak_ptr<Socket> signal_event;  // of net::Signals, if there is one
  int take_signal() noexcept;          // 0: none waits
  bool signals_wait() const noexcept { return !signals_.empty(); }

 private:
  Socket* find_listener(const net::Address& address);
  void reset(Socket& socket, std::errc error) noexcept;
  net::Io send_unheard(Socket& socket, std::size_t bytes);
  void end_by_chance(Socket& socket, Socket& other, std::size_t sent);
  void deliver(const std::shared_ptr<Socket>& to, Bytes bytes);
  void arrive(Socket& to, Bytes bytes);
  void finish_input(const std::shared_ptr<Socket>& socket);
  enum class Event : std::uint8_t { arrival, reset };
  void note(const Socket& socket, Event event, Bytes bytes) noexcept;
  void write_log(const Socket& socket, Event event, Bytes bytes) const;
  net::Address next_local_address(net::Family family);

  Pool pool_;
  Random random_;
  net::Time now_;
  std::multimap<std::int64_t, std::function<void()>> agenda_;  // by nanoseconds
  FaultCounts fault_counts_{};
  std::uint64_t trace_ = 0;
  std::uint64_t next_serial_ = 1;
  std::uint16_t next_port_ = 32768;
  std::vector<std::shared_ptr<Socket>> table_;
  std::vector<std::weak_ptr<Socket>> listeners_;
  std::vector<net::Address> blackholes_;
  std::deque<int> signals_;
};

}  // namespace hilo::sim
