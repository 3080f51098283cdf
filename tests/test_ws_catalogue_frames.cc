// SPDX-License-Identifier: MIT
//
// Sections F to J of the catalogue of bad inputs, over a real socket: what goes in, and the exact
// answer it gets, plain and over TLS. The number in front of each row is the catalogue's. Deadlines
// are in tests/sim.

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "net/socket.h"
#include "tests/support/frames.h"
#include "tests/support/wire.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using ws::CloseCode;
using ws::Errc;

namespace {

ws::Limits small_limits() {
  ws::Limits limits;
  limits.message_bytes_max = 1000;
  return limits;
}

std::string text(std::string_view payload) {
  return client_frame(0x81, payload);
}
std::string binary(std::string_view payload) {
  return client_frame(0x82, payload);
}
// Input that breaks a rule: a Close with `code`, one line in the log, one count, and all is gone.
struct Refused {
  int number;
  std::string input;
  std::uint16_t code;
  Errc error;
};

void check_refused(WireServer& server, const Refused& row) {
  CAPTURE(row.number);
  CAPTURE(ws::rule(row.error).label);
  const Baseline before = server.baseline();
  const std::uint64_t counted = server.rejects(row.error);
  const std::uint64_t counted_in_all = server.all_rejects();
  server.log.clear();
  server.closed.clear();
  server.messages.clear();
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade());
    peer.send(row.input + text("never seen"));
    REQUIRE(peer.until_end());
    CHECK(peer.ended);
    const std::string close = server_frame(0x88, close_body(row.code));
    CHECK(peer.received.ends_with(close));
    for (const auto& message : server.messages) CHECK(message.second != "never seen");
  }
  REQUIRE(server.settle());
  CHECK(server.rejects(row.error) == counted + 1);
  CHECK(server.all_rejects() == counted_in_all + 1);
  REQUIRE(server.log.size() == 1);
  CHECK(server.log[0].starts_with("lvl=warn ev=reject layer=ws reason=" +
                                  std::string(ws::rule(row.error).label) + " peer=127.0.0.1:"));
  CHECK(server.log[0].find(" code=" + std::to_string(row.code)) != std::string::npos);
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].error == row.error);
  CHECK(server.closed[0].code == static_cast<CloseCode>(row.code));
  CHECK_FALSE(server.closed[0].clean);
  CHECK(server.baseline() == before);
}

// Input that is right: the echo of each message and the replies come back, in order, and the
// connection lives on.
struct Accepted {
  int number;
  std::string input;
  std::string output;
};

void check_accepted(WireServer& server, const Accepted& row) {
  CAPTURE(row.number);
  const Baseline before = server.baseline();
  const std::uint64_t counted = server.all_rejects();
  server.closed.clear();
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade());
    const std::string goodbye = close_body(1000, "done");
    REQUIRE(peer.send(row.input + client_frame(0x88, goodbye)));
    REQUIRE(peer.until_end());
    const bool as_expected = peer.received == row.output + server_frame(0x88, close_body(1000));
    CHECK(as_expected);
  }
  REQUIRE(server.settle());
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].clean);
  CHECK(server.all_rejects() == counted);
  CHECK(server.baseline() == before);
}

// Every test runs twice.
struct PlainAndTls {
  void check_all_refused(const std::vector<Refused>& rows, const ws::Limits& limits = {}) const {
    WireServer server(limits, {}, tls);
    for (const Refused& row : rows) check_refused(server, row);
  }
  void check_all_accepted(const std::vector<Accepted>& rows, const ws::Limits& limits = {}) const {
    WireServer server(limits, {}, tls);
    for (const Accepted& row : rows) check_accepted(server, row);
  }
  const std::shared_ptr<net::tls::ServerContext> tls = plain_then_tls();
};

std::string echo_text(std::string_view payload) {
  return server_frame(0x81, payload);
}
std::string echo_binary(std::string_view payload) {
  return server_frame(0x82, payload);
}

}  // namespace

