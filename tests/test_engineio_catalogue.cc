// SPDX-License-Identifier: MIT
//
// Bad inputs 197 to 236 where a row has more than one form: each form with its answer, its label,
// its counter and the baseline behind it. (The rest: test_engineio_server_polling.cc and
// test_engineio_server_websocket.cc.)

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/engineio_wire.h"

using namespace hilo;
using namespace hilo::engineio;
using namespace hilo::test;
using Events = std::vector<std::string>;

namespace {

net::Duration milliseconds(std::int64_t count) {
  return net::Duration::milliseconds(count);
}

// Whose sessions are not waited for when it closes them.
struct Row : EngineServer {
  explicit Row(Options options = {}) : EngineServer(quick(std::move(options))) {}
  static Options quick(Options options) {
    options.close_timeout = milliseconds(20);
    return options;
  }
};

// Made before the peers, and so gone behind them: then all must be as it was.
class Unchanged {
 public:
  explicit Unchanged(EngineServer& server) : server_(&server), before_(server.baseline()) {}
  Unchanged(const Unchanged&) = delete;
  Unchanged& operator=(const Unchanged&) = delete;
  ~Unchanged() {
    server_->engine.close_all();
    CHECK(server_->engine_settles());
    CHECK(server_->baseline() == before_);
  }

 private:
  EngineServer* server_;
  Baseline before_;
};

std::string json_of(Errc error) {
  return "{\"code\":" + std::to_string(rule(error).code) + ",\"message\":\"" +
         std::string(rule(error).message) + "\"}";
}

// What is asked costs no session, and is answered with the rule's own words.
void refused(EngineServer& server, HttpPeer& peer, std::string_view method, std::string_view target,
             Errc error, std::string_view fields = {}) {
  CAPTURE(std::string(method));
  CAPTURE(std::string(target.substr(0, 100)));
  const std::uint64_t before = server.engine_rejects(error);
  const std::size_t lines = server.log.size();
  REQUIRE(peer.ask(method, target, {}, fields));
  const HttpPeer::Answer answer = peer.answer();
  CHECK(answer.status == rule(error).status);
  if (rule(error).code >= 0) CHECK(answer.body == json_of(error));
  CHECK(server.engine_rejects(error) == before + 1);
  REQUIRE(server.log.size() == lines + 1);
  CHECK(server.log.back().find("layer=eio reason=" + std::string(rule(error).label)) !=
        std::string::npos);
  CHECK(server.log.back().find(" code=" + std::to_string(rule(error).status)) != std::string::npos);
}

}  // namespace

TEST_CASE("a sid that is none: unknown, gone, of the language's own names, too long (201)") {
  EngineServer server({.close_timeout = milliseconds(20)});
  const Baseline before = server.baseline();
  {
    HttpPeer peer(server);
    const std::string gone = open_session(peer);
    CHECK(peer.post(polling(gone), "1").body == "ok");
    for (const std::string& sid :
         {gone, std::string(28, 'A'), std::string("__proto__"), std::string(4096, 's')}) {
      for (const char* method : {"GET", "POST"}) {
        refused(server, peer, method, polling(sid), Errc::sid_unknown);
      }
    }
    // An empty one is no sid, as for the reference.
    CHECK(peer.get(polling() + "&sid=").body.starts_with("0{\"sid\":"));
    server.engine.close_all();
  }
  REQUIRE(server.engine_settles());
  CHECK(server.baseline() == before);
}

TEST_CASE("a session over a WebSocket is polled and posted to in vain, and lives (202)") {
  Row server;
  const Unchanged unchanged(server);
  HttpPeer socket(server);
  REQUIRE(socket.upgrade(websocket()));
  REQUIRE(socket.until_contains("0{\"sid\":"));
  const std::string sid = sid_of(socket.received);
  HttpPeer peer(server);
  for (const char* method : {"GET", "POST"}) {
    refused(server, peer, method, polling(sid), Errc::transport_mismatch);
  }
  REQUIRE(socket.send(client_frame(0x81, "4still here")));
  CHECK(socket.until_contains("4still here"));
}

TEST_CASE("a request in another revision than the session's costs it nothing, whichever (203)") {
  for (const int revision : {3, 4}) {
    Row server({.revision3 = true});
    const Unchanged unchanged(server);
    HttpPeer peer(server);
    const std::string sid = open_session(peer, revision);
    for (const char* method : {"GET", "POST"}) {
      refused(server, peer, method, polling(sid, 7 - revision), Errc::version_mismatch);
      refused(server, peer, method, "/engine.io/?transport=polling&sid=" + sid,
              Errc::version_mismatch);
    }
    HttpPeer socket(server);
    REQUIRE(socket.send(upgrade_request(websocket(sid, 7 - revision))));
    const HttpPeer::Answer answer = socket.answer();
    CHECK(answer.status == 400);
    CHECK(answer.body == json_of(Errc::version_mismatch));
    CHECK(peer.post(polling(sid, revision), revision == 4 ? "4x" : "2:4x").body == "ok");
    CHECK(server.events.back() == "message x");
  }
}

