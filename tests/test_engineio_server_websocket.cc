// SPDX-License-Identifier: MIT
//
// Engine.IO over WebSockets, and the way there: the rows 197 to 210 once more, and 229 to 236.

#include "tests/support/engineio_wire.h"

using namespace hilo;
using namespace hilo::engineio;
using namespace hilo::test;

namespace {

net::Duration milliseconds(std::int64_t count) {
  return net::Duration::milliseconds(count);
}

using Events = std::vector<std::string>;

std::string text(std::string_view payload) {
  return client_frame(0x81, payload);
}
std::string shown(std::string_view payload) {
  return server_frame(0x81, payload);
}
// Over a WebSocket every end is a Close without a code.
const std::string closed = server_frame(0x88, "");

// Opens a session; what follows the open packet is in `received`.
std::string open_websocket(WirePeer& peer, int revision = 4, std::string_view more = {}) {
  REQUIRE(peer.upgrade(websocket({}, revision).append(more)));
  REQUIRE(peer.until_contains("\"maxPayload\":1000000}"));
  const std::string sid = sid_of(peer.received);
  peer.received.erase(0, peer.received.find('}') + 1);
  return sid;
}

// Writes `bytes` and gets exactly `answer`.
bool exchange(WirePeer& peer, std::string_view bytes, std::string_view answer) {
  peer.received.clear();
  return peer.send(bytes) && peer.until_received(answer.size()) && peer.received == answer;
}

// A session by polling, and the WebSocket that it is to move to.
struct Moving {
  explicit Moving(Options options = {}) : server(options), peer(server), socket(server) {
    sid = open_session(peer, options.revision3 ? 3 : 4);
    REQUIRE(socket.upgrade(websocket(sid, options.revision3 ? 3 : 4)));
  }
  bool still_polls() {
    return peer.post(polling(sid), "4still").body == "ok" &&
           peer.get(polling(sid)).body == "4still";
  }

  EngineServer server;
  HttpPeer peer;
  WirePeer socket;
  std::string sid;
};

}  // namespace

TEST_CASE("a session opens over a WebSocket, echoes text and binary, and ends either way") {
  EngineServer server;
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade(websocket()));
    const std::string open = "0{\"sid\":\"" + std::string(32, '?') +
                             "\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,"
                             "\"maxPayload\":1000000}";
    REQUIRE(peer.until_received(shown(open).size()));
    CHECK(peer.received.size() == shown(open).size());
    CHECK(exchange(peer, text("4hello"), shown("4hello")));
    CHECK(exchange(peer, client_frame(0x82, "\x01\x02"), server_frame(0x82, "\x01\x02")));
    CHECK(exchange(peer, text("bAQI="), server_frame(0x82, "\x01\x02")));
    CHECK(exchange(peer, text("4a") + text("6") + text("4b"), shown("4a") + shown("4b")));
    CHECK(exchange(peer, text("1"), closed));
    REQUIRE(peer.send(client_frame(0x88, "")));
    REQUIRE(peer.until_end());
    CHECK(server.events.back() == "close: transport close");

    WirePeer other(server);
    open_websocket(other);
    CHECK(exchange(other, client_frame(0x88, ""), closed));
    REQUIRE(server.until_event("close: transport close"));
  }
  REQUIRE(server.engine_settles());
  CHECK(server.baseline() == before);
  CHECK(server.engine.metrics().closed == 2);
}

TEST_CASE("the handshake that opens a session has the application's fields, an upgrade's has not") {
  EngineServer server;
  server.engine.on_initial_headers([](const ws::Request&, std::vector<ws::Field>& fields) {
    fields.push_back({"X-Mine", "yes"});
  });
  WirePeer peer(server);
  REQUIRE(peer.send(upgrade_request(websocket())));
  REQUIRE(peer.until_contains("0{\"sid\":"));
  CHECK(peer.received.find("\r\nX-Mine: yes\r\n") != std::string::npos);
  HttpPeer polls(server);
  const std::string sid = open_session(polls);
  WirePeer socket(server);
  REQUIRE(socket.send(upgrade_request(websocket(sid))));
  REQUIRE(socket.until_contains("\r\n\r\n"));
  CHECK(socket.received.find("X-Mine") == std::string::npos);
}

