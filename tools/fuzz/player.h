// SPDX-License-Identifier: MIT
//
// Player: plays one case after the other against a server, on a loop of its own, and tells what
// came back. Calls return when a case is over.
//
// The connections of a case stay open until the next one, so that a clean connection in between
// shows whether the server still serves others meanwhile: hold() keeps them, release() ends them.
//
//   thread  one
//   errors  what goes wrong with a connection is part of the Observation

#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"
#include "net/connector.h"
#include "net/loop.h"
#include "net/tls.h"
#include "tools/fuzz/case.h"
#include "tools/fuzz/line.h"
#include "tools/fuzz/observation.h"

namespace hilo::tools::fuzz {

struct Server {
  std::vector<net::Address> addresses;
  // Over TLS: for a certificate of this name. Null: plain.
  std::shared_ptr<const net::tls::ClientContext> tls = {};
  std::string tls_name = {};
  net::Duration patience = net::Duration::seconds(5);  // with an answer that is due
};

class Player {
 public:
  // What passes on a line, both ways, for whoever wants to explain it.
  using OnBytes = std::function<void(std::size_t line, bool received, std::string_view bytes)>;

  // The server must outlive it.
  explicit Player(const Server& server) : server_(&server) {}
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;
  ~Player() { release(); }

  const Status& status() const { return loop_.status(); }
  void watch(OnBytes on_bytes) { on_bytes_ = std::move(on_bytes); }

  // Ends what the last case has left open, unless it is held.
  Observation play(const Case& subject);
  // The connections of the last case stay while others are played, until release().
  void hold();
  void release();

 private:
  class Run;

  const Server* server_;
  net::Loop loop_;
  OnBytes on_bytes_;
  std::vector<std::unique_ptr<Line>> open_;
  std::vector<std::unique_ptr<Line>> held_;

  void end(std::vector<std::unique_ptr<Line>>& lines);
};

}  // namespace hilo::tools::fuzz
