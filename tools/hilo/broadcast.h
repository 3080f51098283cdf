// SPDX-License-Identifier: MIT
//
// The path /broadcast: what one sends, all receive, the sender too, whichever thread they are on.
//
//   thread 0   [room] --- one shared copy of the message, Loop::post ---> [room]   thread 1
//                |                                                          |
//              its own members, at once                              its own members
//
// A member that does not read is dealt with by its own queue's limit. What is on its way to other
// threads is limited too: whoever sends more than in_flight_bytes_max is not read from until half
// of it has arrived.
//
//   thread    a room belongs to the thread of its server's loop
//   lifetime  room before server, and all rooms until the loops have ended

#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "net/base/bytes.h"
#include "ws/server.h"

namespace hilo::tools {

class BroadcastRoom {
 public:
  static constexpr std::size_t in_flight_bytes_max = std::size_t{16} << 20;

  explicit BroadcastRoom(net::Loop& loop);
  BroadcastRoom(const BroadcastRoom&) = delete;
  BroadcastRoom& operator=(const BroadcastRoom&) = delete;
  ~BroadcastRoom() = default;

  // Serves the path on that server.
  void open(ws::Server& server);
  // The rooms of all threads, this one among them; before the loops run.
  void meet(std::span<BroadcastRoom* const> all);
  // No loop runs any more: what is in flight arrives nowhere.
  void end() noexcept { flow_->resume_wanted = false; }

 private:
  // Lives and dies with its connection.
  struct Member {
    Member(BroadcastRoom& in, ws::Connection& c);
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    ~Member();
    BroadcastRoom* room;
    ws::Connection* connection;
    std::size_t place;  // in members_
  };
  // What is in flight from this room. Messages share it, for the last of them may outlive the room.
  struct Flow {
    explicit Flow(BroadcastRoom& sender) noexcept : room(&sender) {}
    BroadcastRoom* room;
    std::atomic<std::size_t> bytes{0};
    std::atomic<bool> resume_wanted{false};
    void arrived(std::size_t size);
  };
  struct Parcel;

  void on_message(ws::Connection& from, const ws::Message& message);
  void deliver(ws::Opcode opcode, Bytes payload);
  void pause(ws::Connection& sender);
  void resume_all();

  net::Loop* loop_;
  ws::Server* server_ = nullptr;
  std::vector<Member*> members_;  // in no order
  std::vector<BroadcastRoom*> others_;
  std::vector<ws::ConnectionId> paused_;
  std::shared_ptr<Flow> flow_;
};

}  // namespace hilo::tools
