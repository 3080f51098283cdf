// SPDX-License-Identifier: MIT
//
// Adapter: how a Server reaches the others that are one with it to their clients: in the loops of
// this process (Server::meet, neighbour.h), or wherever an adapter of your own goes.
//
// Each server keeps the rooms of its own sockets. What is done to many, it does to its own, and
// tells the others in a ServerMessage; of whoever is asked comes one ServerAnswer.
//
//   io.to("room").emit(...)                      a server elsewhere
//     its own members of "room"
//     Adapter::tell(message)  --- on its way --->  Server::receive(message, reply)
//                                                    its own members of "room"
//     Server::receive(answer) <-------------------   reply(error, values)
//
//   owns      the Server owns its Adapter, and destroys it before its namespaces
//   thread    tell() is called in the thread of its server, and receive() must be
//   lifetime  a message never changes once it is told, and may be read in several threads. It is
//             moved, not copied, and its values are read as `*message.values`.
//   order     what one server tells arrives in that order
//   loss      tell() says how many others a message did not reach. A question is answered all the
//             same, in a later turn of the loop: a ServerReply that is let go of answers
//             AckErrc::disconnected.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "net/base/callback.h"
#include "net/base/guard.h"
#include "ws/socketio/encoded_packet.h"
#include "ws/socketio/pending_acks.h"
#include "ws/socketio/targets.h"
#include "ws/socketio/values.h"

namespace hilo::socketio {

struct ServerMessage {
  enum class Type : std::uint8_t {
    emit,        // `packet` to every socket that is meant
    ask,         // `values`, the event's name first, to each; the answer has theirs
    join,        // each to `room`
    leave,       // each from `room`
    disconnect,  // each; its connection, too, if `close`
    fetch,       // the answer has an object for each: id, rooms, auth, data
    say,         // `values`, the name first, to the application: Namespace::server_side_emit()
  };

  Type type;
  std::string nsp = {};
  // Of the sockets of whoever receives it: local, and without a sender.
  Targets targets = {};
  // Encoded for each revision that the teller listens to.
  std::shared_ptr<const EncodedPacket> packet = {};
  OwnedJson values = {};
  std::string room = {};
  bool close = false;
  // What the answer bears, if one is waited for.
  std::optional<std::uint64_t> question = {};
};

struct ServerAnswer {
  std::string nsp;
  std::uint64_t question;
  std::error_code error;
  OwnedJson values;  // an array
};

// The duty to answer, once.
class ServerReply {
 public:
  // Nobody waits.
  ServerReply() noexcept = default;
  // `send` brings the answer to whoever asked.
  ServerReply(const ServerMessage& message, Callback<void(ServerAnswer)> send)
      : nsp_(message.nsp), question_(message.question.value_or(0)), send_(std::move(send)) {}
  ServerReply(ServerReply&& other) noexcept = default;
  ServerReply& operator=(ServerReply&&) = delete;
  ~ServerReply() {
    if (!send_) return;
    static_cast<void>(guarded([this] { (*this)(AckErrc::disconnected, no_values()); }));
  }

  explicit operator bool() const noexcept { return static_cast<bool>(send_); }
  void operator()(std::error_code error, OwnedJson values) {
    if (!send_) return;
    Callback<void(ServerAnswer)> send = std::move(send_);
    send({std::move(nsp_), question_, error, std::move(values)});
  }

 private:
  std::string nsp_;
  std::uint64_t question_ = 0;
  Callback<void(ServerAnswer)> send_;
};

class Adapter {
 public:
  virtual ~Adapter() = default;
  // How many answers a question gets.
  virtual std::size_t others() const noexcept = 0;
  // To all of them; to how many it could not be given.
  virtual std::size_t tell(std::shared_ptr<const ServerMessage> message) = 0;
};

}  // namespace hilo::socketio
