// SPDX-License-Identifier: MIT
//
// CoreEcho: an echo of one connection by ws/core alone: bytes in, bytes out. It knows no socket, no
// loop and no time; core_poll.cc and core_select.cc bring these.
//
//   take(input)  -->  RequestParser, check_upgrade  -->  Session  -->  output()
//
// What a server for strangers has beside it is left to the caller here: a time by which the request
// has to be complete, one for the closing handshake, and the question from which web pages
// (origin.h) it may be asked.

#pragma once

#include <utility>

#include "net/base/buffer.h"
#include "ws/core/handshake.h"
#include "ws/core/http_response.h"
#include "ws/core/session.h"

namespace hilo::loops {

class CoreEcho {
 public:
  explicit CoreEcho(Pool& pool)
      : head_(pool), output_(pool), shared_{.pool = &pool}, session_(role, shared_) {}

  // Bytes that have arrived; they are changed in place.
  void take(MutableBytes input) {
    if (open_) return converse(input);
    if (over_ || !head_.append(input)) return;
    const ws::HeadProgress progress = parser_.parse(head_.readable());
    if (progress.kind == ws::HeadProgress::Kind::failed) refuse(progress.error);
    if (progress.kind != ws::HeadProgress::Kind::complete) return;
    const ws::RequestHead head = parser_.head(head_.readable());
    const ws::UpgradeCheck check = ws::check_upgrade(head);
    if (check.error != ws::Errc::none) return refuse(check.error);
    open_ = static_cast<bool>(ws::write_upgrade_response(output_, {.key = check.key}));
    // Frames may have come with the request.
    converse(head_.readable().subspan(progress.head_bytes));
    head_.release();
  }
  // The peer sends no more.
  void end() { over_ = true; }

  // What is to be sent; consume() what was.
  Buffer& output() { return output_; }
  // A peer that does not read its echoes has to wait with its messages.
  bool wants_input() const { return !over_ && output_.size() < output_bytes_max; }
  // Nothing is left to be said: send the output, then end the connection.
  bool is_over() const { return over_; }

 private:
  static constexpr ws::Role role = ws::Role::server;
  static constexpr std::size_t output_bytes_max = std::size_t{4} << 20;

  void converse(MutableBytes input) {
    while (const ws::Event event = session_.next(input)) {
      if (event.kind == ws::Event::Kind::message) put(session_.send(event.opcode, event.payload));
      put(session_.take_replies());  // the pong, the answer to a Close, or what was wrong
    }
    over_ = over_ || session_.wants_transport_close();
  }
  void refuse(ws::Errc error) {
    over_ = true;
    static_cast<void>(ws::write_error_response(output_, error));
  }
  void put(const ws::Outgoing& outgoing) {
    for (const Bytes slice : outgoing.slices()) {
      if (!output_.append(slice)) over_ = true;
    }
  }

  Buffer head_;
  Buffer output_;
  ws::RequestParser parser_;
  ws::Session::Shared shared_;
  ws::Session session_;
  bool open_ = false;
  bool over_ = false;
};

}  // namespace hilo::loops
