// SPDX-License-Identifier: MIT
//
// Connection over real sockets: input that must wait is never lost, output is bounded, the
// application may pause, throw, and keep data; ids go stale.

#include "ws/connection.h"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "tests/support/wire.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using ws::CloseCode;
using ws::Errc;

namespace {

constexpr int many = 10'000;

// Numbered messages, so that a lost, doubled or misplaced one shows.
std::string numbered_frames(int count) {
  std::string frames;
  for (int i = 0; i < count; ++i) frames += client_frame(0x81, "message " + std::to_string(i));
  return frames;
}
std::string numbered_echoes(int count) {
  std::string frames;
  for (int i = 0; i < count; ++i) frames += server_frame(0x81, "message " + std::to_string(i));
  return frames;
}

// Sends `many` frames and FIN at once, and wants every answer.
void check_all_answered(WireServer& server, WirePeer& peer) {
  REQUIRE(peer.send(numbered_frames(many)));
  peer.finish_sending();
  REQUIRE(peer.until_end());
  CHECK(peer.ended);
  CHECK((peer.received == numbered_echoes(many)));
  peer.close();
  REQUIRE(server.settle());
  CHECK(server.all_rejects() == 0);
  CHECK(server.loop.pool().taken_bytes() == 0);
}

}  // namespace

TEST_CASE("pipelined frames and FIN are all answered when the budget of a turn stops the reading") {
  ws::Limits limits;
  limits.messages_per_turn_max = 7;
  WireServer server(limits);
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
  check_all_answered(server, peer);
}

TEST_CASE("frames of all kinds are answered where a turn has no budget") {
  ws::Limits limits;
  limits.messages_per_turn_max = 0;
  WireServer server(limits);
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
  const std::string large(200, 'l');
  REQUIRE(peer.send(client_frame(0x89, "p") + client_frame(0x82, large) + client_frame(0x81, "s")));
  REQUIRE(peer.send(client_frame(0x01, "h") + client_frame(0x80, "i") + numbered_frames(1000)));
  const std::string answers = server_frame(0x8A, "p") + server_frame(0x82, large) +
                              server_frame(0x81, "s") + server_frame(0x81, "hi") +
                              numbered_echoes(1000);
  REQUIRE(peer.until_received(answers.size()));
  CHECK((peer.received == answers));
}

TEST_CASE("pipelined frames and FIN are all answered when they come glued to the handshake") {
  WireServer server;
  WirePeer peer(server);
  REQUIRE(peer.send(upgrade_request() + numbered_frames(many)));
  peer.finish_sending();
  REQUIRE(peer.until_end());
  CHECK((peer.received.substr(peer.received.find("\r\n\r\n") + 4) == numbered_echoes(many)));
}

