// SPDX-License-Identifier: MIT
//
// What the target whole_client runs: a client of one of three kinds, with an application that does
// what the server's messages tell it to, and what every application may rely on.
//
//   life  within its World. Not to be destroyed in a turn

#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "tests/sim/world.h"

namespace hilo::fuzz {

class Connecting {
 public:
  virtual ~Connecting() = default;
  // Something that the application does of its own accord, between turns.
  virtual void act(std::uint8_t what, std::string_view text) = 0;
  // It wants to be connected no more, and need not be.
  virtual void leave() = 0;
  // Nobody is there any more: what was opened is closed, and each attempt has ended in one way.
  virtual void check_at_rest() const = 0;
};

// `choices` are the program's: their last two bits are the kind, the others its options. The server
// is 127.0.0.1:9001, and so is the proxy, if there is one.
std::unique_ptr<Connecting> make_client(sim::World& world, std::uint8_t choices);

}  // namespace hilo::fuzz
