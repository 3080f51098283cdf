// SPDX-License-Identifier: MIT

#include "net/socket.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <cstring>

#include "net/last_error.h"

namespace hilo::net {

void close_descriptor(int fd) noexcept {
  ::close(fd);
}

namespace socket {

namespace {

constexpr std::size_t slices_max = 16;

// macOS has neither the flags nor accept4(2), and says once per socket what others say per call.
#if defined(SOCK_NONBLOCK) && defined(MSG_NOSIGNAL)
constexpr int type_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr int send_flags = MSG_NOSIGNAL;
int accept_next(int fd, sockaddr* peer, socklen_t* bytes) noexcept {
  return ::accept4(fd, peer, bytes, type_flags);
}
bool prepare(int) noexcept {
  return true;
}
#else
constexpr int type_flags = 0;
constexpr int send_flags = 0;
int accept_next(int fd, sockaddr* peer, socklen_t* bytes) noexcept {
  return ::accept(fd, peer, bytes);
}
bool prepare(int fd) noexcept {
  const int on = 1;
  return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
         setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) == 0;
}
#endif

#if defined(MSG_MORE)
constexpr int more_flag = MSG_MORE;
#else
constexpr int more_flag = 0;
#endif

bool would_block(int error) noexcept {
  return error == EAGAIN || error == EWOULDBLOCK;
}

Io moved(ssize_t bytes) noexcept {
  return {Io::Kind::done, static_cast<std::size_t>(bytes), {}};
}
Io blocked() noexcept {
  return {Io::Kind::would_block, 0, {}};
}
Io failed() noexcept {
  return {Io::Kind::failed, 0, last_error()};
}

// What a read or write that returned -1 came to.
Io stopped() noexcept {
  return would_block(errno) ? blocked() : failed();
}

Status set_option(int fd, int level, int name, int value) noexcept {
  if (setsockopt(fd, level, name, &value, sizeof value) != 0) return last_error();
  return {};
}

int native_family(Family family) noexcept {
  switch (family) {
    case Family::none: return AF_UNSPEC;
    case Family::ipv4: return AF_INET;
    case Family::ipv6: return AF_INET6;
    case Family::unix_path: return AF_UNIX;
  }
  return AF_UNSPEC;
}

Status set_listen_options(int fd, Family family, const ListenOptions& options) noexcept {
  if (family == Family::unix_path) return {};
  // A server that restarts must not wait for the connections of its predecessor to time out.
  if (Status status = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1); !status) return status;
  if (options.reuse_port) {
    if (Status status = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1); !status) return status;
  }
  if (family == Family::ipv6) {
    const int only = options.ipv6_only ? 1 : 0;
    if (Status status = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, only); !status) return status;
  }
  if (options.user_timeout.nanoseconds != 0) {
    if (Status status = set_user_timeout(fd, options.user_timeout); !status) return status;
  }
  if (options.no_delay) return set_no_delay(fd);
  return {};
}

// The path of a Unix socket that lies in the file system, or null.
const char* file_path(const Address& address) noexcept {
  if (address.family() != Family::unix_path) return nullptr;
  const char* path = reinterpret_cast<const sockaddr_un*>(address.native())->sun_path;
  return path[0] == '\0' ? nullptr : path;
}

