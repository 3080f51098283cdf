// SPDX-License-Identifier: MIT
//
// The state machine of one session, without sockets: the heartbeats of both revisions, polls and
// posts, the upgrade, and the end. Times are arguments.

#include "ws/engineio/session.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "ws/limits.h"

using namespace hilo;
using namespace hilo::engineio;

namespace {

net::Time at(std::int64_t milliseconds) {
  return net::Time{} + net::Duration::milliseconds(milliseconds);
}

Options short_options() {
  Options options;
  options.ping_interval = net::Duration::milliseconds(300);
  options.ping_timeout = net::Duration::milliseconds(200);
  return options;
}

using Kind = Reaction::Kind;
using Expired = Session::Expired;

struct Bench {
  explicit Bench(Session::Start start = {}, const Options& chosen = short_options())
      : options(chosen), session(pool, options, start, at(0)) {}

  Packet packet(PacketType type, std::string_view data = {}, bool binary = false) {
    text = data;
    return {type, binary, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}};
  }
  Reaction receive(PacketType type, std::int64_t now = 0, std::string_view data = {}) {
    return session.receive(packet(type, data), at(now));
  }
  Reaction probe(PacketType type, std::string_view data = {}, bool binary = false) {
    return session.receive_probe(packet(type, data, binary), at(0));
  }
  // The answer to the poll that waits.
  std::string poll() {
    Buffer out{pool};
    bool is_binary = false;
    CHECK(session.write_poll(out, is_binary, at(0)));
    return (is_binary ? "binary " : "") + std::string(as_text(Bytes{out.readable()}));
  }
  std::string open_packet() {
    Buffer out{pool};
    CHECK(session.write_open(out));
    return std::string(as_text(Bytes{out.readable()}));
  }
  void send(std::string_view data, bool binary = false) {
    CHECK(session.send(binary, as_bytes(data)));
  }

  Pool pool;
  Options options;
  Session session;
  std::string text;
};

Session::Start revision3(bool base64 = false, Framing3 framing = Framing3::text) {
  return {.revision = Revision::v3, .base64 = base64, .framing3 = framing};
}
Session::Start over_websocket(Revision revision = Revision::v4) {
  return {.revision = revision, .transport = Transport::websocket};
}

}  // namespace

TEST_CASE("the open packet has exactly five members, and no upgrades on a websocket") {
  Session::Start start;
  start.sid = Sid{std::array<std::uint8_t, sid_random_bytes>{1, 2, 3}, {.slot = 5}};
  Bench polling(start);
  const std::string sid{polling.session.sid().view()};
  CHECK(polling.open_packet() ==
        "{\"sid\":\"" + sid +
            "\",\"upgrades\":[\"websocket\"],\"pingInterval\":300,\"pingTimeout\":200,"
            "\"maxPayload\":1000000}");
  CHECK(Bench(over_websocket()).open_packet().find("\"upgrades\":[]") != std::string::npos);
  Options options = short_options();
  options.upgrades = false;
  CHECK(Bench({}, options).open_packet().find("\"upgrades\":[]") != std::string::npos);
  options = short_options();
  options.websocket = false;
  CHECK(Bench({}, options).open_packet().find("\"upgrades\":[]") != std::string::npos);
}

TEST_CASE("a poll waits for a packet, takes all there are, and is not waiting behind it") {
  Bench bench;
  CHECK(bench.session.begin_poll() == Errc::none);
  CHECK_FALSE(bench.session.poll_is_due());
  bench.send("test1");
  CHECK(bench.session.poll_is_due());
  bench.send("test2");
  bench.send("\x01\x02\x03\x04", true);
  CHECK(bench.poll() ==
        "4test1\x1e"
        "4test2\x1e"
        "bAQIDBA==");
  CHECK_FALSE(bench.session.poll_waits());
  CHECK(bench.session.queue().empty());
  bench.send("later");
  CHECK_FALSE(bench.session.poll_is_due());
  CHECK(bench.session.begin_poll() == Errc::none);
  CHECK(bench.session.poll_is_due());
  CHECK(bench.poll() == "4later");
}