TEST_CASE("of listed pages each may ask and read, and no other (205)") {
  Options options;
  options.cors.credentials = true;
  {
    // What the options refer to need not live.
    const std::string page = std::string("http://") + "one.example";
    const std::array<std::string_view, 2> pages = {page, "https://two.example"};
    options.cors.origin.allow = ws::OriginPolicy::Allow::listed;
    options.cors.origin.list = pages;
    Row server(options);
    const Unchanged unchanged(server);
    HttpPeer peer(server);
    for (const std::string_view origin : pages) {
      const std::string field = "Origin: " + std::string(origin) + "\r\n";
      const HttpPeer::Answer opened = peer.get(polling(), field);
      const std::string allowed = "Access-Control-Allow-Origin: " + std::string(origin) + "\r\n";
      CHECK(opened.head.find(allowed) != std::string::npos);
      CHECK(opened.head.find("Vary: Origin\r\n") != std::string::npos);
      REQUIRE(
          peer.ask("OPTIONS", polling(), {}, field + "Access-Control-Request-Method: POST\r\n"));
      const HttpPeer::Answer preflight = peer.answer();
      CHECK(preflight.status == 204);
      CHECK(preflight.head.find(allowed) != std::string::npos);
    }
    const HttpPeer::Answer other = peer.get(polling(), "Origin: http://two.example\r\n");
    CHECK(other.head.find("Access-Control-Allow-Origin") == std::string::npos);
    refused(server, peer, "OPTIONS", polling(), Errc::origin, "Origin: http://else.example\r\n");
  }
}

TEST_CASE("the heartbeat's wrong direction ends the session by either transport (206)") {
  for (const int revision : {3, 4}) {
    CAPTURE(revision);
    const std::string packet = revision == 4 ? "2" : "3";
    for (const bool polls : {true, false}) {
      EngineServer server({.revision3 = true});
      const Baseline before = server.baseline();
      {
        HttpPeer peer(server);
        if (polls) {
          const std::string sid = open_session(peer, revision);
          const HttpPeer::Answer answer =
              peer.post(polling(sid, revision), revision == 4 ? packet : "1:" + packet);
          CHECK(answer.status == 400);
          server.told_once(Errc::heartbeat_direction);
          CHECK(server.log.back().find(" code=400") != std::string::npos);
          CHECK(peer.get(polling(sid, revision)).status == 400);
        } else {
          REQUIRE(peer.upgrade(websocket({}, revision)));
          REQUIRE(peer.until_contains("0{\"sid\":"));
          REQUIRE(peer.send(client_frame(0x81, packet)));
          REQUIRE(peer.until_contains(server_frame(0x88, "")));
          server.told_once(Errc::heartbeat_direction);
          CHECK(server.log.back().find(" bytes_in=1 code=1005") != std::string::npos);
        }
        REQUIRE(server.until_event("close: transport error"));
      }
      REQUIRE(server.engine_settles());
      CHECK(server.baseline() == before);
    }
  }
}

TEST_CASE("a heartbeat that does not come ends the session, and the next poll is 400 (207)") {
  for (const int revision : {3, 4}) {
    CAPTURE(revision);
    Row server(
        {.ping_interval = milliseconds(20), .ping_timeout = milliseconds(10), .revision3 = true});
    const Unchanged unchanged(server);
    HttpPeer peer(server);
    const std::string sid = open_session(peer, revision);
    REQUIRE(server.until_event("close: ping timeout"));
    server.told_once(Errc::heartbeat_timeout);
    CHECK(peer.get(polling(sid, revision)).status == 400);
  }
}

TEST_CASE("an octet stream in revision 4 ends the session at once (214)") {
  EngineServer server;
  const Baseline before = server.baseline();
  {
    HttpPeer peer(server);
    const std::string sid = open_session(peer);
    const HttpPeer::Answer answer =
        peer.post(polling(sid), "4x", "Content-Type: application/octet-stream\r\n");
    CHECK(answer.status == 400);
    CHECK(answer.body == json_of(Errc::content_type));
    server.told_once(Errc::content_type);
    REQUIRE(server.until_event("close: transport error"));
    CHECK(server.engine.socket_count() == 0);
  }
  REQUIRE(server.engine_settles());
  CHECK(server.baseline() == before);
}

