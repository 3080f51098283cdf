// SPDX-License-Identifier: MIT
//
// Engine.IO by polling over real sockets: the rows 197 to 228 of the catalogue, and what the
// official suites ask.

#include <algorithm>
#include <array>

#include "tests/support/engineio_wire.h"

using namespace hilo;
using namespace hilo::engineio;
using namespace hilo::test;

namespace {

std::string json(int code, std::string_view message) {
  return "{\"code\":" + std::to_string(code) + ",\"message\":\"" + std::string(message) + "\"}";
}

net::Duration milliseconds(std::int64_t count) {
  return net::Duration::milliseconds(count);
}

using Events = std::vector<std::string>;

constexpr std::string_view octets = "Content-Type: application/octet-stream\r\n";

// One request that is refused: its answer, the log, the counter, and nothing left.
void refused(std::string_view method, const std::string& target, int status, std::string_view body,
             Errc error, Options options = {}) {
  CAPTURE(target);
  EngineServer server(std::move(options));
  const Baseline before = server.baseline();
  {
    HttpPeer peer(server);
    REQUIRE(peer.ask(method, target, "x"));
    const HttpPeer::Answer answer = peer.answer();
    CHECK(answer.status == status);
    CHECK(answer.body == body);
    CHECK(answer.head.find("Access-Control") == std::string::npos);
    server.told_once(error);
  }
  REQUIRE(server.engine_settles());
  CHECK(server.baseline() == before);
  CHECK(server.events.empty());
}

}  // namespace

TEST_CASE("a session opens by polling, echoes what a POST brings, and ends with a 1 (228)") {
  EngineServer server;
  const Baseline before = server.baseline();
  {
    HttpPeer fetch(server);
    HttpPeer posts(server);
    const HttpPeer::Answer open = fetch.get(polling());
    CHECK(open.status == 200);
    CHECK(open.head.find("Content-Type: text/plain; charset=UTF-8\r\n") != std::string::npos);
    const std::string sid = sid_of(open.body);
    CHECK(open.body == "0{\"sid\":\"" + sid +
                           "\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
                           "\"pingTimeout\":20000,\"maxPayload\":1000000}");
    const HttpPeer::Answer ok = posts.post(polling(sid), "4hello");
    CHECK(ok.status == 200);
    CHECK(ok.body == "ok");
    CHECK(ok.head.find("Content-Type: text/html\r\n") != std::string::npos);
    CHECK(fetch.get(polling(sid)).body == "4hello");
    CHECK(posts
              .post(polling(sid),
                    "4test1\x1e"
                    "4test2\x1e"
                    "4test3")
              .body == "ok");
    CHECK(fetch.get(polling(sid)).body ==
          "4test1\x1e"
          "4test2\x1e"
          "4test3");
    CHECK(posts
              .post(polling(sid),
                    "4hello\x1e"
                    "bAQIDBA==")
              .body == "ok");
    CHECK(fetch.get(polling(sid)).body ==
          "4hello\x1e"
          "bAQIDBA==");
    // A GET that waits is answered as soon as there is something.
    REQUIRE(fetch.ask("GET", polling(sid)));
    server.turns();
    CHECK(posts.post(polling(sid), "4later").body == "ok");
    CHECK(fetch.answer().body == "4later");
    REQUIRE(fetch.ask("GET", polling(sid)));
    server.turns();
    CHECK(posts.post(polling(sid), "1").body == "ok");
    CHECK(fetch.answer().body == "6");
    CHECK(fetch.get(polling(sid)).body == json(1, "Session ID unknown"));
    CHECK(server.engine.metrics().opened == 1);
    CHECK(server.engine.metrics().closed == 1);
    CHECK(server.events.back() == "close: transport close");
  }
  REQUIRE(server.engine_settles());
  CHECK(server.baseline() == before);
}

