// SPDX-License-Identifier: MIT
//
// Every deadline of Limits that a server has, on the virtual clock: nothing a millisecond before,
// the whole answer at it. Numbers like "118" are those of the catalogue of bad inputs.

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/sim/world.h"
#include "tests/support/no_memory.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;
using net::Duration;

namespace {

// The one line of the log that tells of this rejection.
void check_rejected_once(const EchoServer& echo, ws::Errc error, unsigned code) {
  CHECK(echo.rejects(error) == 1);
  CHECK(echo.all_rejects() == 1);
  REQUIRE(echo.log.size() == 1);
  const ws::Rule rule = ws::rule(error);
  const std::string& line = echo.log.front();
  CAPTURE(line);
  CHECK(line.starts_with("lvl=warn ev=reject layer=" + std::string(ws::to_string(rule.layer)) +
                         " reason=" + std::string(rule.label) + " peer=127.0.0.1:"));
  CHECK(line.ends_with(" code=" + std::to_string(code)));
}

// --- before the upgrade
// ---------------------------------------------------------------------------

struct HeadDeadline {
  const char* name;
  std::string_view first;  // sent at once
  std::string_view drip;   // and of this a byte every `drip_interval`
  Duration drip_interval;
  Duration due;
  std::string_view answer;  // how it begins; what was served before is not looked at
  ws::Errc error;
  unsigned code;
};

constexpr std::string_view page_request = "GET /page HTTP/1.1\r\nHost: a\r\n\r\n";

const HeadDeadline head_deadlines[] = {
    {"1: a silent peer is closed in silence", "", "", 0_s, 10_s, "", ws::Errc::idle_preface, 0},
    {"11: a head that drips in has ten seconds in all", "G", "ET / HTTP", 4_s, 10_s,
     "HTTP/1.1 408 ", ws::Errc::head_timeout, 408},
    {"a head that stops has ten seconds", "GET / HTTP/1.1\r\nHost: a\r\n", "", 0_s, 10_s,
     "HTTP/1.1 408 ", ws::Errc::head_timeout, 408},
    {"a kept-alive connection may be idle for a minute", page_request, "", 0_s, 60_s, "",
     ws::Errc::none, 0},
};

void check_head_deadline(const HeadDeadline& row) {
  CAPTURE(row.name);
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = Peer::connect(echo.address);
  peer.send(row.first);
  world.settle();
  static_cast<void>(peer.take());

  const net::Time due = world.network.now() + row.due;
  std::string_view drip = row.drip;
  while (!drip.empty() && world.network.now() + row.drip_interval < due) {
    world.run_for(row.drip_interval);
    peer.send(drip.substr(0, 1));
    drip.remove_prefix(1);
  }
  world.run_for(due - world.network.now() - 1_ms);
  CHECK(peer.received().empty());
  CHECK_FALSE(peer.saw_fin());
  CHECK(echo.log.empty());

  world.run_for(2_ms);
  CHECK(peer.saw_fin());
  const std::string answer = peer.take();
  CHECK(answer.starts_with(row.answer));
  CHECK(answer.empty() == row.answer.empty());
  if (row.error == ws::Errc::none) {
    CHECK(echo.all_rejects() == 0);
  } else {
    check_rejected_once(echo, row.error, row.code);
  }
  CHECK(echo.opened == 0);
  // Whoever was answered is given time to read it; then nothing is left of him.
  world.run_for(5_s);
  CHECK(world.baseline() == before);
}

// --- after the upgrade
// ----------------------------------------------------------------------------

struct OpenDeadline {
  const char* name;
  std::string first;  // sent at once
  std::string again;  // sent every `interval`
  Duration interval;
  bool pings;  // of ours
  bool answers_pings;
  Duration due;
  ws::Errc error;
  std::uint16_t code;
};

const std::string largest_header = client_frame(0x82, std::string(1 << 20, 'x')).substr(0, 14);

const OpenDeadline open_deadlines[] = {
    {"117: the header of the largest message, then silence", largest_header, "", 0_s, true, false,
     60_s, ws::Errc::message_timeout, 1008},
    {"118: a payload of a byte a second", largest_header, "x", 1_s, true, false, 60_s,
     ws::Errc::message_timeout, 1008},
    {"157: an unfinished message, though the peer's pings keep coming", client_frame(0x01, "part"),
     client_frame(0x89, "!"), 5_s, true, false, 60_s, ws::Errc::message_timeout, 1008},
    {"157: an unfinished message, though our pings are answered", client_frame(0x01, "part"), "",
     1_s, true, true, 60_s, ws::Errc::message_timeout, 1008},
    {"157: half a header is an unfinished message", client_frame(0x81, "hello").substr(0, 3), "",
     0_s, true, false, 60_s, ws::Errc::message_timeout, 1008},
    {"139: a ping that is not answered", "", "", 0_s, true, false, 50_s, ws::Errc::ping_timeout,
     1011},
    {"an idle peer, our pings being off", "", "", 0_s, false, false, 120_s, ws::Errc::idle_timeout,
     1001},
};

// Sends what the row says, and answers pings, until `end`.
void keep_busy(World& world, Peer& peer, const OpenDeadline& row, net::Time end) {
  if (row.interval.nanoseconds == 0) return world.run_for(end - world.network.now());
  std::size_t answered = 0;
  while (world.network.now() + row.interval < end) {
    world.run_for(row.interval);
    peer.send(row.again);
    const std::string& received = peer.received();
    const std::size_t ping = received.find("\x89\x04", answered);
    if (!row.answers_pings || ping == std::string::npos) continue;
    peer.send(client_frame(0x8A, received.substr(ping + 2, 4)));
    answered = ping + 6;
  }
  world.run_for(end - world.network.now());
}

void check_open_deadline(const OpenDeadline& row) {
  CAPTURE(row.name);
  World world;
  ws::Limits limits;
  if (!row.pings) limits.ping_interval = 0_s;
  EchoServer echo(world, limits);
  const Baseline before = world.baseline();
  Peer peer = echo.open_peer();
  const net::Time due = world.network.now() + row.due;
  peer.send(row.first);
  keep_busy(world, peer, row, due + Duration::milliseconds(-1));
  CHECK(echo.log.empty());
  CHECK_FALSE(peer.saw_fin());

  world.run_for(2_ms);
  CHECK(peer.received().ends_with(close_frame(row.code)));
  CHECK(peer.saw_fin());
  check_rejected_once(echo, row.error, row.code);
  CHECK(echo.messages.empty());
  // Our Close is not answered: five seconds later the connection is reset.
  world.run_for(5_s - 3_ms);
  CHECK(echo.closed.empty());
  world.run_for(3_ms);
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].code == ws::CloseCode::abnormal);
  CHECK(echo.closed[0].by == ws::ClosedBy::us);
  CHECK(echo.closed[0].error == row.error);
  CHECK_FALSE(echo.closed[0].clean);
  CHECK(echo.all_rejects() == 1);
  CHECK(world.baseline() == before);
}

}  // namespace

