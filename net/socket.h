// SPDX-License-Identifier: MIT
//
// Every socket system call, once, with EINTR, CLOEXEC, NONBLOCK and SIGPIPE settled here. These are
// plain functions and a seam: a simulator links its own object file in place of socket.cc.
//
// Descriptors are non-blocking from birth. Nothing here keeps state.

#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <vector>

#include "net/address.h"
#include "net/base/bytes.h"
#include "net/base/result.h"
#include "net/duration.h"
#include "net/fd.h"

namespace hilo::net {

// What one attempt to read or write did. EAGAIN is no error and no end: it is a value of its own.
struct Io {
  enum class Kind : std::uint8_t {
    done,         // `bytes` moved, more than 0 (0 only if 0 were asked for)
    would_block,  // nothing moved; readiness will be reported
    end,          // the peer has finished sending (reads only)
    failed,       // `error` says why; the socket is of no more use
  };
  Kind kind = Kind::done;
  std::size_t bytes = 0;
  ErrorCode error = {};
};

namespace socket {

// A non-blocking stream socket of that family.
Result<Fd> open_stream(Family family) noexcept;

struct ListenOptions {
  int backlog = 4096;       // the kernel cuts it to somaxconn
  bool reuse_port = false;  // SO_REUSEPORT: several loops share one port
  bool ipv6_only = true;    // IPV6_V6ONLY on an IPv6 address
  int unix_mode = -1;       // permissions of a Unix socket's file; -1: what umask leaves
  bool no_delay = true;     // TCP_NODELAY, inherited by what is accepted
  // set_user_timeout(), inherited too; zero leaves the kernel's.
  Duration user_timeout = {};
};
// Makes a listening socket that came from elsewhere one of ours: non-blocking, and not for
// children. errc::invalid_argument if it is no listening stream socket.
Status adopt_listening(int fd) noexcept;
// Opens, binds and listens. A stale Unix socket file nobody listens on is removed first.
Result<Fd> listen(const Address& address, const ListenOptions& options) noexcept;

// The next waiting connection, non-blocking. errc::operation_would_block if there is none;
// errc::too_many_files_open and its kin are left to the listener.
Result<Fd> accept(int fd, Address* peer) noexcept;
// How many wait for accept(); 0 or less where the system does not say. (Of TCP Linux does, in a
// seventh of the time of an accept() that finds nobody, which has made a socket and a file by
// then.)
int waiting_count(int fd) noexcept;

// Before connect(): the address to come from, whose port 0 leaves the choice to the kernel. Where
// it can (Linux), it chooses in connect(), so that one port serves many destinations.
Status bind_source(int fd, const Address& address) noexcept;
// Starts to connect. would_block: writability tells the end, finish_connect() the outcome, which is
// errc::not_connected while there is none.
Io connect(int fd, const Address& address) noexcept;
Status finish_connect(int fd) noexcept;
// The error that is pending on a connected socket, and takes it off; success if there is none.
Status take_error(int fd) noexcept;

Io receive(int fd, MutableBytes into) noexcept;
// One attempt, and what came of it as a number, which fits into a register, for where every message
// passes: the bytes, 0 for the end, or minus an error of errno, EINTR among them. `into` is not
// empty.
std::ptrdiff_t try_receive(int fd, MutableBytes into) noexcept;
// The same number as an Io. Not of an EINTR: the same is to be tried again.
inline Io outcome(std::ptrdiff_t result) noexcept {
  if (result > 0) return {Io::Kind::done, static_cast<std::size_t>(result), {}};
  if (result == 0) return {Io::Kind::end, 0, {}};
  const int error = static_cast<int>(-result);
  if (error == EAGAIN || error == EWOULDBLOCK) return {Io::Kind::would_block, 0, {}};
  return {Io::Kind::failed, 0, std::error_code(error, std::generic_category())};
}
// As receive(), and leaves the bytes where they are.
Io peek(int fd, MutableBytes into) noexcept;
// What follows the bytes at once, and the kernel may wait for, so that one packet carries both.
// Whoever says `bytes` sends them next, or waits for room to do so, and who says `end` calls
// shutdown_write() or closes.
enum class Behind : std::uint8_t { nothing, bytes, end };
// No SIGPIPE whatever happens.
Io send(int fd, Bytes bytes, Behind behind = Behind::nothing) noexcept;
// One attempt, likewise, but that there is no end to hear of. `bytes` are not empty.
std::ptrdiff_t try_send(int fd, Bytes bytes) noexcept;
// Gathers `slices` (at most 16 count) in one call.
Io send(int fd, std::span<const Bytes> slices, Behind behind = Behind::nothing) noexcept;

Status shutdown_write(int fd) noexcept;
// Makes the coming close reset the connection (SO_LINGER 0) instead of finishing it.
void set_abortive_close(int fd) noexcept;
Status set_no_delay(int fd) noexcept;
// TCP_USER_TIMEOUT: the connection fails when data stays unacknowledged for so long. Only Linux has
// it; elsewhere this does nothing.
Status set_user_timeout(int fd, Duration timeout) noexcept;
Status set_send_buffer(int fd, int bytes) noexcept;
Status set_receive_buffer(int fd, int bytes) noexcept;
// SO_RCVLOWAT: with fewer bytes than these a socket of TCP is not readable, unless they are the
// last, or (Linux) there is no room for more. receive() gives what is there all the same.
Status set_receive_low_water(int fd, int bytes) noexcept;

Result<Address> local_address(int fd) noexcept;
Result<Address> peer_address(int fd) noexcept;

// Passes descriptors to another process over a Unix socket, beside at least one byte; the receiver
// gets copies. At most passed_max at a time, and the receiver must ask for as many at once.
inline constexpr std::size_t passed_max = 250;
Io send_descriptors(int fd, std::span<const int> descriptors, Bytes beside) noexcept;
// Those that came with the bytes, close-on-exec. None may have come.
Io receive_descriptors(int fd, std::vector<Fd>& descriptors, MutableBytes beside);
// Another descriptor of the same thing; refers to nothing if there was none to be had.
Fd duplicate(int fd) noexcept;

// Opens something harmless to hold a descriptor in reserve against EMFILE.
Result<Fd> open_reserve() noexcept;

// Raises the soft limit of descriptors to the hard one and returns the limit now in force.
std::uint64_t raise_descriptor_limit() noexcept;
std::uint64_t descriptor_limit() noexcept;

}  // namespace socket
}  // namespace hilo::net
