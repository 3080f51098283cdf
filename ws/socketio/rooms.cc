// SPDX-License-Identifier: MIT

#include "ws/socketio/rooms.h"

#include <algorithm>

namespace hilo::socketio {

bool Rooms::join(SocketState& socket, std::string_view name) {
  auto found = rooms_.find(name);
  if (found == rooms_.end()) {
    auto room = std::make_unique<Room>(name);
    const std::string_view key = room->name();
    found = rooms_.emplace(key, std::move(room)).first;
  }
  Room& room = *found->second;
  const auto is_here = [&](const SocketState::Membership& m) { return m.room == &room; };
  if (std::any_of(socket.rooms.begin(), socket.rooms.end(), is_here)) return false;
  socket.rooms.push_back({&room, static_cast<std::uint32_t>(room.members_.size())});
  room.members_.push_back(&socket);
  return true;
}

bool Rooms::leave(SocketState& socket, std::string_view name) noexcept {
  for (std::size_t i = 0; i < socket.rooms.size(); ++i) {
    if (socket.rooms[i].room->name() != name) continue;
    remove(socket, i);
    return true;
  }
  return false;
}

void Rooms::leave_all(SocketState& socket) noexcept {
  while (!socket.rooms.empty()) remove(socket, socket.rooms.size() - 1);
}

// The last member takes the place of the one that leaves.
void Rooms::remove(SocketState& socket, std::size_t membership) noexcept {
  const SocketState::Membership leaving = socket.rooms[membership];
  socket.rooms[membership] = socket.rooms.back();
  socket.rooms.pop_back();
  Room& room = *leaving.room;
  SocketState& last = *room.members_.back();
  room.members_[leaving.index] = &last;
  room.members_.pop_back();
  for (SocketState::Membership& of_last : last.rooms) {
    if (of_last.room == &room) of_last.index = leaving.index;
  }
  if (room.members_.empty()) rooms_.erase(room.name());
}

const Room* Rooms::find(std::string_view name) const noexcept {
  const auto found = rooms_.find(name);
  return found == rooms_.end() ? nullptr : found->second.get();
}

}  // namespace hilo::socketio