TEST_CASE("every deadline of a request head") {
  for (const HeadDeadline& row : head_deadlines) check_head_deadline(row);
}

TEST_CASE("every deadline of an open connection") {
  for (const OpenDeadline& row : open_deadlines) check_open_deadline(row);
}

TEST_CASE("2: a peer that connects and goes leaves no trace in the log") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = Peer::connect(echo.address);
  peer.finish_sending();
  world.settle();
  CHECK(peer.saw_fin());
  CHECK(peer.received().empty());
  CHECK(echo.log.empty());
  CHECK(world.baseline() == before);
}

TEST_CASE("12: a whole request and then FIN is upgraded and ends with 1006") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = Peer::connect(echo.address);
  peer.send(upgrade_request());
  peer.finish_sending();
  world.settle();
  CHECK(peer.received().starts_with("HTTP/1.1 101 "));
  CHECK(peer.saw_fin());
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].code == ws::CloseCode::abnormal);
  CHECK(echo.closed[0].by == ws::ClosedBy::network);
  CHECK(world.baseline() == before);
}

TEST_CASE("a refused peer that never leaves is left after five seconds") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = Peer::connect(echo.address);
  peer.send("BREW / HTTP/1.1\r\nHost: a\r\n\r\n");
  world.run_for(4999_ms);
  CHECK(peer.received().starts_with("HTTP/1.1 405 "));
  CHECK(peer.saw_fin());
  CHECK_FALSE(world.baseline() == before);
  world.run_for(2_ms);
  CHECK(world.baseline() == before);
}

// --- the keep-alive
// -------------------------------------------------------------------------------

