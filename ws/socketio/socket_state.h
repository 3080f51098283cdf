// SPDX-License-Identifier: MIT
//
// SocketState: what there is of one socket, in its namespace's slab. Applications hold a Socket
// (socket.h), which finds this or finds it gone.

#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/slab.h"
#include "ws/socketio/listeners.h"
#include "ws/socketio/pending_acks.h"
#include "ws/socketio/socket_id.h"
#include "ws/socketio/values.h"

namespace hilo::socketio {

class Client;
class Room;

struct SocketState {
  enum class Stage : std::uint8_t {
    connecting,  // middleware has the say
    connected,
    ended,  // on its way out: "disconnect" is still to be told
  };
  // A room that it is in, and where it stands among that room's members.
  struct Membership {
    Room* room;
    std::uint32_t index;
  };
  // What most sockets never have.
  struct Extra {
    PendingAcks acks;
    // Deques: what is called may add to them.
    std::deque<Callback<void(std::string_view event, Json& values)>> on_any;
    std::deque<Callback<void(std::string_view event, const Json& values)>> on_any_outgoing;
    std::deque<Callback<bool(std::string_view event, Json& values)>> middleware;
    OwnedJson data;
  };

  Extra& extra() {
    if (extra_ == nullptr) extra_ = std::make_unique<Extra>();
    return *extra_;
  }

  SlabHandle handle = {};
  Client* client = nullptr;  // null once its connection is gone
  Listeners listeners = {};
  std::vector<Membership> rooms = {};
  std::unique_ptr<Extra> extra_ = {};
  std::unique_ptr<OwnedJson> auth = {};          // null: none was sent
  std::unique_ptr<PrivateId> pid = {};           // null: it cannot be recovered
  std::unique_ptr<std::string> session_id = {};  // protocol 4: its id
  std::string_view reason = {};                  // of the end: static text
  std::int64_t since = 0;                        // wall clock, in milliseconds
  std::uint32_t mark = 0;                        // which broadcast saw it last
  SocketId id{};
  Stage stage = Stage::connecting;
  bool told = false;       // "connection" was told, so "disconnect" is owed
  bool recovered = false;  // so its id is that of another slot

  std::string_view id_view() const noexcept {
    return session_id != nullptr ? *session_id : std::string_view(id.data(), id.size());
  }
  // Whether the id says which slot this is.
  bool id_is_of_slot() const noexcept { return session_id == nullptr && !recovered; }
};

}  // namespace hilo::socketio
