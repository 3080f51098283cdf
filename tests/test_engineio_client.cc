// SPDX-License-Identifier: MIT
//
// The client against the real server on the same loop, and against servers that misbehave.

#include "ws/engineio/client.h"

#include "tests/support/engineio_wire.h"
#include "tests/support/raw_server.h"

using namespace hilo;
using namespace hilo::engineio;
using namespace hilo::test;

namespace {

net::Duration milliseconds(std::int64_t count) {
  return net::Duration::milliseconds(count);
}

using Events = std::vector<std::string>;

// A server, and a client that notes what it is told.
struct Pair {
  explicit Pair(Options options = {}, ClientOptions client_options = {})
      : server(std::move(options)), client(server.loop, std::move(client_options)) {
    client.on_open([this](Client& c) { note("open " + std::to_string(c.handshake().sid.size())); })
        .on_message([this](Client&, Message message) {
          note((message.binary ? "binary " : "message ") + std::string(message.text()));
        })
        .on_close([this](Client&, CloseReason reason) {
          note("close: " + std::string(to_string(reason)));
        })
        .on_failed([this](Client&, std::error_code error) { note("failed: " + error.message()); });
  }
  Status connect(std::string_view path = "/engine.io/", Revision revision = Revision::v4) {
    url = "http://" + server.address.to_string();
    return client.connect(
        {.url = url, .path = path, .revision = revision, .transports = Transports::websocket});
  }
  bool until(std::string_view event) {
    return server.until([&] { return !events.empty() && events.back() == event; });
  }
  void note(std::string event) { events.push_back(std::move(event)); }

  EngineServer server;
  std::string url;
  Events events;
  Client client;
};

constexpr std::string_view open_packet =
    "0{\"sid\":\"x\",\"upgrades\":[],\"pingInterval\":20,\"pingTimeout\":20}";

}  // namespace

TEST_CASE("a client opens a session, sends and hears text and binary, and closes") {
  for (const Revision revision : {Revision::v4, Revision::v3}) {
    Pair pair({.revision3 = true});
    const Baseline before = pair.server.baseline();
    REQUIRE(pair.connect("/engine.io/", revision));
    CHECK(pair.connect().error() == std::errc::already_connected);
    CHECK(pair.client.send_text("too early") == ws::Sent::closed);
    REQUIRE(pair.until("open 32"));
    CHECK(pair.client.handshake().payload_bytes_max == 1'000'000);
    CHECK(pair.client.handshake().ping_interval == net::Duration::seconds(25));
    CHECK(pair.client.send_text("h\u00e9llo") == ws::Sent::accepted);
    REQUIRE(pair.until("message h\u00e9llo"));
    CHECK(pair.client.send_packet("4again") == ws::Sent::accepted);
    REQUIRE(pair.until("message again"));
    CHECK(pair.client.send_binary(as_bytes("\x01\x02")) == ws::Sent::accepted);
    REQUIRE(pair.until("binary \x01\x02"));
    CHECK(pair.server.engine.metrics().messages_received == 3);
    pair.client.close();
    CHECK(pair.client.send_text("too late") == ws::Sent::closed);
    REQUIRE(pair.until("close: forced close"));
    REQUIRE(pair.server.engine_settles());
    CHECK(pair.server.events.back() == "close: transport close");
    CHECK(pair.server.baseline() == before);
    // It may come again.
    REQUIRE(pair.connect("/engine.io/", revision));
    REQUIRE(pair.until("open 32"));
    pair.server.engine.close_all();
    REQUIRE(pair.until("close: transport close"));
  }
}

TEST_CASE("heartbeats keep a session of either revision alive") {
  Options options;
  options.ping_interval = milliseconds(10);
  options.ping_timeout = milliseconds(5000);
  options.revision3 = true;
  for (const Revision revision : {Revision::v4, Revision::v3}) {
    Pair pair(options);
    REQUIRE(pair.connect("/engine.io/", revision));
    REQUIRE(pair.until("open 32"));
    const auto received = [&] {
      std::uint64_t bytes = 0;
      pair.server.server.for_each([&](ws::Connection& c) { bytes += c.received_bytes(); });
      return bytes;
    };
    // Each "2" of revision 3 and each "3" of revision 4 is a frame of seven bytes.
    const std::uint64_t before = received();
    REQUIRE(pair.server.until([&] { return received() >= before + 5 * 7; }));
    CHECK(pair.client.is_open());
    CHECK(pair.server.engine.socket_count() == 1);
  }
}

