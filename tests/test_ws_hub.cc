// SPDX-License-Identifier: MIT
//
// Topics over real sockets: who gets what, in which order, what it may cost, and what may happen in
// the midst of it.

#include "ws/hub.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/wire.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using ws::Opcode;
using ws::Posted;

namespace {

// A server whose peers are all subscribed to "news" as soon as they are there.
struct Newsroom : WireServer {
  explicit Newsroom(const ws::Limits& limits = {}, ws::ServerOptions options = {})
      : WireServer(limits, std::move(options)) {
    server.at("/news").on_open([this](ws::Connection& c) {
      ids.push_back(c.id());
      CHECK(c.subscribe("news"));
    });
  }
  // The peers, as they connect, are ids[0], ids[1] ...
  std::unique_ptr<WirePeer> subscriber(int receive_buffer_bytes = 0) {
    auto peer = std::make_unique<WirePeer>(*this, receive_buffer_bytes);
    REQUIRE(peer->upgrade("/news"));
    return peer;
  }
  Posted publish(std::string_view text, ws::ConnectionId except = {}) {
    return server.publish("news", Opcode::text, as_bytes(text), {.except = except});
  }
  ws::Connection& connection(std::size_t index) { return *server.find(ids[index]); }

  std::vector<ws::ConnectionId> ids;
};

std::string text_frame(std::string_view text) {
  return server_frame(0x81, text);
}

}  // namespace

TEST_CASE("what is published reaches every subscriber but the excepted one, in order") {
  Newsroom room;
  // Before the first turn of its loop nobody's thread is known: it is posted.
  CHECK(room.publish("nobody hears this") == Posted::queued);
  auto a = room.subscriber();
  auto b = room.subscriber();
  WirePeer stranger(room);
  REQUIRE(stranger.upgrade());
  CHECK(room.server.hub().subscriber_count("news") == 2);
  CHECK(room.server.hub().subscriber_count("olds") == 0);
  CHECK(room.publish("one") == Posted::queued);
  CHECK(room.publish("two", room.ids[0]) == Posted::queued);
  CHECK(room.server.publish("news", ws::Message{Opcode::binary, {}}) == Posted::queued);
  CHECK(room.server.publish("olds", Opcode::text, as_bytes("?")) == Posted::queued);
  const std::string end = server_frame(0x82, "");
  REQUIRE(a->until_contains(end));
  REQUIRE(b->until_contains(end));
  CHECK(a->received == text_frame("one") + end);
  CHECK(b->received == text_frame("one") + text_frame("two") + end);
  REQUIRE(stranger.send(client_frame(0x81, "x")));
  REQUIRE(stranger.until_contains("x"));
  CHECK(stranger.received == text_frame("x"));
}

TEST_CASE(
    "a connection leaves its topics by unsubscribing and by ending, and topics with the last") {
  Newsroom room;
  ws::Hub& hub = room.server.hub();
  auto a = room.subscriber();
  auto b = room.subscriber();
  ws::Connection& first = room.connection(0);
  CHECK(first.subscribe("news"));
  CHECK(first.subscribe("sport"));
  CHECK(first.subscribe(""));
  CHECK(first.subscription_count() == 3);
  CHECK(hub.topic_count() == 3);
  std::size_t subscriptions = 0;
  hub.for_each_topic([&](std::string_view, std::size_t count) { subscriptions += count; });
  CHECK(subscriptions == 4);

  CHECK(first.unsubscribe("news"));
  CHECK_FALSE(first.unsubscribe("news"));
  CHECK_FALSE(first.unsubscribe("weather"));
  CHECK(hub.subscriber_count("news") == 1);
  room.publish("for b");
  REQUIRE(b->until_contains("for b"));

  a->close();
  REQUIRE(room.until([&] { return hub.topic_count() == 1; }));
  // Closing is the end of it, whatever the peer does.
  CHECK(room.connection(1).close());
  CHECK(hub.topic_count() == 0);
  CHECK(room.connection(1).subscribe("news").error() == std::errc::not_connected);
  b->close();
  REQUIRE(room.settle());
  CHECK(a->received.empty());
  CHECK(room.loop.pool().taken_bytes() == 0);
}