TEST_CASE_FIXTURE(PlainAndTls, "frame headers that break a rule (F 106-113, 115)") {
  std::vector<Refused> rows = {
      {106, hex("A1"), 1002, Errc::frame_rsv},
      {106, hex("91"), 1002, Errc::frame_rsv},
      {107, hex("C1"), 1002, Errc::frame_rsv},
      {110, hex("82 FE 00 05"), 1002, Errc::frame_length_not_minimal},
      {111, hex("82 FF 00 00 00 00 00 00 FF FF"), 1002, Errc::frame_length_not_minimal},
      {112, hex("82 FF 80 00 00 00 00 00 00 00"), 1002, Errc::frame_length_msb},
      {113, hex("82 FF 7F FF FF FF FF FF FF FF"), 1009, Errc::message_too_big},
      {115, client_frame(0x01, "0123456789") + hex("80 FF 7F FF FF FF FF FF FF FF"), 1009,
       Errc::message_too_big},
  };
  for (const int opcode : {3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF}) {
    for (const int final : {0x80, 0}) {
      const auto first = static_cast<std::uint8_t>(final | opcode);
      rows.push_back({109, std::string(1, static_cast<char>(first)), 1002, Errc::frame_opcode});
      rows.push_back({109, client_frame(first, "payload"), 1002, Errc::frame_opcode});
    }
  }
  check_all_refused(rows);
}

TEST_CASE_FIXTURE(PlainAndTls, "a frame is refused by its header alone (F 109, 113)") {
  WireServer server({}, {}, tls);
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
  REQUIRE(peer.send(hex("83")));
  CHECK(peer.until_contains(server_frame(0x88, close_body(1002))));
}

TEST_CASE_FIXTURE(PlainAndTls, "a message may be as large as the limit and no larger (F 114)") {
  const std::string largest(1000, 'x');
  check_all_accepted(
      {{114, text(largest), echo_text(largest)},
       {114, client_frame(0x01, std::string(600, 'x')) + client_frame(0x80, std::string(400, 'x')),
        echo_text(largest)}},
      small_limits());
  check_all_refused({{114, text(std::string(1001, 'x')), 1009, Errc::message_too_big},
                     {114, hex("82 FE 03 E9"), 1009, Errc::message_too_big}},
                    small_limits());
}

TEST_CASE_FIXTURE(PlainAndTls, "a header may be cut anywhere (F 116)") {
  const std::string payload(70000, 'p');
  const std::string frame = binary(payload);
  WireServer server({}, {}, tls);
  for (std::size_t cut = 1; cut <= 14; ++cut) {
    CAPTURE(cut);
    WirePeer peer(server);
    REQUIRE(peer.upgrade());
    REQUIRE(peer.send(frame.substr(0, cut)));
    // The first part has been read once the server holds it as unfinished.
    REQUIRE(server.until([&] {
      std::uint64_t received = 0;
      server.server.for_each([&](ws::Connection& c) { received += c.received_bytes(); });
      return received >= cut;
    }));
    REQUIRE(peer.send(frame.substr(cut)));
    REQUIRE(peer.until_received(payload.size() + 10));
    CHECK(peer.received == echo_binary(payload));
    peer.close();
    REQUIRE(server.settle());
  }
}

TEST_CASE_FIXTURE(PlainAndTls, "empty frames, many of them, and bytes behind a Close (F 119-122)") {
  WireServer server({}, {}, tls);
  check_accepted(server, {119, hex("81 80 01 02 03 04"), echo_text("")});
  const std::size_t many = 100'000;
  check_accepted(server,
                 {120, repeat(hex("81 80 01 02 03 04"), many), repeat(echo_text(""), many)});

  const Baseline before = server.baseline();
  server.messages.clear();
  const std::string late = text("late") + hex("FF FF");
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade());
    REQUIRE(peer.send(client_frame(0x88, close_body(1000)) + late));
    REQUIRE(peer.until_end());
    CHECK(peer.received == server_frame(0x88, close_body(1000)));  // 121
  }
  REQUIRE(server.settle());
  CHECK(server.messages.empty());
  CHECK(server.server.metrics().bytes_ignored == late.size());
  CHECK(server.all_rejects() == 0);
  CHECK(server.baseline() == before);
}

