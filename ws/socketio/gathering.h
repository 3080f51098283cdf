// SPDX-License-Identifier: MIT
//
// Gathering: the answers to one question, of this server's sockets and of other servers.

#pragma once

#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

#include "net/loop.h"
#include "ws/socketio/arguments.h"
#include "ws/socketio/values.h"

namespace hilo::socketio {

struct Gathering {
  AckHandler handler;
  OwnedJson answers = Json::array();
  std::size_t missing = 0;            // of this server's sockets, and of other servers
  std::size_t missing_elsewhere = 0;  // of other servers
  std::uint64_t question = 0;         // what those know it by
  std::error_code error = {};
  net::Loop::TimerId timer = {};  // what ends the waiting, if something does

  void tell() {
    if (!handler) return;
    AckHandler once = std::exchange(handler, nullptr);
    OwnedJson values = array_of(std::move(*answers));
    once(error, *values);
  }
};

}  // namespace hilo::socketio