TEST_CASE("139: a ping comes after 30 s of silence, and its pong starts the silence anew") {
  World world;
  EchoServer echo(world);
  Peer peer = echo.open_peer();
  for (int round = 0; round < 5; ++round) {
    world.run_for(29999_ms);
    CHECK(peer.take().empty());
    world.run_for(2_ms);
    const std::string ping = peer.take();
    REQUIRE(ping.size() == 6);
    CHECK(ping.starts_with("\x89\x04"));
    world.run_for(19_s);
    peer.send(client_frame(0x8A, ping.substr(2)));
    world.settle();
  }
  CHECK(echo.closed.empty());
  CHECK(echo.log.empty());
}

TEST_CASE("a ping for which there is no memory costs its connection, and is not tried on and on") {
  World world;
  EchoServer echo(world);
  Peer peer = echo.open_peer();
  world.run_for(29_s);
  world.loop.pool().trim();
  {
    const test::NoMemory no_memory;
    world.run_for(2_s);
  }
  world.settle();
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].error == ws::Errc::no_memory);
  CHECK(peer.saw_reset());
}

TEST_CASE("138: a pong with another payload does not satisfy the deadline") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = echo.open_peer();
  world.run_for(30001_ms);
  CHECK(peer.take().starts_with("\x89\x04"));
  for (int second = 0; second < 19; ++second) {
    peer.send(client_frame(0x8A, "else"));
    world.run_for(1_s);
  }
  CHECK(peer.take().empty());
  world.run_for(1_s);
  CHECK(peer.take() == close_frame(1011));
  check_rejected_once(echo, ws::Errc::ping_timeout, 1011);
  world.run_for(5_s);
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].code == ws::CloseCode::abnormal);
  CHECK(world.baseline() == before);
}

TEST_CASE("139: a peer that answers the time-out with nothing but FIN has ended with 1006") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = echo.open_peer();
  world.run_for(50001_ms);
  CHECK(peer.received().ends_with(close_frame(1011)));
  peer.finish_sending();
  world.settle();
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].code == ws::CloseCode::abnormal);
  CHECK(echo.closed[0].error == ws::Errc::ping_timeout);
  CHECK(world.baseline() == before);
}

// --- the closing handshake
// ------------------------------------------------------------------------

TEST_CASE("147: a peer that says Close and never ends is reset after five seconds") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = echo.open_peer();
  peer.send(client_frame(0x88, "\x03\xE8"));
  world.run_for(4999_ms);
  CHECK(peer.received() == close_frame(1000));
  CHECK(peer.saw_fin());
  CHECK_FALSE(peer.saw_reset());
  CHECK(echo.closed.empty());
  world.run_for(2_ms);
  CHECK(peer.saw_reset());
  CHECK(peer.received() == close_frame(1000));
  check_rejected_once(echo, ws::Errc::close_timeout, 0);
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].code == ws::CloseCode::normal);
  CHECK(echo.closed[0].by == ws::ClosedBy::peer);
  CHECK(echo.closed[0].clean);
  CHECK(world.baseline() == before);
}

TEST_CASE("147: a peer that does not answer our Close is reset after five seconds") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = echo.open_peer();
  echo.server.for_each([](ws::Connection& c) { CHECK(c.close(ws::CloseCode::going_away)); });
  world.run_for(4999_ms);
  CHECK(peer.received() == close_frame(1001));
  CHECK_FALSE(peer.saw_fin());
  world.run_for(2_ms);
  CHECK(peer.saw_reset());
  check_rejected_once(echo, ws::Errc::close_timeout, 0);
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].code == ws::CloseCode::abnormal);
  CHECK(echo.closed[0].by == ws::ClosedBy::us);
  CHECK_FALSE(echo.closed[0].clean);
  CHECK(world.baseline() == before);
}

