// SPDX-License-Identifier: MIT
//
// Recovery: what a namespace keeps so that a client whose connection was lost takes up where it was
// (connection state recovery of Socket.IO 4.6): its id, rooms and data, and the events that it
// missed.
//
//   connect     the client is told a secret of its own, the pid
//   event       ends in its offset, and is kept; not if it is volatile or wants an answer
//   lost        the session is kept under its pid, unless somebody ended it on purpose
//   connect     with pid and the last offset that came: the same session, the missed events first
//
// An offset is the number of the event in this namespace. Whoever comes too late, or for events
// that are not kept any more, gets a new session, as if there were none of this.
//
//   memory   Sessions and bytes of events are bounded (RecoveryOptions); the oldest go first.
//   thread   the loop's

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/loop.h"
#include "ws/socketio/encoded_packet.h"
#include "ws/socketio/options.h"
#include "ws/socketio/socket_id.h"
#include "ws/socketio/targets.h"

namespace hilo::socketio {

class Recovery final : private net::Timer {
 public:
  struct Session {
    SocketId id = {};
    std::vector<std::string> rooms = {};
    OwnedJson data = {};
  };

  Recovery(net::Loop& loop, const RecoveryOptions& options) noexcept
      : loop_(&loop), options_(options) {}
  Recovery(const Recovery&) = delete;
  Recovery& operator=(const Recovery&) = delete;
  ~Recovery() { loop_->timers().cancel(*this); }

  const RecoveryOptions& options() const noexcept { return options_; }

  // The offset of the event that is kept next.
  std::string next_offset() const { return std::to_string(next_); }
  // `sender`: the id of who does not get it, or nothing.
  void keep_event(const Targets& targets, std::string_view sender, EncodedPacket packet);

  void keep_session(std::string_view pid, Session session);
  // Whether take_session() would find one.
  bool can_take(std::string_view pid, std::string_view offset) const;
  // A session is given back once.
  std::optional<Session> take_session(std::string_view pid, std::string_view offset);
  // What came behind `offset` for the socket of this session, in its order.
  template <class Visit>
  void for_each_missed(const Session& session, std::string_view offset, Visit&& visit) const {
    const std::size_t first = place_behind(offset).value_or(events_.size());
    for (std::size_t i = first; i < events_.size(); ++i) {
      if (is_for(session, events_[i])) visit(events_[i].packet);
    }
  }

  std::size_t session_count() const noexcept { return sessions_.size(); }
  std::size_t event_bytes() const noexcept { return event_bytes_; }

 private:
  struct Event {
    EncodedPacket packet;
    std::vector<std::string> rooms;
    std::vector<std::string> except;
    std::size_t bytes;
    net::Time at;
  };
  struct Parked {
    std::string pid;
    Session session;
    net::Time since;
  };

  // net::Timer
  void on_timer(net::Time now) override;
  void arm() noexcept;
  void drop_event() noexcept;
  void drop_session() noexcept;
  // Where the event behind this offset stands, or would; nothing if one between them is gone.
  std::optional<std::size_t> place_behind(std::string_view offset) const noexcept;
  static bool is_for(const Session& session, const Event& event) noexcept;

  net::Loop* loop_;
  RecoveryOptions options_;
  std::deque<Event> events_;    // the oldest first
  std::list<Parked> sessions_;  // the oldest first
  std::unordered_map<std::string_view, std::list<Parked>::iterator> by_pid_;
  std::uint64_t next_ = 1;  // the number behind that of the last event
  std::size_t event_bytes_ = 0;
};

}  // namespace hilo::socketio