TEST_CASE("what cannot open a session is told why (197-201, 204)") {
  const std::string version = json(5, "Unsupported protocol version");
  for (const char* eio : {"", "EIO=abc&", "EIO=2&", "EIO=5&", "EIO=3&"}) {
    refused("GET", std::string("/engine.io/?") + eio + "transport=polling", 400, version,
            Errc::version_unsupported);  // 197
  }
  const std::string transport = json(0, "Transport unknown");
  for (const char* name : {"", "&transport=abc", "&transport=__proto__"}) {
    refused("GET", std::string("/engine.io/?EIO=4") + name, 400, transport,
            Errc::transport_unknown);  // 198
  }
  refused("GET", websocket(), 400, json(3, "Bad request"), Errc::transport_handshake);  // 199
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
    refused(method, polling(), 400, json(2, "Bad handshake method"),
            Errc::method_handshake);  // 200
  }
  const std::string unknown = json(1, "Session ID unknown");
  const std::string sids[] = {"abc", "__proto__", std::string(4096, 'a'), std::string(32, 'A')};
  for (const std::string& sid : sids) {
    refused("GET", polling(sid), 400, unknown, Errc::sid_unknown);  // 201
  }
  refused("POST", polling("abc"), 400, unknown, Errc::sid_unknown);
  EngineServer server;
  HttpPeer peer(server);
  CHECK(peer.get(polling() + "&sid=").status == 200);  // 201: empty is none
  CHECK(peer.get("/engine.io?EIO=4&transport=polling").status == 200);
}

TEST_CASE("who guesses sids is told to wait, and nobody else is (201)") {
  Options options;
  options.admission.count_local = true;
  EngineServer server(options);
  HttpPeer peer(server);
  const std::string sid = open_session(peer);
  for (int i = 0; i < 10; ++i) CHECK(peer.get(polling("abc")).status == 400);
  CHECK(peer.get(polling("abc")).status == 429);
  CHECK(server.engine_rejects(Errc::sid_unknown) == 10);
  CHECK(server.engine_rejects(Errc::sid_flood) == 1);
  CHECK(peer.post(polling(sid), "4x").body == "ok");

  constexpr net::Duration window = net::Duration::seconds(10);
  SidMisses misses(10, window);
  const auto address = [](std::uint8_t last) {
    const std::array<std::uint8_t, 4> ip{192, 0, 2, last};
    return net::PeerAddress::from_bytes(net::Family::ipv4, ip, 1);
  };
  net::Time now{};
  for (int i = 0; i < 10; ++i) CHECK(misses.count(address(1), now));
  CHECK_FALSE(misses.count(address(1), now));
  CHECK(misses.count(address(2), now));
  CHECK(misses.count(address(1), now + window));
}

TEST_CASE("how many sids may be guessed is an option") {
  Options options;
  options.admission.count_local = true;
  options.sid_misses_max = 2;
  EngineServer server(options);
  HttpPeer peer(server);
  for (const int status : {400, 400, 429, 429}) CHECK(peer.get(polling("abc")).status == status);
}

TEST_CASE("a parameter that is there twice is read by nobody (65)") {
  const std::string bad = json(3, "Bad request");
  for (const char* more : {"&EIO=4", "&EIO=3", "&transport=polling", "&transport=websocket",
                           "&sid=a&sid=b", "&s%69d=a&sid=a"}) {
    refused("GET", polling() + more, 400, bad, Errc::query_repeated);
    refused("POST", polling() + more, 400, bad, Errc::query_repeated);
  }
}

TEST_CASE("the application may refuse a session (204)") {
  EngineServer server;
  server.engine.allow(
      [](const ws::Request& request) { return request.header("X-Key").has_value(); });
  HttpPeer peer(server);
  const HttpPeer::Answer no = peer.get(polling());
  CHECK(no.status == 403);
  CHECK(no.body == json(4, "Forbidden"));
  server.told_once(Errc::refused);
  CHECK(server.engine.socket_count() == 0);
  CHECK(peer.get(polling(), "X-Key: 1\r\n").status == 200);
}