TEST_CASE("147: a Close behind a full queue is waited for as long as the peer takes some") {
  World world;
  world.network.inbox_bytes = 1000;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer stalled = echo.open_peer();
  Peer slow = echo.open_peer();
  echo.server.for_each([&](ws::Connection& c) {
    CHECK(c.send_text(std::string(12'000, 'm')) == ws::Sent::accepted);
    CHECK(c.close(ws::CloseCode::going_away));
  });
  std::string taken;
  const auto take_for = [&](int seconds) {
    for (int second = 0; second < seconds; ++second) {
      world.run_for(1_s);
      taken += slow.take();
    }
  };
  take_for(4);
  CHECK(echo.closed.empty());
  take_for(2);
  CHECK(echo.closed.size() == 1);
  CHECK(stalled.saw_reset());
  take_for(8);
  CHECK(echo.closed.size() == 1);
  CHECK(taken.ends_with(close_frame(1001)));
  slow.send(client_frame(0x88, "\x03\xE9"));
  world.settle();
  slow.close();
  world.settle();
  REQUIRE(echo.closed.size() == 2);
  CHECK(echo.closed[1].clean);
  CHECK(world.baseline() == before);
}

TEST_CASE("147: a Pong that blocks while a connection is closing puts off no deadline") {
  World world;
  world.network.inbox_bytes = 1000;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = echo.open_peer();
  // So much that a few bytes more fill the peer's socket.
  echo.server.for_each([](ws::Connection& c) {
    CHECK(c.send_text(std::string(980, 'm')) == ws::Sent::accepted);
    CHECK(c.close(ws::CloseCode::going_away));
  });
  world.run_for(4_s);
  peer.send(client_frame(0x89, std::string(120, 'p')));
  world.run_for(999_ms);
  CHECK(echo.closed.empty());
  world.run_for(2_ms);
  CHECK(echo.closed.size() == 1);
  CHECK(peer.saw_reset());
  check_rejected_once(echo, ws::Errc::close_timeout, 0);
  CHECK(world.baseline() == before);
}

// --- peers that do not read
// -----------------------------------------------------------------------

TEST_CASE("14: a peer that takes nothing for 30 s is reset; one that takes a little is not") {
  World world;
  world.network.inbox_bytes = 1000;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer stalled = echo.open_peer();
  Peer slow = echo.open_peer();
  const std::string message(50'000, 'm');
  echo.server.for_each(
      [&](ws::Connection& c) { CHECK(c.send_text(message) == ws::Sent::accepted); });
  for (int second = 0; second < 29; ++second) {
    world.run_for(1_s);
    if (second % 5 == 4) CHECK(slow.take().size() == 1000);
  }
  CHECK(echo.closed.empty());
  world.run_for(1001_ms);
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].code == ws::CloseCode::abnormal);
  CHECK(echo.closed[0].error == ws::Errc::write_stalled);
  CHECK(stalled.received().size() == 1000);
  CHECK(stalled.saw_reset());
  check_rejected_once(echo, ws::Errc::write_stalled, 0);
  CHECK(echo.log.front().find("reason=slow_consumer") != std::string::npos);
  slow.reset();
  world.settle();
  CHECK(world.baseline() == before);
}

TEST_CASE("14: a peer that reads too little is reset when its queue is full") {
  World world;
  world.network.inbox_bytes = 1000;
  ws::Limits limits;
  limits.queue_bytes_max = 100'000;
  EchoServer echo(world, limits);
  const Baseline before = world.baseline();
  Peer peer = echo.open_peer();
  const std::string message(9'000, 'm');
  int accepted = 0;
  const auto broadcast = [&] {
    bool all = true;
    echo.server.for_each([&](ws::Connection& c) {
      all = c.send_text(message) == ws::Sent::accepted;
      CHECK(c.buffered_bytes() <= limits.queue_bytes_max);
    });
    accepted += all ? 1 : 0;
    return all;
  };
  while (broadcast()) world.settle();
  CHECK(accepted == 11);
  check_rejected_once(echo, ws::Errc::slow_consumer, 0);
  world.settle();
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].code == ws::CloseCode::abnormal);
  CHECK(echo.closed[0].error == ws::Errc::slow_consumer);
  CHECK(peer.received().size() == 1000);
  CHECK(peer.saw_reset());
  CHECK(world.baseline() == before);
}

// --- floods
// ---------------------------------------------------------------------------------------

namespace {

void send_pings(World& world, Peer& peer, int count) {
  for (int i = 0; i < count; ++i) {
    peer.send(client_frame(0x89, ""));
    if (i % 100 == 99) world.settle();
  }
  world.settle();
}

}  // namespace

TEST_CASE("134: a thousand control frames in ten seconds are answered, one more is a flood") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = echo.open_peer();
  send_pings(world, peer, 1000);
  CHECK(peer.take().size() == 2000);
  // A new window begins afresh.
  world.run_for(10_s);
  send_pings(world, peer, 999);
  CHECK(peer.take().size() == 2 * 999);
  world.run_for(9_s);
  send_pings(world, peer, 1);
  CHECK(peer.take().size() == 2);
  CHECK(echo.all_rejects() == 0);

  send_pings(world, peer, 1);
  CHECK(peer.take() == close_frame(1008));
  check_rejected_once(echo, ws::Errc::control_flood, 1008);
  peer.close();
  world.settle();
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].error == ws::Errc::control_flood);
  CHECK(world.baseline() == before);
}

