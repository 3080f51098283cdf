// SPDX-License-Identifier: MIT
//
// Sections K and L of the catalogue of bad inputs, and the rows of E and F that speak of
// compression, over a real socket: what goes in, and the exact answer it gets. The number in front
// of each row is the catalogue's. The client's side is in test_ws_deflate.cc.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/frames.h"
#include "tests/support/wire.h"
#include "ws/core/deflate.h"

using namespace hilo;
using namespace hilo::test;
using ws::CloseCode;
using ws::Errc;

namespace {

const std::string name = "permessage-deflate";
const std::string hello = hex("F2 48 CD C9 C9 07 00");
const std::string hello_again = hex("F2 00 11 00 00");

ws::ServerOptions with_deflate(bool alone = true) {
  ws::ServerOptions options;
  options.deflate.enabled = true;
  options.deflate.server_no_context_takeover = alone;
  options.deflate.client_no_context_takeover = alone;
  return options;
}

std::string compressed(std::string_view text) {
  Pool pool;
  ws::DeflateMemory memory;
  ws::Deflater deflater(memory, {});
  Buffer out(pool);
  REQUIRE(deflater.deflate(as_bytes(text), text.size() + 1000, out));
  return std::string(as_text(std::as_const(out).readable()));
}
std::string text(std::string_view wire) {
  return client_frame(0xC1, wire);
}
std::string binary(std::string_view wire) {
  return client_frame(0xC2, wire);
}

// The opening handshake with these extensions; what the 101 says of them, "-" for nothing.
std::string upgrade(WirePeer& peer, std::string_view extensions) {
  const std::string line = "Sec-WebSocket-Extensions: " + std::string(extensions) + "\r\n";
  REQUIRE(peer.send(upgrade_request("/echo", line)));
  REQUIRE(peer.until_contains("\r\n\r\n"));
  REQUIRE(peer.received.starts_with("HTTP/1.1 101 "));
  const std::string head = peer.received.substr(0, peer.received.find("\r\n\r\n") + 2);
  peer.received.erase(0, head.size() + 2);
  constexpr std::string_view field = "Sec-WebSocket-Extensions: ";
  const std::size_t at = head.find(field);
  if (at == std::string::npos) return "-";
  CHECK(head.find(field, at + 1) == std::string::npos);
  return head.substr(at + field.size(), head.find("\r\n", at) - at - field.size());
}

// --- section K -----------------------------------------------------------------------------------

struct Offer {
  int number;
  std::string extensions;
  std::string answer;
};

// Whatever was offered, the connection is open and echoes.
void check_offer(WireServer& server, const Offer& row) {
  CAPTURE(row.number);
  CAPTURE(row.extensions);
  const Baseline before = server.baseline();
  const std::uint64_t rejects = server.all_rejects();
  {
    WirePeer peer(server);
    CHECK(upgrade(peer, row.extensions) == row.answer);
    const bool agreed = row.answer != "-";
    REQUIRE(peer.send((agreed ? text(hello) : client_frame(0x81, "Hello")) +
                      client_frame(0x88, close_body(1000))));
    REQUIRE(peer.until_end());
    CHECK(peer.received == server_frame(0x81, "Hello") + server_frame(0x88, close_body(1000)));
  }
  REQUIRE(server.settle());
  CHECK(server.all_rejects() == rejects);
  CHECK(server.log.empty());
  CHECK(server.baseline() == before);
}

// --- section L -----------------------------------------------------------------------------------

// Input that breaks a rule: a Close with its code, one line in the log, one count, and all is gone.
struct Refused {
  int number;
  std::string input;
  Errc error;
};

void check_refused(WireServer& server, const Refused& row) {
  CAPTURE(row.number);
  CAPTURE(ws::rule(row.error).label);
  const Baseline before = server.baseline();
  const std::uint64_t counted = server.rejects(row.error);
  const std::uint64_t counted_in_all = server.all_rejects();
  const auto code = static_cast<std::uint16_t>(ws::close_code_for(row.error));
  server.log.clear();
  server.closed.clear();
  server.messages.clear();
  {
    WirePeer peer(server);
    REQUIRE(upgrade(peer, name) != "-");
    peer.send(row.input + client_frame(0x81, "never seen"));
    REQUIRE(peer.until_end());
    CHECK(peer.ended);
    CHECK(peer.received.ends_with(server_frame(0x88, close_body(code))));
    for (const auto& message : server.messages) CHECK(message.second != "never seen");
  }
  REQUIRE(server.settle());
  CHECK(server.rejects(row.error) == counted + 1);
  CHECK(server.all_rejects() == counted_in_all + 1);
  REQUIRE(server.log.size() == 1);
  CHECK(server.log[0].starts_with(
      "lvl=warn ev=reject layer=" + std::string(to_string(ws::rule(row.error).layer)) +
      " reason=" + std::string(ws::rule(row.error).label) + " peer=127.0.0.1:"));
  CHECK(server.log[0].find(" code=" + std::to_string(code)) != std::string::npos);
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].error == row.error);
  CHECK(server.closed[0].code == static_cast<CloseCode>(code));
  CHECK_FALSE(server.closed[0].clean);
  CHECK(server.baseline() == before);
}

