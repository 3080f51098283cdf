// SPDX-License-Identifier: MIT

#include "ws/socketio/neighbour.h"

#include <utility>

namespace hilo::socketio {

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

}  // namespace hilo::socketio
