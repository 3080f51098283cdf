// SPDX-License-Identifier: MIT
//
// What a session sends, in both roles: headers, masks, fragments, pings and its own Close.

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "net/base/buffer.h"
#include "net/base/pool.h"
#include "tests/support/frames.h"
#include "ws/core/session.h"
#include "ws/core/utf8.h"

using namespace hilo;
using namespace hilo::test;
using namespace hilo::ws;

namespace {

constexpr MessageLimits limits;

std::string joined(const Outgoing& outgoing) {
  const auto [header, payload] = outgoing.slices();
  return std::string(as_text(header)) + std::string(as_text(payload));
}
std::string content(const Buffer& buffer) {
  return std::string(as_text(buffer.readable()));
}

struct Client {
  std::string sent() {
    std::string bytes = content(out);
    out.release();
    return bytes;
  }
  Pool pool;
  Buffer out{pool};
  Session::Shared shared{limits, &pool};
  Session session{Role::client, shared};
};

struct Server {
  Pool pool;
  Session::Shared shared{limits, &pool};
  Session session{Role::server, shared};
};

}  // namespace

TEST_CASE(
    "frames that were made are good as long as their payloads, whatever is made behind them") {
  Server server;
  const std::string payload(300, 'p');
  const Outgoing message = server.session.send(Opcode::text, as_bytes(payload));
  const Outgoing ping = server.session.ping(as_bytes("?"));
  const Outgoing close = server.session.close(CloseCode::normal, "bye");
  CHECK(joined(message) == plain_frame(0x81, payload));
  CHECK(joined(ping) == plain_frame(0x89, "?"));
  CHECK(joined(close) == plain_frame(0x88, close_payload(1000, "bye")));
}

TEST_CASE("a server sends the caller's own bytes behind a header") {
  Server server;
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U}) {
    const std::string payload(size, 'p');
    const Outgoing outgoing = server.session.send(Opcode::text, as_bytes(payload));
    CHECK_FALSE(outgoing.empty());
    CHECK(joined(outgoing) == plain_frame(0x81, payload));
    CHECK(static_cast<const void*>(outgoing.payload.data()) == payload.data());
    CHECK(joined(server.session.send(Opcode::binary, as_bytes(payload))) ==
          plain_frame(0x82, payload));
  }
  CHECK(server.pool.taken_bytes() == 0);
}

TEST_CASE("126: a client's frame unmasks to the payload, with every key and every length") {
  Client client;
  std::mt19937 random(126);
  for (std::size_t size = 0; size < 300; ++size) {
    std::string payload;
    for (std::size_t i = 0; i < size; ++i) payload += as_char(random());
    MaskKey key{};
    store_be32(key.data(), size == 0 ? 0 : static_cast<std::uint32_t>(random()));
    REQUIRE(client.session.send(Opcode::binary, as_bytes(payload), key, client.out));
    CHECK(client.sent() == masked_frame(0x82, payload, key));
  }
  const std::string large(70000, 'l');
  REQUIRE(client.session.send(Opcode::text, as_bytes(large), example_key, client.out));
  const bool same = client.sent() == masked_frame(0x81, large);
  CHECK(same);
}

TEST_CASE("every value of every key byte is applied where it belongs") {
  Client client;
  for (unsigned position = 0; position < 4; ++position) {
    for (unsigned value = 0; value < 256; ++value) {
      MaskKey key{};
      key[position] = static_cast<std::uint8_t>(value);
      REQUIRE(client.session.send(Opcode::text, as_bytes("payload"), key, client.out));
      CHECK(client.sent() == masked_frame(0x81, "payload", key));
    }
  }
}

TEST_CASE("a client appends behind what the buffer holds") {
  Client client;
  REQUIRE(client.out.append(as_bytes("before")));
  REQUIRE(client.session.send(Opcode::text, as_bytes("one"), example_key, client.out));
  REQUIRE(client.session.ping(as_bytes("two"), {1, 2, 3, 4}, client.out));
  CHECK(client.sent() ==
        "before" + masked_frame(0x81, "one") + masked_frame(0x89, "two", {1, 2, 3, 4}));
}

TEST_CASE("fragments after the first are continuations, whatever the caller calls them") {
  Server server;
  Session& session = server.session;
  CHECK(joined(session.send(Opcode::text, as_bytes("a"), false)) == plain_frame(0x01, "a"));
  CHECK(joined(session.send(Opcode::text, as_bytes("b"), false)) == plain_frame(0x00, "b"));
  CHECK(joined(session.ping(as_bytes("?"))) == plain_frame(0x89, "?"));
  CHECK(joined(session.send(Opcode::binary, {}, false)) == plain_frame(0x00, ""));
  CHECK(joined(session.send(Opcode::continuation, as_bytes("c"))) == plain_frame(0x80, "c"));
  CHECK(joined(session.send(Opcode::binary, as_bytes("d"))) == plain_frame(0x82, "d"));

  Client client;
  for (const bool final : {false, false, true, true}) {
    REQUIRE(client.session.send(Opcode::text, as_bytes("x"), example_key, client.out, final));
  }
  CHECK(client.sent() == masked_frame(0x01, "x") + masked_frame(0x00, "x") +
                             masked_frame(0x80, "x") + masked_frame(0x81, "x"));
}