TEST_CASE("requests for a session of another kind leave it alone (203, 210, 227)") {
  EngineServer server({.revision3 = true});
  HttpPeer peer(server);
  const std::string sid = open_session(peer);
  CHECK(peer.get(polling(sid, 3)).body == json(5, "Unsupported protocol version"));  // 203
  server.told_once(Errc::version_mismatch);
  CHECK(peer.get(websocket(sid)).body == json(3, "Bad request"));
  for (const char* method : {"PUT", "DELETE", "HEAD"}) {
    REQUIRE(peer.ask(method, polling(sid)));
    const std::string head = peer.until_contains("\r\n\r\n") ? peer.received : "";
    CHECK(head.starts_with("HTTP/1.1 405 "));  // 227
    CHECK(head.find("Allow: GET, POST, OPTIONS\r\n") != std::string::npos);
    REQUIRE(peer.until_contains(method == std::string_view("HEAD") ? "\r\n\r\n" : "spoken here\n"));
    peer.received.clear();
  }
  CHECK(peer.post(polling(sid) + "&t=..%2F__proto__&b64=1", "4x").body == "ok");  // 210
  CHECK(peer.get(polling(sid)).body == "4x");
  CHECK(server.engine.socket_count() == 1);
}

TEST_CASE("pages of other origins: no word by default, 204 only where it is allowed (205)") {
  const std::string_view origin = "Origin: http://else.example\r\n";
  const std::string_view preflight =
      "Origin: http://else.example\r\nAccess-Control-Request-Method: POST\r\n";
  {
    EngineServer server;
    HttpPeer peer(server);
    CHECK(peer.get(polling(), origin).head.find("Access-Control") == std::string::npos);
    REQUIRE(peer.ask("OPTIONS", polling(), {}, preflight));
    const HttpPeer::Answer no = peer.answer();
    CHECK(no.status == 403);
    CHECK(no.head.find("Access-Control") == std::string::npos);
    server.told_once(Errc::origin);
  }
  Options options;
  options.cors.origin.allow = ws::OriginPolicy::Allow::any;
  {
    EngineServer server(options);
    HttpPeer peer(server);
    const HttpPeer::Answer open = peer.get(polling(), origin);
    CHECK(open.head.find("Access-Control-Allow-Origin: *\r\n") != std::string::npos);
    REQUIRE(peer.ask("OPTIONS", polling(), {}, preflight));
    const HttpPeer::Answer yes = peer.answer();
    CHECK(yes.status == 204);
    CHECK(yes.head.find("Access-Control-Allow-Methods: GET, POST\r\n") != std::string::npos);
    // The answer to a GET that waited has it, too.
    const std::string sid = sid_of(open.body);
    HttpPeer posts(server);
    REQUIRE(peer.ask("GET", polling(sid), {}, origin));
    server.turns();
    CHECK(posts.post(polling(sid), "4x").head.find("Access-Control-Allow-Origin: *\r\n") !=
          std::string::npos);
    CHECK(peer.answer().head.find("Access-Control-Allow-Origin: *\r\n") != std::string::npos);
    // And so has a refusal, or no page could see why.
    for (const std::string& target : {polling("nobody"), polling(sid) + "&transport=x"}) {
      const HttpPeer::Answer refused = posts.get(target, origin);
      CHECK(refused.status == 400);
      CHECK(refused.head.find("Access-Control-Allow-Origin: *\r\n") != std::string::npos);
    }
    const HttpPeer::Answer broken = posts.post(polling(sid), "no packet", origin);
    CHECK(broken.status == 400);
    CHECK(broken.head.find("Access-Control-Allow-Origin: *\r\n") != std::string::npos);
  }
  options.cors.credentials = true;
  EngineServer server(options);
  HttpPeer peer(server);
  const std::string head = peer.get(polling(), origin).head;
  CHECK(head.find("Access-Control-Allow-Origin: http://else.example\r\nVary: Origin\r\n"
                  "Access-Control-Allow-Credentials: true\r\n") != std::string::npos);
}

