// SPDX-License-Identifier: MIT
//
// Section E of the catalogue, and row 124: what a server may answer to a client, and what it may
// not, over plain TCP and over TLS. The number in front of each row is the catalogue's. Every
// failure is one line of the log and one more in its counter.

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "net/tls.h"
#include "tests/support/raw_server.h"
#include "tests/support/stream_pair.h"
#include "tests/support/wire.h"
#include "ws/client.h"
#include "ws/core/http_head.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;
constexpr auto truncated = net::tls::Errc::truncated;

namespace {

std::shared_ptr<const net::tls::ClientContext> trusting_everybody() {
  static const auto context = net::tls::ClientContext::create({.insecure = true});
  REQUIRE(context);
  return *context;
}

// A client and a raw server, and what the client was told, in order.
struct Call {
  explicit Call(bool secure = false, const ws::Limits& limits = {})
      : server(secure),
        client(loop, {.limits = limits, .log = [this](ws::LogLevel, std::string_view line) {
                        lines.emplace_back(line);
                      }}) {
    client
        .on_open(
            [this](ws::Connection& c) { told.push_back("open " + std::string(c.subprotocol())); })
        .on_message([this](ws::Connection&, ws::Message m) {
          told.push_back("message " + std::string(m.text()));
        })
        .on_close([this](ws::Connection&, ws::CloseInfo info) {
          told.push_back("close");
          closed = info;
          closed.reason = {};
        })
        .on_failed([this](std::error_code why) {
          told.push_back("failed");
          error = why;
          status = client.response() != nullptr ? client.response()->status : 0;
          if (client.response() != nullptr) {
            detail = client.response()->fields.find("X-Detail").value_or("");
          }
        });
  }
  template <class Done>
  bool until(Done&& done) {
    return turn_until(loop, [&] {
      server.poll();
      return done();
    });
  }
  void connect(const ws::ConnectOptions& more = {}) {
    ws::ConnectOptions options = more;
    const std::string url = server.url("/chat?x=1");
    options.url = url;
    if (server.speaks_tls) options.tls = trusting_everybody();
    REQUIRE(client.connect(options));
    REQUIRE(turn_until(loop, [&] { return server.take_request(); }));
  }
  bool until_told(std::size_t count) {
    return until([&] { return told.size() >= count; });
  }
  std::uint64_t rejects(Errc reason) const {
    return client.metrics().rejects[static_cast<std::size_t>(reason)];
  }

  net::Loop loop;
  RawServer server;
  std::vector<std::string> told;
  std::vector<std::string> lines;  // of the log
  std::error_code error;
  std::uint16_t status = 0;
  std::string detail;
  ws::CloseInfo closed;
  ws::Client client;  // behind all that its callbacks write to
};

std::string with_accept(const Call& call, std::string answer) {
  const std::size_t at = answer.find('@');
  return at == std::string::npos ? answer : answer.replace(at, 1, call.server.accept_of_request());
}

std::string many(std::string_view piece, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += piece;
  return all;
}

struct Refused {
  int number;
  std::string answer;  // '@' stands for the right accept value
  Errc error;
  std::uint16_t status;  // what response() shows
};

// on_failed with that error, not a byte behind the request, and a reset (ABRT).
void check_refused(const Refused& row, bool secure) {
  CAPTURE(row.number);
  CAPTURE(row.answer);
  CAPTURE(secure);
  Call call(secure);
  const std::size_t descriptors = open_descriptors();
  const std::vector<std::string_view> subprotocols = {"chat", "news"};
  call.connect({.url = {}, .subprotocols = subprotocols});
  call.server.send(with_accept(call, row.answer) + server_frame(0x81, "never seen"));
  REQUIRE(call.until_told(1));
  CHECK(call.told == std::vector<std::string>{"failed"});
  CHECK(call.error == make_error_code(row.error));
  CHECK(call.status == row.status);
  REQUIRE(call.until([&] { return call.server.was_reset || call.server.ended; }));
  CHECK(call.server.was_reset);
  CHECK(call.server.received.empty());
  CHECK(call.rejects(row.error) == 1);
  REQUIRE(call.lines.size() == 1);
  const std::string& line = call.lines[0];
  CAPTURE(line);
  CHECK(line.starts_with("lvl=warn ev=reject layer="));
  CHECK(line.find(" reason=" + std::string(ws::rule(row.error).label) + ' ') != std::string::npos);
  CHECK(line.find(" peer=" + call.server.address.to_string() + ' ') != std::string::npos);
  CHECK(line.find(" bytes_in=0 ") == std::string::npos);
  CHECK(line.ends_with(" code=" + std::to_string(row.status)));
  CHECK(call.client.response() == nullptr);
  CHECK(call.client.connection() == nullptr);
  CHECK(call.loop.watched_count() == 0);
  CHECK(call.loop.timers().armed_count() == 0);
  CHECK(call.loop.pool().taken_bytes() == 0);
  call.server.hang_up();
  CHECK(open_descriptors() == descriptors);
}

void check_refused(const Refused& row) {
  for (const bool secure : {false, true}) check_refused(row, secure);
}

constexpr std::string_view upgrade_line = "Upgrade: websocket\r\n";
constexpr std::string_view connection_line = "Connection: Upgrade\r\n";
constexpr std::string_view accept_line = "Sec-WebSocket-Accept: @\r\n";

std::string answer(std::initializer_list<std::string_view> lines) {
  std::string text = "HTTP/1.1 101 Switching Protocols\r\n";
  for (const std::string_view line : lines) text += line;
  return text + "\r\n";
}

}  // namespace