TEST_CASE("a session that the protocol above ends at once is told of, and ends once") {
  EngineServer server;
  server.engine.set_layer(
      {.on_open = [](Socket& socket) { socket.close(); },
       .on_message = nullptr,
       .on_close = [&](Socket&, CloseReason) { server.events.emplace_back("layer"); }});
  WirePeer peer(server);
  REQUIRE(peer.send(upgrade_request(websocket())));
  REQUIRE(server.until([&] { return server.events.size() == 3; }));
  CHECK(server.events == Events{"open", "layer", "close: forced close"});
}

TEST_CASE("a subprotocol is agreed upon: the client's first, or one that the server names") {
  EngineServer server;
  WirePeer first(server);
  const std::string offer = "Sec-WebSocket-Protocol: foo, bar\r\n";
  REQUIRE(first.send(upgrade_request(websocket(), offer)));
  REQUIRE(first.until_contains("0{\"sid\":"));
  CHECK(first.received.find("\r\nSec-WebSocket-Protocol: foo\r\n") != std::string::npos);
  // Also where the application takes its time, and for an upgrade.
  server.engine.allow_later([](const ws::Request&, Permission permission) { permission(); });
  HttpPeer polls(server);
  for (const std::string& sid : {std::string(), open_session(polls)}) {
    WirePeer later(server);
    REQUIRE(later.send(upgrade_request(websocket(sid), offer)));
    REQUIRE(later.until_contains("\r\n\r\n"));
    CHECK(later.received.find("\r\nSec-WebSocket-Protocol: foo\r\n") != std::string::npos);
  }
  EngineServer named({}, {}, {.subprotocols = {"bar"}});
  WirePeer second(named);
  REQUIRE(second.send(upgrade_request(websocket(), offer)));
  REQUIRE(second.until_contains("0{\"sid\":"));
  CHECK(second.received.find("\r\nSec-WebSocket-Protocol: bar\r\n") != std::string::npos);
}

TEST_CASE("revision 3 marks binary messages with a 4, or sends base64 to who cannot read them") {
  EngineServer server({.revision3 = true});
  WirePeer peer(server);
  open_websocket(peer, 3);
  CHECK(exchange(peer, client_frame(0x82, "\x04\x01\x02"), server_frame(0x82, "\x04\x01\x02")));
  CHECK(exchange(peer, text("2"), shown("3")));
  CHECK(exchange(peer, text("4\u20ac"), shown("4\u20ac")));
  WirePeer without(server);
  open_websocket(without, 3, "&b64=1");
  CHECK(exchange(without, text("b4AQIDBA=="), shown("b4AQIDBA==")));
}

TEST_CASE("a handshake that opens no session is refused (65, 197, 198, 201, 204)") {
  struct Case {
    std::string target;
    int status;
    Errc error;
  };
  for (const Case& each :
       {Case{"/engine.io/?transport=websocket", 400, Errc::version_unsupported},
        Case{"/engine.io/?EIO=abc&transport=websocket", 400, Errc::version_unsupported},
        Case{websocket({}, 3), 400, Errc::version_unsupported},
        Case{"/engine.io/?EIO=4", 400, Errc::transport_unknown},
        Case{"/engine.io/?EIO=4&transport=abc", 400, Errc::transport_unknown},
        Case{polling(), 400, Errc::transport_handshake},
        Case{websocket() + "&EIO=4", 400, Errc::query_repeated},
        Case{websocket("a") + "&sid=b", 400, Errc::query_repeated},
        Case{websocket("__proto__"), 400, Errc::sid_unknown},
        Case{websocket() + "&refuse", 403, Errc::refused}}) {
    CAPTURE(each.target);
    EngineServer server;
    server.engine.allow([](const ws::Request& request) {
      return request.query().find("refuse") == std::string_view::npos;
    });
    const Baseline before = server.baseline();
    {
      HttpPeer peer(server);
      REQUIRE(peer.send(upgrade_request(each.target)));
      const HttpPeer::Answer answer = peer.answer();
      CHECK(answer.status == each.status);
      CHECK(answer.body == "{\"code\":" + std::to_string(rule(each.error).code) +
                               ",\"message\":\"" + std::string(rule(each.error).message) + "\"}");
      server.told_once(each.error);
    }
    REQUIRE(server.engine_settles());
    CHECK(server.baseline() == before);
  }
}