TEST_CASE("the answer that opens a session may carry a cookie and fields of the application's") {
  EngineServer server({.cookie = {.name = "io"}});
  server.engine.on_initial_headers([](const ws::Request&, std::vector<ws::Field>& fields) {
    fields.push_back({"X-Mine", "yes"});
  });
  HttpPeer peer(server);
  const HttpPeer::Answer open = peer.get(polling());
  CHECK(open.head.find("Set-Cookie: io=" + sid_of(open.body) +
                       "; Path=/; HttpOnly; SameSite=Lax\r\nX-Mine: yes\r\n") != std::string::npos);
}

TEST_CASE("the cookie is what its options say") {
  EngineServer server({.cookie = {.name = "io",
                                  .path = "/app",
                                  .domain = "example.com",
                                  .max_age = net::Duration::seconds(60),
                                  .same_site = SameSite::none,
                                  .http_only = false,
                                  .secure = true}});
  HttpPeer peer(server);
  const HttpPeer::Answer open = peer.get(polling());
  CHECK(open.head.find("Set-Cookie: io=" + sid_of(open.body) +
                       "; Path=/app; Domain=example.com; Max-Age=60; SameSite=None; Secure\r\n") !=
        std::string::npos);
}

TEST_CASE("a field that cannot be sent costs the answer, and is no lack of room") {
  EngineServer server;
  server.engine.on_initial_headers([](const ws::Request&, std::vector<ws::Field>& fields) {
    fields.push_back({"X-Split", "a\r\nb: c"});
  });
  HttpPeer peer(server);
  CHECK(peer.get(polling()).status == 500);
  CHECK(server.engine_rejects(Errc::server_full) == 0);
  REQUIRE(server.until([&] { return server.engine.socket_count() == 0; }));
}

TEST_CASE("the heartbeat's wrong direction ends the session (206)") {
  for (const int revision : {4, 3}) {
    EngineServer server({.revision3 = true});
    HttpPeer peer(server);
    const std::string sid = open_session(peer, revision);
    const HttpPeer::Answer answer = peer.post(polling(sid, revision), revision == 4 ? "2" : "1:3");
    CHECK(answer.status == 400);
    server.told_once(Errc::heartbeat_direction);
    CHECK(peer.get(polling(sid, revision)).status == 400);
    CHECK(server.events == Events{"open", "close: transport error"});
  }
}

TEST_CASE("a silent client is gone after its time, and so are a thousand (207, 209)") {
  Options options;
  options.ping_interval = milliseconds(30);
  options.ping_timeout = milliseconds(20);
  options.revision3 = true;
  for (const int revision : {4, 3}) {
    EngineServer server(options);
    HttpPeer peer(server);
    const Baseline before = server.baseline();
    const std::string sid = open_session(peer, revision);
    REQUIRE(server.until_event("close: ping timeout"));
    server.told_once(Errc::heartbeat_timeout);
    CHECK(peer.get(polling(sid, revision)).status == 400);
    CHECK(server.engine.socket_count() == 0);
    CHECK(server.baseline().timers <= before.timers + 1);  // that of the HTTP connection
  }
  EngineServer server(options);
  HttpPeer peer(server);
  const std::size_t timers = server.baseline().timers;
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += "GET " + polling() + " HTTP/1.1\r\nHost: a\r\n\r\n";
  REQUIRE(peer.send(requests));
  REQUIRE(server.until([&] { return server.engine.metrics().opened == 1000; }));
  REQUIRE(server.until([&] { return server.engine.socket_count() == 0; }));
  CHECK(server.engine.metrics().closed == 1000);
  CHECK(server.baseline().timers <= timers + 1);
}

TEST_CASE("sessions that poll are limited per address (209)") {
  Options options;
  options.polling_sessions_per_ip_max = 2;
  options.admission.count_local = true;
  EngineServer server(options);
  HttpPeer peer(server);
  const std::string sid = open_session(peer);
  CHECK(peer.get(polling()).status == 200);
  CHECK(peer.get(polling()).status == 503);
  server.told_once(Errc::server_full);
  CHECK(peer.post(polling(sid), "1").body == "ok");
  CHECK(peer.get(polling()).status == 200);
}