TEST_CASE("what is said to be compressed already leaves as it is") {
  ws::ServerOptions http;
  http.deflate.enabled = true;
  EngineServer server({}, {}, std::move(http));
  Client client(server.loop);
  const std::string url = "http://" + server.address.to_string();
  ConnectOptions connect{.url = url, .transports = Transports::websocket};
  connect.websocket.deflate.enabled = true;
  REQUIRE(client.connect(connect));
  REQUIRE(server.until([&] { return client.is_open(); }));
  const auto bytes_of = [&](bool compress, bool binary) {
    const auto received = [&] {
      std::uint64_t bytes = 0;
      server.server.for_each([&](ws::Connection& c) { bytes += c.received_bytes(); });
      return bytes;
    };
    const std::uint64_t before = received();
    const std::size_t told = server.events.size();
    const std::string text(2000, 'a');
    const ws::SendOptions options{.compress = compress};
    CHECK((binary ? client.send_binary(as_bytes(text), options)
                  : client.send_text(text, options)) == ws::Sent::accepted);
    REQUIRE(server.until([&] { return server.events.size() > told; }));
    return received() - before;
  };
  for (const bool binary : {false, true}) {
    CHECK(bytes_of(true, binary) < 100);
    CHECK(bytes_of(false, binary) > 2000);
  }
}

TEST_CASE("a server that hangs up without a word has closed, and one that resets, too") {
  for (const bool resets : {false, true}) {
    CAPTURE(resets);
    Pair pair;
    RawServer raw;
    pair.url = "http://" + raw.address.to_string();
    REQUIRE(pair.client.connect({.url = pair.url, .transports = Transports::websocket}));
    REQUIRE(pair.server.until([&] { return raw.take_request(); }));
    raw.send(raw.good_answer());
    raw.send(server_frame(0x81, open_packet));
    REQUIRE(pair.server.until([&] { return !pair.events.empty(); }));
    resets ? raw.reset() : raw.hang_up();
    REQUIRE(pair.until("close: transport close"));
  }
}

TEST_CASE("a server that falls silent is found out (207)") {
  for (const Revision revision : {Revision::v4, Revision::v3}) {
    Pair pair;
    pair.server.server.at("/silent").on_open(
        [](ws::Connection& connection) { connection.send_text(open_packet); });
    REQUIRE(pair.connect("/silent", revision));
    REQUIRE(pair.until("close: ping timeout"));
    CHECK(pair.events == Events{"open 1", "close: ping timeout"});
  }
}

TEST_CASE("what is no session fails, with the reason") {
  Pair refused;
  refused.server.engine.allow([](const ws::Request&) { return false; });
  REQUIRE(refused.connect());
  REQUIRE(refused.server.until([&] { return !refused.events.empty(); }));
  CHECK(refused.events[0].starts_with("failed: "));
  CHECK(refused.client.connect({.url = "ftp://a"}).error() == std::errc::invalid_argument);

  Pair late({}, {.open_timeout = milliseconds(20)});
  REQUIRE(late.connect("/mute"));
  REQUIRE(late.until("failed: " + std::make_error_code(std::errc::timed_out).message()));

  for (const std::string_view first :
       {"4hi", "0", "0[]", "0{\"sid\":1}", "0{\"sid\":\"x\",\"pingInterval\":0,\"pingTimeout\":1}",
        "0{\"sid\":\"x\",\"pingInterval\":-1e400,\"pingTimeout\":1}", "0{", "x"}) {
    Pair bad;
    bad.server.server.at("/bad").on_open(
        [first](ws::Connection& connection) { connection.send_text(first); });
    REQUIRE(bad.connect("/bad"));
    REQUIRE(bad.server.until([&] { return !bad.events.empty(); }));
    CHECK(bad.events.size() == 1);
    CHECK(bad.events[0].starts_with("failed: "));
  }
  Pair cancelled;
  REQUIRE(cancelled.connect());
  cancelled.client.close();
  REQUIRE(
      cancelled.until("failed: " + std::make_error_code(std::errc::operation_canceled).message()));
}

TEST_CASE("packets that a server may not send end the session (206)") {
  struct Case {
    Revision revision;
    std::string_view packet;
    std::string_view event;
  };
  for (const Case& each : {Case{Revision::v3, "2", "close: parse error"},
                           Case{Revision::v4, "3", "close: parse error"},
                           Case{Revision::v4, "9", "close: parse error"},
                           Case{Revision::v4, open_packet, "close: parse error"},
                           Case{Revision::v4, "1", "close: transport close"}}) {
    Pair pair;
    pair.server.server.at("/odd").on_open([each](ws::Connection& connection) {
      connection.send_text(open_packet);
      connection.send_text("6");
      connection.send_text(each.packet);
    });
    REQUIRE(pair.connect("/odd", each.revision));
    REQUIRE(pair.until(each.event));
    CHECK(pair.events.size() == 2);
  }
}
