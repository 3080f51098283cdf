// SPDX-License-Identifier: MIT

#include "tools/bench/wire.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "net/base/pool.h"
#include "ws/core/accept_key.h"
#include "ws/core/session.h"

namespace {

using namespace hilo;
using tools::bench::Messages;
using tools::bench::Mode;
using tools::bench::Payload;
using tools::bench::Plan;
using tools::bench::Protocol;

struct Read {
  std::vector<std::string> messages;
  ws::Opcode opcode = ws::Opcode::continuation;
};

// What our own server makes of the bytes.
Read read_as_server(Bytes bytes) {
  Pool pool;
  const ws::Session::Shared shared{.pool = &pool};
  ws::Session session(ws::Role::server, shared);
  std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
  MutableBytes input{copy};
  Read read;
  while (const ws::Event event = session.next(input)) {
    REQUIRE(event.kind == ws::Event::Kind::message);
    read.messages.emplace_back(as_text(event.payload));
    read.opcode = event.opcode;
  }
  return read;
}

}  // namespace

TEST_CASE("a server reads the messages that a generator has made") {
  for (const Payload kind : {Payload::text, Payload::binary, Payload::json}) {
    for (const std::size_t size : {0u, 1u, 20u, 125u, 126u, 1024u, 65'535u, 65'536u, 300'000u}) {
      Plan plan;
      plan.payload = kind;
      plan.payload_bytes = size;
      plan.in_flight = 3;
      const Messages messages(plan);
      const std::size_t count = std::min<std::size_t>(3, messages.most());
      const Read read = read_as_server(messages.frames(count));
      REQUIRE(read.messages.size() == count);
      for (const std::string& each : read.messages) CHECK(each == make_payload(plan));
      CHECK(read.messages.front().size() == size);
      CHECK(read.opcode == (kind == Payload::binary ? ws::Opcode::binary : ws::Opcode::text));
      CHECK(messages.opcode() == read.opcode);
      CHECK(messages.payload_bytes() == size);
    }
  }
}

TEST_CASE("the same plan makes the same payload, and JSON compresses") {
  Plan plan;
  plan.payload = Payload::json;
  plan.payload_bytes = 1024;
  CHECK(make_payload(plan) == make_payload(plan));
  const std::size_t plain = Messages(plan).frame_bytes();
  plan.deflate = true;
  const std::size_t compressed = Messages(plan).frame_bytes();
  CHECK(compressed < plain * 2 / 3);
  CHECK(Messages(plan).payload_bytes() == 1024);
}

TEST_CASE("the accept key that a generator expects is that of its request") {
  Plan plan;
  plan.authority = "example.com:9001";
  plan.target = "/echo?x=1";
  const std::string request = make_request(plan);
  CHECK(request.starts_with("GET /echo?x=1 HTTP/1.1\r\nHost: example.com:9001\r\n"));
  CHECK(request.ends_with("\r\n\r\n"));
  CHECK(request.find("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") != request.npos);
  const auto accept = ws::accept_key("dGhlIHNhbXBsZSBub25jZQ==");
  CHECK(std::string_view(accept.data(), accept.size()) == tools::bench::expected_accept);
}

TEST_CASE(
    "an event has the text where its template has the sign, and asks for an answer in echoes") {
  Plan plan;
  plan.protocol = Protocol::socketio;
  plan.emit = R"(["echo",{"text":"@"}])";
  plan.payload_bytes = 4;
  const std::string event = make_payload(plan);
  CHECK(event.starts_with(R"(427["echo",{"text":")"));
  CHECK(event.size() == std::string(R"(427["echo",{"text":"abcd"}])").size());
  plan.mode = Mode::fanout;
  CHECK(make_payload(plan).starts_with(R"(42["echo")"));
}
