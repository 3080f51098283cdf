// SPDX-License-Identifier: MIT
//
// Messages in parts over real sockets: received as chunks, sent as fragments.

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/wire.h"
#include "ws/connection.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using ws::CloseCode;
using ws::Errc;
using ws::Opcode;

namespace {

// Puts together what /parts receives in chunks.
struct Reader : WireServer {
  explicit Reader(const ws::Limits& limits = {}) : WireServer(limits) {
    server.at("/parts")
        .on_chunk([this](ws::Connection& c, ws::Chunk chunk) {
          ++chunks;
          most = std::max(most, chunk.bytes.size());
          CHECK(c.assembled_bytes() == 0);
          CHECK(chunk.first == !in_message);
          CHECK((chunk.final || !chunk.bytes.empty()));
          if (chunk.first) messages.emplace_back(chunk.opcode, "");
          CHECK(chunk.opcode == messages.back().first);
          messages.back().second += as_text(chunk.bytes);
          in_message = !chunk.final;
          if (on_part) on_part(c);
        })
        .on_message([](ws::Connection&, ws::Message) { FAIL("a whole message"); })
        .on_close([this](ws::Connection&, ws::CloseInfo info) {
          closed.push_back({info.code, info.error, info.clean});
        });
  }
  std::function<void(ws::Connection&)> on_part;
  int chunks = 0;
  std::size_t most = 0;
  bool in_message = false;
};

}  // namespace

TEST_CASE(
    "a message larger than any limit of memory is received in chunks, and none of it is held") {
  ws::Limits limits;
  limits.message_bytes_max = 1000;
  Reader reader(limits);
  const Baseline before = reader.baseline();
  {
    WirePeer peer(reader);
    REQUIRE(peer.upgrade("/parts"));
    std::string payload;
    for (int i = 0; payload.size() < 5'000'000; ++i) payload += std::to_string(i) + ' ';
    REQUIRE(peer.send(client_frame(0x82, payload)));
    REQUIRE(reader.until([&] { return reader.chunks != 0 && !reader.in_message; }));
    CHECK((reader.messages.back().second == payload));
    CHECK(reader.most <= std::size_t{512} << 10);
    CHECK(reader.chunks >= 10);
    CHECK(reader.loop.pool().taken_bytes() == before.pool_bytes);
    // Small ones, fragments, and a ping between them.
    reader.messages.clear();
    REQUIRE(peer.send(client_frame(0x81, "whole") + client_frame(0x01, "") +
                      client_frame(0x00, "two ") + client_frame(0x89, "?") +
                      client_frame(0x80, "parts") + client_frame(0x82, "")));
    REQUIRE(reader.until([&] { return reader.messages.size() == 3; }));
    CHECK(reader.messages[0] == std::pair{Opcode::text, std::string("whole")});
    CHECK(reader.messages[1] == std::pair{Opcode::text, std::string("two parts")});
    CHECK(reader.messages[2] == std::pair{Opcode::binary, std::string()});
    REQUIRE(peer.until_contains("?"));
    CHECK(peer.received == server_frame(0x8A, "?"));
    CHECK(reader.server.metrics().messages_received == 4);
  }
  REQUIRE(reader.settle());
  CHECK(reader.baseline() == before);
}

TEST_CASE("text in chunks is checked across them, and a cut character is refused at the end") {
  struct Row {
    std::string frames;
    std::string shown;
    Errc error;
  };
  const std::vector<Row> rows = {
      {client_frame(0x01, "\xE2") + client_frame(0x80, "\x82\xAC"), "\xE2\x82\xAC", Errc::none},
      {client_frame(0x01, "\xE2\x82") + client_frame(0x80, ""), "\xE2\x82", Errc::text_not_utf8},
      {client_frame(0x01, "ok\xE2") + client_frame(0x80, "x"), "ok\xE2", Errc::text_not_utf8},
  };
  for (const Row& row : rows) {
    Reader reader;
    WirePeer peer(reader);
    REQUIRE(peer.upgrade("/parts"));
    REQUIRE(peer.send(row.frames + client_frame(0x88, close_body(1000))));
    REQUIRE(peer.until_end());
    peer.close();
    REQUIRE(reader.settle());
    REQUIRE(reader.messages.size() == 1);
    CHECK(reader.messages[0].second == row.shown);
    CHECK(reader.closed[0].error == row.error);
    CHECK(reader.in_message == (row.error != Errc::none));
  }
}

TEST_CASE("what is received in chunks has a limit of its own") {
  ws::Limits limits;
  limits.streamed_bytes_max = 2000;
  Reader reader(limits);
  WirePeer peer(reader);
  REQUIRE(peer.upgrade("/parts"));
  REQUIRE(peer.send(client_frame(0x82, std::string(2000, 'x'))));
  REQUIRE(peer.send(client_frame(0x02, std::string(1500, 'x'))));
  REQUIRE(peer.send(client_frame(0x80, std::string(501, 'x'))));
  REQUIRE(peer.until_end());
  peer.close();
  REQUIRE(reader.settle());
  CHECK(reader.closed[0].error == Errc::message_too_big);
  CHECK(reader.closed[0].code == CloseCode::message_too_big);
  CHECK(reader.messages.back().second.size() == 1500);
}

TEST_CASE("a pause behind a message that came in chunks holds nothing of it") {
  Reader reader;
  reader.on_part = [&](ws::Connection& c) {
    if (!reader.in_message) c.pause();
  };
  WirePeer peer(reader);
  REQUIRE(peer.upgrade("/parts"));
  REQUIRE(peer.send(client_frame(0x01, "a") + client_frame(0x80, "b")));
  REQUIRE(reader.until([&] { return reader.messages.size() == 1 && !reader.in_message; }));
  CHECK(reader.loop.pool().taken_bytes() == 0);
  reader.server.for_each([](ws::Connection& c) { c.resume(); });
}

TEST_CASE("a pause within a message stops its chunks, and loses none") {
  Reader reader;
  int pauses = 0;
  reader.on_part = [&](ws::Connection& c) {
    if (++pauses > 5) return;
    c.pause();
    const int chunks = reader.chunks;
    reader.loop.call_after(net::Duration::milliseconds(2), [&reader, chunks, id = c.id()] {
      CHECK(reader.chunks == chunks);
      if (ws::Connection* paused = reader.server.find(id)) paused->resume();
    });
  };
  WirePeer peer(reader);
  REQUIRE(peer.upgrade("/parts"));
  std::string frames;
  std::string payload;
  for (int i = 0; i < 3000; ++i) {
    const std::string part = std::to_string(i) + std::string(100, '.');
    payload += part;
    frames += client_frame(i == 0 ? 0x01 : i == 2999 ? 0x80 : 0x00, part);
  }
  REQUIRE(peer.send(frames));
  REQUIRE(reader.until([&] { return reader.chunks != 0 && !reader.in_message; }));
  CHECK(pauses > 5);
  CHECK((reader.messages[0].second == payload));
}
