// SPDX-License-Identifier: MIT
//
// What the target whole_server serves: WebSockets of three kinds, pages and forms, Engine.IO and
// Socket.IO, in applications that do what messages tell them to, so that a peer's bytes choose what
// is called within callbacks. What every application may rely on is checked in each of them.
//
//   life  within its World. Not to be destroyed in a turn

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"
#include "net/signals.h"
#include "tests/sim/world.h"
#include "ws/engineio/server.h"
#include "ws/server.h"
#include "ws/socketio/server.h"

namespace hilo::fuzz {

class Served {
 public:
  // `choices` are the program's: limits, compression, revisions, proxies.
  Served(sim::World& world, std::uint8_t choices);
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served();

  static constexpr std::uint16_t port = 9001;
  static constexpr std::uint16_t proxy_port = 9002;  // where the PROXY protocol is spoken

  // Something that the application does of its own accord, between turns.
  void act(std::uint8_t what, std::string_view text);
  // Reads on wherever it had paused, and pauses no more: who is not read from is not seen to go.
  void read_to_the_end();
  bool is_going() const noexcept { return server_.is_draining(); }
  // Nobody is connected any more: what was opened is closed, what was counted adds up.
  void check_at_rest();

 private:
  class Terminator;

  void serve_websockets();
  void serve_pages();
  void serve_engine();
  void serve_socketio();
  void hear(ws::Connection& connection, std::string_view text, ws::Opcode opcode);
  void act_on_websockets(std::uint8_t what, std::string_view text);
  void resume_all();
  void answer_upgrades(bool accepts);
  void terminate();

  sim::World& world_;
  std::unique_ptr<Terminator> terminator_;
  std::size_t opened_ = 0;
  std::size_t closed_ = 0;
  std::size_t engine_opened_ = 0;
  std::size_t engine_closed_ = 0;
  std::size_t sockets_opened_ = 0;
  std::size_t sockets_closed_ = 0;
  std::uint64_t messages_ = 0;
  bool may_pause_ = true;
  bool is_drained_ = false;
  std::vector<ws::UpgradeId> waiting_;
  std::vector<ws::http::ExchangeId> unanswered_;
  ws::Server server_;
  std::unique_ptr<engineio::Server> engine_;
  std::unique_ptr<socketio::Server> io_;
};

}  // namespace hilo::fuzz