TEST_CASE("a burst of empty frames does not keep others waiting (F 120)") {
  WireServer server;
  WirePeer busy(server);
  WirePeer other(server);
  REQUIRE(busy.upgrade());
  REQUIRE(other.upgrade());
  const auto put = [](const WirePeer& peer, const std::string& bytes) {
    const Bytes slice = as_bytes(bytes);
    const net::Io io = net::socket::send(peer.fd(), {&slice, 1});
    REQUIRE(io.bytes == bytes.size());
  };
  // Both lie in the kernel before the server looks.
  const std::size_t many = 10'000;
  put(busy, repeat(hex("81 80 01 02 03 04"), many));
  put(other, text("me too"));
  REQUIRE(other.until_contains(echo_text("me too")));
  CHECK(server.messages.size() < many / 2);
  REQUIRE(busy.until_received(many * 2));
  CHECK(busy.received == repeat(echo_text(""), many));
}

TEST_CASE_FIXTURE(PlainAndTls,
                  "close() in on_message: what is buffered behind is not delivered (F 122)") {
  net::Loop loop;
  WireServer server({}, {}, tls);
  int delivered = 0;
  server.server.at("/leave").on_message([&](ws::Connection& connection, ws::Message) {
    ++delivered;
    CHECK(connection.close(CloseCode::going_away));
  });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/leave"));
  REQUIRE(
      peer.send(text("one") + text("two") + text("three") + client_frame(0x88, close_body(1001))));
  REQUIRE(peer.until_end());
  CHECK(delivered == 1);
  CHECK(peer.received == server_frame(0x88, close_body(1001)));
}

TEST_CASE_FIXTURE(PlainAndTls, "frames of a client must be masked (G 123), with any key (G 125)") {
  check_all_refused({{123, hex("81 05 48 65 6C 6C 6F"), 1002, Errc::frame_unmasked},
                     {123, hex("89 00"), 1002, Errc::frame_unmasked},
                     {123, hex("88 00"), 1002, Errc::frame_unmasked}});
  check_all_accepted({{125, client_frame(0x81, "plain", 0), echo_text("plain")}});
}

TEST_CASE_FIXTURE(PlainAndTls, "every length and split is unmasked right (G 126)") {
  WireServer server({}, {}, tls);
  std::string input;
  std::string output;
  for (std::size_t size = 0; size <= 130; ++size) {
    std::string payload;
    for (std::size_t i = 0; i < size; ++i) payload += static_cast<char>(i * 7 + size);
    input += client_frame(0x82, payload, 0x01020304u * static_cast<std::uint32_t>(size + 1));
    output += echo_binary(payload);
  }
  check_accepted(server, {126, input, output});
  // The same byte by byte: every header and payload is cut everywhere.
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
  for (const char byte : input) REQUIRE(peer.send({&byte, 1}));
  REQUIRE(peer.until_received(output.size()));
  CHECK((peer.received == output));
}

TEST_CASE_FIXTURE(PlainAndTls, "pings are answered, also inside a message (H 130, 133, 135, 136)") {
  const std::string longest(125, 'p');
  check_all_accepted({
      {130, client_frame(0x89, ""), server_frame(0x8A, "")},
      {130, client_frame(0x89, longest), server_frame(0x8A, longest)},
      {133, client_frame(0x01, "Hel") + client_frame(0x89, "?") + client_frame(0x80, "lo"),
       server_frame(0x8A, "?") + echo_text("Hello")},
      {135, repeat(client_frame(0x89, "a"), 39) + client_frame(0x89, "last"),
       repeat(server_frame(0x8A, "a"), 39) + server_frame(0x8A, "last")},
  });
  WireServer server({}, {}, tls);
  check_accepted(server, {136, client_frame(0x8A, "unasked"), ""});
  CHECK(server.server.metrics().pongs_ignored == 1);
}

