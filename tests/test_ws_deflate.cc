// SPDX-License-Identifier: MIT
//
// permessage-deflate as applications meet it: what goes out compressed and what does not, both
// sides of it together, what a client makes of the answers of servers, and what it costs. The
// numbers are those of the catalogue of bad inputs.

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/frames.h"
#include "tests/support/raw_server.h"
#include "tests/support/stream_pair.h"
#include "tests/support/wire.h"
#include "ws/client.h"
#include "ws/core/deflate.h"
#include "ws/core/deflate_contexts.h"
#include "ws/encoded_message.h"
#include "ws/metrics.h"

using namespace hilo;
using namespace hilo::test;
using ws::DeflateOptions;
using ws::Errc;

namespace {

constexpr DeflateOptions alone{.enabled = true};
constexpr DeflateOptions taking_over{.enabled = true,
                                     .threshold_bytes = 0,
                                     .server_no_context_takeover = false,
                                     .client_no_context_takeover = false};
const std::string name = "permessage-deflate";
const std::string hello = hex("F2 48 CD C9 C9 07 00");
const std::string hello_again = hex("F2 00 11 00 00");

ws::ServerOptions serving(const DeflateOptions& deflate) {
  ws::ServerOptions options;
  options.deflate = deflate;
  return options;
}

// A peer that has agreed on compression with the server's /echo.
std::unique_ptr<WirePeer> agreed_peer(WireServer& server, std::string_view path = "/echo") {
  auto peer = std::make_unique<WirePeer>(server);
  const std::string line = "Sec-WebSocket-Extensions: " + name + "\r\n";
  REQUIRE(peer->send(upgrade_request(path, line)));
  REQUIRE(peer->until_contains("\r\n\r\n"));
  CHECK(peer->received.find(name) != std::string::npos);
  peer->received.erase(0, peer->received.find("\r\n\r\n") + 4);
  return peer;
}

// Nothing that could be compressed.
std::string random_bytes(std::size_t size) {
  std::string random;
  std::uint32_t state = 1;
  while (random.size() < size) {
    state = state * 1'664'525U + 1'013'904'223U;
    random += as_char(state >> 24);
  }
  return random;
}

std::string compressed(std::string_view text) {
  Pool pool;
  ws::DeflateMemory memory;
  ws::Deflater deflater(memory, {});
  Buffer out(pool);
  REQUIRE(deflater.deflate(as_bytes(text), text.size() + 1000, out));
  return std::string(as_text(std::as_const(out).readable()));
}

// A client and a server with the same loop.
struct Pair {
  explicit Pair(const DeflateOptions& deflate, const ws::Limits& limits = {})
      : server(limits, serving(deflate)), client(server.loop) {
    client.on_open([this](ws::Connection& c) { connection = &c; })
        .on_message([this](ws::Connection&, ws::Message m) { received.emplace_back(m.text()); })
        .on_close([this](ws::Connection&, ws::CloseInfo) { connection = nullptr; });
  }
  void connect(const DeflateOptions& deflate) {
    const std::string url = "ws://127.0.0.1:" + std::to_string(server.address.port()) + "/echo";
    REQUIRE(client.connect({.url = url, .deflate = deflate}));
    REQUIRE(server.until([this] { return connection != nullptr; }));
  }
  // The server's end.
  ws::Connection& accepted() {
    ws::Connection* found = nullptr;
    server.server.for_each([&found](ws::Connection& c) { found = &c; });
    REQUIRE(found != nullptr);
    return *found;
  }
  // The client stops reading, and the server's queue has something in it from then on.
  void block() {
    connection->pause();
    const std::string block = random_bytes(10'000);
    while (accepted().buffered_bytes() < 10'000) {
      REQUIRE(accepted().send_binary(as_bytes(block)) == ws::Sent::accepted);
      REQUIRE(server.loop.run_once(net::Duration{}));
    }
  }
  void echo(std::string_view text, ws::SendOptions options = {}) {
    received.clear();
    REQUIRE(connection->send_text(text, options) == ws::Sent::accepted);
    REQUIRE(server.until([this] { return !received.empty(); }));
    const bool same = received[0] == text;
    CHECK(same);
  }

  std::vector<std::string> received;
  ws::Connection* connection = nullptr;
  WireServer server;
  ws::Client client;
};

}  // namespace

TEST_CASE("messages from the threshold on are compressed, if they shrink") {
  WireServer server({}, serving(alone));
  const auto peer = agreed_peer(server);
  const std::string below(1023, 'x');
  REQUIRE(peer->send(client_frame(0x81, below)));
  CHECK(peer->until_contains(server_frame(0x81, below)));
  peer->received.clear();

  const std::string large(1024, 'x');
  REQUIRE(peer->send(client_frame(0x81, large) + client_frame(0x82, large)));
  const std::string wire = compressed(large);
  CHECK(peer->until_received(2 * (wire.size() + 2)));
  CHECK(peer->received == server_frame(0xC1, wire) + server_frame(0xC2, wire));
  peer->received.clear();

  const std::string random = random_bytes(2000);
  REQUIRE(peer->send(client_frame(0x82, random)));
  CHECK(peer->until_contains(server_frame(0x82, random)));
}

TEST_CASE("the server says who may compress, request by request") {
  ws::ServerOptions options = serving(alone);
  options.may_compress = [](const ws::Request& request) {
    if (request.query() == "throw") throw std::runtime_error("no");
    return request.query() == "yes";
  };
  WireServer server({}, std::move(options));
  CHECK(agreed_peer(server, "/echo?yes") != nullptr);
  for (const std::string_view path : {"/echo", "/echo?no", "/echo?throw"}) {
    CAPTURE(path);
    WirePeer peer(server);
    REQUIRE(peer.send(upgrade_request(path, "Sec-WebSocket-Extensions: " + name + "\r\n")));
    REQUIRE(peer.until_contains("\r\n\r\n"));
    CHECK(peer.received.starts_with("HTTP/1.1 101 "));
    CHECK(peer.received.find(name) == std::string::npos);
  }
}

TEST_CASE("a message can be sent as it is") {
  WireServer server({}, serving(alone));
  server.server.at("/plain").on_message(
      [](ws::Connection& c, ws::Message m) { c.send(m, {.compress = false}); });
  const auto peer = agreed_peer(server, "/plain");
  const std::string large(5000, 'x');
  REQUIRE(peer->send(client_frame(0xC1, compressed(large))));
  CHECK(peer->until_contains(server_frame(0x81, large)));
}

TEST_CASE("with context takeover the server says Hello twice as RFC 7692 §7.2.3.2 does") {
  WireServer server({}, serving(taking_over));
  const auto peer = agreed_peer(server);
  REQUIRE(peer->send(client_frame(0xC1, hello) + client_frame(0xC1, hello_again)));
  const std::string expected = server_frame(0xC1, hello) + server_frame(0xC1, hello_again);
  CHECK(peer->until_received(expected.size()));
  CHECK(peer->received == expected);
}

TEST_CASE("a message to many is compressed once where they share a context") {
  WireServer server({}, serving(alone));
  server.server.at("/topic").on_open([](ws::Connection& c) { REQUIRE(c.subscribe("news")); });
  std::vector<std::unique_ptr<WirePeer>> peers;
  for (int i = 0; i < 5; ++i) peers.push_back(agreed_peer(server, "/topic"));
  WirePeer plain(server);
  REQUIRE(plain.upgrade("/topic"));
  const std::string text(5000, 'n');
  server.server.publish("news", ws::Opcode::text, as_bytes(text));
  for (const auto& peer : peers) {
    CHECK(peer->until_contains(server_frame(0xC1, compressed(text))));
  }
  CHECK(plain.until_contains(server_frame(0x81, text)));
  CHECK(server.server.metrics().messages_deflated == 1);
  server.server.publish("news", ws::Opcode::text, as_bytes(text), {.compress = false});
  for (const auto& peer : peers) CHECK(peer->until_contains(server_frame(0x81, text)));
}

TEST_CASE("it is compressed once for each window, whatever becomes of the other direction") {
  DeflateOptions options = alone;
  options.client_no_context_takeover = false;
  WireServer server({}, serving(options));
  server.server.at("/topic").on_open([](ws::Connection& c) { REQUIRE(c.subscribe("news")); });
  std::vector<std::unique_ptr<WirePeer>> peers;
  for (int i = 0; i < 9; ++i) {
    const std::string window =
        i % 3 == 0 ? "" : "; server_max_window_bits=1" + std::to_string(i % 3);
    peers.push_back(std::make_unique<WirePeer>(server));
    REQUIRE(peers.back()->send(
        upgrade_request("/topic", "Sec-WebSocket-Extensions: " + name + window + "\r\n")));
    REQUIRE(peers.back()->until_contains("\r\n\r\n"));
  }
  const std::string text(5000, 'n');
  server.server.publish("news", ws::Opcode::text, as_bytes(text));
  for (const auto& peer : peers) CHECK(peer->until_contains("\xC1"));
  CHECK(server.server.metrics().messages_deflated == 3);
}

TEST_CASE("a large message to many waits in one place in each of its forms") {
  WireServer server({}, serving(alone));
  server.server.at("/topic").on_open([](ws::Connection& c) { REQUIRE(c.subscribe("news")); });
  std::vector<std::unique_ptr<WirePeer>> peers;
  for (int i = 0; i < 8; ++i) {
    peers.push_back(agreed_peer(server, "/topic"));
    peers.push_back(std::make_unique<WirePeer>(server));
    REQUIRE(peers.back()->upgrade("/topic"));
  }
  // Two bits of each byte are chance: it shrinks to some third, which is large, too.
  std::string text = random_bytes(30'000);
  for (char& each : text) each = static_cast<char>('a' + (each & 3));
  const std::string wire = compressed(text);
  REQUIRE(wire.size() > ws::EncodedMessage::shared_bytes_min);
  for (int i = 0; i < 3; ++i) server.server.publish("news", ws::Opcode::text, as_bytes(text));
  CHECK(server.loop.pool().taken_bytes() <
        3 * 2 * (text.size() + wire.size()) + peers.size() * 256);
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const std::string frame = i % 2 == 0 ? server_frame(0xC1, wire) : server_frame(0x81, text);
    CHECK(peers[i]->until_received(3 * frame.size()));
    const bool same = peers[i]->received == frame + frame + frame;
    CHECK(same);
  }
  CHECK(server.server.metrics().messages_deflated == 3);
  CHECK(server.loop.pool().taken_bytes() == 0);
}

TEST_CASE("a message to many is compressed for each of those whose contexts are their own") {
  WireServer server({}, serving(taking_over));
  server.server.at("/topic").on_open([](ws::Connection& c) { REQUIRE(c.subscribe("news")); });
  const auto early = agreed_peer(server, "/topic");
  server.server.publish("news", ws::Opcode::text, as_bytes("Hello"));
  CHECK(early->until_received(server_frame(0xC1, hello).size()));
  const auto late = agreed_peer(server, "/topic");
  server.server.publish("news", ws::Opcode::text, as_bytes("Hello"));
  const std::string again = server_frame(0xC1, hello) + server_frame(0xC1, hello_again);
  CHECK(early->until_received(again.size()));
  CHECK(early->received == again);
  CHECK(late->until_received(server_frame(0xC1, hello).size()));
  CHECK(late->received == server_frame(0xC1, hello));
  CHECK(server.server.metrics().messages_deflated == 3);
}

TEST_CASE("client and server agree, and everything comes back") {
  for (const DeflateOptions& server : {alone, taking_over, DeflateOptions{}}) {
    for (const DeflateOptions& client : {alone, taking_over, DeflateOptions{}}) {
      Pair pair(server);
      pair.connect(client);
      CHECK(pair.connection->compresses() == (server.enabled && client.enabled));
      for (const std::size_t size : std::to_array<std::size_t>({5, 1000, 3000, 70'000, 1 << 20})) {
        std::string text;
        while (text.size() < size) text += "line " + std::to_string(text.size() * 31) + "\n";
        text.resize(size);
        pair.echo(text);
        pair.echo(text, {.compress = false});
        pair.echo(text);
      }
      const std::uint64_t deflated = pair.client.metrics().messages_deflated;
      CHECK((deflated != 0) == pair.connection->compresses());
      CHECK(pair.server.server.metrics().messages_inflated == deflated);
      CHECK(pair.server.server.metrics().inflated_wire_bytes <
            pair.server.server.metrics().inflated_bytes + 1);
    }
  }
}

TEST_CASE("a client may connect again, and compress otherwise") {
  Pair pair(taking_over);
  for (const DeflateOptions& options : {taking_over, alone, DeflateOptions{}, taking_over}) {
    pair.connect(options);
    pair.echo(std::string(3000, 'a'));
    REQUIRE(pair.connection->close());
    REQUIRE(pair.server.until([&] { return pair.connection == nullptr; }));
    REQUIRE(pair.server.settle());
  }
}

TEST_CASE(
    "a message is let into the queue by its plain size, and lies in it as it was compressed") {
  for (const DeflateOptions& deflate : {alone, taking_over}) {
    for (const ws::Overflow overflow : {ws::Overflow::refuse, ws::Overflow::drop}) {
      ws::Limits limits;
      limits.queue_bytes_max = 100'000;
      limits.overflow = overflow;
      Pair pair(deflate, limits);
      pair.connect(deflate);
      pair.block();
      const std::size_t blocks = pair.server.server.metrics().messages_sent;
      std::vector<std::string> texts;
      for (int i = 0; i < 20; ++i) texts.emplace_back(60'000, static_cast<char>('a' + i));
      const std::size_t before = pair.accepted().buffered_bytes();
      for (const std::string& text : texts) {
        CHECK(pair.accepted().send_text(text) == ws::Sent::accepted);
      }
      CHECK(pair.accepted().buffered_bytes() < before + 20 * 1000);
      // There would be room for what it compresses to, but none for the message itself.
      const bool refuses = overflow == ws::Overflow::refuse;
      CHECK(pair.accepted().send_text(std::string(95'000, 'z')) ==
            (refuses ? ws::Sent::refused : ws::Sent::dropped));
      CHECK(pair.server.server.metrics().messages_dropped == (refuses ? 0 : 1));
      texts.emplace_back(2000, 'z');
      CHECK(pair.accepted().send_text(texts.back()) == ws::Sent::accepted);

      // What was not let in has left no trace in the context: the rest can be read.
      pair.connection->resume();
      REQUIRE(pair.server.until([&] { return pair.received.size() == blocks + texts.size(); }));
      pair.received.erase(pair.received.begin(),
                          pair.received.begin() + static_cast<std::ptrdiff_t>(blocks));
      CHECK((pair.received == texts));
    }
  }
}

TEST_CASE("compression saves nobody who takes nothing: neither from the limit nor from the stall") {
  {
    ws::Limits limits;
    limits.queue_bytes_max = 100'000;
    Pair pair(taking_over, limits);
    pair.connect(taking_over);
    pair.block();
    CHECK(pair.accepted().send_text(std::string(99'000, 'z')) == ws::Sent::closed);
    REQUIRE(pair.server.settle());
    CHECK(pair.server.rejects(Errc::slow_consumer) == 1);
  }
  ws::Limits limits;
  limits.stall_timeout = net::Duration::milliseconds(20);
  Pair pair(taking_over, limits);
  pair.connect(taking_over);
  pair.block();
  CHECK(pair.accepted().send_text(std::string(99'000, 'z')) == ws::Sent::accepted);
  REQUIRE(pair.server.settle());
  CHECK(pair.server.rejects(Errc::write_stalled) == 1);
  REQUIRE(pair.server.closed.size() == 1);
  CHECK(pair.server.closed[0].code == ws::CloseCode::abnormal);
}

namespace {

// What becomes of a client whose server answers with these extensions: "open", or the label of the
// error.
std::string outcome_over(bool secure, const DeflateOptions& options, std::string_view answer) {
  net::Loop loop;
  RawServer server(secure);
  std::string told;
  ws::Client client(loop);
  client.on_open([&](ws::Connection& c) { told = c.compresses() ? "compresses" : "open"; })
      .on_failed([&](std::error_code why) {
        const bool is_ours = why.category() == make_error_code(Errc::none).category();
        told = is_ours ? ws::rule(static_cast<Errc>(why.value())).label : why.message();
      });
  const std::string url = server.url();
  std::shared_ptr<const net::tls::ClientContext> trusting;
  if (secure) trusting = *net::tls::ClientContext::create({.insecure = true});
  REQUIRE(client.connect({.url = url, .tls = trusting, .deflate = options}));
  REQUIRE(turn_until(loop, [&] {
    server.poll();
    return server.take_request();
  }));
  const std::string line =
      answer.empty() ? "" : "Sec-WebSocket-Extensions: " + std::string(answer) + "\r\n";
  server.send(server.good_answer(line));
  REQUIRE(turn_until(loop, [&] {
    server.poll();
    return !told.empty();
  }));
  return told;
}

// Over TLS it is the same.
std::string outcome(const DeflateOptions& options, std::string_view answer) {
  const std::string plain = outcome_over(false, options, answer);
  CHECK(outcome_over(true, options, answer) == plain);
  return plain;
}

}  // namespace

TEST_CASE("a client fails on extensions that it did not ask for (E 97, 99, K 179)") {
  const std::string bits = "; server_max_window_bits";
  CHECK(outcome({}, "") == "open");
  CHECK(outcome({}, name) == "ext");
  CHECK(outcome(taking_over, "") == "open");
  CHECK(outcome(taking_over, name) == "compresses");
  CHECK(outcome(taking_over, name + ", " + name) == "ext");
  CHECK(outcome(taking_over, "x-other") == "ext");
  CHECK(outcome(taking_over, name + ", x-other") == "ext");
  for (const std::string_view value : {"=7", "=16", "=08", ""}) {
    CHECK(outcome(taking_over, name + bits + std::string(value)) == "ext");
  }
  CHECK(outcome(taking_over, name + bits + "=15") == "compresses");
  CHECK(outcome({.enabled = true, .server_max_window_bits = 10},
                name + "; server_no_context_takeover" + bits + "=11") == "ext");
  CHECK(outcome(alone, name) == "ext");
  CHECK(outcome(alone, name + "; server_no_context_takeover") == "compresses");
  CHECK(outcome(taking_over, name + "; x=1") == "ext");
}

TEST_CASE("a client whose window would be of 8 bits sends uncompressed, and inflates") {
  net::Loop loop;
  RawServer server;
  std::string received;
  ws::Client client(loop);
  const std::string text(5000, 'x');
  client.on_open([&](ws::Connection& c) { c.send_text(text); })
      .on_message([&](ws::Connection&, ws::Message m) { received = m.text(); });
  const std::string url = server.url();
  REQUIRE(client.connect({.url = url, .deflate = taking_over}));
  REQUIRE(turn_until(loop, [&] {
    server.poll();
    return server.take_request();
  }));
  server.send(server.good_answer("Sec-WebSocket-Extensions: " + name +
                                 "; client_max_window_bits=8; server_max_window_bits=8\r\n") +
              server_frame(0xC1, hello) + server_frame(0xC1, hello_again));
  std::vector<ClientFrame> frames;
  REQUIRE(turn_until(loop, [&] {
    server.poll();
    for (ClientFrame& frame : take_client_frames(server.received)) frames.push_back(frame);
    return !frames.empty() && received == "Hello";
  }));
  CHECK(frames[0].first == 0x81);
  CHECK(frames[0].payload == text);
}

TEST_CASE("without memory for compression a server declines, and a sender sends as it is (L 196)") {
  ws::Limits limits;
  limits.deflate_memory_bytes_max = 0;
  WireServer none(limits, serving(taking_over));
  WirePeer peer(none);
  REQUIRE(peer.send(upgrade_request("/echo", "Sec-WebSocket-Extensions: " + name + "\r\n")));
  REQUIRE(peer.until_contains("\r\n\r\n"));
  CHECK(peer.received.find("Extensions") == std::string::npos);

  limits.deflate_memory_bytes_max = 50'000;  // enough to inflate
  WireServer little(limits, serving(alone));
  const auto other = agreed_peer(little);
  const std::string text(5000, 'x');
  REQUIRE(other->send(client_frame(0xC1, compressed(text))));
  CHECK(other->until_contains(server_frame(0x81, text)));
  CHECK(little.all_rejects() == 0);
}

TEST_CASE("takeover is agreed on while there is room for it, and for all who were promised it") {
  ws::Limits limits;
  const std::size_t each = ws::inflater_bytes(15) + ws::deflater_bytes(15, 8);
  limits.deflate_memory_bytes_max = 2 * each + ws::inflater_bytes(15) + 4096;
  WireServer server(limits, serving(taking_over));
  const auto answer = [&](std::vector<std::unique_ptr<WirePeer>>& peers) {
    peers.push_back(std::make_unique<WirePeer>(server));
    REQUIRE(
        peers.back()->send(upgrade_request("/echo", "Sec-WebSocket-Extensions: " + name + "\r\n")));
    REQUIRE(peers.back()->until_contains("\r\n\r\n"));
    const bool takes_over = peers.back()->received.find("no_context") == std::string::npos;
    CHECK(peers.back()->received.find(name) != std::string::npos);
    peers.back()->received.clear();
    return takes_over;
  };
  std::vector<std::unique_ptr<WirePeer>> peers;
  CHECK(answer(peers));
  CHECK(answer(peers));
  CHECK_FALSE(answer(peers));
  CHECK_FALSE(answer(peers));
  const std::string text(5000, 'x');
  for (std::size_t i = 0; i < peers.size(); ++i) {
    REQUIRE(peers[i]->send(client_frame(0xC1, compressed(text))));
    // For what others share to compress with there is no room.
    CHECK(peers[i]->until_contains(i < 2 ? "\xC1" : server_frame(0x81, text)));
  }
  CHECK(server.all_rejects() == 0);
  // Who goes makes room.
  peers.erase(peers.begin());
  REQUIRE(server.until([&] { return server.server.connection_count() == 3; }));
  CHECK(answer(peers));
}

TEST_CASE("what a connection keeps for compression is what deflate.h says, and is given back") {
  ws::DeflateCounters counters;
  ws::DeflateContexts contexts(taking_over, ws::DeflateMemory::unlimited, counters);
  const ws::MessageLimits limits;
  Pool pool;
  const auto use = [&](ws::Compression& compression) {
    Buffer wire(pool);
    Buffer text(pool);
    CHECK(compression.shrink(as_bytes(std::string(5000, 'x')), wire));
    CHECK(compression.expand(std::as_const(wire).readable(), limits, text) == Errc::none);
  };
  const ws::DeflateParameters shared{true, true, 15, 15};
  std::vector<ws::CompressionPointer> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(contexts.make(ws::Role::server, shared));
    use(*all.back());
  }
  const std::size_t loop_bytes = contexts.memory().taken_bytes();
  CHECK(loop_bytes <= ws::inflater_bytes(15) + ws::deflater_bytes(15, 8));
  for (int i = 0; i < 10; ++i) {
    all.push_back(contexts.make(ws::Role::server, {}));
    use(*all.back());
  }
  const std::size_t each = (contexts.memory().taken_bytes() - loop_bytes) / 10;
  CHECK(each <= ws::inflater_bytes(15) + ws::deflater_bytes(15, 8));
  CHECK(each >= 290'000);
  all.clear();
  CHECK(contexts.memory().taken_bytes() == loop_bytes);
}