// True if the address belongs to a socket file whose owner is gone. Only a refused connection
// proves that; and since connecting to an ordinary file is refused as well, the type is looked at.
bool is_stale_file(const Address& address) noexcept {
  struct stat status;
  if (::lstat(file_path(address), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  Result<Fd> probe = open_stream(Family::unix_path);
  if (!probe) return false;
  return connect(probe->value(), address).error == std::errc::connection_refused;
}

Status bind(int fd, const Address& address) noexcept {
  if (::bind(fd, address.native(), address.native_bytes()) == 0) return {};
  const std::error_code error = last_error();
  const char* path = file_path(address);
  if (error != std::errc::address_in_use || path == nullptr || !is_stale_file(address)) {
    return error;
  }
  if (::unlink(path) != 0) return last_error();
  if (::bind(fd, address.native(), address.native_bytes()) != 0) return last_error();
  return {};
}

// getsockname(2) and getpeername(2) are alike.
Result<Address> address_by(int (*call)(int, sockaddr*, socklen_t*), int fd) noexcept {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
  auto* native = reinterpret_cast<sockaddr*>(&storage);
  if (call(fd, native, &bytes) != 0) return last_error();
  return Address::from_native(native, bytes);
}

}  // namespace

namespace {

// What came of it, however often it was interrupted.
template <class Attempt>
Io tried(Bytes bytes, Attempt&& attempt) noexcept {
  if (bytes.empty()) return {};
  std::ptrdiff_t result;
  do {
    result = attempt();
  } while (result == -EINTR);
  return outcome(result);
}

std::ptrdiff_t result_of(ssize_t moved) noexcept {
  return moved >= 0 ? moved : -errno;
}

int flags_for(Behind behind) noexcept {
  return behind == Behind::nothing ? send_flags : send_flags | more_flag;
}

}  // namespace

// Said once more, because BSD takes the low-water mark for an order where the call itself does not
// say that it will not wait.
std::ptrdiff_t try_receive(int fd, MutableBytes into) noexcept {
  return result_of(::recv(fd, into.data(), into.size(), MSG_DONTWAIT));
}

Io receive(int fd, MutableBytes into) noexcept {
  return tried(into, [&] { return try_receive(fd, into); });
}

Io peek(int fd, MutableBytes into) noexcept {
  return tried(into, [&] {
    return result_of(::recv(fd, into.data(), into.size(), MSG_PEEK | MSG_DONTWAIT));
  });
}

std::ptrdiff_t try_send(int fd, Bytes bytes) noexcept {
  return result_of(::send(fd, bytes.data(), bytes.size(), flags_for(Behind::nothing)));
}

Io send(int fd, Bytes bytes, Behind behind) noexcept {
  return tried(
      bytes, [&] { return result_of(::send(fd, bytes.data(), bytes.size(), flags_for(behind))); });
}

Io send(int fd, std::span<const Bytes> slices, Behind behind) noexcept {
  if (slices.size() == 1) return send(fd, slices.front(), behind);
  std::array<iovec, slices_max> vectors;
  std::size_t count = 0;
  for (const Bytes slice : slices.first(std::min(slices.size(), slices_max))) {
    if (slice.empty()) continue;
    // The kernel's structure serves both directions and therefore has no const.
    vectors[count++] = {const_cast<std::uint8_t*>(slice.data()), slice.size()};
  }
  if (count == 0) return {};
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  ssize_t taken;
  do {
    taken = ::sendmsg(fd, &message, flags_for(behind));
  } while (taken < 0 && errno == EINTR);
  return taken >= 0 ? moved(taken) : stopped();
}

Result<Fd> accept(int fd, Address* peer) noexcept {
  sockaddr_storage storage{};
  auto* native = reinterpret_cast<sockaddr*>(&storage);
  socklen_t bytes;
  int accepted;
  do {
    bytes = sizeof storage;
    accepted = accept_next(fd, native, &bytes);
  } while (accepted < 0 && errno == EINTR);
  if (accepted < 0) {
    if (would_block(errno)) return std::make_error_code(std::errc::operation_would_block);
    return last_error();
  }
  Fd owned(accepted);
  if (!prepare(accepted)) return last_error();
  if (peer != nullptr) *peer = Address::from_native(native, bytes);
  return owned;
}

// Of a listening socket Linux tells it under this name (struct tcp_info).
int waiting_count(int fd) noexcept {
#ifdef __linux__
  tcp_info info;
  constexpr socklen_t wanted = offsetof(tcp_info, tcpi_unacked) + sizeof info.tcpi_unacked;
  socklen_t bytes = wanted;
  const bool told = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == 0 && bytes == wanted;
  return told ? static_cast<int>(info.tcpi_unacked) : -1;
#else
  static_cast<void>(fd);
  return -1;
#endif
}

Result<Fd> open_stream(Family family) noexcept {
  if (family == Family::none) {
    return std::make_error_code(std::errc::address_family_not_supported);
  }
  Fd fd(::socket(native_family(family), SOCK_STREAM | type_flags, 0));
  if (!fd || !prepare(fd.value())) return last_error();
  return fd;
}

Status adopt_listening(int fd) noexcept {
  int type = 0;
  int listens = 0;
  socklen_t bytes = sizeof type;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) != 0) return last_error();
  bytes = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &bytes) != 0) return last_error();
  if (type != SOCK_STREAM || listens == 0) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return last_error();
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return last_error();
  return {};
}

Result<Fd> listen(const Address& address, const ListenOptions& options) noexcept {
  Result<Fd> fd = open_stream(address.family());
  if (!fd) return fd;
  if (Status s = set_listen_options(fd->value(), address.family(), options); !s) return s.error();
  if (Status status = bind(fd->value(), address); !status) return status.error();
  // Before it listens nobody can connect, so nobody slips in by the permissions it was born with.
  const char* path = file_path(address);
  if (path != nullptr && options.unix_mode >= 0 &&
      ::chmod(path, static_cast<mode_t>(options.unix_mode)) != 0) {
    return last_error();
  }
  if (::listen(fd->value(), options.backlog) != 0) return last_error();
  return fd;
}

