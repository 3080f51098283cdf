// SPDX-License-Identifier: MIT

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "net/base/check.h"
#include "tests/sim/system/speaker.h"
#include "tests/sim/system/user.h"
#include "ws/engineio/client.h"

namespace hilo::sim {
namespace {

using engineio::Transports;

class EngineUser final : public User {
 public:
  explicit EngineUser(const UserPlace& place) : place_(place), client_(place.loop) {
    client_.on_open([this](engineio::Client&) { opened(); })
        .on_message([this](engineio::Client&, engineio::Message message) {
          speaker_->hear(as_text(message.payload));
        })
        .on_close([this](engineio::Client&, engineio::CloseReason reason) { closed(reason); })
        .on_failed([this](engineio::Client&, std::error_code) { busy_ = false; });
    connect();
  }
  ~EngineUser() override {
    if (speaker_) speaker_->vanish();
  }

  void act() override {
    const std::size_t kind = place_.random.below(100);
    if (!client_.is_open()) {
      if (!busy_ && kind < 50) connect();
    } else if (kind < 90) {
      speaker_->speak(place_.random.between(1, 6), sending(client_));
    } else {
      client_.close();
    }
  }

  void ask() override {
    if (!busy_) connect();
    if (!client_.is_open()) return;
    heard_when_asked_ = speaker_->heard();
    speaker_->speak(3, sending(client_));
  }
  bool is_answered() const override {
    return speaker_ && speaker_->heard() > std::max<std::size_t>(heard_when_asked_, 1);
  }
  bool is_quiet() const override { return speaker_ && speaker_->is_quiet(); }

  void leave() override { client_.close(); }
  bool has_left() const override { return !busy_; }
  std::string describe() const override {
    return std::string("engine user, ") + (busy_ ? "busy, " : "idle, ") +
           (speaker_ ? speaker_->describe() : "not connected");
  }

 private:
  void connect() {
    constexpr Transports all[] = {Transports::polling_first, Transports::websocket_first,
                                  Transports::websocket, Transports::polling};
    Random& random = place_.random;
    HILO_CHECK(client_.connect(
        {.url = random.chance(50) ? "http://server.test:9001" : "http://127.0.0.1:9001",
         .revision = random.chance(70) ? engineio::Revision::v4 : engineio::Revision::v3,
         .transports = random.chance(50) ? Transports::polling_first : all[random.below(4)]}));
    busy_ = true;
  }
  void opened() {
    if (speaker_) place_.ledger.violation("an engine client's end was not told");
    speaker_.emplace(place_.ledger, place_.random, "engine client");
    heard_when_asked_ = 0;
    speaker_->speak(place_.random.between(1, 4), sending(client_));
  }
  void closed(engineio::CloseReason reason) {
    check_blame(place_.ledger, reason, "engine client");
    speaker_->end(false);
    speaker_.reset();
    busy_ = false;
  }

  UserPlace place_;
  bool busy_ = false;  // connected, or will be
  std::size_t heard_when_asked_ = 0;
  std::optional<Speaker> speaker_;
  engineio::Client client_;
};

}  // namespace

std::unique_ptr<User> make_engine_user(const UserPlace& place) {
  return std::make_unique<EngineUser>(place);
}

}  // namespace hilo::sim
