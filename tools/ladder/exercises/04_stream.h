// SPDX-License-Identifier: MIT
//
// Exercise 4: send what the kernel takes, keep the rest, and lose no byte.
//
// The socket does not block. A send takes all, or a part, or nothing, as much as there is room for.
// What it did not take waits in `kept`, and what comes later stands behind it: no byte may be lost,
// sent twice, or overtake another one. While something waits, the caller stops reading from that
// peer, so that `kept` does not grow; it calls again, with no bytes, when the socket is writable.
//
//   go_on   nothing waits: read the next input
//   wait    something waits in `kept`: read nothing, and look for POLLOUT
//   broken  the peer is gone: close. What `kept` holds then does not matter
//
//   to know   send(2) says how many bytes it took; fewer than all is no error. It fails with EAGAIN
//             (or EWOULDBLOCK) when it takes nothing, which is no error either, and with EINTR when
//             it is to be asked again. Without MSG_NOSIGNAL a peer that is gone ends the program
//   RFC       9293 §3.8.6
//   stuck?    net/socket.cc, send(); net/stream_output.cc

#pragma once

#include <cstdint>
#include <string>

#include "net/base/bytes.h"

namespace hilo::exercise {

enum class Then : std::uint8_t { go_on, wait, broken };

// `bytes` do not lie in `kept`.
Then send_or_keep(int fd, Bytes bytes, std::string& kept);

}  // namespace hilo::exercise
