// SPDX-License-Identifier: MIT

#include "tools/hilo/broadcast.h"

#include <utility>

namespace hilo::tools {

// One message on its way to the other threads; the last of them destroys it.
struct BroadcastRoom::Parcel {
  Parcel(std::shared_ptr<Flow> from, const ws::Message& message)
      : flow(std::move(from)),
        opcode(message.opcode),
        payload(message.payload.begin(), message.payload.end()) {
    flow->bytes += payload.size();
  }
  Parcel(const Parcel&) = delete;
  Parcel& operator=(const Parcel&) = delete;
  ~Parcel() { flow->arrived(payload.size()); }

  std::shared_ptr<Flow> flow;
  ws::Opcode opcode;
  std::vector<std::uint8_t> payload;
};

void BroadcastRoom::Flow::arrived(std::size_t size) {
  const std::size_t left = bytes.fetch_sub(size) - size;
  if (left > in_flight_bytes_max / 2 || !resume_wanted.exchange(false)) return;
  room->loop_->post([to = room] { to->resume_all(); });
}

BroadcastRoom::Member::Member(BroadcastRoom& in, ws::Connection& c)
    : room(&in), connection(&c), place(in.members_.size()) {
  in.members_.push_back(this);
}

BroadcastRoom::Member::~Member() {
  Member* last = room->members_.back();
  room->members_[place] = last;
  last->place = place;
  room->members_.pop_back();
}

BroadcastRoom::BroadcastRoom(net::Loop& loop)
    : loop_(&loop), flow_(std::make_shared<Flow>(*this)) {}

void BroadcastRoom::open(ws::Server& server) {
  server_ = &server;
  server.at("/broadcast")
      .on_open([this](ws::Connection& c) { c.emplace_data<Member>(*this, c); })
      .on_message([this](ws::Connection& c, ws::Message m) { on_message(c, m); });
}

void BroadcastRoom::meet(std::span<BroadcastRoom* const> all) {
  for (BroadcastRoom* room : all) {
    if (room != this) others_.push_back(room);
  }
}

void BroadcastRoom::on_message(ws::Connection& from, const ws::Message& message) {
  deliver(message.opcode, message.payload);
  if (others_.empty()) return;
  const auto parcel = std::make_shared<const Parcel>(flow_, message);
  for (BroadcastRoom* room : others_) {
    room->loop_->post([room, parcel] { room->deliver(parcel->opcode, parcel->payload); });
  }
  if (flow_->bytes > in_flight_bytes_max) pause(from);
}

// Sending calls none of our handlers and frees no connection, so the list stays as it is.
void BroadcastRoom::deliver(ws::Opcode opcode, Bytes payload) {
  for (const Member* member : members_) {
    static_cast<void>(member->connection->send(opcode, payload));
  }
}

void BroadcastRoom::pause(ws::Connection& sender) {
  sender.pause();
  paused_.push_back(sender.id());
  flow_->resume_wanted = true;
  // The last parcel may have arrived before it could see that somebody waits.
  if (flow_->bytes <= in_flight_bytes_max / 2 && flow_->resume_wanted.exchange(false)) resume_all();
}

void BroadcastRoom::resume_all() {
  for (const ws::ConnectionId id : std::exchange(paused_, {})) {
    if (ws::Connection* connection = server_->find(id)) connection->resume();
  }
}

}  // namespace hilo::tools