TEST_CASE("a second poll and a second post are told apart from the first (212, 213)") {
  Bench bench;
  CHECK(bench.session.begin_poll() == Errc::none);
  CHECK(bench.session.begin_poll() == Errc::poll_overlap);
  CHECK(bench.session.begin_post() == Errc::none);
  CHECK(bench.session.begin_post() == Errc::post_overlap);
  CHECK_FALSE(bench.session.end_post());
  CHECK(bench.session.begin_post() == Errc::none);
  bench.session.end(PacketType::close);
  CHECK(bench.session.poll_is_due());
  CHECK(bench.poll() == "1");
}

TEST_CASE("revision 3 answers in text, and in the binary framing where that is wanted") {
  Bench text(revision3());
  text.send("\u00bc");
  CHECK(text.poll() == "2:4\u00bc");
  text.send("hello");
  text.send("\x01\x02", true);
  CHECK(text.poll() == std::string("binary \0\x06\xff"
                                   "4hello\x01\x03\xff\x04\x01\x02",
                                   7 + 9 + 6));
  Bench base64(revision3(true));
  base64.send("hello");
  base64.send("\x01\x02\x03\x04", true);
  CHECK(base64.poll() == "6:4hello10:b4AQIDBA==");
  Bench binary(revision3(false, Framing3::binary));
  binary.send("hi");
  CHECK(binary.poll() == std::string("binary \0\x03\xff"
                                     "4hi",
                                     7 + 6));
  Bench both(revision3(true, Framing3::binary));
  both.send("hi");
  CHECK(both.poll() == "3:4hi");
}

TEST_CASE("revision 4: the server pings, the client answers in time (206, 207)") {
  Bench bench;
  Session& session = bench.session;
  std::int64_t now = 0;
  for (int round = 0; round < 3; ++round) {
    now += 300;
    CHECK(session.deadline() == at(now));
    CHECK(session.expire(at(now - 1)) == Expired::nothing);
    CHECK(session.expire(at(now)) == Expired::output);
    CHECK(session.expire(at(now)) == Expired::nothing);
    CHECK(bench.poll() == "2");
    CHECK(session.deadline() == at(now + 200));
    now += 50;
    CHECK(bench.receive(PacketType::pong, now).kind == Kind::nothing);
  }
  CHECK(session.expire(at(now + 300)) == Expired::output);
  CHECK(session.expire(at(now + 499)) == Expired::nothing);
  CHECK(session.expire(at(now + 500)) == Expired::silence);
  // 206: the other side's heartbeat.
  const Reaction reaction = bench.receive(PacketType::ping, now);
  CHECK(reaction.kind == Kind::failed);
  CHECK(reaction.error == Errc::heartbeat_direction);
}

