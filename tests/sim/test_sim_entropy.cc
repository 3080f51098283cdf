// SPDX-License-Identifier: MIT
//
// No randomness to be had: row 129 of the catalogue. A client needs it for the key of its handshake
// and for the mask of every frame; where there is none, there is no connection, and never a frame
// whose mask could be guessed.

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tests/sim/world.h"
#include "ws/client.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;

namespace {

// A client of an echo, and how it ended.
struct Caller {
  explicit Caller(World& world)
      : client(world.loop,
               {.log = [this](ws::LogLevel, std::string_view line) { lines.emplace_back(line); }}) {
    client.on_close([this](ws::Connection&, ws::CloseInfo info) { closed.push_back(info); })
        .on_failed([this](std::error_code why) { failed.push_back(why); });
  }
  ws::Connection& open(World& world) {
    REQUIRE(client.connect({.url = "ws://127.0.0.1:9001/"}));
    world.run_for(5_ms);
    REQUIRE(client.connection() != nullptr);
    return *client.connection();
  }

  std::vector<std::string> lines;  // of the log
  std::vector<ws::CloseInfo> closed;
  std::vector<std::error_code> failed;
  ws::Client client;  // behind all that its callbacks write to
};

// Sends until the keys that were drawn before are used up; what was accepted until then.
std::size_t send_until_refused(ws::Connection& connection) {
  constexpr std::size_t more_than_any_batch = 100'000;
  std::size_t accepted = 0;
  while (accepted < more_than_any_batch && connection.send_text("x") == ws::Sent::accepted) {
    ++accepted;
  }
  REQUIRE(accepted < more_than_any_batch);
  return accepted;
}

// The label in one line of the log, and one more in the counter.
void check_told(const Caller& caller, std::uint64_t times = 1) {
  const auto& rejects = caller.client.metrics().rejects;
  CHECK(rejects[static_cast<std::size_t>(ws::Errc::no_entropy)] == times);
  REQUIRE(caller.lines.size() == times);
  const std::string& line = caller.lines.back();
  CAPTURE(line);
  CHECK(line.starts_with("lvl=warn ev=reject layer=tcp reason=no_entropy peer="));
  CHECK(line.ends_with(" code=0"));
}

}  // namespace

TEST_CASE("129: without randomness a client does not begin to connect") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  world.network.faults.no_entropy = true;
  {
    Caller caller(world);
    CHECK(caller.client.connect({.url = "ws://127.0.0.1:9001/"}).error() == ws::Errc::no_entropy);
    world.settle();
    check_told(caller);
    CHECK(caller.failed.empty());
    // The failure is over with the fault: the same object connects.
    world.network.faults.no_entropy = false;
    caller.open(world);
    CHECK(echo.opened == 1);
  }
  world.settle();
  CHECK(world.baseline() == before);
}

TEST_CASE("129: without randomness a client that comes back gives that try up") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  {
    Caller caller(world);
    REQUIRE(caller.client.connect(
        {.url = "ws://127.0.0.1:9001/", .reconnect = {.enabled = true, .failures_max = 2}}));
    world.run_for(5_ms);
    REQUIRE(caller.client.connection() != nullptr);
    world.network.faults.no_entropy = true;
    echo.server.for_each([](ws::Connection& c) { c.abort(); });
    world.run_for(60_s);
    check_told(caller, 2);
    REQUIRE(caller.failed.size() == 1);
    CHECK(caller.failed[0] == ws::Errc::no_entropy);
    CHECK(echo.opened == 1);
  }
  world.settle();
  CHECK(world.baseline() == before);
}

TEST_CASE("129: a connection whose mask keys run out is reset, and all frames before were masked") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  {
    Caller caller(world);
    ws::Connection& connection = caller.open(world);
    // The first frame draws a batch of keys, which the ones behind it use up.
    REQUIRE(connection.send_text("first") == ws::Sent::accepted);
    world.network.faults.no_entropy = true;
    std::size_t accepted = 0;
    SUBCASE("by a message") {
      accepted = send_until_refused(connection);
      CHECK(connection.is_gone());
    }
    SUBCASE("by a ping") {
      accepted = 0;
      Status status;
      while ((status = connection.ping())) ++accepted;
      CHECK(status.error() == ws::Errc::no_entropy);
      // A ping may be forgone; the messages may not.
      CHECK(connection.is_open());
      CHECK(send_until_refused(connection) == 0);
      accepted = 0;
    }
    SUBCASE("by a Close") {
      std::size_t pings = 0;
      while (connection.ping()) ++pings;
      CHECK(pings > 0);
      CHECK_FALSE(connection.close());
      CHECK(connection.is_gone());
    }
    world.run_for(5_ms);
    REQUIRE(caller.closed.size() == 1);
    CHECK(caller.closed[0].code == ws::CloseCode::abnormal);
    CHECK(caller.closed[0].by == ws::ClosedBy::us);
    CHECK(caller.closed[0].error == ws::Errc::no_entropy);
    check_told(caller);
    REQUIRE(echo.closed.size() == 1);
    CHECK(echo.closed[0].code == ws::CloseCode::abnormal);
    // Whatever arrived had a mask: the server would have refused anything else.
    CHECK(echo.messages.size() <= 1 + accepted);
    CHECK(echo.rejects(ws::Errc::frame_unmasked) == 0);
  }
  world.settle();
  CHECK(world.baseline() == before);
}