TEST_CASE(
    "134: of control frames 65,534 in a window are the most that there is, whatever is said") {
  for (const std::uint32_t said : {65'534U, 65'535U, 1'000'000U}) {
    CAPTURE(said);
    World world;
    ws::Limits limits;
    limits.control_frames_max = said;
    limits.control_frames_window = 60_s;
    EchoServer echo(world, limits);
    Peer peer = echo.open_peer();
    for (int i = 0; i < 2; ++i) send_pings(world, peer, 65'534 / 2);
    CHECK(echo.all_rejects() == 0);
    send_pings(world, peer, 1);
    check_rejected_once(echo, ws::Errc::control_flood, 1008);
    peer.close();
    world.settle();
  }
}

// It is counted in whole milliseconds.
TEST_CASE("134: a window of less than a millisecond counts control frames, too") {
  World world;
  ws::Limits limits;
  limits.control_frames_max = 3;
  limits.control_frames_window = 500_us;
  EchoServer echo(world, limits);
  Peer peer = echo.open_peer();
  send_pings(world, peer, 3);
  CHECK(peer.take().size() == 2 * 3);
  CHECK(echo.all_rejects() == 0);
  world.run_for(1_s);
  send_pings(world, peer, 4);
  check_rejected_once(echo, ws::Errc::control_flood, 1008);
  peer.close();
  world.settle();
}

// When a connection was last heard is noted in 32 bits of milliseconds (net/moment.h).
TEST_CASE("a time-out of more than 45 days is one of 45 days") {
  constexpr net::Duration day = net::Duration::seconds(24 * 3600);
  for (const net::Duration ping_interval : {net::Duration{}, day * 60}) {
    CAPTURE(ping_interval.to_milliseconds());
    World world;
    ws::Limits limits;
    limits.ping_interval = ping_interval;
    limits.idle_timeout = day * 60;
    EchoServer echo(world, limits);
    Peer peer = echo.open_peer();
    world.run_for(day * 20);
    peer.send(client_frame(0x81, "still here"));
    world.settle();
    static_cast<void>(peer.take());
    world.run_for(day * 45 - 1_s);
    CHECK(echo.closed.empty());
    CHECK(peer.take().empty());
    world.run_for(2_s);
    // The ping goes first, and has no time left.
    CHECK(peer.take().starts_with(ping_interval == net::Duration{} ? "\x88" : "\x89"));
    check_rejected_once(echo, ws::Errc::idle_timeout, 1001);
    peer.close();
    world.settle();
  }
}

TEST_CASE("a resume() without a pause puts off no deadline") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = echo.open_peer();
  for (int i = 0; i < 56; ++i) {
    echo.server.for_each([](ws::Connection& c) { c.resume(); });
    world.run_for(1_s);
  }
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].error == ws::Errc::ping_timeout);
  world.run_for(10_s);
  peer.close();
  world.settle();
  CHECK(world.baseline() == before);
}

TEST_CASE("a connection that was paused and is closed still hears the peer's Close") {
  World world;
  EchoServer echo(world);
  const Baseline before = world.baseline();
  Peer peer = echo.open_peer();
  echo.server.for_each([](ws::Connection& c) { c.pause(); });
  peer.send(client_frame(0x81, "not read") + client_frame(0x88, "\x03\xE8"));
  world.run_for(1_s);
  CHECK(echo.messages.empty());
  echo.server.for_each([](ws::Connection& c) { CHECK(c.close()); });
  world.settle();
  CHECK(peer.received() == close_frame(1000));
  peer.finish_sending();
  world.settle();
  REQUIRE(echo.closed.size() == 1);
  CHECK(echo.closed[0].clean);
  CHECK(echo.closed[0].code == ws::CloseCode::normal);
  CHECK(world.baseline() == before);
}
