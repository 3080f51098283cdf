// SPDX-License-Identifier: MIT

#include "ws/socketio/rooms.h"

#include <algorithm>

namespace hilo::socketio {
namespace {

template <class T>
void reserve_one(std::vector<T>& list) {
  if (list.size() == list.capacity()) list.reserve(std::max<std::size_t>(4, 2 * list.size()));
}

}  // namespace

bool Rooms::join(SocketState& socket, std::string_view name) {
  const auto found = rooms_.find(name);
  std::unique_ptr<Room> made = found == rooms_.end() ? std::make_unique<Room>(name) : nullptr;
  Room& room = made != nullptr ? *made : *found->second;
  const auto is_here = [&](const SocketState::Membership& m) { return m.room == &room; };
  if (std::any_of(socket.rooms.begin(), socket.rooms.end(), is_here)) return false;
  // All that may lack memory comes before either knows of the other.
  reserve_one(socket.rooms);
  reserve_one(room.members_);
  if (made != nullptr) rooms_.emplace(room.name(), std::move(made));
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
