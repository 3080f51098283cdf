// SPDX-License-Identifier: MIT
//
// hilo_handlers as callbacks of a server, a service or a client: each captures a function and the
// program's pointer, and nothing of the struct. Not for programs.

#pragma once

#include "ws/c/words.h"
#include "ws/handlers.h"
#include "ws/upgrade.h"

struct hilo_upgrade {
  const hilo::ws::Request* request;
  // The fields serve for a refusal, too.
  hilo::ws::Accept accept;
};

namespace hilo::ws::c {

// `all` gets the given ones; -EINVAL or -E2BIG.
inline int read_handlers(const hilo_handlers* given, hilo_handlers& all) noexcept {
  all = {};
  return read_options(given, all);
}

// What servers, services and clients have in common.
template <class Target>
void set_handlers(Target& target, const hilo_handlers& handlers) {
  void* const user = handlers.user;
  if (const auto call = handlers.on_open) {
    target.on_open([=](Connection& connection) { call(user, handle_of(&connection)); });
  }
  if (const auto call = handlers.on_message) {
    target.on_message([=](Connection& connection, Message message) {
      call(user, handle_of(&connection), static_cast<int>(message.opcode), message.payload.data(),
           message.payload.size());
    });
  }
  if (const auto call = handlers.on_chunk) {
    target.on_chunk([=](Connection& connection, Chunk chunk) {
      call(user, handle_of(&connection), static_cast<int>(chunk.opcode), chunk.bytes.data(),
           chunk.bytes.size(), chunk.first, chunk.final);
    });
  }
  if (const auto call = handlers.on_drained) {
    target.on_drained([=](Connection& connection) { call(user, handle_of(&connection)); });
  }
  if (const auto call = handlers.on_dropped) {
    target.on_dropped([=](Connection& connection, Opcode opcode, Bytes payload) {
      call(user, handle_of(&connection), static_cast<int>(opcode), payload.data(), payload.size());
    });
  }
  if (const auto call = handlers.on_pong) {
    target.on_pong([=](Connection& connection, Bytes payload) {
      call(user, handle_of(&connection), payload.data(), payload.size());
    });
  }
  if (const auto call = handlers.on_close) {
    target.on_close([=](Connection& connection, CloseInfo info) {
      const hilo_close_info told{.code = static_cast<int>(info.code),
                                 .by = static_cast<int>(info.by),
                                 .error = code_of(info.error),
                                 .clean = info.clean,
                                 .reason = text_of(info.reason)};
      call(user, handle_of(&connection), &told);
    });
  }
}

// Servers and their services.
template <class Target>
void set_upgrade_handler(Target& target, const hilo_handlers& handlers) {
  const auto call = handlers.on_upgrade;
  if (call == nullptr) return;
  target.on_upgrade([call, user = handlers.user](const Request& request) -> Decision {
    hilo_upgrade upgrade{&request, {}};
    const int status = call(user, &upgrade);
    if (status == 0) return std::move(upgrade.accept);
    const bool is_refusal = status >= 400 && status <= 599;
    return Reject{.status = static_cast<std::uint16_t>(is_refusal ? status : 500),
                  .fields = std::move(upgrade.accept.fields)};
  });
}

}  // namespace hilo::ws::c
