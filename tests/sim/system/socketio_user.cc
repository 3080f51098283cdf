// SPDX-License-Identifier: MIT

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "tests/sim/system/speaker.h"
#include "tests/sim/system/user.h"
#include "ws/socketio/manager.h"

namespace hilo::sim {

namespace {

// One connection with two namespaces, whose events are numbered by the ledger.
class SocketUser final : public User {
 public:
  SocketUser(const UserPlace& place, std::size_t number)
      : place_(place),
        manager_(place.loop,
                 place.random.chance(50) ? "http://server.test:9001" : "http://127.0.0.1:9001",
                 draw_options(place.random)) {
    for (std::size_t i = 0; i < rooms_.size(); ++i) {
      Room& room = rooms_[i];
      room.emitter = number * rooms_.size() + i;
      room.socket = manager_.socket(i == 0 ? "/" : "/room");
      room.socket.on("connect", [this, &room] { connected(room); })
          .on("disconnect", [this, &room](std::string_view) { disconnected(room); })
          .on("news", [this, &room](std::uint64_t news) { hear(room, news); });
    }
  }
  // Nobody is told of what it had asked.
  ~SocketUser() override {
    for (Room& room : rooms_) {
      if (room.is_connected) place_.ledger.forget_life(room.life);
    }
    for (const std::size_t event : asked_) place_.ledger.forget_event(event);
  }

  void act() override {
    Random& random = place_.random;
    Room& room = rooms_[random.below(rooms_.size())];
    const std::size_t kind = random.below(100);
    if (!room.socket.active()) {
      if (kind < 50) room.socket.connect();
    } else if (kind < 95) {
      for (std::size_t i = random.between(1, 4); i > 0; --i) emit(room);
    } else {
      room.socket.disconnect();
    }
  }

  void ask() override {
    for (Room& room : rooms_) {
      room.answered_since = false;
      if (!room.socket.active()) room.socket.connect();
      emit(room);
    }
  }
  bool is_answered() const override { return rooms_[0].answered_since && rooms_[1].answered_since; }
  bool is_quiet() const override { return asked_.empty(); }

  void leave() override { manager_.close(); }
  bool has_left() const override { return manager_.is_closed(); }
  std::string describe() const override {
    return std::string("socket.io user, ") + (manager_.is_open() ? "open, " : "not open, ") +
           std::to_string(asked_.size()) + " asked";
  }

 private:
  struct Room {
    std::size_t emitter = 0;
    socketio::ClientSocket socket;
    bool is_connected = false;
    bool answered_since = false;
    std::size_t life = 0;
    std::uint64_t last_news = 0;
  };

  static socketio::ManagerOptions draw_options(Random& random) {
    constexpr std::array all{engineio::Transports::polling_first,
                             engineio::Transports::websocket_first, engineio::Transports::websocket,
                             engineio::Transports::polling};
    socketio::ManagerOptions options;
    options.connect.transports = random.chance(50) ? all[0] : all[random.below(all.size())];
    return options;
  }

  void connected(Room& room) {
    if (room.is_connected) place_.ledger.violation("connect without disconnect");
    room.is_connected = true;
    room.life = place_.ledger.opened();
    // What was missed since the last connection was not promised, but to those who recover.
    if (!room.socket.recovered()) room.last_news = 0;
  }
  void disconnected(Room& room) {
    if (!room.is_connected) place_.ledger.violation("disconnect without connect");
    room.is_connected = false;
    place_.ledger.closed(room.life, "client socket");
  }
  void hear(Room& room, std::uint64_t news) {
    if (room.last_news != 0 && news != room.last_news + 1) {
      place_.ledger.violation("news " + std::to_string(news) + " came behind " +
                              std::to_string(room.last_news));
    }
    room.last_news = news;
  }

  // Every event has a time-out, so that every one is told of.
  void emit(Room& room) {
    Random& random = place_.random;
    const std::size_t event = place_.ledger.new_event(room.emitter);
    const std::string filler = flow_message(0, event, draw_message_bytes(random));
    const auto patience = net::Duration::seconds(static_cast<std::int64_t>(random.between(1, 60)));
    const auto emitter = room.socket.timeout(patience);
    asked_.insert(event);
    if (random.chance(30)) {
      emitter.emit("bytes", event, socketio::Binary{as_bytes(filler)},
                   [this, &room, event, filler](std::error_code error, std::uint64_t same,
                                                socketio::Binary bytes) {
                     if (!error && (same != event || as_text(bytes.bytes) != filler)) {
                       place_.ledger.violation("an answer of another event's");
                     }
                     answered(room, event, error);
                   });
    } else {
      emitter.emit("count", event, filler,
                   [this, &room, event](std::error_code error, std::uint64_t same) {
                     if (!error && same != event) {
                       place_.ledger.violation("an answer of another event's");
                     }
                     answered(room, event, error);
                   });
    }
  }
  void answered(Room& room, std::size_t event, std::error_code error) {
    place_.ledger.answered(event, !error);
    asked_.erase(event);
    if (!error) room.answered_since = true;
  }

  UserPlace place_;
  std::array<Room, 2> rooms_;
  std::set<std::size_t> asked_;
  socketio::Manager manager_;
};

}  // namespace

std::unique_ptr<User> make_socketio_user(const UserPlace& place, std::size_t number) {
  return std::make_unique<SocketUser>(place, number);
}

}  // namespace hilo::sim
