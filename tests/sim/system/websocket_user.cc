// SPDX-License-Identifier: MIT

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "net/base/check.h"
#include "tests/sim/system/speaker.h"
#include "tests/sim/system/user.h"
#include "ws/client.h"

namespace hilo::sim {

namespace {

class WebSocketUser final : public User {
 public:
  explicit WebSocketUser(const UserPlace& place)
      : place_(place),
        deflate_(place.random.chance(50)),
        client_(place.loop, draw_limits(place.random)) {
    client_.on_open([this](ws::Connection&) { opened(); })
        .on_message([this](ws::Connection&, ws::Message message) {
          speaker_->hear(as_text(message.payload));
        })
        .on_close([this](ws::Connection&, ws::CloseInfo info) { closed(info); })
        .on_failed([this](std::error_code) { busy_ = false; })
        .on_reconnecting([this](ws::Reconnecting) { busy_ = true; });
    connect();
  }

  void act() override {
    Random& random = place_.random;
    ws::Connection* const connection = client_.connection();
    const std::size_t kind = random.below(100);
    if (connection == nullptr) {
      if (!busy_ && kind < 50) connect();
    } else if (kind < 80) {
      speak(random.between(1, 6));
    } else if (kind < 85) {
      static_cast<void>(connection->ping());
    } else if (kind < 90) {
      connection->pause();
    } else if (kind < 95) {
      static_cast<void>(connection->close());
    } else {
      client_.abort();
    }
    if (connection != nullptr && kind % 4 == 0) connection->resume();
  }

  void ask() override {
    if (!busy_) connect();
    if (client_.connection() == nullptr) return;
    client_.connection()->resume();
    heard_when_asked_ = speaker_->heard();
    speak(3);
  }
  bool is_answered() const override {
    return speaker_ && speaker_->heard() > std::max<std::size_t>(heard_when_asked_, 1);
  }
  bool is_quiet() const override { return speaker_ && speaker_->is_quiet(); }

  void leave() override {
    ws::Connection* const connection = client_.connection();
    if (connection == nullptr || !connection->close()) client_.abort();
  }
  bool has_left() const override { return !busy_; }
  std::string describe() const override {
    return std::string("websocket user, ") + (busy_ ? "busy, " : "idle, ") +
           (speaker_ ? speaker_->describe() : "not connected");
  }

 private:
  static ws::Limits draw_limits(Random& random) {
    ws::Limits limits;
    limits.overflow = random.chance(50) ? ws::Overflow::refuse : ws::Overflow::close;
    return limits;
  }
  void connect() {
    const bool by_name = place_.random.chance(50);
    HILO_CHECK(
        client_.connect({.url = by_name ? "ws://server.test:9001/echo" : "ws://127.0.0.1:9001/echo",
                         .reconnect = {.enabled = place_.random.chance(70)},
                         .deflate = {.enabled = deflate_}}));
    busy_ = true;
  }
  void opened() {
    if (speaker_) place_.ledger.violation("a client's end was not told");
    speaker_.emplace(place_.ledger, place_.random, "client");
    heard_when_asked_ = 0;
    speak(place_.random.between(1, 4));
  }
  void speak(std::size_t count) { speaker_->speak(count, sending(*client_.connection())); }
  // If it comes back by itself, on_reconnecting says so.
  void closed(const ws::CloseInfo& info) {
    check_blame(place_.ledger, info, "client");
    speaker_->end(info.clean && info.by == ws::ClosedBy::peer);
    speaker_.reset();
    busy_ = false;
  }

  UserPlace place_;
  bool deflate_;
  bool busy_ = false;  // connected, or will be
  std::size_t heard_when_asked_ = 0;
  std::optional<Speaker> speaker_;
  ws::Client client_;  // the first to go: it may call on_close
};

}  // namespace

std::unique_ptr<User> make_websocket_user(const UserPlace& place) {
  return std::make_unique<WebSocketUser>(place);
}

}  // namespace hilo::sim