TEST_CASE("any answer but 101 is a failure that shows its head (E 92, 93)") {
  for (const int status : {200, 204, 301, 302, 401, 426, 500}) {
    check_refused({92,
                   "HTTP/1.1 " + std::to_string(status) +
                       " Some Reason\r\nLocation: ws://127.0.0.1/\r\nContent-Length: 4\r\n\r\nbody",
                   Errc::response_status, static_cast<std::uint16_t>(status)});
  }
}

TEST_CASE("the head of an answer that was refused can be read in on_failed") {
  Call call;
  call.connect();
  call.server.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 403 No\r\nX-Detail: not you\r\n\r\n");
  REQUIRE(call.until_told(1));
  CHECK(call.status == 403);
  CHECK(call.detail == "not you");
}

TEST_CASE("a 101 that breaks a rule (E 95-98)") {
  const auto protocol = [](std::string_view value) {
    std::string line = "Sec-WebSocket-Protocol: ";
    return answer({upgrade_line, connection_line, accept_line, line.append(value).append("\r\n")});
  };
  const Refused rows[] = {
      {95, answer({connection_line, accept_line}), Errc::response_upgrade, 101},
      {95, answer({"Upgrade: h2c\r\n", connection_line, accept_line}), Errc::response_upgrade, 101},
      {95, answer({upgrade_line, upgrade_line, connection_line, accept_line}),
       Errc::response_upgrade, 101},
      {95, answer({upgrade_line, accept_line}), Errc::response_connection, 101},
      {95, answer({upgrade_line, "Connection: keep-alive\r\n", accept_line}),
       Errc::response_connection, 101},
      {96, answer({upgrade_line, connection_line}), Errc::response_accept, 101},
      {96,
       answer({upgrade_line, connection_line,
               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"}),
       Errc::response_accept, 101},
      {96, answer({upgrade_line, connection_line, "Sec-WebSocket-Accept:\r\n"}),
       Errc::response_accept, 101},
      {96, answer({upgrade_line, connection_line, accept_line, "Sec-WebSocket-Accept: x\r\n"}),
       Errc::response_accept, 101},
      {97,
       answer({upgrade_line, connection_line, accept_line,
               "Sec-WebSocket-Extensions: permessage-deflate\r\n"}),
       Errc::response_extension, 101},
      {98, protocol("other"), Errc::response_protocol, 101},
      {98, protocol("Chat"), Errc::response_protocol, 101},
      {98, protocol("chat, news"), Errc::response_protocol, 101},
      {98,
       answer({upgrade_line, connection_line, accept_line, "Sec-WebSocket-Protocol: chat\r\n",
               "Sec-WebSocket-Protocol: news\r\n"}),
       Errc::response_protocol, 101},
  };
  for (const Refused& row : rows) check_refused(row);
}

TEST_CASE("the accept value is compared exactly (E 96)") {
  Call call;
  call.connect();
  std::string wrong = call.server.good_answer();
  const std::string right = call.server.accept_of_request();
  std::string changed = right;
  for (char& c : changed) {
    if (c >= 'a' && c <= 'z') {
      c = static_cast<char>(c - 'a' + 'A');
      break;
    }
  }
  REQUIRE(changed != right);
  wrong.replace(wrong.find(right), right.size(), changed);
  call.server.send(wrong);
  REQUIRE(call.until_told(1));
  CHECK(call.error == make_error_code(Errc::response_accept));
}

TEST_CASE("heads that are malformed, too long or never end (E 94, 100, 101)") {
  const std::string long_line = "X: " + std::string(1000, 'x') + "\r\n";
  const Refused rows[] = {
      {94,
       many("HTTP/1.1 100 Continue\r\n\r\n", 9) +
           answer({upgrade_line, connection_line, accept_line}),
       Errc::response_interim, 0},
      {100, "HTTP/1.1 101 x\r\n" + many(long_line, 20), Errc::response_too_long, 0},
      {100, "HTTP/1.1 101 " + std::string(20'000, 'x'), Errc::response_too_long, 0},
      {101, "HTTP/2 101 x\r\n\r\n", Errc::response_malformed, 0},
      {101, "HTTP/2.0 101 x\r\n\r\n", Errc::response_malformed, 0},
      {101, "ICY 101 OK\r\n\r\n", Errc::response_malformed, 0},
      {101, "HTTP/1.0 101 x\r\n\r\n", Errc::response_malformed, 101},
      {101, "\x81\x05hello", Errc::response_malformed, 0},
  };
  for (const Refused& row : rows) check_refused(row);
}

TEST_CASE("answers that are right, if unusual (E 94, 101-103)") {
  const std::string plain = answer({upgrade_line, connection_line, accept_line});
  const std::string rows[] = {
      plain,
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + plain,
      "HTTP/1.1 101\r\n" + plain.substr(plain.find('\n') + 1),
      "HTTP/1.1 101 \r\n" + plain.substr(plain.find('\n') + 1),
      answer({"upgrade: WebSocket\r\n", "connection: keep-alive, UPGRADE\r\n", accept_line}),
      answer({upgrade_line, connection_line, accept_line, "Content-Length: 5\r\n"}),
      answer({upgrade_line, connection_line, accept_line, "Transfer-Encoding: chunked\r\n"}),
  };
  for (const std::string& row : rows) {
    CAPTURE(row);
    for (const int way : {0, 1, 2, 3}) {
      const bool byte_by_byte = way % 2 == 1;
      Call call(way >= 2);
      call.connect();
      const std::string bytes = with_accept(call, row) + server_frame(0x81, "early");
      if (byte_by_byte) {
        for (const char c : bytes) {
          call.server.send({&c, 1});
          REQUIRE(call.loop.run_once(net::Duration{}));
        }
      } else {
        call.server.send(bytes);
      }
      REQUIRE(call.until_told(2));
      CHECK(call.told == std::vector<std::string>{"open ", "message early"});
      REQUIRE(call.client.connection() != nullptr);
      CHECK(call.client.connection()->is_open());
    }
  }
}

TEST_CASE("the subprotocol that the server chose is the connection's") {
  Call call;
  const std::vector<std::string_view> subprotocols = {"chat", "news"};
  const ws::FieldView fields[] = {{"Authorization", "Bearer x"}, {"Cookie", "a=b"}};
  call.connect({.url = {},
                .subprotocols = subprotocols,
                .origin = "http://example.com",
                .fields = {fields[0], fields[1]}});
  CHECK(call.server.request.starts_with(
      "GET /chat?x=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(call.server.address.port()) +
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "));
  for (const std::string_view line :
       {"\r\nOrigin: http://example.com\r\n", "\r\nSec-WebSocket-Protocol: chat, news\r\n",
        "\r\nSec-WebSocket-Version: 13\r\n", "\r\nAuthorization: Bearer x\r\n",
        "\r\nCookie: a=b\r\n"}) {
    CAPTURE(line);
    CHECK(call.server.request.find(line) != std::string::npos);
  }
  call.server.send(call.server.good_answer("Sec-WebSocket-Protocol: news\r\n"));
  REQUIRE(call.until_told(1));
  CHECK(call.told[0] == "open news");
  CHECK(call.client.connection()->path() == "/chat");
  CHECK(call.client.connection()->request().query() == "x=1");
}

TEST_CASE("an end or a reset in the midst of the answer (E 104)") {
  struct Row {
    bool secure;
    std::string_view how;
    std::error_code error;
  };
  const auto aborted = std::make_error_code(std::errc::connection_aborted);
  const auto reset = std::make_error_code(std::errc::connection_reset);
  for (const Row& row :
       {Row{false, "end", aborted}, Row{true, "end", aborted}, Row{false, "reset", reset},
        Row{true, "reset", reset}, Row{true, "cut", net::tls::make_error_code(truncated)}}) {
    CAPTURE(row.secure);
    CAPTURE(row.how);
    Call call(row.secure);
    call.connect();
    call.server.send(call.server.good_answer().substr(0, 60));
    for (int i = 0; i < 5; ++i) REQUIRE(call.loop.run_once(net::Duration{}));
    if (row.how == "reset") call.server.reset();
    if (row.how == "end") call.server.finish_sending();
    if (row.how == "cut") call.server.finish_sending_raw();
    REQUIRE(call.until_told(1));
    CHECK(call.told == std::vector<std::string>{"failed"});
    CHECK(call.error == row.error);
    CHECK(call.status == 0);
    CHECK(call.lines.empty());  // no rule was broken: the network failed
    CHECK(call.loop.watched_count() == 0);
  }
}

TEST_CASE("a server that says nothing, or not all of it, is given up (E 104)") {
  for (const bool secure : {false, true}) {
    for (const bool begun : {false, true}) {
      CAPTURE(secure);
      CAPTURE(begun);
      ws::Limits limits;
      limits.connect_timeout = net::Duration::milliseconds(200);
      Call call(secure, limits);
      call.connect();
      if (begun) call.server.send(call.server.good_answer().substr(0, 60));
      REQUIRE(call.until_told(1));
      CHECK(call.error == make_error_code(Errc::response_timeout));
      CHECK(call.rejects(Errc::response_timeout) == 1);
      REQUIRE(call.lines.size() == 1);
      CHECK(call.lines[0].find(" reason=connect_timeout ") != std::string::npos);
      REQUIRE(call.until([&] { return call.server.was_reset || call.server.ended; }));
      CHECK(call.server.received.empty());
      CHECK(call.loop.watched_count() == 0);
    }
  }
}

TEST_CASE("a masked frame of a server breaks a rule (G 124)") {
  struct Row {
    std::uint8_t first;
    std::string payload;
  };
  // A text, a ping and a Close: what they say does not matter.
  for (const Row& row : {Row{0x81, "masked"}, Row{0x89, {}}, Row{0x88, close_body(1000)}}) {
    CAPTURE(row.first);
    const std::size_t descriptors = open_descriptors();
    {
      Call call;
      call.connect();
      call.server.send(call.server.good_answer() + client_frame(row.first, row.payload) +
                       server_frame(0x81, "never seen"));
      REQUIRE(call.until([&] { return call.server.ended || call.server.was_reset; }));
      const std::vector<ClientFrame> frames = take_client_frames(call.server.received);
      REQUIRE(frames.size() == 1);
      CHECK(frames[0].first == 0x88);
      CHECK(frames[0].payload == close_body(1002));
      call.server.hang_up();
      REQUIRE(call.until_told(2));
      CHECK(call.told == std::vector<std::string>{"open ", "close"});
      CHECK(call.closed.error == Errc::frame_masked);
      CHECK(call.closed.code == ws::CloseCode::protocol_error);
      CHECK(call.rejects(Errc::frame_masked) == 1);
      REQUIRE(call.lines.size() == 1);
      CAPTURE(call.lines[0]);
      CHECK(call.lines[0].starts_with(
          "lvl=warn ev=reject layer=ws reason=" + std::string(ws::rule(Errc::frame_masked).label) +
          " peer=" + call.server.address.to_string() + ' '));
      CHECK(call.lines[0].ends_with(" code=1002"));
      CHECK(call.loop.watched_count() == 0);
      CHECK(call.loop.timers().armed_count() == 0);
      CHECK(call.loop.pool().taken_bytes() == 0);
    }
    CHECK(open_descriptors() == descriptors);
  }
}
