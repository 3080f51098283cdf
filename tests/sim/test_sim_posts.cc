// SPDX-License-Identifier: MIT
//
// A client of Engine.IO that polls and ends its session: how long it waits for its POSTs, to the
// second.

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/world.h"
#include "ws/engineio/client.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;

namespace {

std::string answer_of(std::string_view body) {
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size());
  return answer.append("\r\n\r\n").append(body);
}

// A session that is open, by a server that answers when the test says so.
struct Session {
  Session() : listener("127.0.0.1:9001"), client(world.loop, one_packet_a_post()) {
    client.on_open([this](engineio::Client&) { is_open = true; })
        .on_close([this](engineio::Client&, engineio::CloseReason reason) {
          CHECK(reason == engineio::CloseReason::forced_close);
          is_closed = true;
        });
    REQUIRE(client.connect(
        {.url = "http://127.0.0.1:9001", .transports = engineio::Transports::polling}));
    world.run_for(5_ms);
    gets.emplace(listener.accept());
    gets->send(
        answer_of("0{\"sid\":\"s\",\"upgrades\":[],\"pingInterval\":3600000,"
                  "\"pingTimeout\":20000,\"maxPayload\":1000000}"));
    world.settle();
    REQUIRE(is_open);
  }
  static engineio::ClientOptions one_packet_a_post() {
    engineio::ClientOptions options;
    options.packets_per_post_max = 1;
    return options;
  }

  World world;
  PeerListener listener;
  std::optional<Peer> gets;
  bool is_open = false;
  bool is_closed = false;
  engineio::Client client;
};

}  // namespace

TEST_CASE(
    "what was sent goes in front of the end, in as many POSTs as it takes, each in its time") {
  Session session;
  const ws::Limits limits;
  for (const char* text : {"a", "b"}) {
    CHECK(session.client.send_text(text) == ws::Sent::accepted);
  }
  session.client.close();
  session.world.run_for(5_ms);
  Peer posts = session.listener.accept();
  for (const std::string_view packet : {"4a", "4b", "1"}) {
    CAPTURE(packet);
    CHECK(posts.take().ends_with("\r\n\r\n" + std::string(packet)));
    // Longer than the last word alone would be waited for.
    session.world.run_for(limits.close_timeout + 1_s);
    CHECK_FALSE(session.is_closed);
    posts.send(answer_of("ok"));
    session.world.run_for(5_ms);
  }
  CHECK(session.is_closed);
}

TEST_CASE("a POST that is not answered is not waited for longer than its time") {
  Session session;
  CHECK(session.client.send_text("a") == ws::Sent::accepted);
  session.client.close();
  session.world.run_for(engineio::ClientOptions{}.post_timeout - 1_s);
  CHECK_FALSE(session.is_closed);
  session.world.run_for(2_s);
  CHECK(session.is_closed);
}

TEST_CASE("and a last word alone no longer than close_timeout") {
  Session session;
  const ws::Limits limits;
  session.client.close();
  session.world.run_for(limits.close_timeout - 1_s);
  CHECK_FALSE(session.is_closed);
  session.world.run_for(2_s);
  CHECK(session.is_closed);
}