TEST_CASE_FIXTURE(PlainAndTls,
                  "control frames that break a rule (H 131, 132, 134, 141, 142, 144, 145)") {
  std::vector<Refused> rows = {
      {131, hex("89 FE 00 7E"), 1002, Errc::control_too_long},
      {132, hex("09"), 1002, Errc::control_fragmented},
      {132, hex("08"), 1002, Errc::control_fragmented},
      {134, repeat(client_frame(0x89, ""), 1001), 1008, Errc::control_flood},
      {134, repeat(client_frame(0x8A, ""), 1001), 1008, Errc::control_flood},
      {141, client_frame(0x88, "\x03"), 1002, Errc::close_length},
      {144, client_frame(0x88, close_body(1000, "\xC3\x28")), 1007, Errc::close_reason_not_utf8},
      {144, client_frame(0x88, close_body(1000, "cut \xE2\x82")), 1007,
       Errc::close_reason_not_utf8},
      {145, hex("88 FE 00 7E"), 1002, Errc::control_too_long},
  };
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535}) {
    rows.push_back({142, client_frame(0x88, close_body(static_cast<std::uint16_t>(code))), 1002,
                    Errc::close_code});
  }
  check_all_refused(rows);
}

TEST_CASE_FIXTURE(PlainAndTls, "the thousandth control frame is still answered (H 134)") {
  check_all_accepted(
      {{134, repeat(client_frame(0x89, ""), 1000 - 1), repeat(server_frame(0x8A, ""), 999)}});
}

TEST_CASE_FIXTURE(PlainAndTls, "a Close is echoed with its code (H 140, 143, 146)") {
  WireServer server({}, {}, tls);
  const auto closes = [&](std::string body, std::string echo, CloseCode code) {
    CAPTURE(static_cast<int>(code));
    server.closed.clear();
    WirePeer peer(server);
    REQUIRE(peer.upgrade());
    // 146: a second Close changes nothing.
    REQUIRE(peer.send(client_frame(0x88, body) + client_frame(0x88, close_body(1001))));
    REQUIRE(peer.until_end());
    CHECK(peer.ended);
    CHECK(peer.received == server_frame(0x88, echo));
    peer.close();
    REQUIRE(server.settle());
    REQUIRE(server.closed.size() == 1);
    CHECK(server.closed[0].clean);
    CHECK(server.closed[0].code == code);
    CHECK(server.closed[0].error == Errc::none);
  };
  closes("", "", CloseCode::no_status);  // 140
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         3000, 3999, 4000, 4999}) {
    const auto wire = static_cast<std::uint16_t>(code);
    closes(close_body(wire, "why"), close_body(wire), static_cast<CloseCode>(wire));
  }
}

TEST_CASE_FIXTURE(PlainAndTls, "Closes that cross make one end (H 146)") {
  WireServer server({}, {}, tls);
  std::vector<CloseCode> ends;
  server.server.at("/leave")
      .on_open([](ws::Connection& connection) {
        CHECK(connection.close(CloseCode::going_away, "enough"));
        CHECK_FALSE(connection.close(CloseCode::normal));
        CHECK(connection.send_text("too late") == ws::Sent::closed);
      })
      .on_close([&](ws::Connection&, const ws::CloseInfo& info) {
        CHECK(info.clean);
        ends.push_back(info.code);
      });
  const Baseline before = server.baseline();
  const std::string second = client_frame(0x88, close_body(4001));
  WirePeer peer(server);
  REQUIRE(peer.send(upgrade_request("/leave") + client_frame(0x88, close_body(4000)) + second));
  REQUIRE(peer.until_end());
  CHECK(peer.received.ends_with("\r\n\r\n" + server_frame(0x88, close_body(1001, "enough"))));
  peer.close();
  REQUIRE(server.settle());
  CHECK(ends == std::vector<CloseCode>{static_cast<CloseCode>(4000)});
  CHECK(server.server.metrics().bytes_ignored == second.size());
  CHECK(server.all_rejects() == 0);
  CHECK(server.log.empty());
  CHECK(server.baseline() == before);
}

