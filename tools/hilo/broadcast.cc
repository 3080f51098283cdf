// SPDX-License-Identifier: MIT

#include "tools/hilo/broadcast.h"

#include <utility>

#include "ws/hub.h"

namespace hilo::tools {
namespace {

constexpr std::string_view topic = "broadcast";

}  // namespace

void BroadcastRoom::open(ws::Server& server) {
  server_ = &server;
  server.at("/broadcast")
      .on_open([](ws::Connection& c) {
        if (!c.subscribe(topic)) c.abort();
      })
      .on_message([this](ws::Connection& c, ws::Message m) { on_message(c, m); });
  server.hub().on_room([this] { resume_all(); });
}

void BroadcastRoom::on_message(ws::Connection& from, const ws::Message& message) {
  if (server_->publish(topic, message) == ws::Posted::full) {
    static_cast<void>(from.close(ws::CloseCode::try_again_later));
  } else if (server_->hub().backed_up()) {
    from.pause();
    paused_.push_back(from.id());
  }
}

void BroadcastRoom::resume_all() {
  for (const ws::ConnectionId id : std::exchange(paused_, {})) {
    if (ws::Connection* connection = server_->find(id)) connection->resume();
  }
}

}  // namespace hilo::tools
