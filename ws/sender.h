// SPDX-License-Identifier: MIT
//
// Sender: sends to one connection from any thread, for as long as one likes.
//
//   ws::Sender sender = connection.sender();                      // in a callback of the loop
//   std::thread([sender] { sender.send_text("from afar"); }) ...  // anywhere
//
// A Sender is a value of two pointers: copy it, keep it, hand it on. What is sent through it is
// copied and handed to the loop, which sends it as Connection::send() would:
//
//   order    messages of one thread arrive in the order of its calls; they stand behind what the
//            loop's own thread had sent when it came to take them
//   limits   what was handed over and not yet taken is bounded by the same number of bytes as the
//            connection's queue (Limits::queue_bytes_max); beyond it Posted::full says so, and
//            nothing is lost. A connection may so cost twice that number.
//   later    a message that was queued and cannot be accepted when its turn comes (the queue is
//            full, a message in fragments is under way) is told to on_dropped, under every policy.
//            One that comes too late, when the connection is closing, is lost: on_close tells.
//   life     independent of connection, server and loop

#pragma once

#include <memory>
#include <string_view>

#include "net/base/bytes.h"
#include "ws/core/rfc6455.h"
#include "ws/sending.h"

namespace hilo::net {
class Loop;
}

namespace hilo::ws {

class Connection;
class Mailbox;

class Sender {
 public:
  // Refers to nothing, which counts as gone.
  Sender() noexcept = default;

  Posted send(Opcode opcode, Bytes payload, SendOptions options = {}) const noexcept;
  Posted send_text(std::string_view text, SendOptions options = {}) const noexcept;
  Posted send_binary(Bytes payload, SendOptions options = {}) const noexcept;
  // Connection::close(), behind what this thread has sent. Arguments that would be refused there
  // make it do nothing.
  Posted close(CloseCode code = CloseCode::normal, std::string_view reason = {}) const noexcept;

  // Once true, it stays true.
  bool is_gone() const noexcept;
  // Of a default-made Sender: that of nobody.
  ConnectionId id() const noexcept;

  // --- for Connection ---

  // The Sender of a connection, and all copies of it. Empty without memory.
  static Sender make(Connection& connection, net::Loop& loop, std::size_t bytes_max) noexcept;
  // The connection is over: nothing reaches it any more.
  void end() noexcept;

 private:
  std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace hilo::ws