TEST_CASE_FIXTURE(
    PlainAndTls, "an end without a Close is 1006, and what was unfinished is lost (H 148, I 158)") {
  WireServer server({}, {}, tls);
  const std::vector<std::string> leftovers = {"", client_frame(0x01, "half a mess"),
                                              hex("82 FE 03"),
                                              binary(std::string(500, 'x')).substr(0, 300)};
  for (const bool reset : {false, true}) {
    for (const std::string& leftover : leftovers) {
      CAPTURE(reset);
      CAPTURE(leftover.size());
      const Baseline before = server.baseline();
      server.closed.clear();
      server.messages.clear();
      WirePeer peer(server);
      REQUIRE(peer.upgrade());
      REQUIRE(peer.send(leftover));
      if (reset) {
        peer.reset();
      } else {
        peer.close();
      }
      REQUIRE(server.settle());
      CHECK(server.messages.empty());
      REQUIRE(server.closed.size() == 1);
      CHECK(server.closed[0].code == CloseCode::abnormal);
      CHECK_FALSE(server.closed[0].clean);
      CHECK(server.all_rejects() == 0);
      CHECK(server.baseline() == before);
    }
  }
}

TEST_CASE_FIXTURE(
    PlainAndTls, "what must not be sent is an error of the API, and nothing is sent (H 149, 150)") {
  WireServer server({}, {}, tls);
  int checked = 0;
  server.server.at("/api").on_open([&](ws::Connection& connection) {
    CHECK_FALSE(connection.close(CloseCode::normal, std::string(124, 'r')));
    CHECK_FALSE(connection.close(CloseCode::normal, "\xFF"));
    for (const int code : {999, 1004, 1005, 1006, 1015, 2999, 5000}) {
      CHECK_FALSE(connection.close(static_cast<CloseCode>(code)));
    }
    CHECK_FALSE(connection.ping(as_bytes(std::string(126, 'p'))));
    // 150: exactly the bytes of the reason go out, whatever lies behind them.
    const std::string longer = "reason and more";
    CHECK(connection.close(CloseCode::normal, std::string_view(longer).substr(0, 6)));
    ++checked;
  });
  WirePeer peer(server);
  REQUIRE(peer.upgrade("/api"));
  REQUIRE(peer.until_contains(server_frame(0x88, close_body(1000, "reason"))));
  CHECK(checked == 1);
  CHECK(peer.received == server_frame(0x88, close_body(1000, "reason")));
}

TEST_CASE_FIXTURE(PlainAndTls, "fragments that break a rule (I 151, 152, 154-156)") {
  const std::string empty_fragment = client_frame(0x00, "");
  check_all_refused({
      {151, client_frame(0x80, "x"), 1002, Errc::continuation_unexpected},
      {151, client_frame(0x00, "x"), 1002, Errc::continuation_unexpected},
      {152, client_frame(0x01, "x") + text("y"), 1002, Errc::continuation_expected},
      {152, client_frame(0x01, "x") + binary("y"), 1002, Errc::continuation_expected},
      {154, client_frame(0x01, "") + repeat(empty_fragment, 1024), 1008, Errc::fragment_budget},
      {155, client_frame(0x02, "x") + repeat(client_frame(0x00, "y"), 2000), 1008,
       Errc::fragment_budget},
  });
  check_all_refused(
      {{156, client_frame(0x02, std::string(600, 'x')) + client_frame(0x80, std::string(401, 'x')),
        1009, Errc::message_too_big}},
      small_limits());
}

TEST_CASE_FIXTURE(PlainAndTls, "fragments that are right (I 153, 154, 158)") {
  check_all_accepted({
      {153, client_frame(0x01, "a") + client_frame(0x00, "") + client_frame(0x80, "c"),
       echo_text("ac")},
      {154,
       client_frame(0x01, "") + repeat(client_frame(0x00, ""), 1022) + client_frame(0x80, "end"),
       echo_text("end")},
      {158, client_frame(0x01, "unfinished"), ""},
  });
}