Status bind_source(int fd, const Address& address) noexcept {
#if defined(IP_BIND_ADDRESS_NO_PORT)
  if (address.family() == Family::ipv4 && address.port() == 0) {
    static_cast<void>(set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1));
  }
#endif
  if (::bind(fd, address.native(), address.native_bytes()) != 0) return last_error();
  return {};
}

Io connect(int fd, const Address& address) noexcept {
  if (::connect(fd, address.native(), address.native_bytes()) == 0) return {};
  // An interrupted connect goes on by itself. EAGAIN is different here: a Unix socket's queue is
  // full or no port is free, and nothing will ever be reported.
  const bool is_under_way = errno == EINPROGRESS || errno == EINTR || errno == EALREADY;
  return is_under_way ? blocked() : failed();
}

Status take_error(int fd) noexcept {
  int error = 0;
  socklen_t bytes = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0) return last_error();
  return std::error_code(error, std::generic_category());
}

Status finish_connect(int fd) noexcept {
  if (Status status = take_error(fd); !status) return status;
  // No error is no proof: the attempt may still be under way.
  return peer_address(fd).error();
}

Status shutdown_write(int fd) noexcept {
  if (::shutdown(fd, SHUT_WR) != 0) return last_error();
  return {};
}

void set_abortive_close(int fd) noexcept {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  static_cast<void>(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
}

Status set_no_delay(int fd) noexcept {
  return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

Status set_user_timeout(int fd, Duration timeout) noexcept {
#if defined(TCP_USER_TIMEOUT)
  constexpr std::int64_t longest = INT_MAX;
  const std::int64_t ms = std::min(timeout.nanoseconds / 1'000'000, longest);
  return set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(ms));
#else
  static_cast<void>(fd);
  static_cast<void>(timeout);
  return {};
#endif
}

Status set_send_buffer(int fd, int bytes) noexcept {
  return set_option(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

Status set_receive_buffer(int fd, int bytes) noexcept {
  return set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

Status set_receive_low_water(int fd, int bytes) noexcept {
  return set_option(fd, SOL_SOCKET, SO_RCVLOWAT, bytes);
}

Result<Address> local_address(int fd) noexcept {
  return address_by(&::getsockname, fd);
}

Result<Address> peer_address(int fd) noexcept {
  return address_by(&::getpeername, fd);
}

Io send_descriptors(int fd, std::span<const int> descriptors, Bytes beside) noexcept {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * passed_max)> control{};
  const std::size_t bytes = sizeof(int) * std::min(descriptors.size(), passed_max);
  iovec vector{const_cast<std::uint8_t*>(beside.data()), beside.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (bytes != 0) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(header), descriptors.data(), bytes);
  }
  ssize_t taken;
  do {
    taken = ::sendmsg(fd, &message, send_flags);
  } while (taken < 0 && errno == EINTR);
  return taken >= 0 ? moved(taken) : stopped();
}

Io receive_descriptors(int fd, std::vector<Fd>& descriptors, MutableBytes beside) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * passed_max)> control{};
  iovec vector{beside.data(), beside.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t taken;
  do {
    taken = ::recvmsg(fd, &message, 0);
  } while (taken < 0 && errno == EINTR);
  if (taken < 0) return stopped();
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t bytes = header->cmsg_len - CMSG_LEN(0);
    for (std::size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
      int passed;
      std::memcpy(&passed, CMSG_DATA(header) + at, sizeof passed);
      fcntl(passed, F_SETFD, FD_CLOEXEC);
      descriptors.emplace_back(passed);
    }
  }
  return taken == 0 ? Io{Io::Kind::end, 0, {}} : moved(taken);
}

Fd duplicate(int fd) noexcept {
  return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

Result<Fd> open_reserve() noexcept {
  Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!fd) return last_error();
  return fd;
}

std::uint64_t descriptor_limit() noexcept {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

std::uint64_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t soft = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (soft == limit.rlim_max || setrlimit(RLIMIT_NOFILE, &limit) == 0) return limit.rlim_cur;
#ifdef OPEN_MAX
  // macOS names no hard limit but refuses more than this.
  limit.rlim_cur = std::max<rlim_t>(soft, OPEN_MAX);
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return limit.rlim_cur;
#endif
  return soft;
}

}  // namespace socket
}  // namespace hilo::net