TEST_CASE("a session over a WebSocket is not polled (202)") {
  EngineServer server;
  WirePeer peer(server);
  const std::string sid = open_websocket(peer);
  HttpPeer other(server);
  CHECK(other.get(polling(sid)).body == "{\"code\":3,\"message\":\"Bad request\"}");
  server.told_once(Errc::transport_mismatch);
  CHECK(exchange(peer, text("4hello"), shown("4hello")));
}

TEST_CASE("what breaks a rule closes the WebSocket and the session (206, 211, 215)") {
  struct Case {
    std::string bytes;
    Errc error;
    std::string answer;
  };
  const std::string too_big = server_frame(0x88, close_body(1009));
  for (const Case& each :
       {Case{text("abc"), Errc::packet_type, closed}, Case{text(""), Errc::packet_empty, closed},
        Case{text("2"), Errc::heartbeat_direction, closed},
        Case{text("5"), Errc::packet_unexpected, closed},
        Case{text("b="), Errc::packet_base64, closed},
        Case{text("4" + std::string(1'000'000, 'x')), Errc::packet_too_big, too_big}}) {
    EngineServer server;
    const Baseline before = server.baseline();
    {
      WirePeer peer(server);
      open_websocket(peer);
      // Nothing behind it is heard of.
      CHECK(exchange(peer, each.bytes + text("4more"), each.answer));
      server.told_once(each.error);
      REQUIRE(peer.send(client_frame(0x88, "")));
      REQUIRE(peer.until_end());
      CHECK(server.events.size() == 2);
      CHECK(server.events.back().starts_with("close: "));
    }
    REQUIRE(server.engine_settles());
    CHECK(server.baseline() == before);
  }
}

TEST_CASE("pings come over the WebSocket, and who does not answer is closed (207)") {
  Options options;
  options.ping_interval = milliseconds(20);
  options.ping_timeout = milliseconds(30);
  EngineServer server(options);
  WirePeer peer(server);
  open_websocket(peer);
  REQUIRE(peer.until_received(shown("2").size()));
  CHECK(exchange(peer, text("3"), shown("2")));
  peer.received.clear();
  REQUIRE(peer.until_received(closed.size()));
  CHECK(peer.received == closed);
  server.told_once(Errc::heartbeat_timeout);
  REQUIRE(server.until_event("close: ping timeout"));
}

TEST_CASE(
    "an upgrade: probe, noop, upgrade, and what was under way arrives once and in order (232)") {
  Moving moving;
  EngineServer& server = moving.server;
  REQUIRE(moving.peer.ask("GET", polling(moving.sid)));
  server.turns();
  CHECK(exchange(moving.socket, text("2probe"), shown("3probe")));
  CHECK(moving.peer.answer().body == "6");
  CHECK(moving.peer.post(polling(moving.sid), "4before").body == "ok");
  CHECK(exchange(moving.socket, text("5"), shown("4before")));
  CHECK(exchange(moving.socket, text("4hello"), shown("4hello")));
  CHECK(server.events == Events{"open", "message before", "upgraded", "message hello"});
  CHECK(moving.peer.get(polling(moving.sid)).status == 400);  // 232
  server.told_once(Errc::transport_mismatch);
  WirePeer second(server);
  REQUIRE(second.upgrade(websocket(moving.sid)));
  REQUIRE(second.until_received(closed.size()));
  CHECK(second.received == closed);  // 232
  CHECK(server.engine_rejects(Errc::upgrade_overlap) == 1);
  CHECK(exchange(moving.socket, text("4hello"), shown("4hello")));
  CHECK(server.engine.metrics().upgraded == 1);
}

TEST_CASE("probe and upgrade may come in one piece, with messages behind them") {
  for (const bool revision3 : {false, true}) {
    Moving moving({.revision3 = revision3});
    CHECK(exchange(moving.socket, text("2probe") + text("5") + text("4a") + text("4b"),
                   shown("3probe") + shown("4a") + shown("4b")));
    CHECK(moving.server.events == Events{"open", "upgraded", "message a", "message b"});
  }
}

TEST_CASE("a POST that is under way when the 5 comes is read first (234)") {
  Moving moving;
  EngineServer& server = moving.server;
  REQUIRE(moving.peer.send("POST " + polling(moving.sid) +
                           " HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n4fi"));
  server.turns();
  CHECK(exchange(moving.socket, text("2probe") + text("5") + text("4second"), shown("3probe")));
  server.turns();
  CHECK(server.events == Events{"open"});
  moving.socket.received.clear();
  REQUIRE(moving.peer.send("rst"));
  CHECK(moving.peer.answer().body == "ok");
  REQUIRE(moving.socket.until_received((shown("4first") + shown("4second")).size()));
  CHECK(moving.socket.received == shown("4first") + shown("4second"));
  CHECK(server.events == Events{"open", "message first", "upgraded", "message second"});
}

