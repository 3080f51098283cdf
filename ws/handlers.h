// SPDX-License-Identifier: MIT
//
// Handlers: what an application hears of its connections, and the functions by which it says what
// it wants to hear, the same for a server, for a service of one path, and for a client.
//
//   server.on_open   ([](ws::Connection& c)                  { c.send_text("welcome"); })
//         .on_message([](ws::Connection& c, ws::Message m)   { c.send(m); })
//         .on_close  ([](ws::Connection& c, ws::CloseInfo i) { });
//
// All run in the loop's thread, none from within a call of the application's own but on_dropped.
// They may call anything of any Connection, but not destroy the server. A handler that throws costs
// its connection (Close 1011), nobody else's. Set them before the first connection.

#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "ws/core/error.h"
#include "ws/core/rfc6455.h"

namespace hilo::ws {

class Connection;

// A message as the peer sent it, whatever its fragments. The payload lies in the receive buffer (or
// in the assembly buffer) and may be changed in place: valid during the callback only.
struct Message {
  Opcode opcode = Opcode::text;  // text or binary
  MutableBytes payload = {};

  bool is_text() const noexcept { return opcode == Opcode::text; }
  // Of a text message: valid UTF-8. (as_text() would copy a span here: net/base/bytes.h.)
  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(payload.data()), payload.size()};
  }
};

// A part of a message, as it arrived; the rest as for Message.
struct Chunk {
  Opcode opcode = Opcode::text;  // of the whole message
  // May end within a character of a text; empty only if it is the last.
  MutableBytes bytes = {};
  bool first = true;
  bool final = true;
};

enum class ClosedBy : std::uint8_t {
  us,       // close(), abort(), a broken rule or a time-out
  peer,     // the peer's Close came first
  network,  // the stream ended or broke without a Close of either
};

// How a connection ended. The reason is valid during the callback only.
struct CloseInfo {
  // The code of the peer's Close (no_status if it had none); of ours if a rule was broken and the
  // peer ended in time; else abnormal (RFC 6455 §7.1.5), also after a ping that was not answered.
  CloseCode code = CloseCode::abnormal;
  std::string_view reason = {};  // the peer's, UTF-8
  ClosedBy by = ClosedBy::network;
  Errc error = Errc::none;  // the rule that was broken, if one was
  bool clean = false;       // both sides said Close (§7.1.4)
};

struct Handlers {
  Callback<void(Connection&)> on_open;
  Callback<void(Connection&, Message)> on_message;
  Callback<void(Connection&, Chunk)> on_chunk;
  Callback<void(Connection&)> on_drained;
  Callback<void(Connection&, Opcode, Bytes payload)> on_dropped;
  Callback<void(Connection&, Bytes payload)> on_pong;
  Callback<void(Connection&, CloseInfo)> on_close;
};

// The functions that fill in Handlers; each returns the object itself, so that they can be chained.
// Self derives from this and has `Handlers& handlers()`.
template <class Self>
class HandlerSetters {
 public:
  Self& on_open(Callback<void(Connection&)> callback) {
    return set(&Handlers::on_open, std::move(callback));
  }
  Self& on_message(Callback<void(Connection&, Message)> callback) {
    return set(&Handlers::on_message, std::move(callback));
  }
  // In place of on_message: each message in parts, as they arrive and without being held, whatever
  // its size (Limits::streamed_bytes_max). Time between them is bounded by idle_timeout, not by
  // message_timeout; who cannot take more calls pause(). A message that was begun and whose final
  // part does not come before on_close is not to be used.
  Self& on_chunk(Callback<void(Connection&, Chunk)> callback) {
    return set(&Handlers::on_chunk, std::move(callback));
  }
  // No more than Limits::queue_bytes_low of what was accepted waits for the kernel, after some of
  // it had to wait: for the peer, or, if it was sent outside this connection's own callbacks, for
  // the end of the turn. Whoever was refused for want of room hears this when there is some again;
  // there is none, ever, for a message larger than Limits::queue_bytes_max.
  Self& on_drained(Callback<void(Connection&)> callback) {
    return set(&Handlers::on_drained, std::move(callback));
  }
  // A message was lost by Overflow::drop.
  Self& on_dropped(Callback<void(Connection&, Opcode, Bytes payload)> callback) {
    return set(&Handlers::on_dropped, std::move(callback));
  }
  // The answer to ping(); the keep-alive's own pongs are not told.
  Self& on_pong(Callback<void(Connection&, Bytes payload)> callback) {
    return set(&Handlers::on_pong, std::move(callback));
  }
  // Exactly once for every on_open, and the last call of all.
  Self& on_close(Callback<void(Connection&, CloseInfo)> callback) {
    return set(&Handlers::on_close, std::move(callback));
  }

 private:
  template <class Target>
  Self& set(Target Handlers::*member, Target callback) {
    Self& self = static_cast<Self&>(*this);
    self.handlers().*member = std::move(callback);
    return self;
  }
};

}  // namespace hilo::ws
