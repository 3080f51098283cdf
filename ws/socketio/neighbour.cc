// SPDX-License-Identifier: MIT

#include "ws/socketio/neighbour.h"

#include <utility>

#include "ws/socketio/server.h"

namespace hilo::socketio {

namespace {

// What a message counts for on its way.
std::size_t bytes_of(const ServerMessage& message) {
  constexpr std::size_t overhead_bytes = 512;
  std::size_t bytes = overhead_bytes + message.room.size();
  for (const auto* const names : {&message.targets.rooms, &message.targets.except}) {
    for (const std::string_view name : *names) bytes += sizeof(std::string) + name.size();
  }
  if (!message.values->is_null()) {
    std::string text;
    write_json(*message.values, false, text);
    bytes += text.size();
  }
  if (message.packet == nullptr) return bytes;
  for (const engineio::Revision revision : {engineio::Revision::v4, engineio::Revision::v3}) {
    if (message.packet->is_written(revision)) bytes += message.packet->text(revision).size();
  }
  for (const Json::binary_t& each : message.packet->attachments()) bytes += each.size();
  return bytes;
}

}  // namespace

// What a task counts for on its way.
class Neighbour::Load {
 public:
  Load(std::shared_ptr<Neighbour> to, std::size_t bytes) noexcept
      : to_(std::move(to)), bytes_(bytes) {}
  Load(Load&& other) noexcept = default;
  Load& operator=(Load&&) = delete;
  ~Load() {
    if (to_ != nullptr) to_->transit_.leave(bytes_);
  }
  Server* server() const noexcept { return to_->server_; }

 private:
  std::shared_ptr<Neighbour> to_;
  std::size_t bytes_;
};

void Neighbour::end() noexcept {
  server_ = nullptr;
  const std::lock_guard lock(mutex_);
  loop_ = nullptr;
}

bool Neighbour::post(Callback<void()> task) {
  const std::lock_guard lock(mutex_);
  if (loop_ == nullptr) return false;
  loop_->post(std::move(task));
  return true;
}

bool Neighbour::post(const std::shared_ptr<Neighbour>& to, std::size_t bytes,
                     Callback<void(Server&)> task) {
  if (!to->transit_.admit(bytes)) return false;
  return to->post([load = Load(to, bytes), task = std::move(task)]() mutable {
    if (Server* const server = load.server()) task(*server);
  });
}

bool Neighbour::answer(const std::shared_ptr<Neighbour>& to, Callback<void(Server&)> task) {
  return to->post([to, task = std::move(task)]() mutable {
    if (to->server_ != nullptr) task(*to->server_);
  });
}

// --- the adapter ---------------------------------------------------------------------------------

Neighbours::Neighbours(Server& server)
    : self_(std::make_shared<Neighbour>(server, server.engine().http().loop(),
                                        server.engine().http().limits().publish_bytes_max)) {}

void Neighbours::meet(std::span<Neighbours* const> all) {
  for (Neighbours* const each : all) {
    for (const Neighbours* const other : all) {
      if (other != each) each->others_.push_back(other->self_);
    }
  }
}

std::size_t Neighbours::tell(std::shared_ptr<const ServerMessage> message) {
  const std::size_t bytes = bytes_of(*message);
  std::size_t lost = 0;
  for (const std::shared_ptr<Neighbour>& each : others_) {
    Callback<void(ServerAnswer)> send;
    if (message->question) {
      send = [asker = self_](ServerAnswer answer) {
        static_cast<void>(
            Neighbour::answer(asker, [answer = std::move(answer)](Server& server) mutable {
              server.receive(std::move(answer));
            }));
      };
    }
    auto task = [message, reply = ServerReply(*message, std::move(send))](Server& server) mutable {
      server.receive(*message, std::move(reply));
    };
    if (!Neighbour::post(each, bytes, std::move(task))) ++lost;
  }
  return lost;
}

}  // namespace hilo::socketio