TEST_CASE("who is closed while it moves hears the last words over its WebSocket") {
  for (const bool post_runs : {false, true}) {
    CAPTURE(post_runs);
    Moving moving;
    EngineServer& server = moving.server;
    CHECK(exchange(moving.socket, text("2probe"), shown("3probe")));
    HttpPeer posts(server);
    if (post_runs) {
      REQUIRE(posts.send("POST " + polling(moving.sid) +
                         " HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n4fi"));
      server.turns();
      REQUIRE(exchange(moving.socket, text("5"), ""));
      server.turns();
    }
    bool told = false;
    server.engine.for_each([](Socket& socket) {
      CHECK(socket.send_text("bye") == ws::Sent::accepted);
      socket.close();
    });
    server.engine.when_told(net::Duration::seconds(3600), [&] { told = true; });
    server.turns();
    CHECK_FALSE(told);
    moving.socket.received.clear();
    REQUIRE((post_runs ? posts.send("rst") : moving.socket.send(text("5"))));
    const std::string last = shown("4bye") + shown("1") + closed;
    REQUIRE(moving.socket.until_received(last.size()));
    CHECK(moving.socket.received == last);
    REQUIRE(server.until([&] { return told && server.engine.socket_count() == 0; }));
    CHECK(server.events.back() == "close: forced close");
    CHECK(server.engine.metrics().packets_lost == 0);
  }
}

TEST_CASE("whoever waits for the last that polls is told when that one moves") {
  Moving moving;
  bool told = false;
  moving.server.engine.when_told(net::Duration::seconds(3600), [&] { told = true; });
  moving.server.turns();
  CHECK_FALSE(told);
  CHECK(exchange(moving.socket, text("2probe") + text("5") + text("4x"),
                 shown("3probe") + shown("4x")));
  REQUIRE(moving.server.until([&] { return told; }));
}

TEST_CASE("what is no probe closes that WebSocket alone (230, 231, 233, 235)") {
  const std::string three = text("2probe");
  for (const std::string& bytes :
       {text("4hi"), text("5"), text("abc"), client_frame(0x82, "2probe"), three + text("4x")}) {
    Moving moving;
    const std::string answer = bytes.starts_with(three) ? shown("3probe") + closed : closed;
    CHECK(exchange(moving.socket, bytes, answer));
    CHECK(moving.still_polls());
    CHECK(moving.server.events == Events{"open", "message still"});
  }
  {
    Moving moving;  // 231
    WirePeer second(moving.server);
    REQUIRE(second.upgrade(websocket(moving.sid)));
    REQUIRE(second.until_received(closed.size()));
    CHECK(second.received == closed);
    moving.server.told_once(Errc::upgrade_overlap);
    CHECK(exchange(moving.socket, text("2probe"), shown("3probe")));
  }
  {
    Moving moving;  // 233
    std::string probes;
    std::string answers;
    for (int i = 0; i < 1000; ++i) {
      probes += text("2probe");
      answers += shown("3probe");
    }
    CHECK(exchange(moving.socket, probes + text("2probe"), answers + closed));
    moving.server.told_once(Errc::upgrade_probe);
    CHECK(moving.still_polls());
  }
  Moving moving;  // 235
  CHECK(exchange(moving.socket, text("2probe"), shown("3probe")));
  CHECK(moving.peer.post(polling(moving.sid), "4kept").body == "ok");
  moving.socket.reset();
  REQUIRE(moving.server.until([&] { return moving.server.server.connection_count() == 0; }));
  CHECK(moving.peer.get(polling(moving.sid)).body == "4kept");
  WirePeer again(moving.server);
  REQUIRE(again.upgrade(websocket(moving.sid)));
  CHECK(exchange(again, text("2probe") + text("5") + text("4x"), shown("3probe") + shown("4x")));
}