TEST_CASE("bodies that are too long, cut or too slow: answer, label and counter (215-217)") {
  struct Case {
    std::string_view name;
    std::string body;  // with the field that announces it
    int status;
    std::string_view label;
    bool lives = false;
    bool is_cut = false;
  };
  const Case cases[] = {
      {"announced (215)", "Content-Length: 1001\r\n\r\n", 413, "layer=eio reason=eio_size", true},
      {"in chunks (215)", "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x'), 413,
       "layer=eio reason=eio_size", true},
      {"cut (216)", "Content-Length: 10\r\n\r\n4hell", 400, "layer=http reason=body_incomplete",
       false, true},
      {"slow (217)", "Content-Length: 10\r\n\r\n4", 408, "layer=http reason=body_timeout"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    ws::Limits limits;
    limits.body_timeout = milliseconds(30);
    EngineServer server({.close_timeout = milliseconds(20), .payload_bytes_max = 1000}, limits);
    const Unchanged unchanged(server);
    HttpPeer peer(server);
    const std::string sid = open_session(peer);
    REQUIRE(peer.send("POST " + polling(sid) + " HTTP/1.1\r\nHost: a\r\n" + each.body));
    if (each.is_cut) peer.finish_sending();
    CHECK(peer.answer().status == each.status);
    REQUIRE(peer.until_end());
    REQUIRE(server.log.size() == 1);
    CHECK(server.log[0].find(each.label) != std::string::npos);
    CHECK(server.engine_rejects(Errc::packet_too_big) + server.all_rejects() == 1);
    CHECK(server.engine.socket_count() == std::size_t{each.lives});
    if (!each.lives) CHECK(server.events == Events{"open", "close: transport error"});
  }
}

TEST_CASE("base64 counts as it comes, which is more than it stands for (221)") {
  Row server({.payload_bytes_max = 1000});
  const Unchanged unchanged(server);
  HttpPeer peer(server);
  const std::string sid = open_session(peer);
  const HttpPeer::Answer answer = peer.post(polling(sid), "b" + std::string(1000, 'A'));
  CHECK(answer.status == 413);
  server.told_once(Errc::packet_too_big);
  REQUIRE(peer.until_end());
  HttpPeer again(server);
  CHECK(again.post(polling(sid), "b" + std::string(996, 'A')).body == "ok");
  CHECK(server.events.back() == "binary " + std::string(747, '\0'));
}

TEST_CASE("what was accepted and never fetched is counted (226)") {
  Row server;
  const Unchanged unchanged(server);
  server.echoes = false;
  HttpPeer peer(server);
  const std::string sid = open_session(peer);
  CHECK(peer.post(polling(sid), "4x").body == "ok");
  Socket* const socket = server.engine.find(server.last);
  REQUIRE(socket != nullptr);
  for (const char* text : {"one", "two", "three"}) {
    CHECK(socket->send_text(text) == ws::Sent::accepted);
  }
  // Gone in the middle of a POST: nobody comes for them.
  REQUIRE(peer.send("POST " + polling(sid) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n4"));
  peer.finish_sending();
  REQUIRE(server.until_event("close: transport error"));
  CHECK(server.engine.metrics().packets_lost == 3);
}

TEST_CASE("other methods are 405, and the session lives (227)") {
  Row server;
  const Unchanged unchanged(server);
  HttpPeer peer(server);
  const std::string sid = open_session(peer);
  for (const char* method : {"PUT", "DELETE", "PATCH"}) {
    refused(server, peer, method, polling(sid), Errc::method_not_allowed);
  }
  CHECK(server.engine.socket_count() == 1);
}

TEST_CASE("whatever comes first on a WebSocket for a sid and is no probe closes it alone (230)") {
  Row server;
  const Unchanged unchanged(server);
  HttpPeer peer(server);
  const std::string sid = open_session(peer);
  for (const std::string& frame :
       {client_frame(0x81, "4hi"), client_frame(0x81, "5"), client_frame(0x82, "bytes"),
        client_frame(0x81, "2"), client_frame(0x81, "2prob")}) {
    HttpPeer socket(server);
    REQUIRE(socket.upgrade(websocket(sid)));
    REQUIRE(socket.send(frame));
    CHECK(socket.until_contains(server_frame(0x88, "")));
  }
  CHECK(server.engine_rejects(Errc::upgrade_probe) == 5);
  CHECK(peer.post(polling(sid), "4x").body == "ok");
  CHECK(peer.get(polling(sid)).body == "4x");
  CHECK(server.engine.socket_count() == 1);
}