TEST_CASE("revision 4: pings come in time, and pongs keep the session (207)") {
  Options options;
  options.ping_interval = milliseconds(20);
  options.ping_timeout = milliseconds(5000);
  EngineServer server(options);
  HttpPeer peer(server);
  const std::string sid = open_session(peer);
  for (int round = 0; round < 3; ++round) {
    CHECK(peer.get(polling(sid)).body == "2");
    CHECK(peer.post(polling(sid), "3").body == "ok");
  }
  CHECK(server.engine.socket_count() == 1);
}

TEST_CASE(
    "payloads that are wrong cost the session, with one word to their sender (211, 214, 218-223, "
    "225)") {
  struct Case {
    int revision;
    std::string body;
    Errc error;
    std::string_view fields = {};
  };
  std::string many = "4";
  for (int i = 0; i < 4096; ++i)
    many +=
        "\x1e"
        "4";
  const Case cases[] = {
      {4, "abc", Errc::packet_type},  // 211
      {4,
       "4a\x1e\x1e"
       "4b",
       Errc::packet_empty},                   // 218
      {4, "", Errc::packet_empty},            // 218
      {4, many, Errc::payload_packets},       // 219
      {4, "bAQ=", Errc::packet_base64},       // 220
      {4, "4\xff", Errc::payload_utf8},       // 222
      {4, "4x", Errc::content_type, octets},  // 214
      {4, "0", Errc::packet_unexpected},
      {3, "5:4ab", Errc::payload_length},  // 223
      {3, "99999999999999999999:4", Errc::payload_length},
      {3,
       std::string("\x02\x01\xff"
                   "4"),
       Errc::payload_frame, octets},  // 225
      {3,
       std::string("\x00\x0b\xff"
                   "4",
                   4),
       Errc::payload_length, octets},
  };
  for (const Case& each : cases) {
    CAPTURE(each.body.substr(0, 20));
    EngineServer server({.revision3 = true});
    const Baseline before = server.baseline();
    {
      HttpPeer fetch(server);
      HttpPeer posts(server);
      const std::string sid = open_session(fetch, each.revision);
      REQUIRE(fetch.ask("GET", polling(sid, each.revision)));
      server.turns();
      const HttpPeer::Answer no = posts.post(polling(sid, each.revision), each.body, each.fields);
      CHECK(no.status == 400);
      CHECK(no.body == json(3, "Bad request"));
      server.told_once(each.error);
      CHECK(fetch.answer().body == (each.revision == 4 ? "1" : "1:1"));
      CHECK(fetch.get(polling(sid, each.revision)).status == 400);
      // Nothing of a payload with a mistake in it was heard of.
      REQUIRE(server.events.size() == 2);
      CHECK(server.events[1].starts_with("close: "));
    }
    REQUIRE(server.engine_settles());
    CHECK(server.baseline() == before);
  }
}

TEST_CASE("who comes to fetch the end of a session is waited for, and not for ever") {
  EngineServer server;
  HttpPeer waits(server);
  HttpPeer between(server);
  const std::string first = open_session(waits);
  const std::string second = open_session(between);
  REQUIRE(waits.ask("GET", polling(first)));
  server.turns();
  int told = 0;
  server.engine.drain();
  server.engine.when_told(net::Duration::seconds(60), [&] { ++told; });
  CHECK(waits.answer().body == "1");
  server.turns();
  CHECK(told == 0);
  CHECK(between.get(polling(second)).body == "1");
  REQUIRE(server.until([&] { return told == 1; }));
  server.engine.when_told(net::Duration::seconds(60), [&] { ++told; });
  REQUIRE(server.until([&] { return told == 2; }));

  EngineServer patient;
  HttpPeer gone(patient);
  open_session(gone);
  patient.engine.drain();
  patient.engine.when_told(net::Duration::milliseconds(10), [&] { ++told; });
  REQUIRE(patient.until([&] { return told == 3; }));
}

