// SPDX-License-Identifier: MIT
//
// World: a Network and the real Loop on it, and what the tests of the simulation share: letting
// time pass, the state that has to be there again at the end, and the bytes of a raw WebSocket
// client.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop.h"
#include "tests/sim/peer.h"
#include "tests/sim/virtual_network.h"
#include "ws/metrics.h"
#include "ws/server.h"

namespace hilo::sim {

// What a connection takes and has to give back.
struct Baseline {
  std::size_t descriptors = 0;
  std::size_t watched = 0;
  std::size_t timers = 0;
  std::size_t pool_bytes = 0;
  friend bool operator==(const Baseline&, const Baseline&) = default;
};

class World {
 public:
  explicit World(std::uint64_t seed = 1, net::Loop::Options options = {})
      : network(seed), loop(options) {}

  Network network;
  net::Loop loop;

  // Turns the loop until nothing is left to do but to wait. A loop that never comes to rest aborts.
  void settle();
  // Lets so much time pass.
  void run_for(net::Duration duration);
  Baseline baseline();
};

// An echo at "/", a page at "/page", every log line and every end of a connection.
class EchoServer {
 public:
  explicit EchoServer(World& world, const ws::Limits& limits = {});

  std::uint64_t rejects(ws::Errc error) const {
    return server.metrics().rejects[static_cast<std::size_t>(error)];
  }
  std::uint64_t all_rejects() const;
  // A peer whose opening handshake is done.
  Peer open_peer();

  struct Closed {
    ws::CloseCode code;
    ws::ClosedBy by;
    ws::Errc error;
    bool clean;
  };

  World& world;
  std::vector<std::string> log;
  int opened = 0;
  std::vector<std::string> messages;
  std::vector<Closed> closed;
  // Behind all that its callbacks use, since it calls them to its very end.
  ws::Server server;
  net::Address address;
};

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise);

// Calls run(seed) for the seeds 1 to `count`. In the environment, SIM_SEED picks one seed to look
// at and SIM_SEEDS another count, to go looking for trouble.
template <class Run>
void for_each_seed(std::uint64_t count, Run&& run) {
  const std::uint64_t only = number_from_environment("SIM_SEED", 0);
  if (only != 0) {
    run(only);
    return;
  }
  count = number_from_environment("SIM_SEEDS", count);
  for (std::uint64_t seed = 1; seed <= count; ++seed) run(seed);
}

// The opening handshake of a well-behaved client.
std::string upgrade_request();
// A frame of a client; `first` is its first byte (0x81: a whole text message).
std::string client_frame(std::uint8_t first, std::string_view payload);
// A Close of the server: its frame for a code without a reason.
std::string close_frame(std::uint16_t code);

}  // namespace hilo::sim