TEST_CASE("whoever comes in the place of a probe that went stays when the session ends") {
  Moving moving;
  CHECK(exchange(moving.socket, text("2probe"), shown("3probe")));
  moving.socket.reset();
  REQUIRE(moving.server.until([&] { return moving.server.server.connection_count() == 0; }));
  WirePeer stranger(moving.server);
  open_websocket(stranger);
  CHECK(moving.peer.post(polling(moving.sid), "1").body == "ok");
  REQUIRE(moving.server.until([&] { return moving.server.engine.socket_count() == 1; }));
  CHECK(exchange(stranger, text("4x"), shown("4x")));
}

TEST_CASE("a session that has moved is none that polls: another one may (209)") {
  Options options;
  options.polling_sessions_per_ip_max = 1;
  options.admission.count_local = true;
  Moving moving(options);
  CHECK(exchange(moving.socket, text("2probe") + text("5") + text("4x"),
                 shown("3probe") + shown("4x")));
  HttpPeer next(moving.server);
  CHECK(next.get(polling()).status == 200);
  CHECK(next.get(polling()).status == 503);
}

TEST_CASE("a silent probe is closed in time, and switched off upgrades at once (229, 236)") {
  Options options;
  options.upgrade_timeout = milliseconds(20);
  {
    Moving moving(options);  // 229
    REQUIRE(moving.socket.until_received(closed.size()));
    CHECK(moving.socket.received == closed);
    moving.server.told_once(Errc::upgrade_timeout);
    CHECK(moving.still_polls());
  }
  options.upgrades = false;
  Moving moving(options);  // 236
  REQUIRE(moving.socket.until_received(closed.size()));
  CHECK(moving.socket.received == closed);
  moving.server.told_once(Errc::upgrade_disabled);
  CHECK(moving.still_polls());
}

TEST_CASE("sessions of every kind, ended in every way, leave nothing behind") {
  Options options;
  options.close_timeout = milliseconds(20);
  enum class Ending { reset, close, server_closes, all_close };
  for (const Ending ending :
       {Ending::reset, Ending::close, Ending::server_closes, Ending::all_close}) {
    EngineServer server(options);
    const Baseline before = server.baseline();
    {
      HttpPeer idle(server);
      HttpPeer waits(server);
      HttpPeer posts(server);
      HttpPeer moves(server);
      WirePeer probes(server);
      WirePeer moved(server);
      WirePeer socket(server);
      open_session(idle);
      const std::string waiting = open_session(waits);
      REQUIRE(waits.ask("GET", polling(waiting)));
      const std::string posting = open_session(posts);
      REQUIRE(posts.send("POST " + polling(posting) +
                         " HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n4x"));
      REQUIRE(probes.upgrade(websocket(open_session(moves))));
      CHECK(exchange(probes, text("2probe"), shown("3probe")));
      REQUIRE(moved.upgrade(websocket(open_session(moves))));
      CHECK(exchange(moved, text("2probe") + text("5"), shown("3probe")));
      open_websocket(socket);
      server.turns();
      CHECK(server.engine.socket_count() == 6);
      switch (ending) {
        case Ending::reset:
          for (WirePeer* each : {&probes, &moved, &socket}) each->reset();
          for (HttpPeer* each : {&idle, &waits, &posts, &moves}) each->reset();
          break;
        case Ending::close: break;
        case Ending::server_closes:
          server.engine.for_each([](Socket& each) { each.close(); });
          break;
        case Ending::all_close: server.engine.close_all(); break;
      }
    }
    // Who is silent now would be found out by the heartbeat.
    server.turns();
    server.engine.for_each([](Socket& each) { each.close(); });
    REQUIRE(server.engine_settles());
    CHECK(server.baseline() == before);
    CHECK(server.engine.metrics().opened == 6);
    CHECK(server.engine.metrics().closed == 6);
  }
}

TEST_CASE("a message from within a handler leaves at once, one from outside with the turn") {
  EngineServer server;
  server.engine.on_open([](Socket& socket) {
    CHECK(socket.is_writable() == (socket.transport() == Transport::websocket));
    CHECK(socket.send_text("welcome") == ws::Sent::accepted);
    CHECK(socket.send_packet("4again") == ws::Sent::accepted);
  });
  WirePeer peer(server);
  REQUIRE(peer.upgrade(websocket()));
  REQUIRE(peer.until_contains(shown("4welcome") + shown("4again")));
  HttpPeer polls(server);
  const std::string sid = open_session(polls);
  CHECK(polls.get(polling(sid)).body ==
        "4welcome\x1e"
        "4again");
}