TEST_CASE("two GETs or two POSTs at once end the session (212, 213)") {
  EngineServer server;
  const Baseline before = server.baseline();
  {
    HttpPeer first(server);
    HttpPeer second(server);
    std::string sid = open_session(first);
    REQUIRE(first.ask("GET", polling(sid)));
    server.turns();
    CHECK(second.get(polling(sid)).status == 400);
    server.told_once(Errc::poll_overlap);
    const HttpPeer::Answer closed = first.answer();
    CHECK(closed.status == 200);
    CHECK(closed.body == "1");
    CHECK(second.get(polling(sid)).body == json(1, "Session ID unknown"));

    sid = open_session(first);
    const std::string head =
        "POST " + polling(sid) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n4he";
    REQUIRE(first.send(head));
    server.turns();
    CHECK(second.post(polling(sid), "4x").status == 400);
    CHECK(server.engine_rejects(Errc::post_overlap) == 1);
    REQUIRE(first.send("llo"));
    CHECK(first.answer().status == 400);
    CHECK(server.events.back() == "close: transport error");
  }
  REQUIRE(server.engine_settles());
  CHECK(server.baseline() == before);
}

TEST_CASE("bodies that are too long, cut or too slow reach nobody (215-217, 226)") {
  ws::Limits limits;
  limits.body_timeout = milliseconds(30);
  EngineServer server({}, limits);
  const Baseline before = server.baseline();
  const auto post = [](const std::string& sid, std::string_view fields) {
    return "POST " + polling(sid) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
  };
  {
    HttpPeer peer(server);  // 215, before any of it was read; the session lives
    const std::string sid = open_session(peer);
    REQUIRE(peer.send(post(sid, "Content-Length: 1000001\r\n")));
    const HttpPeer::Answer too_long = peer.answer();
    CHECK(too_long.status == 413);
    CHECK(too_long.body.empty());
    server.told_once(Errc::packet_too_big);
    REQUIRE(peer.until_end());
    HttpPeer chunked(server);  // 215, when it turns out
    REQUIRE(chunked.send(post(sid, "Transfer-Encoding: chunked\r\n") + "f4241\r\n" +
                         std::string(1'000'001, 'x')));
    CHECK(chunked.answer().status == 413);
    CHECK(server.engine_rejects(Errc::packet_too_big) == 2);
    REQUIRE(chunked.until_end());
    HttpPeer after(server);
    CHECK(after.post(polling(sid), "1").body == "ok");
  }
  {
    HttpPeer peer(server);  // 216
    const std::string sid = open_session(peer);
    REQUIRE(peer.send(post(sid, "Content-Length: 10\r\n") + "4hell"));
    peer.finish_sending();
    REQUIRE(peer.until_end());
    CHECK(server.engine.socket_count() == 0);
  }
  {
    HttpPeer peer(server);  // 217
    const std::string sid = open_session(peer);
    REQUIRE(peer.send(post(sid, "Content-Length: 10\r\n") + "4"));
    CHECK(peer.answer().status == 408);
  }
  {
    HttpPeer peer(server);  // 226
    const std::string sid = open_session(peer);
    REQUIRE(peer.ask("GET", polling(sid)));
    server.turns();
    peer.close();
    REQUIRE(server.until_event("close: transport error"));
  }
  REQUIRE(server.engine_settles());
  CHECK(server.baseline() == before);
  for (const std::string& event : server.events) CHECK_FALSE(event.starts_with("message"));
}

