// SPDX-License-Identifier: MIT

#include "tools/ladder/exercises/04_stream.h"

#include <sys/socket.h>

namespace hilo::exercise {

Then send_or_keep(int fd, Bytes bytes, std::string& kept) {
  // This is what many first servers do. It works for as long as everybody reads.
  return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 ? Then::broken : Then::go_on;
}

}  // namespace hilo::exercise
