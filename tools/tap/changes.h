// SPDX-License-Identifier: MIT
//
// Changes: what a tap does to the frames of a connection besides telling them, and how a person
// asks for it.
//
//   drop     client:2                the second frame that the client sends behind the handshake
//            server:pong             every Pong of the server
//   inject   server:text Hello       to the client, right behind the handshake, as if the server
//                                    had sent it
//            client:2:ping           to the server, behind the client's second frame
//            client:hex 8180         these bytes, as they are
//            client:unfinished text Hel   more frames have to follow: FIN is 0
//
// Kinds are those of `hilo explain --frame`, and so is what stands behind them.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/tap/breaker.h"
#include "ws/core/rfc6455.h"
#include "ws/trace/part.h"

namespace hilo::tools::tap {

struct Drop {
  trace::Direction direction = trace::Direction::to_server;  // of what is not passed on
  std::uint64_t number = 0;                                  // from 1 on; 0: by its kind
  ws::Opcode opcode = ws::Opcode::text;                      // then
};

struct Injection {
  trace::Direction direction = trace::Direction::to_server;
  std::uint64_t behind = 0;          // so many frames of that direction; 0: the handshake
  std::optional<ws::Opcode> opcode;  // nothing: the bytes are no payload, but go as they are
  bool final = true;
  std::vector<std::uint8_t> bytes;
};

struct Changes {
  Break break_first = Break::nothing;  // of what the client sends
  std::vector<Drop> drops;
  std::vector<Injection> injections;

  bool empty() const noexcept {
    return break_first == Break::nothing && drops.empty() && injections.empty();
  }
};

std::optional<Drop> parse_drop(std::string_view text);
// `why`: what is wrong with it, if it is nothing.
std::optional<Injection> parse_injection(std::string_view text, std::string& why);

// Who sends what goes in that direction, and who reads it: "client", "server".
std::string_view sender_of(trace::Direction direction) noexcept;
std::string_view receiver_of(trace::Direction direction) noexcept;

}  // namespace hilo::tools::tap