TEST_CASE("revision 3 speaks its two framings (224)") {
  EngineServer server({.revision3 = true});
  HttpPeer peer(server);
  std::string sid = open_session(peer, 3, "&b64=1");
  CHECK(peer.post(polling(sid, 3), "2:4\u00bc3:4\U0001F600").body == "ok");
  CHECK(peer.get(polling(sid, 3)).body == "2:4\u00bc3:4\U0001F600");
  CHECK(peer.post(polling(sid, 3), "6:4hello10:b4AQIDBA==").body == "ok");
  CHECK(peer.get(polling(sid, 3)).body == "6:4hello10:b4AQIDBA==");
  CHECK(peer.post(polling(sid, 3), "1:2").body == "ok");
  CHECK(peer.get(polling(sid, 3)).body == "1:3");

  const HttpPeer::Answer open = peer.get(polling({}, 3));
  CHECK(open.body.substr(0, open.body.find(':')) ==
        std::to_string(open.body.size() - open.body.find(':') - 1));
  sid = sid_of(open.body);
  const std::string both(
      "\x00\x06\xff"
      "4hello\x01\x05\xff\x04\x01\x02\x03\x04",
      17);
  CHECK(peer.post(polling(sid, 3), both, octets).body == "ok");
  const HttpPeer::Answer answer = peer.get(polling(sid, 3));
  CHECK(answer.body == both);
  CHECK(answer.head.find("Content-Type: application/octet-stream\r\n") != std::string::npos);
}

TEST_CASE("the oldest clients get binary bodies, and their doubled UTF-8 is understood") {
  EngineServer server({.revision3 = true, .framing3 = Framing3::binary, .double_utf8 = true});
  HttpPeer peer(server);
  const HttpPeer::Answer open = peer.get(polling({}, 3));
  CHECK(open.head.find("application/octet-stream") != std::string::npos);
  const std::string sid = sid_of(open.body);
  CHECK(peer.post(polling(sid, 3), "4:4a\u00c3\u00a9").body == "ok");
  CHECK(server.events.back() == "message a\u00e9");
  CHECK(peer.get(polling(sid, 3)).body == std::string("\x00\x04\xff"
                                                      "4a\u00e9",
                                                      7));
  // What looks doubled behind text that cannot be is what a client of Socket.IO 2 means.
  HttpPeer later(server);
  const std::string second = open_session(later, 3);
  const std::string doubled = "4:4a\u00c3\u00a9";
  CHECK(later.post(polling(second, 3), "2:4a" + doubled + "3:4a\u20ac" + doubled).body == "ok");
  CHECK(server.events.back() == "message a\u00c3\u00a9");
  CHECK(server.events[server.events.size() - 2] == "message a\u20ac");
  CHECK(server.events[server.events.size() - 3] == "message a\u00e9");
}

TEST_CASE(
    "closing sends what was sent before, tells at once, and waits for the client's next GET") {
  EngineServer server;
  server.echoes = false;
  const Baseline before = server.baseline();
  {
    HttpPeer peer(server);
    const std::string sid = open_session(peer);
    CHECK(peer.post(polling(sid), "4hi").body == "ok");
    Socket* const socket = server.engine.find(server.last);
    REQUIRE(socket != nullptr);
    CHECK(socket->sid() == sid);
    CHECK_FALSE(socket->is_writable());
    CHECK(socket->send_text("bye") == ws::Sent::accepted);
    socket->close();
    CHECK(socket->send_text("more") == ws::Sent::closed);
    CHECK(server.events.back() == "message hi");
    server.turns();
    CHECK(server.events.back() == "close: forced close");
    CHECK(server.engine.find(server.last) == nullptr);
    CHECK(server.engine.socket_count() == 1);
    CHECK(peer.get(polling(sid)).body ==
          "4bye\x1e"
          "1");
    CHECK(peer.get(polling(sid)).status == 400);

    const std::string other = open_session(peer);
    REQUIRE(peer.ask("GET", polling(other)));
    server.turns();
    server.engine.close_all();
    CHECK(peer.answer().body == "1");
    CHECK(server.events.back() == "close: server shutting down");
    CHECK(peer.get(polling()).status == 503);
  }
  REQUIRE(server.engine_settles());
  CHECK(server.baseline() == before);
}

