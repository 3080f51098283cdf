// SPDX-License-Identifier: MIT

#include "tools/hilo/lesson.h"

#include <string>

namespace hilo::tools {

using socketio::Ack;
using socketio::Arguments;
using socketio::Json;
using socketio::Socket;

namespace {

std::string text_of(const Socket& socket, const char* key) {
  const Json& data = socket.data();
  return data.is_object() ? data.value(key, std::string()) : std::string();
}

void leave_room(const Socket& socket) {
  const std::string room = text_of(socket, "room");
  if (room.empty()) return;
  socket.to(room).emit("left", text_of(socket, "name"));
  socket.leave(room);
}

}  // namespace

Lesson::Lesson(socketio::Server& io, std::string_view version) : io_(&io), version_(version) {
  io.on_connection([this](Socket socket) {
    count_clients(socket);
    chat(socket);
    answer(socket);
  });
  io.of("/chat").on_connection([this](Socket socket) { answer(socket); });
}

void Lesson::count_clients(Socket socket) {
  ++num_clients_;
  io_->emit("stats", {{"numClients", num_clients_}});
  socket.on("disconnect", [this] {
    --num_clients_;
    io_->emit("stats", {{"numClients", num_clients_}});
  });
}

// A room's name is taken as it comes: rooms of others' ids are theirs alone, so those are prefixed.
void Lesson::chat(Socket socket) {
  socket.on("join", [this, socket](std::string_view name_of_room, std::string_view name, Ack ack) {
    const std::string room = "chat " + std::string(name_of_room);
    leave_room(socket);
    socket.data()["room"] = room;
    socket.data()["name"] = name;
    socket.join(room);
    socket.to(room).emit("joined", name);
    socketio::OwnedJson names(Json::array());
    io_->to(room).for_each([&](Socket other) { names->push_back(text_of(other, "name")); });
    ack(std::move(*names));
  });
  socket.on("message", [this, socket](std::string_view text) {
    const std::string room = text_of(socket, "room");
    if (!room.empty()) io_->to(room).emit("message", text_of(socket, "name"), text);
  });
  socket.on("typing", [socket](bool is_typing) {
    const std::string room = text_of(socket, "room");
    if (!room.empty()) socket.to(room).emit("typing", text_of(socket, "name"), is_typing);
  });
  socket.on("disconnecting", [socket] { leave_room(socket); });
}

void Lesson::answer(Socket socket) {
  socket.emit("welcome", {{"ver", version_}});
  socket.on("echo", [socket](const Arguments& arguments) {
    const bool is_asked = arguments.ack != nullptr && *arguments.ack;
    if (is_asked) return arguments.ack->answer_each(arguments.each());
    socket.emit_values("echo-back", arguments.copy());
  });
  socket.on("bin", [socket](socketio::Binary binary) { socket.emit("bin-back", binary); });
  socket.on("utf8", [socket] { socket.emit("utf8-back", "h\u00e9llo-\u20ac-\U0001F600"); });
}

}  // namespace hilo::tools