TEST_CASE_FIXTURE(PlainAndTls, "fragments of one byte may be 1,040, and one more is not (I 155)") {
  // 1,024 and one for every 64 bytes that came before.
  const std::string all_but_one = client_frame(0x02, "x") + repeat(client_frame(0x00, "y"), 1038);
  check_all_accepted({{155, all_but_one + client_frame(0x80, "z"),
                       echo_binary("x" + std::string(1038, 'y') + "z")}});
  const std::string full = all_but_one + client_frame(0x00, "z");
  check_all_refused({{155, full + client_frame(0x80, "!"), 1008, Errc::fragment_budget}});

  // The header alone is enough, and what was held before was held in proportion to the wire.
  WireServer server({}, {}, tls);
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
  REQUIRE(peer.send(full));
  std::size_t assembled = 0;
  REQUIRE(server.until([&] {
    server.server.for_each([&](ws::Connection& c) { assembled = c.assembled_bytes(); });
    return assembled == 1040;
  }));
  CHECK(server.loop.pool().taken_bytes() <= 2 * full.size());
  CHECK(peer.received.empty());
  REQUIRE(peer.send(hex("80 80 01 02 03 04")));
  CHECK(peer.until_contains(server_frame(0x88, close_body(1008))));
}

TEST_CASE_FIXTURE(PlainAndTls, "tiny fragments hold memory in proportion to what arrived (I 155)") {
  WireServer server({}, {}, tls);
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
  REQUIRE(peer.send(client_frame(0x02, "x") + repeat(client_frame(0x00, "y"), 1000)));
  std::size_t assembled = 0;
  REQUIRE(server.until([&] {
    server.server.for_each([&](ws::Connection& c) { assembled = c.assembled_bytes(); });
    return assembled == 1001;
  }));
  CHECK(server.loop.pool().taken_bytes() <= 2 * 7007);  // wire bytes
}

TEST_CASE_FIXTURE(PlainAndTls, "text that is not UTF-8 (J 160-163, 165, 166, 169)") {
  std::vector<Refused> rows;
  const auto bad = [&](int number, std::string_view digits) {
    rows.push_back({number, text(hex(digits)), 1007, Errc::text_not_utf8});
  };
  for (const std::string_view digits : {"C0 80", "C1 BF", "E0 80 80", "E0 9F BF", "F0 8F BF BF"}) {
    bad(160, digits);
  }
  for (const std::string_view digits : {"ED A0 80", "ED BF BF"}) bad(161, digits);
  for (const std::string_view digits : {"F4 90 80 80", "F5", "F8", "FE", "FF"}) bad(162, digits);
  for (const std::string_view digits : {"80", "E2 82"}) bad(163, digits);
  // 165, 166: found before the message ends.
  rows.push_back({165, client_frame(0x01, "start \xF4") + client_frame(0x00, "\x90"), 1007,
                  Errc::text_not_utf8});
  rows.push_back(
      {166, client_frame(0x01, "\xE2") + client_frame(0x00, "abc"), 1007, Errc::text_not_utf8});
  for (std::size_t offset = 0; offset < 130; ++offset) {
    std::string long_text(130, 'a');
    long_text[offset] = '\xFF';
    rows.push_back({169, text(long_text), 1007, Errc::text_not_utf8});
  }
  check_all_refused(rows);
}

TEST_CASE_FIXTURE(PlainAndTls,
                  "text that is UTF-8, and binary that need not be (J 164, 167, 168, 170)") {
  std::vector<Accepted> rows;
  for (const std::string_view character : {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    for (std::size_t cut = 0; cut <= character.size(); ++cut) {
      const std::string first = client_frame(0x01, character.substr(0, cut));
      const std::string last = client_frame(0x80, character.substr(cut));
      rows.push_back({164, first + last, echo_text(character)});
      rows.push_back({167, first + client_frame(0x89, "") + last,
                      server_frame(0x8A, "") + echo_text(character)});
    }
  }
  for (const std::string_view legal : {std::string_view("\0", 1), std::string_view("\xEF\xBF\xBE"),
                                       std::string_view("\xEF\xBB\xBF")}) {
    rows.push_back({168, text(legal), echo_text(legal)});
  }
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  rows.push_back({170, binary(every_byte), echo_binary(every_byte)});
  check_all_accepted(rows);
}
