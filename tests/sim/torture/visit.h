// SPDX-License-Identifier: MIT
//
// What is repeated under torture: a Stage, which is a server with all that it serves, and a Visit,
// which is a client that goes through most of what there is to do.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tests/sim/world.h"
#include "ws/engineio/server.h"
#include "ws/server.h"
#include "ws/socketio/server.h"

namespace hilo::sim::torture {

// WebSockets at "/echo", a page and an echo of bodies by HTTP, Engine.IO and Socket.IO, found under
// the name server.test: at port 9001, and at 9002 over TLS.
class Stage {
 public:
  Stage();
  ~Stage();

  World world;
  ws::Server server;
  engineio::Server engine;
  socketio::Server io;
  net::Address address;

  // Ends without a beginning, twice the same, or none.
  std::string complaint() const;
  std::uint64_t rejects() const;

 private:
  int opened_ = 0;
  int closed_ = 0;
  int engines_opened_ = 0;
  int engines_closed_ = 0;
  int sockets_opened_ = 0;
  int sockets_closed_ = 0;
};

// Its functions are calls of an application's: they may throw bad_alloc, and then nothing is begun.
class Visit {
 public:
  virtual ~Visit() = default;
  virtual void begin() = 0;
  // Whoever still stays goes.
  virtual void leave() = 0;
  // It went through all of it.
  virtual bool is_whole() const = 0;
  // What must not be, however it went. Empty: all is well.
  virtual std::string complaint() const = 0;
};

struct Kind {
  std::string_view name;
  std::unique_ptr<Visit> (*make)(Stage& stage);
  // From one allocation that fails to the next: OpenSSL makes many.
  std::uint64_t memory_stride = 1;
};

std::unique_ptr<Visit> make_websocket_visit(Stage& stage);
std::unique_ptr<Visit> make_compressed_visit(Stage& stage);
std::unique_ptr<Visit> make_returning_visit(Stage& stage);
std::unique_ptr<Visit> make_tls_visit(Stage& stage);
std::unique_ptr<Visit> make_page_visit(Stage& stage);
std::unique_ptr<Visit> make_engine_visit(Stage& stage);
std::unique_ptr<Visit> make_socketio_visit(Stage& stage);

inline constexpr Kind kinds[] = {
    {"websocket", make_websocket_visit}, {"compressed", make_compressed_visit},
    {"returning", make_returning_visit}, {"tls", make_tls_visit, 7},
    {"page", make_page_visit},           {"engine.io", make_engine_visit},
    {"socket.io", make_socketio_visit},
};

}  // namespace hilo::sim::torture
