// SPDX-License-Identifier: MIT
//
// Rooms: who is in which. A room is there while somebody is in it.
//
// Joining and leaving cost the same in a room of ten thousand as in one of two; a socket that is in
// no room costs nothing.

#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ws/socketio/socket_state.h"

namespace hilo::socketio {

class Room {
 public:
  explicit Room(std::string_view name) : name_(name) {}
  std::string_view name() const noexcept { return name_; }
  // Valid until somebody joins or leaves.
  const std::vector<SocketState*>& members() const noexcept { return members_; }

 private:
  friend class Rooms;
  std::string name_;
  std::vector<SocketState*> members_;
};

class Rooms {
 public:
  // False if it is in there already.
  bool join(SocketState& socket, std::string_view name);
  // False if it is not.
  bool leave(SocketState& socket, std::string_view name) noexcept;
  void leave_all(SocketState& socket) noexcept;

  // Null if nobody is in there.
  const Room* find(std::string_view name) const noexcept;
  std::size_t size() const noexcept { return rooms_.size(); }

 private:
  void remove(SocketState& socket, std::size_t membership) noexcept;

  std::unordered_map<std::string_view, std::unique_ptr<Room>> rooms_;  // by Room::name
};

}  // namespace hilo::socketio
