// SPDX-License-Identifier: MIT
//
// The client by polling and through its upgrade: against the real server on the same loop, and
// against servers that say whatever a test wants.

#include "ws/engineio/client.h"

#include <array>
#include <cstdio>
#include <memory>

#include "tests/support/engineio_wire.h"
#include "tests/support/raw_server.h"

using namespace hilo;
using namespace hilo::engineio;
using namespace hilo::test;

namespace {

using Events = std::vector<std::string>;

net::Duration milliseconds(std::int64_t count) {
  return net::Duration::milliseconds(count);
}

// A server, and a client that notes what it is told.
struct Pair {
  explicit Pair(Options options = {}, ClientOptions client_options = {})
      : server(std::move(options)),
        url("http://" + server.address.to_string()),
        client(std::make_unique<Client>(server.loop, std::move(client_options))) {
    client->on_open([this](Client&) { note("open"); })
        .on_message([this](Client&, Message message) {
          note((message.binary ? "binary " : "message ") + std::string(message.text()));
        })
        .on_upgraded([this](Client&) { note("upgraded"); })
        .on_close([this](Client&, CloseReason reason) {
          note("close: " + std::string(to_string(reason)));
        })
        .on_failed([this](Client&, std::error_code error) {
          why = error;
          note("failed");
        });
  }
  Status connect(Transports transports = Transports::polling, Revision revision = Revision::v4) {
    return client->connect({.url = url, .revision = revision, .transports = transports});
  }
  bool until(std::string_view event) {
    return server.until([&] { return !events.empty() && events.back() == event; });
  }
  bool until_end() {
    return server.until([&] {
      return !events.empty() && (events.back() == "failed" || events.back().starts_with("close"));
    });
  }
  void note(std::string event) { events.push_back(std::move(event)); }

  EngineServer server;
  std::string url;
  Events events;
  std::error_code why;
  std::unique_ptr<Client> client;
};

Options both_revisions() {
  Options options;
  options.revision3 = true;
  return options;
}

constexpr std::string_view open_packet =
    "0{\"sid\":\"x&y\",\"upgrades\":[],\"pingInterval\":20000,\"pingTimeout\":20000,"
    "\"maxPayload\":10}";

std::string answer_of(std::string_view body, std::string_view fields = {},
                      std::string_view status = "200 OK") {
  std::string text = "HTTP/1.1 " + std::string(status) + "\r\n" + std::string(fields);
  return text.append("Content-Length: " + std::to_string(body.size()) + "\r\n\r\n").append(body);
}

// A client that polls, and bytes for it.
struct Raw : Pair {
  explicit Raw(ClientOptions options = {}) : Pair({}, std::move(options)) {
    url = "http://127.0.0.1:" + std::to_string(raw.address.port());
  }
  bool asked() {
    return server.until([&] { return raw.take_request(); });
  }
  bool told(std::size_t count) {
    return server.until([&] {
      raw.poll();
      return events.size() >= count;
    });
  }
  RawServer raw;
};

}  // namespace

