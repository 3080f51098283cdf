// SPDX-License-Identifier: MIT
//
// What a server says in its open packet, as a client reads it.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/duration.h"

namespace hilo::engineio {

struct Handshake {
  std::string sid;
  net::Duration ping_interval = {};
  net::Duration ping_timeout = {};
  std::size_t payload_bytes_max = 0;  // 0: it did not say
  bool can_upgrade = false;           // to a WebSocket
};

// The text behind the '0'. False, and nothing is changed: it is no JSON object with a sid and two
// times above zero.
bool read_handshake(std::string_view json, Handshake& into);

}  // namespace hilo::engineio
