// SPDX-License-Identifier: MIT
//
// User: a client of the server's that does something every now and then, by whatever protocol. It
// connects, comes back when the connection is lost, sends, goes quiet, closes, and after all of it
// must be connected again and be answered.
//
//   life  within its loop; may be destroyed at any time between turns, as by kill -9

#pragma once

#include <memory>
#include <string>

#include "net/loop.h"
#include "tests/sim/random.h"
#include "tests/sim/system/ledger.h"

namespace hilo::sim {

struct UserPlace {
  net::Loop& loop;
  Ledger& ledger;
  Random& random;
};

class User {
 public:
  virtual ~User() = default;
  // One thing of chance.
  virtual void act() = 0;
  // Connects if it has not done so, and sends something that has to be answered.
  virtual void ask() = 0;
  // What ask() wanted has come.
  virtual bool is_answered() const = 0;
  // All that either side has sent has arrived.
  virtual bool is_quiet() const = 0;
  // Closes in good order, and does not come back.
  virtual void leave() = 0;
  virtual bool has_left() const = 0;
  // Who it is and where it stands, for a seed that goes wrong.
  virtual std::string describe() const = 0;
};

std::unique_ptr<User> make_websocket_user(const UserPlace& place);
std::unique_ptr<User> make_engine_user(const UserPlace& place);
// `number` is its own among all who emit events.
std::unique_ptr<User> make_socketio_user(const UserPlace& place, std::size_t number);

}  // namespace hilo::sim
