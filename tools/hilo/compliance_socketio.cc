// SPDX-License-Identifier: MIT

#include "tools/hilo/compliance_socketio.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "ws/core/percent.h"

namespace hilo::tools {

using socketio::Ack;
using socketio::Arguments;
using socketio::Binary;
using socketio::Json;
using socketio::Socket;

namespace {

// As JavaScript writes a Date in JSON.
std::string now_in_iso8601() {
  std::timespec now{};
  std::timespec_get(&now, TIME_UTC);
  std::tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  std::array<char, 32> seconds{};
  std::strftime(seconds.data(), seconds.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 8> rest{};
  std::snprintf(rest.data(), rest.size(), ".%03dZ", static_cast<int>(now.tv_nsec / 1'000'000));
  return std::string(seconds.data()) + rest.data();
}

std::string decoded(std::string_view text) {
  std::string room(text.size(), '\0');
  return std::string(ws::percent_decode(text, room, ws::Plus::is_space).value_or(text));
}

// What the reference calls the handshake, as far as the tests look at it.
Json handshake_of(const Socket& socket) {
  Json query = Json::object();
  if (const ws::KeptRequest* const request = socket.request()) {
    ws::QueryReader reader(request->query());
    while (const auto each = reader.next()) query[decoded(each->name)] = decoded(each->value);
  }
  Json auth = socket.auth();
  if (auth.is_null()) auth = Json::object();
  // For clients of Socket.IO 2 both are the query.
  const engineio::Socket* const engine = socket.engine();
  if (engine != nullptr && engine->revision() == engineio::Revision::v3) query.update(auth);
  return {{"query", std::move(query)}, {"auth", std::move(auth)}};
}

bool is_mixed(const Json& value) {
  return value.is_object() && value.value("hello", "") == "lol" && value.contains("message") &&
         value["message"].is_binary() && value.value("goodbye", "") == "gotcha";
}

void answer_values(const Socket& socket) {
  socket.on("hi", [socket] { socket.emit("hi"); });
  socket.on("echo", [](const Arguments& arguments) {
    if (arguments.ack == nullptr) return;
    const Json* const first = arguments.at(0);
    (*arguments.ack)(first != nullptr ? *first : Json(nullptr));
  });
  socket.on("ack", [socket] {
    socket.emit("ack", [socket](std::error_code error, int number, const Json& object) {
      if (!error && number == 5 && object.is_object() && object.value("test", false)) {
        socket.emit("got it");
      }
    });
  });
  socket.on("false", [socket] { socket.emit("false", false); });
  socket.on("getAckDate", [](const Json&, Ack ack) { ack(now_in_iso8601()); });
  socket.on("getDate", [socket] { socket.emit("takeDate", now_in_iso8601()); });
  socket.on("getDateObj", [socket] { socket.emit("takeDateObj", {{"date", now_in_iso8601()}}); });
  socket.on("getUtf8", [socket] {
    for (const char* text :
         {"てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"}) {
      socket.emit("takeUtf8", text);
    }
  });
  socket.on("getHandshake", [socket](Ack ack) { ack(handshake_of(socket)); });
  socket.on("getId", [socket](Ack ack) { ack(socket.id()); });
}

// Bytes both ways, alone and within objects, and in the order in which they were sent.
void answer_binary(const Socket& socket) {
  for (const char* const asked : {"doge", "getbin"}) {
    const bool is_doge = std::string_view(asked) == "doge";
    socket.on(asked, [socket, answer = is_doge ? "doge" : "takebin"] {
      socket.emit(answer, Binary{as_bytes("asdfasdf")});
    });
  }
  socket.on("buffa", [socket](Binary) { socket.emit("buffack"); });
  socket.on("blob", [socket](Binary) { socket.emit("back"); });
  socket.on("jsonbuff", [socket](const Json& value) {
    if (is_mixed(value)) socket.emit("jsonbuff-ack");
  });
  socket.on("jsonblob", [socket](const Json& value) {
    if (is_mixed(value)) socket.emit("jsonblob-ack");
  });
  const auto came = std::make_shared<std::string>();
  socket.on("abuff1", [came](Binary) { *came += 'a'; });
  socket.on("abuff2", [came, socket] {
    if (*came == "a") socket.emit("abuff2-ack");
  });
  socket.on("blob1", [came](Binary) { *came += '1'; });
  socket.on("blob2", [came](std::string_view text) { *came += text == "second" ? '2' : '?'; });
  socket.on("blob3", [came, socket](Binary) {
    if (came->ends_with("12")) socket.emit("blob3-ack");
  });
}

}  // namespace

void serve_client_tests(socketio::Server& io) {
  io.use([](Socket socket, socketio::Next next) {
    const bool fails = handshake_of(socket)["query"].contains("fail");
    next(fails ? "Auth failed (main namespace)" : "");
  });
  io.on_connection([](Socket socket) {
    answer_values(socket);
    answer_binary(socket);
  });
  for (const char* const name : {"/timeout_socket", "/valid", "/asd"}) io.of(name);
  io.of("/foo").on_connection(
      [](Socket socket) { socket.on("getId", [socket](Ack ack) { ack(socket.id()); }); });
  io.of("/abc").on_connection(
      [](Socket socket) { socket.emit("handshake", handshake_of(socket)); });
  io.of("/no").use([](Socket, socketio::Next next) { next("Auth failed (custom namespace)"); });
}

}  // namespace hilo::tools