TEST_CASE("names and numbers of topics are limited") {
  ws::Limits limits;
  limits.topic_bytes_max = 8;
  limits.topics_per_connection_max = 3;
  Newsroom room(limits);
  auto a = room.subscriber();
  ws::Connection& first = room.connection(0);
  CHECK(first.subscribe("nine long").error() == std::errc::message_size);
  CHECK(first.subscribe("8 is not"));
  CHECK(first.subscribe("third"));
  CHECK(first.subscribe("fourth").error() == std::errc::no_buffer_space);
  CHECK(first.subscribe("third"));
  CHECK(first.unsubscribe("third"));
  CHECK(first.subscribe("fourth"));
  CHECK(room.server.hub().topic_count() == 3);
}

TEST_CASE("publications of every size class arrive as they are") {
  Newsroom room;
  auto peer = room.subscriber();
  std::string frames;
  for (const std::size_t size : {0U, 1U, 125U, 126U, 511U, 512U, 513U, 4095U, 4096U, 70'000U}) {
    const std::string text(size, static_cast<char>('a' + size % 26));
    CHECK(room.publish(text) == Posted::queued);
    frames += text_frame(text);
  }
  REQUIRE(peer->until_received(frames.size()));
  CHECK(peer->received == frames);
}

// Nothing leaves before the turn of the loop, unless it must for the next one to have room.
TEST_CASE("a queue takes short publications up to its limit, and not a byte more") {
  const std::size_t frame_bytes = text_frame(std::string(64, 'x')).size();
  for (const std::size_t lacking : {0U, 1U}) {
    CAPTURE(lacking);
    ws::Limits limits;
    limits.queue_bytes_max = 10 * frame_bytes - lacking;
    Newsroom room(limits);
    auto peer = room.subscriber();
    for (int i = 0; i < 9; ++i) CHECK(room.publish(std::string(64, 'x')) == Posted::queued);
    CHECK(room.connection(0).buffered_bytes() == 9 * frame_bytes);
    CHECK(room.publish(std::string(64, 'x')) == Posted::queued);
    CHECK(room.connection(0).buffered_bytes() == (lacking == 0 ? 10 : 1) * frame_bytes);
    REQUIRE(peer->until_received(10 * frame_bytes));
    CHECK(peer->received.size() == 10 * frame_bytes);
  }
}

TEST_CASE("while a publication goes through, on_dropped may do what it likes to the subscribers") {
  ws::Limits limits;
  limits.queue_bytes_max = 200'000;
  limits.overflow = ws::Overflow::drop;
  Newsroom room(limits);
  std::vector<std::unique_ptr<WirePeer>> peers;
  int dropped = 0;
  std::size_t nested = 0;
  room.server.at("/news").on_dropped([&](ws::Connection& c, Opcode, Bytes) {
    if (++dropped != 1) return;
    CHECK(c.id() == room.ids[2]);
    // Itself, one that was served, one that was not; and others come.
    CHECK(c.unsubscribe("news"));
    CHECK(room.connection(0).unsubscribe("news"));
    CHECK(room.connection(3).unsubscribe("news"));
    room.connection(4).abort();
    CHECK(room.connection(5).close());
    CHECK(c.subscribe("news"));
    CHECK(room.connection(0).subscribe("news"));
    // Behind the one that is under way, for all who are there by then.
    CHECK(room.publish("and one more") == Posted::queued);
    nested = room.server.hub().subscriber_count("news");
  });
  for (int i = 0; i < 8; ++i) peers.push_back(room.subscriber(i == 2 ? 4096 : 0));
  // The third one has no room.
  const std::string filler(50'000, 'x');
  while (room.connection(2).buffered_bytes() < 110'000) {
    REQUIRE(room.connection(2).send_text(filler) == ws::Sent::accepted);
    REQUIRE(room.loop.run_once(net::Duration{}));
  }
  CHECK(dropped == 0);
  CHECK(room.publish(std::string(100'000, 'y')) == Posted::queued);
  CHECK(dropped == 1);
  // All eight but the third, which came back, the fourth, and the two that were ended.
  CHECK(nested == 5);
  CHECK(room.server.hub().subscriber_count("news") == 5);
  for (std::size_t i : {1U, 6U, 7U}) {
    REQUIRE(peers[i]->until_contains("and one more"));
    CHECK(peers[i]->received.find("yyyy") != std::string::npos);
  }
  for (auto& peer : peers) peer->close();
  REQUIRE(room.settle());
  CHECK(room.server.hub().topic_count() == 0);
}

TEST_CASE("one subscriber that does not read costs its queue, and the others nothing (F16)") {
  ws::Limits limits;
  limits.queue_bytes_max = 300'000;
  for (const ws::Overflow policy :
       {ws::Overflow::close, ws::Overflow::drop, ws::Overflow::refuse}) {
    CAPTURE(static_cast<int>(policy));
    limits.overflow = policy;
    Newsroom room(limits);
    int dropped = 0;
    room.server.at("/news").on_dropped([&](ws::Connection& c, Opcode, Bytes payload) {
      ++dropped;
      CHECK(c.id() == room.ids[0]);
      CHECK(payload.size() == 30'000);
    });
    auto slow = room.subscriber(4096);
    std::vector<std::unique_ptr<WirePeer>> others;
    for (int i = 0; i < 10; ++i) others.push_back(room.subscriber());
    std::size_t most = 0;
    constexpr int count = 400;
    for (int i = 0; i < count; ++i) {
      CHECK(room.publish(std::string(30'000, static_cast<char>('a' + i % 26))) == Posted::queued);
      if (ws::Connection* c = room.server.find(room.ids[0])) {
        most = std::max(most, c->buffered_bytes());
      }
      REQUIRE(room.loop.run_once(net::Duration{}));
      for (auto& peer : others) peer->receive();
    }
    for (auto& peer : others) REQUIRE(peer->until_received(count * 30'004));
    CHECK(most > 200'000);
    CHECK(most <= 300'000);
    if (policy == ws::Overflow::close) {
      CHECK(room.rejects(ws::Errc::slow_consumer) == 1);
      CHECK(dropped == 0);
      CHECK(room.server.find(room.ids[0]) == nullptr);
    } else {
      // Under `refuse` nobody would hear the answer, so that on_dropped tells it, too.
      CHECK(dropped > 100);
      CHECK(room.server.metrics().messages_dropped == static_cast<std::uint64_t>(dropped));
      REQUIRE(slow->until_received(static_cast<std::size_t>(count - dropped) * 30'004));
      CHECK(slow->received.size() == static_cast<std::size_t>(count - dropped) * 30'004);
    }
    CHECK(room.server.hub().subscriber_count("news") == (policy == ws::Overflow::close ? 10 : 11));
  }
}

TEST_CASE("what waits for many that do not read is held once (F17)") {
  ws::Limits limits;
  limits.queue_bytes_max = 10 << 20;
  Newsroom room(limits);
  std::vector<std::unique_ptr<WirePeer>> peers;
  for (int i = 0; i < 20; ++i) peers.push_back(room.subscriber(4096));
  const std::string text(64'000, 'n');
  constexpr std::size_t count = 100;
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(room.publish(text) == Posted::queued);
    REQUIRE(room.loop.run_once(net::Duration{}));
  }
  std::size_t held = 0;
  room.server.for_each([&](ws::Connection& c) {
    CHECK(c.buffered_bytes() > 50 * text.size());
    held += c.held_share();
  });
  const std::size_t taken = room.loop.pool().taken_bytes();
  CHECK(taken < 2 * count * text.size());
  // Each has its share of it, rounded down.
  CHECK(held <= taken);
  CHECK(held > taken - taken / 100);
  // Who goes leaves the rest to the others.
  for (int i = 0; i < 10; ++i) room.connection(static_cast<std::size_t>(i)).abort();
  REQUIRE(room.loop.run_once(net::Duration{}));
  CHECK(room.loop.pool().taken_bytes() > taken / 2);
  for (std::size_t i = 10; i < peers.size(); ++i) {
    REQUIRE(peers[i]->until_received(count * (text.size() + 4)));
    CHECK(std::count(peers[i]->received.begin(), peers[i]->received.end(), 'n') ==
          static_cast<std::ptrdiff_t>(count * text.size()));
  }
  for (auto& peer : peers) peer->close();
  REQUIRE(room.settle());
  CHECK(room.loop.pool().taken_bytes() == 0);
}

TEST_CASE("publications of other threads arrive whole and in each thread's order (F34)") {
  Newsroom room;
  auto a = room.subscriber();
  auto b = room.subscriber();
  constexpr int threads = 4;
  constexpr int each = 500;
  std::vector<std::thread> writers;
  for (int t = 0; t < threads; ++t) {
    writers.emplace_back([&room, t] {
      for (int i = 0; i < each; ++i) {
        const std::string text = std::to_string(t) + ":" + std::to_string(10'000 + i);
        while (room.publish(text) == Posted::full) std::this_thread::yield();
      }
    });
  }
  constexpr std::size_t all = threads * each * (2 + 7);
  REQUIRE(a->until_received(all));
  REQUIRE(b->until_received(all));
  for (std::thread& writer : writers) writer.join();
  CHECK(a->received == b->received);
  std::vector<int> next(threads, 10'000);
  for (std::size_t at = 0; at < all; at += 9) {
    const auto thread = static_cast<std::size_t>(a->received[at + 2] - '0');
    CHECK(std::stoi(a->received.substr(at + 4, 5)) == next[thread]++);
  }
}

TEST_CASE("hubs that have met share their topics, and what is on its way is bounded") {
  ws::Limits limits;
  limits.publish_bytes_max = 100'000;
  ws::ServerOptions second;
  second.loop_index = 1;
  Newsroom here(limits);
  Newsroom there(limits, std::move(second));
  const std::array<ws::Hub*, 2> hubs{&here.server.hub(), &there.server.hub()};
  ws::Hub::meet(hubs);
  auto a = here.subscriber();
  auto b = there.subscriber();
  int room_told = 0;
  // Once, by a callback whose captures are as large as to lie elsewhere.
  here.server.hub().on_room([&, large = std::array<int*, 32>{&room_told}] {
    here.server.hub().on_room(nullptr);
    ++*large[0];
  });

  CHECK(here.publish("both") == Posted::queued);
  CHECK(there.publish("all but a", here.ids[0]) == Posted::queued);
  REQUIRE(b->until_contains("all but a"));
  CHECK(b->received == text_frame("all but a") + text_frame("both"));
  REQUIRE(a->until_contains("both"));
  CHECK(a->received == text_frame("both"));
  CHECK_FALSE(here.server.hub().backed_up());

  // The other loop takes nothing meanwhile.
  const std::string large(30'000, 'x');
  int accepted = 0;
  while (here.publish(large) == Posted::queued) ++accepted;
  CHECK(accepted == 3);
  CHECK(here.server.hub().backed_up());
  REQUIRE(here.loop.run_once(net::Duration{}));
  CHECK(room_told == 0);
  REQUIRE(b->until_contains(large));
  REQUIRE(here.until([&] { return room_told != 0; }));
  CHECK(room_told == 1);
  CHECK_FALSE(here.server.hub().backed_up());
  CHECK(here.publish(large) == Posted::queued);
  REQUIRE(a->until_received(6 + 4 * 30'004));
  REQUIRE(b->until_received(17 + 4 * 30'004));
}

TEST_CASE("a hub that is gone takes nothing along") {
  Newsroom here;
  auto a = here.subscriber();
  {
    Newsroom there;
    const std::array<ws::Hub*, 2> hubs{&here.server.hub(), &there.server.hub()};
    ws::Hub::meet(hubs);
    auto b = there.subscriber();
    CHECK(here.publish("to nobody there") == Posted::queued);
    CHECK(there.publish("from who goes at once") == Posted::queued);
  }
  REQUIRE(a->until_contains("at once"));
  CHECK(here.publish("alone") == Posted::queued);
  REQUIRE(a->until_contains("alone"));
  CHECK(a->received ==
        text_frame("to nobody there") + text_frame("from who goes at once") + text_frame("alone"));
}
