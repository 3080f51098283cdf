// SPDX-License-Identifier: MIT
//
// How hilo answers exercise 4: net::socket::send() gathers what waits and what is new in one system
// call, so that nothing is copied that the kernel takes. net::Stream does this with a Buffer.

#include <algorithm>
#include <array>

#include "net/socket.h"
#include "tools/ladder/exercises/04_stream.h"

namespace hilo::exercise {

Then send_or_keep(int fd, Bytes bytes, std::string& kept) {
  const std::array<Bytes, 2> slices = {as_bytes(kept), bytes};
  const net::Io io = net::socket::send(fd, slices);
  if (io.kind == net::Io::Kind::failed) return Then::broken;
  const std::size_t of_kept = std::min(io.bytes, kept.size());
  kept.erase(0, of_kept);
  kept += as_text(bytes.subspan(io.bytes - of_kept));
  return kept.empty() ? Then::go_on : Then::wait;
}

}  // namespace hilo::exercise