// Input that is right: the messages arrive as what they stand for, and the connection lives on.
struct Accepted {
  int number;
  std::string input;
  std::vector<std::string> messages;
  std::string before_the_close = {};  // what is not the echo of a message
};

void check_accepted(WireServer& server, const Accepted& row) {
  CAPTURE(row.number);
  const Baseline before = server.baseline();
  server.closed.clear();
  server.messages.clear();
  {
    WirePeer peer(server);
    REQUIRE(upgrade(peer, name) != "-");
    REQUIRE(peer.send(row.input + client_frame(0x88, close_body(1000, "done"))));
    REQUIRE(peer.until_end());
    CHECK(peer.received.find(row.before_the_close) != std::string::npos);
    CHECK(peer.received.ends_with(server_frame(0x88, close_body(1000))));
  }
  REQUIRE(server.settle());
  REQUIRE(server.messages.size() == row.messages.size());
  for (std::size_t i = 0; i < row.messages.size(); ++i) {
    const bool same = server.messages[i].second == row.messages[i];
    CHECK(same);
  }
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].clean);
  CHECK(server.all_rejects() == 0);
  CHECK(server.baseline() == before);
}

// With and without context takeover; plain, and in a second run of the case over TLS.
void check_both_ways(const std::vector<Accepted>& rows, const ws::Limits& limits = {}) {
  const auto tls = plain_then_tls();
  for (const bool alone : {true, false}) {
    WireServer server(limits, with_deflate(alone), tls);
    for (const Accepted& row : rows) check_accepted(server, row);
  }
}
void check_both_ways(const std::vector<Refused>& rows, const ws::Limits& limits = {}) {
  const auto tls = plain_then_tls();
  for (const bool alone : {true, false}) {
    WireServer server(limits, with_deflate(alone), tls);
    for (const Refused& row : rows) check_refused(server, row);
  }
}

}  // namespace

TEST_CASE("bad offers are declined and the 101 goes on (K 171-177)") {
  WireServer server({}, with_deflate(false), plain_then_tls());
  const std::string bits = "; server_max_window_bits";
  const std::vector<Offer> rows = {
      {171, name + "; x", "-"},
      {171, name + "; client_max_window_bits; client_max_window_bits", "-"},
      {172, name + bits, "-"},
      {172, name + bits + "=7", "-"},
      {172, name + bits + "=16", "-"},
      {172, name + bits + "=09", "-"},
      {172, name + bits + "=\"10\"", name + bits + "=10"},
      {173, name + "; client_max_window_bits", name},
      {173, name + "; client_max_window_bits=12", name + "; client_max_window_bits=12"},
      {173, name + "; client_max_window_bits=7", "-"},
      {174, name + "; server_no_context_takeover=1", "-"},
      {174, name + "; client_no_context_takeover=1", "-"},
      {175, name + bits + "=7, " + name + bits + "=11", name + bits + "=11"},
      {176, name + bits + "=8", "-"},
      {176, name + "; client_max_window_bits=8", name + "; client_max_window_bits=8"},
      {177, name + ", " + name, name},
      {82, "constructor, x-unknown", "-"},
  };
  for (const Offer& row : rows) check_offer(server, row);
}

TEST_CASE("by default a server asks for no context takeover; off, it says nothing (K 178)") {
  const auto tls = plain_then_tls();
  WireServer server({}, with_deflate(), tls);
  check_offer(server, {0, name, name + "; server_no_context_takeover; client_no_context_takeover"});
  WireServer without({}, {}, tls);
  check_offer(without, {178, name, "-"});
  WirePeer peer(without);
  REQUIRE(upgrade(peer, name) == "-");
  REQUIRE(peer.send(text(hello)));
  CHECK(peer.until_contains(server_frame(0x88, close_body(1002))));
}

TEST_CASE("RSV1 where it may not stand, though compression is on (F 106, 108)") {
  check_both_ways(std::vector<Refused>{
      {106, hex("E1"), Errc::frame_rsv},
      {106, hex("A1"), Errc::frame_rsv},
      {108, client_frame(0x41, hello) + hex("C0"), Errc::frame_rsv},
      {108, client_frame(0x01, "a") + hex("C0"), Errc::frame_rsv},
      {108, hex("C9"), Errc::frame_rsv},
      {108, hex("C8"), Errc::frame_rsv},
  });
}