TEST_CASE(
    "a client has its time from when the ping leaves, also where the loop stood still (207)") {
  Bench bench;
  CHECK(bench.session.expire(at(320)) == Expired::output);
  CHECK(bench.session.deadline() == at(520));
  Bench stopped;
  CHECK(stopped.session.expire(at(10'000)) == Expired::output);
  CHECK(stopped.session.expire(at(10'199)) == Expired::nothing);
  CHECK(stopped.session.expire(at(10'200)) == Expired::silence);
}

TEST_CASE("pongs that nobody asked for change nothing, however many (208)") {
  Bench bench;
  for (int i = 0; i < 100'000; ++i) {
    CHECK(bench.receive(PacketType::pong, 299).kind == Kind::nothing);
  }
  CHECK(bench.session.deadline() == at(300));
  CHECK(bench.session.queue().empty());
}

TEST_CASE(
    "revision 3: the client pings, the server answers and waits no longer than both times (206, "
    "207)") {
  Bench bench(revision3());
  Session& session = bench.session;
  CHECK(session.deadline() == at(500));
  CHECK(session.expire(at(300)) == Expired::nothing);
  CHECK(bench.receive(PacketType::ping, 400).kind == Kind::nothing);
  CHECK(bench.poll() == "1:3");
  CHECK(session.deadline() == at(900));
  CHECK(session.expire(at(900)) == Expired::silence);
  const Reaction reaction = bench.receive(PacketType::pong, 400);
  CHECK(reaction.kind == Kind::failed);
  CHECK(reaction.error == Errc::heartbeat_direction);
}

TEST_CASE("a client that answers pings which it never fetches is gone when its queue is full") {
  Options options = short_options();
  options.queue_bytes_max = 100;
  Bench bench({}, options);
  std::int64_t now = 0;
  int pings = 0;
  for (; pings < 1000; ++pings) {
    now += 300;
    if (bench.session.expire(at(now)) != Expired::output) break;
    bench.receive(PacketType::pong, now);
  }
  CHECK(pings == 20);
  CHECK(bench.session.queue().size_bytes() == 100);
}

TEST_CASE("pings that are not fetched are bounded (208)") {
  Options options = short_options();
  options.queue_bytes_max = 100;
  Bench bench(revision3(), options);
  int answered = 0;
  while (bench.receive(PacketType::ping).kind == Kind::nothing) ++answered;
  CHECK(answered == 20);
  CHECK(bench.receive(PacketType::ping).error == Errc::queue_full);
}

TEST_CASE("a queue that is not fetched is full at its limit, and what was accepted stays") {
  Options options = short_options();
  options.queue_bytes_max = 1000;
  Bench bench({}, options);
  const std::string big(900, 'x');
  bench.send(big);
  CHECK(bench.session.send(false, as_bytes(big)).error() == std::errc::no_buffer_space);
  CHECK(bench.poll() == "4" + big);
  bench.send(big);
  bench.session.end(PacketType::close);
  CHECK(bench.session.send(false, as_bytes(big)).error() == std::errc::not_connected);
}

TEST_CASE("packets lead to messages, to the end, or to an error") {
  Bench bench;
  CHECK(bench.receive(PacketType::message, 0, "hi").kind == Kind::message);
  CHECK(bench.receive(PacketType::noop).kind == Kind::nothing);
  CHECK(bench.receive(PacketType::close).kind == Kind::ended);
  for (const PacketType type : {PacketType::open, PacketType::upgrade}) {
    CHECK(bench.receive(type).kind == Kind::failed);
    CHECK(bench.receive(type).error == Errc::packet_unexpected);
  }
  bench.session.end(PacketType::noop);
  CHECK(bench.receive(PacketType::message).kind == Kind::nothing);
}

TEST_CASE(
    "an upgrade: probe, the waiting poll is released, then everything goes over the WebSocket") {
  Bench bench;
  Session& session = bench.session;
  CHECK(session.begin_poll() == Errc::none);
  CHECK(session.begin_probe(at(10)) == Errc::none);
  CHECK(session.is_probing());
  CHECK_FALSE(session.poll_is_due());
  CHECK(bench.probe(PacketType::ping, "probe").kind == Kind::answer);
  // Most clients are told something by then.
  CHECK_FALSE(session.poll_is_due());
  CHECK(session.deadline() == at(100));
  CHECK(session.expire(at(100)) == Expired::output);
  CHECK(session.poll_is_due());
  CHECK(bench.poll() == "6");
  // Whatever is sent now still goes by polling ...
  bench.send("between");
  CHECK(session.begin_poll() == Errc::none);
  CHECK(session.poll_is_due());
  CHECK(bench.poll() == "4between");
  // ... until the client says that it has none left.
  bench.send("kept");
  CHECK(bench.probe(PacketType::upgrade).kind == Kind::upgraded);
  CHECK(session.transport() == Transport::websocket);
  CHECK_FALSE(session.is_probing());
  CHECK(as_text(Bytes{session.queue().front().data}) == "kept");
  CHECK(session.begin_poll() == Errc::transport_mismatch);  // 232
  CHECK(session.begin_post() == Errc::transport_mismatch);
  CHECK(session.begin_probe(at(20)) == Errc::upgrade_overlap);  // 232
  CHECK(session.deadline() == at(300));
}

TEST_CASE("a client that has not heard that it was probed does not ask round and round") {
  Bench bench;
  Session& session = bench.session;
  CHECK(session.begin_probe(at(0)) == Errc::none);
  CHECK(bench.probe(PacketType::ping, "probe").kind == Kind::answer);
  CHECK(session.deadline() == at(300));
  CHECK(session.begin_poll() == Errc::none);
  CHECK_FALSE(session.poll_is_due());
  CHECK(session.deadline() == at(100));
  // Asking once more does not put it off.
  CHECK(session.receive_probe(bench.packet(PacketType::ping, "probe"), at(50)).kind ==
        Kind::answer);
  CHECK(session.deadline() == at(100));
  CHECK(session.expire(at(99)) == Expired::nothing);
  CHECK_FALSE(session.poll_is_due());
  CHECK(session.expire(at(100)) == Expired::output);
  CHECK(bench.poll() == "6");
  // What there is to fetch does not wait, nor does the end of the upgrade.
  CHECK(session.begin_poll() == Errc::none);
  CHECK(session.send(false, as_bytes(std::string_view{"a"})));
  CHECK(bench.poll() == "4a");
  CHECK(session.begin_poll() == Errc::none);
  CHECK(bench.probe(PacketType::upgrade).kind == Kind::upgraded);
  CHECK(session.poll_is_due());
}

TEST_CASE("a probe that was given up leaves nothing to the next one") {
  Bench bench;
  Session& session = bench.session;
  CHECK(session.begin_probe(at(0)) == Errc::none);
  CHECK(bench.probe(PacketType::ping, "probe").kind == Kind::answer);
  CHECK(session.begin_poll() == Errc::none);
  CHECK(bench.poll() == "6");
  CHECK(session.begin_poll() == Errc::none);
  session.end_probe();
  CHECK(session.deadline() == at(300));
  CHECK(session.begin_probe(at(150)) == Errc::none);
  CHECK(session.deadline() == at(300));
  CHECK(session.expire(at(200)) == Expired::nothing);
  CHECK(session.is_open());
  CHECK(session.receive_probe(bench.packet(PacketType::ping, "probe"), at(160)).kind ==
        Kind::answer);
  CHECK_FALSE(session.poll_is_due());
  CHECK(session.deadline() == at(260));
}

TEST_CASE("who is closed while a poll waits behind 3probe is told by that") {
  Bench bench;
  Session& session = bench.session;
  CHECK(session.begin_poll() == Errc::none);
  CHECK(session.begin_probe(at(0)) == Errc::none);
  CHECK(bench.probe(PacketType::ping, "probe").kind == Kind::answer);
  CHECK_FALSE(session.poll_is_due());
  session.close(at(10));
  CHECK(session.poll_is_due());
  CHECK(bench.poll() == "1");
  CHECK(session.state() == Session::State::closed);
}

TEST_CASE("a poll that still waits when the upgrade is done gets a noop, and loses nothing") {
  Bench bench;
  CHECK(bench.session.begin_probe(at(0)) == Errc::none);
  CHECK(bench.probe(PacketType::ping, "probe").kind == Kind::answer);
  CHECK(bench.session.begin_poll() == Errc::none);
  CHECK(bench.probe(PacketType::upgrade).kind == Kind::upgraded);
  bench.send("kept");
  CHECK(bench.session.poll_is_due());
  CHECK(bench.poll() == "6");
  CHECK(bench.session.queue().count() == 1);
}

TEST_CASE("probe and upgrade may come back to back; the post that runs is read first (234)") {
  Bench bench;
  Session& session = bench.session;
  CHECK(session.begin_post() == Errc::none);
  CHECK(session.begin_probe(at(0)) == Errc::none);
  CHECK(bench.probe(PacketType::ping, "probe").kind == Kind::answer);
  CHECK(bench.probe(PacketType::upgrade).kind == Kind::wait);
  CHECK(session.transport() == Transport::polling);
  CHECK(bench.receive(PacketType::message).kind == Kind::message);
  CHECK(session.end_post());
  CHECK(session.transport() == Transport::websocket);

  Bench late;
  CHECK(late.session.begin_post() == Errc::none);
  CHECK(late.session.begin_probe(at(0)) == Errc::none);
  CHECK(late.probe(PacketType::ping, "probe").kind == Kind::answer);
  CHECK(late.probe(PacketType::upgrade).kind == Kind::wait);
  // The WebSocket that waits for it is gone: polling goes on.
  late.session.end_probe();
  CHECK_FALSE(late.session.end_post());
  CHECK(late.session.transport() == Transport::polling);
  CHECK(late.session.begin_post() == Errc::none);
}

TEST_CASE("what is no probe fails the probe alone (230)") {
  struct Case {
    PacketType type;
    std::string_view data;
    bool binary = false;
  };
  for (const Case& each :
       {Case{PacketType::message, "hi"}, Case{PacketType::upgrade, ""}, Case{PacketType::ping, ""},
        Case{PacketType::ping, "prob"}, Case{PacketType::message, "probe", true}}) {
    Bench bench;
    CHECK(bench.session.begin_probe(at(0)) == Errc::none);
    const Reaction reaction = bench.probe(each.type, each.data, each.binary);
    CHECK(reaction.kind == Kind::failed);
    CHECK(reaction.error == Errc::upgrade_probe);
    bench.session.end_probe();
    CHECK(bench.session.is_open());
    CHECK(bench.session.begin_poll() == Errc::none);
  }
}

TEST_CASE(
    "one probe at a time, a new one behind it, and each a thousand times at most (231, 233, 235)") {
  Bench bench;
  Session& session = bench.session;
  CHECK(session.begin_probe(at(0)) == Errc::none);
  CHECK(session.begin_probe(at(0)) == Errc::upgrade_overlap);  // 231
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(bench.probe(PacketType::ping, "probe").kind == Kind::answer);  // 233
  }
  CHECK(bench.probe(PacketType::ping, "probe").error == Errc::upgrade_probe);
  bench.send("kept");
  session.end_probe();  // 235
  CHECK(session.begin_poll() == Errc::none);
  CHECK(bench.poll() == "4kept");
  CHECK(session.begin_probe(at(0)) == Errc::none);
}

TEST_CASE("a probe that is not completed ends, and the session goes on (229, 236)") {
  Options options = short_options();
  options.ping_interval = net::Duration::seconds(25);
  Bench bench({}, options);
  CHECK(bench.session.begin_probe(at(100)) == Errc::none);
  CHECK(bench.session.deadline() == at(10'100));
  CHECK(bench.session.expire(at(10'099)) == Expired::nothing);
  CHECK(bench.session.expire(at(10'100)) == Expired::probe);
  CHECK(bench.session.is_open());
  CHECK(bench.session.deadline() == at(25'000));
  options.upgrades = false;
  Bench off({}, options);
  CHECK(off.session.begin_probe(at(0)) == Errc::upgrade_disabled);  // 236
}

TEST_CASE("closing by polling: what was sent is fetched first, or given up in time") {
  Bench bench;
  bench.send("last words");
  bench.session.close(at(0));
  CHECK(bench.session.state() == Session::State::closing);
  CHECK(bench.session.send(false, as_bytes("more")).error() == std::errc::not_connected);
  CHECK(bench.session.begin_poll() == Errc::none);
  CHECK(bench.poll() ==
        "4last words\x1e"
        "1");
  CHECK(bench.session.state() == Session::State::closed);
  CHECK(bench.session.deadline() == ws::never);

  Bench absent;
  absent.session.close(at(0));
  CHECK(absent.session.deadline() == at(30'000));
  CHECK(absent.session.expire(at(30'000)) == Expired::closing);
  CHECK(absent.session.state() == Session::State::closed);
}

TEST_CASE("the end: a poll that waits hears the last word, nobody hears anything else (228)") {
  Bench bench;
  CHECK(bench.session.begin_poll() == Errc::none);
  bench.session.end(PacketType::noop);
  CHECK(bench.session.poll_is_due());
  CHECK(bench.poll() == "6");
  Bench silent;
  silent.send("lost");
  silent.session.end(PacketType::noop);
  CHECK(silent.session.queue().empty());
  CHECK(silent.pool.taken_bytes() == 0);
}
