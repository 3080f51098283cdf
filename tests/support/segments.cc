// SPDX-License-Identifier: MIT

#include "tests/support/segments.h"

// The kernel's own header: libc's tcp_info ends before what is wanted here, and its <netinet/tcp.h>
// does not go with this one.
#ifdef __linux__
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#endif

namespace hilo::test {

std::optional<std::uint32_t> segments_sent(int fd) {
#ifdef __linux__
  tcp_info info;
  constexpr socklen_t wanted = offsetof(tcp_info, tcpi_segs_out) + sizeof info.tcpi_segs_out;
  socklen_t bytes = wanted;
  const bool told = ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == 0 && bytes == wanted;
  if (told) return info.tcpi_segs_out;
#else
  static_cast<void>(fd);
#endif
  return std::nullopt;
}

}  // namespace hilo::test