TEST_CASE("whoever does not fetch is gone when its queue is full") {
  Options options;
  options.queue_bytes_max = 1000;
  EngineServer server(options);
  server.echoes = false;
  HttpPeer peer(server);
  const std::string sid = open_session(peer);
  CHECK(peer.post(polling(sid), "4hi").body == "ok");
  Socket* const socket = server.engine.find(server.last);
  REQUIRE(socket != nullptr);
  CHECK(socket->send_text(std::string(900, 'x')) == ws::Sent::accepted);
  CHECK(socket->buffered_bytes() > 900);
  CHECK(socket->send_text(std::string(900, 'x')) == ws::Sent::closed);
  server.told_once(Errc::queue_full);
  server.turns();
  CHECK(server.events.back() == "close: transport error");
  CHECK(server.engine.metrics().packets_lost == 1);
}

TEST_CASE("when memory is short, sessions that hold most of it are ended, and nobody else (159)") {
  ws::Limits limits;
  limits.memory_bytes_max = std::size_t{2} << 20;
  for (const bool in_bodies : {false, true}) {
    CAPTURE(in_bodies);
    EngineServer server({.close_timeout = milliseconds(5)}, limits);
    const Baseline before = server.baseline();
    std::vector<std::unique_ptr<HttpPeer>> peers;
    WirePeer honest(server);
    REQUIRE(honest.upgrade());
    REQUIRE(honest.send(client_frame(0x81, std::string(100, 'h')).substr(0, 90)));
    for (int i = 0; i < 30; ++i) {
      peers.push_back(std::make_unique<HttpPeer>(server));
      const std::string sid = sid_of(peers.back()->get(polling()).body);
      if (!in_bodies) continue;
      static_cast<void>(peers.back()->send(
          "POST " + polling(sid) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n4" +
          std::string(99'000, 'b')));
    }
    if (!in_bodies) {
      server.engine.for_each([](Socket& socket) {
        CHECK(socket.send_text(std::string(100'000, 'q')) == ws::Sent::accepted);
      });
    }
    REQUIRE(server.until([&] { return server.engine_rejects(Errc::memory_pressure) >= 10; }));
    REQUIRE(
        server.until([&] { return server.loop.pool().taken_bytes() <= limits.memory_bytes_max; }));
    CHECK(server.engine.socket_count() > 5);
    CHECK(server.rejects(ws::Errc::memory_pressure) == 0);
    CHECK(std::count(server.events.begin(), server.events.end(), "close: transport error") >= 10);
    honest.received.clear();
    REQUIRE(honest.send(client_frame(0x81, std::string(100, 'h')).substr(90)));
    REQUIRE(honest.until_received(2 + 100));
    peers.clear();
    honest.reset();
    server.engine.close_all();
    CHECK(server.until([&] { return server.baseline() == before; }));
  }
}

TEST_CASE("a handler that throws costs its session, and a server that goes answers who waits") {
  auto server = std::make_unique<EngineServer>();
  HttpPeer peer(*server);
  WirePeer socket(*server);
  {
    Server second{server->server, "/second"};
    REQUIRE(socket.upgrade("/second/?EIO=4&transport=websocket"));
    REQUIRE(socket.until_contains("\"maxPayload\":1000000}"));
    socket.received.clear();
    second.on_message([](Socket&, Message) { throw 1; });
    std::string sid = sid_of(peer.get("/second/?EIO=4&transport=polling").body);
    CHECK(peer.post("/second/?EIO=4&transport=polling&sid=" + sid, "4x").body == "ok");
    CHECK(peer.get("/second/?EIO=4&transport=polling&sid=" + sid).status == 400);
    sid = sid_of(peer.get("/second?EIO=4&transport=polling").body);
    REQUIRE(peer.ask("GET", "/second?EIO=4&transport=polling&sid=" + sid));
    server->turns();
  }
  CHECK(peer.answer().status == 503);
  REQUIRE(socket.until_received(4));
  CHECK(socket.received == server_frame(0x88, close_body(1001)));
  CHECK(peer.get("/second?EIO=4&transport=polling").status == 404);
  CHECK(peer.get(polling()).status == 200);
}
