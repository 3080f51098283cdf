// SPDX-License-Identifier: MIT
//
// The words of sending: what one may ask for with a message, and what became of it.

#pragma once

#include <cstdint>

#include "ws/connection_id.h"

namespace hilo::ws {

// What became of a message that was sent from the loop's own thread.
enum class Sent : std::uint8_t {
  accepted,
  dropped,  // Overflow::drop: the queue is full; on_dropped was called
  refused,  // Overflow::refuse: the queue is full. Under any policy: a message in fragments is
            // still under way, into which no other may fall (RFC 6455 §5.4)
  closed,   // closing or closed, or (Overflow::close) reset just now because the queue is full
};

// What became of a message that was handed to a loop, from whatever thread.
enum class Posted : std::uint8_t {
  queued,  // on its way; should the connection refuse it later, on_dropped is told
  full,    // too much is on its way already (or there is no memory): try again later
  gone,    // the connection, or the server, exists no more
};

struct SendOptions {
  // False: not compressed, whatever was negotiated. For what is compressed already.
  bool compress = true;
};

struct PublishOptions {
  // Who does not get it; usually who sent it.
  ConnectionId except = {};
  bool compress = true;
};

}  // namespace hilo::ws