TEST_CASE("compressed messages that are refused (L 180-184, 192, 195)") {
  ws::Limits limits;
  const std::string max_and_one = std::string(limits.message_bytes_max, '\0') + '\0';
  check_both_ways(std::vector<Refused>{
      {180, binary(compressed(std::string(10'000'000, '\0'))), Errc::inflate_too_big},
      {181, binary(compressed(max_and_one)), Errc::inflate_too_big},
      {182, binary(compressed(std::string(65'537, '\0'))), Errc::inflate_ratio},
      {183, text("garbage, and nothing but"), Errc::inflate_data},
      {183, text(hex("06")), Errc::inflate_data},
      {183, text(hex("ED FD FF FF FF FF FF")), Errc::inflate_data},
      {183, text(hello + hex("F2 00 51 00 00")), Errc::inflate_data},
      {184, text(hello.substr(0, 5)), Errc::inflate_cut},
      {186, text(hello_again), Errc::inflate_data},
      {192, binary(repeat(hex("00 00 00 FF FF"), 100'000)), Errc::inflate_blocks},
      {195, text(compressed("caf\xC3")), Errc::text_not_utf8},
      {195, text(compressed("\xED\xA0\x80")), Errc::text_not_utf8},
  });
}

TEST_CASE("compressed messages that are delivered (L 181, 185, 188-191, 193, 194, H 137)") {
  ws::Limits limits;
  limits.inflate_ratio_max = 0;
  const std::string max(limits.message_bytes_max, '\0');
  check_both_ways(
      std::vector<Accepted>{
          {181, binary(compressed(max)), {max}},
          {185, text("") + text(hex("00")), {"", ""}},
          {188, text(hex("F3 48 CD C9 C9 07 00 00")) + text(hello), {"Hello", "Hello"}},
          {188, text(hex("F3 48 CD C9 C9 07 00") + hello), {"HelloHello"}},
          {189, text(hex("00 05 00 FA FF 48 65 6C 6C 6F 00")), {"Hello"}},
          {190, text(hex("F2 48 05 00 00 00 FF FF CA C9 C9 07 00")), {"Hello"}},
          {191, text(hello + hex("00 00 FF FF")) + text(hello), {"Hello", "Hello"}},
          {191,
           client_frame(0x41, hello + hex("00")) + client_frame(0x00, hex("00 FF")) +
               client_frame(0x80, hex("FF")),
           {"Hello"}},
          {193, client_frame(0x81, "plain") + text(hello), {"plain", "Hello"}},
          {194,
           client_frame(0x41, hello.substr(0, 3)) + client_frame(0x89, "between") +
               client_frame(0x80, hello.substr(3)),
           {"Hello"},
           server_frame(0x8A, "between")},
          {137, client_frame(0x8A, "") + text(hello), {"Hello"}},
      },
      limits);
}

TEST_CASE("a message that refers to the one before needs context takeover (L 186, 187)") {
  const auto tls = plain_then_tls();
  WireServer alone({}, with_deflate(), tls);
  check_refused(alone, {186, text(hello) + text(hello_again), Errc::inflate_data});
  WireServer taking_over({}, with_deflate(false), tls);
  check_accepted(taking_over, {187, text(hello) + text(hello_again), {"Hello", "Hello"}});
}

TEST_CASE("without memory for inflating that connection ends, and others live (L 196)") {
  const auto tls = plain_then_tls();
  for (const bool alone : {true, false}) {
    ws::Limits limits;
    limits.deflate_memory_bytes_max = 20'000;  // zlib's state fits, its window does not
    WireServer server(limits, with_deflate(alone), tls);
    const Baseline before = server.baseline();
    const std::string offer = name;
    WirePeer other(server);
    REQUIRE(upgrade(other, offer) != "-");
    const std::uint64_t refused = server.rejects(Errc::no_memory);
    WirePeer peer(server);
    REQUIRE(upgrade(peer, offer) != "-");
    REQUIRE(peer.send(text(compressed(std::string(40'000, 'x')))));
    REQUIRE(peer.until_end());
    CHECK(peer.received == server_frame(0x88, close_body(1011)));
    CHECK(server.rejects(Errc::no_memory) == refused + 1);
    REQUIRE(server.log.size() == 1);
    CHECK(server.log[0].starts_with("lvl=warn ev=reject layer=tcp reason=no_memory "));
    REQUIRE(other.send(client_frame(0x81, "still here")));
    CHECK(other.until_contains(server_frame(0x81, "still here")));
    peer.close();
    other.close();
    REQUIRE(server.settle());
    CHECK(server.baseline() == before);
  }
}
