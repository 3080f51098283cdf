// SPDX-License-Identifier: MIT

#include "tests/support/segments.h"

// The kernel's own header: libc's tcp_info ends before what is wanted here, and its <netinet/tcp.h>
// does not go with this one.
#ifdef __linux__
#include <doctest/doctest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace hilo::test {

std::uint32_t segments_sent(int fd) {
  tcp_info info{};
  socklen_t bytes = sizeof info;
  REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == 0);
  return info.tcpi_segs_out;
}

}  // namespace hilo::test
#endif