TEST_CASE("a ping carries up to 125 bytes, and is nothing beyond that") {
  Server server;
  Client client;
  for (const std::size_t size : {0U, 4U, 125U}) {
    const std::string payload(size, '?');
    CHECK(joined(server.session.ping(as_bytes(payload))) == plain_frame(0x89, payload));
    REQUIRE(client.session.ping(as_bytes(payload), example_key, client.out));
    CHECK(client.sent() == masked_frame(0x89, payload));
  }
  const std::string long_payload(126, '?');
  CHECK(server.session.ping(as_bytes(long_payload)).empty());
  CHECK(client.session.ping(as_bytes(long_payload), example_key, client.out));
  CHECK(client.out.empty());
}

TEST_CASE("149: check_close() knows every code that may be sent") {
  unsigned wrong = 0;
  for (unsigned code = 0; code < 65536; ++code) {
    const bool named = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
    // 0 is CloseCode::none, a Close without a code.
    const bool legal = named || code == 0 || (code >= 3000 && code <= 4999);
    const auto close_code = static_cast<CloseCode>(code);
    wrong += static_cast<bool>(Session::check_close(close_code, "")) == legal ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("149: a reason is at most 123 bytes of UTF-8") {
  CHECK(Session::check_close(CloseCode::normal, std::string(123, 'r')));
  CHECK_FALSE(Session::check_close(CloseCode::normal, std::string(124, 'r')));
  CHECK_FALSE(Session::check_close(CloseCode::normal, "\xFF"));
  CHECK_FALSE(Session::check_close(CloseCode::normal, "cut \xE2\x82"));
  CHECK(Session::check_close(CloseCode::abnormal, "").error() ==
        std::make_error_code(std::errc::invalid_argument));
}

TEST_CASE("149: a Close that may not be sent sends nothing and changes nothing") {
  struct Row {
    CloseCode code;
    std::string reason;
  };
  const Row rows[] = {
      {CloseCode::abnormal, ""},          {CloseCode::tls_handshake, ""},
      {static_cast<CloseCode>(999), ""},  {static_cast<CloseCode>(1004), ""},
      {static_cast<CloseCode>(2999), ""}, {static_cast<CloseCode>(5000), ""},
      {CloseCode::no_status, ""},         {CloseCode::no_status, "why"},
      {CloseCode::none, "why"},           {CloseCode::normal, std::string(124, 'r')},
      {CloseCode::normal, "\xC0\x80"}};
  for (const Row& row : rows) {
    Server server;
    CHECK(server.session.close(row.code, row.reason).empty());
    CHECK(server.session.is_open());
    Client client;
    CHECK_FALSE(client.session.close(row.code, row.reason, example_key, client.out));
    CHECK(client.session.is_open());
    CHECK(client.out.empty());
  }
}

TEST_CASE("our Close carries its code and reason") {
  struct Row {
    CloseCode code;
    std::string reason;
    std::string payload;
  };
  const Row rows[] = {{CloseCode::normal, "", close_payload(1000)},
                      {CloseCode::none, "", ""},
                      {CloseCode::going_away, "\xE2\x82\xAC", close_payload(1001, "\xE2\x82\xAC")},
                      {static_cast<CloseCode>(4999), std::string(123, 'r'),
                       close_payload(4999, std::string(123, 'r'))}};
  for (const Row& row : rows) {
    Server server;
    CHECK(joined(server.session.close(row.code, row.reason)) == plain_frame(0x88, row.payload));
    CHECK(server.session.close(row.code, row.reason).empty());  // once is enough
    Client client;
    REQUIRE(client.session.close(row.code, row.reason, example_key, client.out));
    CHECK(client.sent() == masked_frame(0x88, row.payload));
    CHECK(client.session.close(row.code, row.reason, example_key, client.out));
    CHECK(client.out.empty());
  }
}

TEST_CASE("after our Close nothing is sent any more") {
  Server server;
  CHECK_FALSE(server.session.close(CloseCode::normal, "").empty());
  CHECK(server.session.send(Opcode::text, as_bytes("late")).empty());
  CHECK(server.session.ping(as_bytes("late")).empty());
  CHECK(server.session.take_replies().empty());

  Client client;
  CHECK(client.session.close(CloseCode::normal, "", example_key, client.out));
  client.out.release();
  CHECK(client.session.send(Opcode::text, as_bytes("late"), example_key, client.out));
  CHECK(client.session.ping(as_bytes("late"), example_key, client.out));
  CHECK(client.session.take_replies(example_key, client.out));
  CHECK(client.out.empty());
}

TEST_CASE("after the peer's Close and after a failure only the answer to it is sent") {
  for (const std::string& bytes :
       {masked_frame(0x88, close_payload(1000)), masked_frame(0x83, "")}) {
    Server server;
    std::string block = bytes;
    MutableBytes input{reinterpret_cast<std::uint8_t*>(block.data()), block.size()};
    CHECK(server.session.next(input));
    CHECK(server.session.send(Opcode::text, as_bytes("late")).empty());
    CHECK(server.session.ping({}).empty());
    CHECK(server.session.close(CloseCode::normal, "").empty());
    CHECK_FALSE(server.session.take_replies().empty());
    CHECK(server.session.send(Opcode::text, as_bytes("later")).empty());
  }
}