TEST_CASE("a client opens a session by polling, sends and hears text and binary, and closes") {
  for (const Revision revision : {Revision::v4, Revision::v3}) {
    Pair pair(both_revisions());
    const Baseline before = pair.server.baseline();
    REQUIRE(pair.connect(Transports::polling, revision));
    CHECK(pair.connect().error() == std::errc::already_connected);
    CHECK(pair.client->send_text("too early") == ws::Sent::closed);
    REQUIRE(pair.until("open"));
    CHECK(pair.client->transport() == Transport::polling);
    CHECK(pair.client->send_text("h\u00e9llo \U0001F600") == ws::Sent::accepted);
    REQUIRE(pair.until("message h\u00e9llo \U0001F600"));
    CHECK(pair.client->send_packet("4again") == ws::Sent::accepted);
    REQUIRE(pair.until("message again"));
    CHECK(pair.client->send_text("with") == ws::Sent::accepted);
    CHECK(pair.client->send_binary(as_bytes("\x01\x02\xff")) == ws::Sent::accepted);
    REQUIRE(pair.until("binary \x01\x02\xff"));
    CHECK(pair.client->send_text(std::string(1'000'000, 'x')) == ws::Sent::refused);
    CHECK(pair.client->send_text(std::string(999'900, 'x')) == ws::Sent::accepted);
    REQUIRE(pair.until("message " + std::string(999'900, 'x')));
    pair.client->close();
    CHECK(pair.client->send_text("too late") == ws::Sent::closed);
    REQUIRE(pair.until("close: forced close"));
    REQUIRE(pair.server.engine_settles());
    CHECK(pair.server.events.back() == "close: transport close");
    CHECK(pair.server.baseline() == before);
    CHECK(pair.server.all_rejects() == 0);
    // It may come again; and the server may end it while a GET waits.
    REQUIRE(pair.connect(Transports::polling, revision));
    REQUIRE(pair.until("open"));
    pair.server.turns();
    pair.server.engine.close_all();
    REQUIRE(pair.until("close: transport close"));
  }
}

TEST_CASE("revision 3 in base64 alone (210)") {
  Pair pair(both_revisions());
  REQUIRE(pair.client->connect({.url = pair.url,
                                .revision = Revision::v3,
                                .transports = Transports::polling,
                                .base64 = true}));
  REQUIRE(pair.until("open"));
  CHECK(pair.client->send_binary(as_bytes("\x01\x02\xff")) == ws::Sent::accepted);
  REQUIRE(pair.until("binary \x01\x02\xff"));
}

TEST_CASE("messages in both directions stay whole and in order through an upgrade (231 to 235)") {
  for (const Revision revision : {Revision::v4, Revision::v3}) {
    constexpr int count = 400;
    Pair pair(both_revisions());
    pair.server.echoes = false;
    int sent = 0;
    Events heard;
    Events expected;
    const auto both_send = [&] {
      const std::string text = std::to_string(sent++);
      expected.push_back(text);
      REQUIRE(pair.client->send_text(text) == ws::Sent::accepted);
      pair.server.engine.for_each([&](Socket& socket) { socket.send_text(text); });
    };
    pair.client->on_message([&](Client&, Message message) { heard.emplace_back(message.text()); });
    REQUIRE(pair.connect(Transports::polling_first, revision));
    REQUIRE(pair.until("open"));
    const auto at_server = [&] {
      Events messages;
      for (const std::string& event : pair.server.events) {
        if (event.starts_with("message ")) messages.push_back(event.substr(8));
      }
      return messages;
    };
    // One each turn, so that some go by polling, some while it pauses and some over the WebSocket.
    REQUIRE(pair.server.until([&] {
      if (sent < count || pair.client->transport() == Transport::polling) both_send();
      return sent >= count && pair.client->transport() == Transport::websocket &&
             heard.size() == expected.size() && at_server().size() == expected.size();
    }));
    CHECK(heard == expected);
    CHECK(at_server() == expected);
    CHECK(pair.events == Events{"open", "upgraded"});
    CHECK(pair.server.engine.metrics().upgraded == 1);
    CHECK(pair.server.engine.metrics().posts > 0);
    CHECK(pair.server.all_rejects() == 0);
    pair.client->close();
    REQUIRE(pair.until("close: forced close"));
    REQUIRE(pair.server.engine_settles());
  }
}

TEST_CASE("what cannot be upgraded polls on") {
  // Refused, silent, and a wrong word: at /engine.io/ of a server that offers it.
  for (const std::string_view how : {"refused", "silent", "wrong", "gone"}) {
    CAPTURE(how);
    Pair pair({}, {.upgrade_timeout = milliseconds(20)});
    pair.server.server.at("/engine.io/")
        .on_upgrade([how](const ws::Request&) -> ws::Decision {
          if (how == "refused") return ws::Reject{.status = 400, .reason = "no\n"};
          return ws::Accept{};
        })
        .on_open([how](ws::Connection& connection) {
          if (how == "gone") connection.abort();
        })
        .on_message([how](ws::Connection& connection, ws::Message) {
          if (how == "wrong") connection.send_text("3prob");
        })
        .on_close([](ws::Connection&, ws::CloseInfo) {});
    REQUIRE(pair.connect(Transports::polling_first));
    REQUIRE(pair.until("open"));
    pair.server.turns();
    CHECK(pair.client->send_text("a") == ws::Sent::accepted);
    REQUIRE(pair.until("message a"));
    CHECK(pair.client->transport() == Transport::polling);
    pair.client->close();
    REQUIRE(pair.until("close: forced close"));
  }
  Options options;
  options.upgrades = false;
  Pair never(options);
  REQUIRE(never.connect(Transports::polling_first));
  REQUIRE(never.until("open"));
  CHECK_FALSE(never.client->handshake().can_upgrade);
}

TEST_CASE("a WebSocket first, and polling where there is none") {
  Pair pair;
  REQUIRE(pair.connect(Transports::websocket_first));
  REQUIRE(pair.until("open"));
  CHECK(pair.client->transport() == Transport::websocket);

  Options options;
  options.websocket = false;
  Pair polls(options);
  REQUIRE(polls.connect(Transports::websocket_first));
  REQUIRE(polls.until("open"));
  CHECK(polls.client->transport() == Transport::polling);
  CHECK(polls.client->send_text("a") == ws::Sent::accepted);
  REQUIRE(polls.until("message a"));
}

TEST_CASE("heartbeats by polling keep a session of either revision alive; silence ends it (207)") {
  Options options = both_revisions();
  options.ping_interval = milliseconds(10);
  options.ping_timeout = milliseconds(5000);
  for (const Revision revision : {Revision::v4, Revision::v3}) {
    Pair pair(options);
    REQUIRE(pair.connect(Transports::polling, revision));
    REQUIRE(pair.until("open"));
    REQUIRE(pair.server.until([&] { return pair.server.engine.metrics().posts >= 4; }));
    CHECK(pair.client->is_open());
  }
  for (const Revision revision : {Revision::v4, Revision::v3}) {
    Pair silent;
    const std::string open =
        "0{\"sid\":\"x\",\"upgrades\":[],\"pingInterval\":20,\"pingTimeout\":20}";
    silent.server.server.on(ws::Method::get, "/silent/", [&](ws::http::Exchange& exchange) {
      if (exchange.request().query().find("sid") != std::string_view::npos) {
        return static_cast<void>(exchange.later());
      }
      static_cast<void>(exchange.respond(
          200, "text/plain",
          revision == Revision::v4 ? open : std::to_string(open.size()) + ":" + open));
    });
    silent.server.server.on(ws::Method::post, "/silent/", [](ws::http::Exchange& exchange) {
      static_cast<void>(exchange.respond(200, "text/html", "ok"));
    });
    REQUIRE(silent.client->connect({.url = silent.url,
                                    .path = "/silent/",
                                    .revision = revision,
                                    .transports = Transports::polling}));
    REQUIRE(silent.until_end());
    CHECK(silent.events == Events{"open", "close: ping timeout"});
  }
}

TEST_CASE("answers that are none, before there is a session: on_failed says why") {
  struct Row {
    std::string text;
    std::error_code error;
  };
  const std::string open{open_packet};
  const std::vector<Row> rows = {
      {answer_of("{}", {}, "400 Bad Request"), ws::Errc::response_status},
      {answer_of(open, {}, "302 Found"), ws::Errc::response_status},
      {"HTTP/2 200 OK\r\n\r\n", ws::Errc::response_malformed},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", ws::Errc::response_malformed},
      {answer_of(open, "Content-Length: 1\r\n"), ws::Errc::response_malformed},
      {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", ws::Errc::response_malformed},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", ws::Errc::response_malformed},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", ws::Errc::response_malformed},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", ws::Errc::response_too_long},
      {"HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x'), ws::Errc::response_too_long},
      {"HTTP/1.1 200 OK\r\nA: " + std::string(20000, 'x'), ws::Errc::response_too_long},
      {answer_of(""), Errc::packet_empty},
      {answer_of("\xff"), Errc::payload_utf8},
      {answer_of("9"), Errc::packet_type},
      {answer_of("2:40"), Errc::server_revision},
      {answer_of("4hi"), Errc::packet_unexpected},
      {answer_of("0{}"), Errc::packet_unexpected},
      {answer_of("0{\"sid\":\"" + std::string(257, 'x') +
                 "\",\"pingInterval\":1,\"pingTimeout\":1}"),
       Errc::packet_unexpected},
      {answer_of(open + "\x1e" + "b?"), Errc::packet_base64},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text.substr(0, 80));
    Raw raw({.poll_bytes_max = 1000});
    REQUIRE(raw.connect());
    REQUIRE(raw.asked());
    CHECK(raw.raw.request.starts_with("GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\n"));
    raw.raw.send(row.text);
    REQUIRE(raw.told(1));
    CHECK(raw.events == Events{"failed"});
    CHECK(raw.why == row.error);
  }
  Raw hangs_up;
  REQUIRE(hangs_up.connect());
  REQUIRE(hangs_up.asked());
  hangs_up.raw.hang_up();
  REQUIRE(hangs_up.told(1));
  CHECK(hangs_up.why == std::errc::connection_aborted);

  Raw late({.open_timeout = milliseconds(20)});
  REQUIRE(late.connect());
  REQUIRE(late.told(1));
  CHECK(late.why == std::errc::timed_out);

  Pair cancelled;
  REQUIRE(cancelled.connect());
  cancelled.client->close();
  REQUIRE(cancelled.until("failed"));
  CHECK(cancelled.why == std::errc::operation_canceled);
  CHECK_FALSE(cancelled.client->connect({.url = cancelled.url, .query = "a b"}));
  CHECK_FALSE(cancelled.client->connect(
      {.url = cancelled.url, .websocket = {.fields = {{"A", "b\r\nC: d"}}}}));
  REQUIRE(cancelled.connect());
  REQUIRE(cancelled.until("open"));
}

TEST_CASE("answers that are none, in a session: on_close says how it ended") {
  struct Row {
    std::string text;
    std::string event;
  };
  const std::vector<Row> rows = {
      {answer_of("{}", {}, "400 Bad Request"), "close: transport error"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n4hi", "close: transport error"},  // cut
      {answer_of("1"), "close: transport close"},
      {answer_of("3"), "close: parse error"},
      {answer_of("4a\x1e"), "close: parse error"},
      {answer_of("x"), "close: parse error"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    Raw raw;
    REQUIRE(raw.connect());
    REQUIRE(raw.asked());
    // In chunks, with extensions, and with a byte too much in no case.
    raw.raw.send(
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    raw.raw.send("1;a=b\r\n0\r\n");
    std::array<char, 8> size{};
    std::snprintf(size.data(), size.size(), "%zx", open_packet.size() - 1);
    raw.raw.send(std::string(size.data()) + "\r\n" + std::string(open_packet.substr(1)) +
                 "\r\n0\r\n\r\n");
    REQUIRE(raw.asked());
    CHECK(raw.events == Events{"open"});
    // The sid cannot end a line or a parameter.
    CHECK(raw.raw.request.starts_with("GET /engine.io/?EIO=4&transport=polling&sid=x%26y HTTP"));
    CHECK(raw.raw.accepted == 1);
    CHECK(raw.client->send_text("0123456789") == ws::Sent::refused);
    raw.raw.send(row.text);
    if (row.text.find("9\r\n\r\n4hi") != std::string::npos) raw.raw.hang_up();
    REQUIRE(raw.server.until([&] { return raw.raw.poll(), raw.events.size() >= 2; }) == true);
    CHECK(raw.events == Events{"open", row.event});
  }
}

TEST_CASE("a connection that the server does not keep is made anew") {
  Raw raw;
  REQUIRE(
      raw.client->connect({.url = raw.url, .transports = Transports::polling, .cookies = true}));
  REQUIRE(raw.asked());
  CHECK(raw.raw.request.find("Cookie") == std::string::npos);
  raw.raw.send(answer_of(open_packet,
                         "Set-Cookie: a=b; Path=/; HttpOnly\r\nSet-Cookie: c=d\r\n"
                         "Connection: close\r\n"));
  REQUIRE(raw.asked());
  CHECK(raw.raw.accepted == 2);
  CHECK(raw.raw.request.find("\r\nCookie: a=b; c=d\r\n") != std::string::npos);
  raw.raw.send(answer_of("4one"));
  REQUIRE(raw.asked());
  CHECK(raw.raw.accepted == 2);
  // Closed for being idle, as it may be: the GET goes out again. Behind a part of an answer it does
  // not.
  raw.raw.hang_up();
  REQUIRE(raw.asked());
  CHECK(raw.raw.accepted == 3);
  raw.raw.send("HTTP/1.1 200 OK\r\n\r\n4two");
  raw.raw.hang_up();
  REQUIRE(raw.asked());
  CHECK(raw.raw.accepted == 4);
  CHECK(raw.events == Events{"open", "message one", "message two"});
  raw.raw.send(answer_of("6") + "x");
  REQUIRE(raw.asked());
  CHECK(raw.raw.accepted == 5);
  // A reset may have taken an answer along: what was in it would be missing from then on.
  raw.raw.reset();
  REQUIRE(raw.server.until([&] { return raw.raw.poll(), raw.events.size() >= 4; }));
  CHECK(raw.events.back() == "close: transport error");
  CHECK(raw.raw.accepted == 5);
}

TEST_CASE("a client that says the end does not ask for a session that is no more") {
  Pair pair;
  REQUIRE(pair.connect());
  REQUIRE(pair.until("open"));
  pair.client->close();
  REQUIRE(pair.until("close: forced close"));
  pair.server.turns();
  for (const std::uint64_t rejects : pair.server.engine.metrics().rejects) CHECK(rejects == 0);
}

TEST_CASE("POSTs hold what the server takes, in order") {
  Options options;
  options.payload_bytes_max = 50;
  Pair pair(options);
  Events expected{"open"};
  REQUIRE(pair.connect());
  REQUIRE(pair.until("open"));
  for (int i = 0; i < 100; ++i) {
    const std::string text = std::to_string(i) + std::string(static_cast<std::size_t>(i % 45), 'x');
    CHECK(pair.client->send_text(text) == ws::Sent::accepted);
    expected.push_back("message " + text);
  }
  CHECK(pair.client->buffered_bytes() > 0);
  REQUIRE(pair.server.until([&] { return pair.events.size() >= 101; }));
  CHECK(pair.events == expected);
  CHECK(pair.client->buffered_bytes() == 0);
  CHECK(pair.client->send_text(std::string(49, 'x')) == ws::Sent::accepted);
  REQUIRE(pair.until("message " + std::string(49, 'x')));
}

TEST_CASE("a client may be destroyed by what it logs") {
  ClientOptions options;
  std::unique_ptr<Client>* client = nullptr;
  const auto kept = std::make_shared<std::string>("kept");
  int lines = 0;
  options.websocket.log = [&, kept](ws::LogLevel, std::string_view) {
    if (client != nullptr) client->reset();
    lines += kept->size() == 4 ? 1 : 100;
  };
  Pair pair({}, std::move(options));
  client = &pair.client;
  pair.server.engine.allow([](const ws::Request&) { return false; });
  REQUIRE(pair.connect(Transports::websocket));
  REQUIRE(pair.server.until([&] { return lines != 0; }));
  CHECK(lines == 1);
  CHECK(pair.client == nullptr);
}

TEST_CASE("a client may be destroyed in any of its callbacks") {
  for (const Transports transports :
       {Transports::polling, Transports::polling_first, Transports::websocket}) {
    for (const std::string_view where :
         {"open", "message", "drained", "upgraded", "close", "failed"}) {
      CAPTURE(where);
      Options options;
      options.close_timeout = milliseconds(5);
      Pair pair(options);
      const Baseline before = pair.server.baseline();
      bool done = false;
      const auto destroy = [&](std::string_view here) {
        if (where != here) return;
        pair.client.reset();
        done = true;
      };
      if (where == "failed") pair.server.engine.allow([](const ws::Request&) { return false; });
      pair.client
          ->on_open([&](Client& c) {
            c.send_text("a");
            destroy("open");
          })
          .on_message([&](Client& c, Message) {
            if (where == "close") c.close();
            destroy("message");
          })
          .on_drained([&](Client&) { destroy("drained"); })
          .on_upgraded([&](Client&) { destroy("upgraded"); })
          .on_close([&](Client&, CloseReason) { destroy("close"); })
          .on_failed([&](Client&, std::error_code) { destroy("failed"); });
      REQUIRE(pair.connect(transports));
      const bool is_owed = !(where == "upgraded" && transports != Transports::polling_first) &&
                           !(where == "drained" && transports == Transports::websocket);
      if (is_owed) {
        REQUIRE(pair.server.until([&] { return done; }));
      } else {
        pair.server.turns();
      }
      pair.client.reset();
      pair.server.engine.close_all();
      REQUIRE(pair.server.engine_settles());
      pair.server.turns();
      CHECK(pair.server.baseline().descriptors == before.descriptors);
      CHECK(pair.server.baseline().timers == before.timers);
    }
  }
}