TEST_CASE("pipelined frames and FIN are all answered when back-pressure stops the reading") {
  ws::Limits limits;
  limits.queue_bytes_pause = 1000;
  WireServer server(limits);
  bool blocked = false;
  server.server.at("/small").on_message([&](ws::Connection& connection, ws::Message message) {
    CHECK(connection.send(message) == ws::Sent::accepted);
    blocked = blocked || connection.buffered_bytes() > 1000;
  });
  WirePeer peer(server, 4096);
  REQUIRE(peer.upgrade("/small"));
  // Large messages, so that the kernel's buffers cannot hold the answers.
  std::string frames;
  std::string echoes;
  for (int i = 0; i < 500; ++i) {
    const std::string payload(20'000, static_cast<char>('a' + i % 26));
    frames += client_frame(0x82, payload);
    echoes += server_frame(0x82, payload);
  }
  frames += numbered_frames(many);
  echoes += numbered_echoes(many);
  peer.may_read = [&] { return blocked; };
  REQUIRE(peer.send(frames));
  peer.finish_sending();
  REQUIRE(peer.until_end());
  CHECK(blocked);
  CHECK((peer.received == echoes));
}

TEST_CASE("pipelined frames and FIN are all answered when the application stops the reading") {
  WireServer server;
  int answered = 0;
  server.server.at("/stutter").on_message([&](ws::Connection& connection, ws::Message message) {
    connection.send(message);
    if (++answered % 1000 != 0) return;
    connection.pause();
    server.loop.call_after(net::Duration::milliseconds(1), [&server, id = connection.id()] {
      if (ws::Connection* paused = server.server.find(id)) paused->resume();
    });
  });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/stutter"));
  check_all_answered(server, peer);
  CHECK(answered == many);
}

TEST_CASE("short messages behind a pause wait for resume(), though they came together") {
  WireServer server;
  std::string heard;
  ws::ConnectionId id;
  server.server.at("/third").on_message([&](ws::Connection& connection, ws::Message message) {
    heard += message.text();
    id = connection.id();
    if (heard.size() == 3) connection.pause();
  });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/third"));
  std::string frames;
  for (const char c : std::string_view("abcdef")) frames += client_frame(0x81, {&c, 1});
  REQUIRE(peer.send(frames));
  REQUIRE(server.until([&] { return heard.size() >= 3; }));
  for (int turn = 0; turn < 5; ++turn) REQUIRE(server.loop.run_once({}));
  CHECK(heard == "abc");
  ws::Connection* const connection = server.server.find(id);
  REQUIRE(connection != nullptr);
  connection->resume();
  REQUIRE(server.until([&] { return heard.size() >= 6; }));
  CHECK(heard == "abcdef");
}

TEST_CASE("a peer that does not read is paused, and never costs more than the queue may hold") {
  ws::Limits limits;
  limits.queue_bytes_max = 200'000;
  WireServer server(limits);
  std::size_t most = 0;
  server.server.at("/echo2").on_message([&](ws::Connection& connection, ws::Message message) {
    connection.send(message);
    most = std::max(most, connection.buffered_bytes());
  });
  WirePeer peer(server, 4096);
  REQUIRE(peer.upgrade("/echo2"));
  const std::string payload(10'000, 'x');
  std::string frames;
  for (int i = 0; i < 2000; ++i) frames += client_frame(0x82, payload);
  // 20 MB of echoes: more than all buffers on the way can hold, so the peer must read in between.
  peer.may_read = [&] { return most > 64 * 1024; };
  REQUIRE(peer.send(frames));
  REQUIRE(peer.until_received(2000 * (payload.size() + 4)));
  CHECK(most <= 200'000);
  CHECK(server.closed.empty());
}

TEST_CASE("a queue that would overflow resets the connection (A 14)") {
  ws::Limits limits;
  limits.queue_bytes_max = 100'000;
  WireServer server(limits, {}, plain_then_tls());
  ws::Sent last = ws::Sent::accepted;
  std::size_t most = 0;
  server.server.at("/flood")
      .on_message([&](ws::Connection& connection, ws::Message) {
        const std::string payload(10'000, 'x');
        for (int i = 0; i < 10'000 && last == ws::Sent::accepted; ++i) {
          last = connection.send_text(payload);
          most = std::max(most, connection.buffered_bytes());
        }
      })
      .on_close([&](ws::Connection&, ws::CloseInfo info) {
        server.closed.push_back({info.code, info.error, info.clean});
      });
  const Baseline before = server.baseline();
  {
    WirePeer peer(server, 4096);
    REQUIRE(peer.upgrade("/flood"));
    REQUIRE(peer.send(client_frame(0x81, "go")));
    REQUIRE(server.settle());
    CHECK(last == ws::Sent::closed);
    CHECK(most <= 100'000);
    REQUIRE(peer.until_end());
    CHECK(peer.was_reset);
  }
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].error == Errc::slow_consumer);
  CHECK(server.closed[0].code == CloseCode::abnormal);
  CHECK(server.rejects(Errc::slow_consumer) == 1);
  CHECK(server.log.back().find("reason=slow_consumer") != std::string::npos);
  CHECK(server.baseline() == before);
}

TEST_CASE("a queue that would overflow drops or refuses, by policy") {
  const auto tls = plain_then_tls();
  for (const ws::Overflow policy : {ws::Overflow::drop, ws::Overflow::refuse}) {
    CAPTURE(static_cast<int>(policy));
    ws::Limits limits;
    limits.queue_bytes_max = 100'000;
    limits.overflow = policy;
    WireServer server(limits, {}, tls);
    int accepted = 0;
    int dropped = 0;
    int drained = 0;
    ws::Sent last = ws::Sent::accepted;
    server.server.at("/flood")
        .on_message([&](ws::Connection& connection, ws::Message) {
          const std::string payload(10'000, 'x');
          for (int i = 0; i < 10'000 && last == ws::Sent::accepted; ++i) {
            last = connection.send_text(payload);
            if (last == ws::Sent::accepted) ++accepted;
          }
        })
        .on_dropped([&](ws::Connection&, ws::Opcode opcode, Bytes payload) {
          ++dropped;
          CHECK(opcode == ws::Opcode::text);
          CHECK(payload.size() == 10'000);
        })
        .on_drained([&](ws::Connection& connection) {
          ++drained;
          CHECK(connection.buffered_bytes() == 0);
        });
    WirePeer peer(server, 4096);
    REQUIRE(peer.upgrade("/flood"));
    REQUIRE(peer.send(client_frame(0x81, "go")));
    // What was accepted arrives, all of it and nothing else.
    REQUIRE(server.until([&] {
      peer.receive();
      return drained != 0;
    }));
    REQUIRE(peer.until_received(static_cast<std::size_t>(accepted) * 10'004));
    CHECK(peer.received.size() == static_cast<std::size_t>(accepted) * 10'004);
    CHECK(last == (policy == ws::Overflow::drop ? ws::Sent::dropped : ws::Sent::refused));
    CHECK(dropped == (policy == ws::Overflow::drop ? 1 : 0));
    CHECK(drained == 1);
    CHECK(server.server.metrics().messages_dropped == static_cast<std::uint64_t>(dropped));
  }
}

TEST_CASE("a handler that throws costs its own connection and no other") {
  WireServer server;
  CloseCode code{};
  Errc error{};
  server.server.at("/throws")
      .on_message([](ws::Connection&, ws::Message) { throw std::runtime_error("a bug"); })
      .on_close([&](ws::Connection&, ws::CloseInfo info) {
        code = info.code;
        error = info.error;
        throw std::runtime_error("another");
      });
  WirePeer bystander(server);
  REQUIRE(bystander.upgrade());
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade("/throws"));
    REQUIRE(peer.send(client_frame(0x81, "x") + client_frame(0x81, "y")));
    REQUIRE(peer.until_end());
    CHECK(peer.received == server_frame(0x88, close_body(1011)));
  }
  REQUIRE(server.until([&] { return error != Errc::none; }));
  CHECK(code == CloseCode::internal_error);
  CHECK(error == Errc::handler_threw);
  CHECK(server.rejects(Errc::handler_threw) == 1);
  REQUIRE(bystander.send(client_frame(0x81, "fine")));
  CHECK(bystander.until_contains("fine"));
}

TEST_CASE("the application's data lives as long as the connection, and is found by its type") {
  struct Player {
    std::string name;
    std::shared_ptr<int> alive;
  };
  WireServer server;
  const auto alive = std::make_shared<int>(1);
  bool seen_at_close = false;
  server.server.at("/data")
      .on_open([&](ws::Connection& connection) {
        CHECK(connection.data<Player>() == nullptr);
        connection.emplace_data<Player>(Player{"Ada", alive});
      })
      .on_message([&](ws::Connection& connection, ws::Message) {
        CHECK(connection.data<int>() == nullptr);
        REQUIRE(connection.data<Player>() != nullptr);
        CHECK(connection.data<Player>()->name == "Ada");
      })
      .on_close([&](ws::Connection& connection, ws::CloseInfo) {
        seen_at_close = connection.data<Player>() != nullptr;
      });
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade("/data"));
    REQUIRE(peer.send(client_frame(0x81, "?")));
    REQUIRE(server.until([&] { return server.server.metrics().messages_received == 1; }));
    CHECK(alive.use_count() == 2);
  }
  REQUIRE(server.settle());
  CHECK(seen_at_close);
  CHECK(alive.use_count() == 1);
}

// What only some connections need stands where their data would (connection_extra.cc).
TEST_CASE("the application's data stays, whatever else the connection comes to need") {
  for (const bool data_first : {true, false}) {
    CAPTURE(data_first);
    WireServer server;
    std::string at_close;
    const auto alive = std::make_shared<int>(1);
    using Alive = std::shared_ptr<int>;
    server.server.at("/data")
        .on_open([&](ws::Connection& connection) {
          if (data_first) connection.emplace_data<Alive>(alive);
          REQUIRE(connection.subscribe("news"));
          if (!data_first) connection.emplace_data<Alive>(alive);
          REQUIRE(connection.data<Alive>() != nullptr);
          CHECK(alive.use_count() == 2);
          connection.emplace_data<std::string>("another");
          CHECK(alive.use_count() == 1);
          connection.emplace_data<std::pair<std::string, Alive>>("another", alive);
          CHECK(connection.subscription_count() == 1);
        })
        .on_close([&](ws::Connection& connection, ws::CloseInfo info) {
          const auto* const data = connection.data<std::pair<std::string, Alive>>();
          REQUIRE(data != nullptr);
          at_close = data->first + ", " + std::string(info.reason);
        });
    {
      WirePeer peer(server);
      REQUIRE(peer.upgrade("/data"));
      REQUIRE(peer.send(client_frame(0x88,
                                     "\x03\xE8"
                                     "bye")));
      REQUIRE(server.until([&] { return !at_close.empty(); }));
    }
    CHECK(at_close == "another, bye");
    REQUIRE(server.settle());
    CHECK(alive.use_count() == 1);
  }
}

TEST_CASE("the request is known after the upgrade") {
  WireServer server;
  bool checked = false;
  server.server.at("/asked").on_message([&](ws::Connection& connection, ws::Message) {
    checked = true;
    CHECK(connection.path() == "/asked");
    CHECK(connection.request().query() == "a=1&b=2");
    CHECK(connection.request().header("user-agent") == "test");
    CHECK_FALSE(connection.request().header("Missing"));
    CHECK(connection.request().cookie("id") == "7");
    CHECK(connection.request().cookie("theme") == "dark");
    CHECK_FALSE(connection.request().cookie("i"));
    CHECK(connection.peer().ip() == "127.0.0.1");
    CHECK(connection.peer().port() != 0);
    CHECK(connection.subprotocol().empty());
    CHECK(connection.role() == ws::Role::server);
  });
  WirePeer peer(server);
  REQUIRE(peer.send(
      upgrade_request("/asked?a=1&b=2", "User-Agent: test\r\nCookie: id=7; theme=dark\r\n") +
      client_frame(0x81, "?")));
  REQUIRE(server.until([&] { return checked; }));
}

TEST_CASE("an id finds its connection until that is gone, and never another one") {
  WireServer server;
  ws::ConnectionId first{};
  server.server.at("/id").on_open([&](ws::Connection& connection) { first = connection.id(); });
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade("/id"));
    REQUIRE(server.server.find(first) != nullptr);
    CHECK(server.server.find(first)->id() == first);
  }
  REQUIRE(server.settle());
  CHECK(server.server.find(first) == nullptr);
  WirePeer again(server);
  REQUIRE(again.upgrade());
  CHECK(server.server.find(first) == nullptr);
}

TEST_CASE("a message to others, sent while one's own is handled, leaves in the same turn") {
  WireServer server;
  server.server.at("/room").on_message([&](ws::Connection&, ws::Message message) {
    server.server.for_each([&](ws::Connection& other) {
      if (other.path() == "/room") other.send(message);
    });
  });
  WirePeer one(server);
  WirePeer two(server);
  REQUIRE(one.upgrade("/room"));
  REQUIRE(two.upgrade("/room"));
  REQUIRE(one.send(client_frame(0x81, "to all")));
  REQUIRE(two.until_contains("to all"));
  REQUIRE(one.until_contains("to all"));
  CHECK(one.received == two.received);
}

TEST_CASE("what on_close sends to others arrives with no further traffic") {
  WireServer server;
  server.server.at("/stats").on_close([&](ws::Connection&, ws::CloseInfo) {
    server.server.for_each([](ws::Connection& other) { other.send_text("one less"); });
  });
  WirePeer stays(server);
  REQUIRE(stays.upgrade());
  {
    WirePeer leaves(server);
    REQUIRE(leaves.upgrade("/stats"));
  }
  CHECK(stays.until_contains("one less"));
}

TEST_CASE("ping carries its payload and on_pong hears the answer") {
  WireServer server;
  std::string heard;
  server.server.at("/ping")
      .on_open(
          [](ws::Connection& connection) { CHECK(connection.ping(as_bytes("are you there"))); })
      .on_pong([&](ws::Connection&, Bytes payload) { heard = as_text(payload); });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/ping"));
  REQUIRE(peer.until_contains(server_frame(0x89, "are you there")));
  REQUIRE(peer.send(client_frame(0x8A, "are you there")));
  REQUIRE(server.until([&] { return !heard.empty(); }));
  CHECK(heard == "are you there");
}

TEST_CASE("abort resets, and on_close says that it was us") {
  WireServer server;
  ws::ClosedBy by{};
  bool closed = false;
  server.server.at("/abort")
      .on_message([](ws::Connection& connection, ws::Message) {
        connection.abort();
        connection.abort();
        CHECK(connection.send_text("x") == ws::Sent::closed);
        CHECK_FALSE(connection.close());
        CHECK_FALSE(connection.ping());
      })
      .on_close([&](ws::Connection&, ws::CloseInfo info) {
        closed = true;
        by = info.by;
        CHECK(info.code == CloseCode::abnormal);
      });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/abort"));
  REQUIRE(peer.send(client_frame(0x81, "x")));
  REQUIRE(peer.until_end());
  CHECK(peer.was_reset);
  REQUIRE(server.until([&] { return closed; }));
  CHECK(by == ws::ClosedBy::us);
}
