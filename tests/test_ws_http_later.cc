// SPDX-License-Identifier: MIT
//
// Requests that are answered later: by an id, once, in order, and not at all if the peer has gone;
// and answers that are read piece by piece.

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/wire.h"
#include "ws/http.h"

using namespace hilo;
using namespace hilo::test;

namespace {

std::string get(std::string_view path, std::string_view more = {}) {
  std::string request = "GET ";
  return request.append(path).append(" HTTP/1.1\r\nHost: a\r\n").append(more).append("\r\n");
}

std::string ok(std::string_view body, std::string_view more = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + std::string(more) + "\r\n" + std::string(body);
}
constexpr std::string_view close_line = "Connection: close\r\n";

// "/wait" keeps its exchanges here; "/now?x" answers x.
struct Waiting {
  explicit Waiting(const ws::Limits& limits = {}) : server(limits) {
    server.server
        .get("/wait",
             [this](ws::http::Exchange& exchange) {
               ids.push_back(exchange.later());
               exchange.on_gone([this] { ++gone; });
             })
        .get("/now", [](ws::http::Exchange& exchange) {
          CHECK(exchange.respond(200, "text/plain", exchange.request().query()));
        });
  }
  bool until_waiting(std::size_t count) {
    return server.until([&] { return ids.size() == count; });
  }
  bool answer(std::size_t index, std::string_view body) {
    ws::http::Exchange* exchange = server.server.exchange(ids[index]);
    return exchange != nullptr && static_cast<bool>(exchange->respond(200, "text/plain", body));
  }
  // Lets everything happen that is on its way within this process.
  void turns() {
    for (int i = 0; i < 20; ++i) REQUIRE(server.loop.run_once(net::Duration{}));
  }

  std::vector<ws::http::ExchangeId> ids;
  int gone = 0;
  WireServer server;
};

class TextSource final : public ws::http::BodySource {
 public:
  TextSource(std::string_view text, std::size_t& read_bytes)
      : rest_(as_bytes(text)), read_bytes_(&read_bytes) {}
  Result<std::size_t> read(MutableBytes into) override {
    const std::size_t taken = std::min(into.size(), rest_.size());
    std::copy_n(rest_.begin(), taken, into.begin());
    rest_ = rest_.subspan(taken);
    *read_bytes_ += taken;
    return taken;
  }

 private:
  Bytes rest_;
  std::size_t* read_bytes_;
};

enum class Fault { fails, ends, throws, boasts };
class FaultySource final : public ws::http::BodySource {
 public:
  explicit FaultySource(Fault fault) : fault_(fault) {}
  Result<std::size_t> read(MutableBytes into) override {
    switch (fault_) {
      case Fault::fails: return std::make_error_code(std::errc::io_error);
      case Fault::ends: return std::size_t{0};
      case Fault::throws: throw std::runtime_error("no");
      case Fault::boasts: break;
    }
    return into.size() + 1;
  }

 private:
  Fault fault_;
};

}  // namespace

TEST_CASE("an answer may come later, once; its id is stale afterwards") {
  Waiting waiting;
  const Baseline before = waiting.server.baseline();
  {
    WirePeer peer(waiting.server);
    REQUIRE(peer.send(get("/wait")));
    REQUIRE(waiting.until_waiting(1));
    // A request that waits has no deadline.
    CHECK(waiting.server.loop.timers().armed_count() == before.timers);
    REQUIRE(waiting.answer(0, "at last"));
    CHECK_FALSE(waiting.answer(0, "again"));
    REQUIRE(peer.until_contains("at last"));
    // The next request on the same connection has another id.
    REQUIRE(peer.send(get("/wait")));
    REQUIRE(waiting.until_waiting(2));
    CHECK_FALSE(waiting.answer(0, "stale"));
    REQUIRE(waiting.answer(1, "second"));
    REQUIRE(peer.until_contains("second"));
    CHECK(peer.received == ok("at last") + ok("second"));
  }
  REQUIRE(waiting.server.settle());
  CHECK(waiting.gone == 0);
  CHECK_FALSE(waiting.answer(1, "stale"));
  CHECK(waiting.server.baseline() == before);
}

TEST_CASE("an id is never another connection's, and one of nothing finds nothing") {
  Waiting waiting;
  CHECK(waiting.server.server.exchange({}) == nullptr);
  {
    WirePeer peer(waiting.server);
    REQUIRE(peer.send(get("/wait")));
    REQUIRE(waiting.until_waiting(1));
    peer.reset();
  }
  REQUIRE(waiting.server.settle());
  WirePeer peer(waiting.server);
  REQUIRE(peer.send(get("/wait")));
  REQUIRE(waiting.until_waiting(2));
  CHECK_FALSE(waiting.answer(0, "stale"));
  CHECK(waiting.answer(1, "fresh"));
}

TEST_CASE("what is pipelined behind a request that waits is answered after it, in order") {
  Waiting waiting;
  WirePeer peer(waiting.server);
  REQUIRE(peer.send(get("/now?1") + get("/wait") + get("/now?2") + get("/wait") + get("/now?3")));
  REQUIRE(waiting.until_waiting(1));
  waiting.turns();
  peer.receive();
  CHECK(peer.received == ok("1"));
  REQUIRE(waiting.answer(0, "w1"));
  REQUIRE(waiting.until_waiting(2));
  waiting.turns();
  peer.receive();
  CHECK(peer.received == ok("1") + ok("w1") + ok("2"));
  REQUIRE(waiting.answer(1, "w2"));
  REQUIRE(peer.until_received((ok("1") + ok("w1") + ok("2") + ok("w2") + ok("3")).size()));
  CHECK(peer.received == ok("1") + ok("w1") + ok("2") + ok("w2") + ok("3"));
}

TEST_CASE("what arrives behind a request that waits is bounded, and none of it is lost") {
  Waiting waiting;
  WirePeer peer(waiting.server);
  REQUIRE(peer.send(get("/wait")));
  REQUIRE(waiting.until_waiting(1));
  std::string requests;
  std::string answers;
  for (int i = 0; i < 20'000; ++i) {
    const std::string number = std::to_string(i);
    requests += get("/now?" + number, "X-Padding: " + std::string(100, 'x') + "\r\n");
    answers += ok(number);
  }
  // As much as fits: the server stops reading, and the peer would block.
  std::string_view left = requests;
  for (int i = 0; i < 200; ++i) {
    const ssize_t sent = ::send(peer.fd(), left.data(), left.size(), MSG_DONTWAIT);
    if (sent > 0) left.remove_prefix(static_cast<std::size_t>(sent));
    REQUIRE(waiting.server.loop.run_once(net::Duration{}));
  }
  CHECK(waiting.server.loop.pool().taken_bytes() < 2'000'000);
  REQUIRE(waiting.answer(0, "go"));
  REQUIRE(peer.send(left));
  REQUIRE(peer.until_received(ok("go").size() + answers.size()));
  CHECK((peer.received == ok("go") + answers));
}

TEST_CASE("answers that come later and are not read do not pile up") {
  const std::string page(1'000'000, 'p');
  Waiting waiting;
  WirePeer peer(waiting.server, 4096);
  std::string requests;
  for (int i = 0; i < 40; ++i) requests += get("/wait");
  REQUIRE(peer.send(requests));
  REQUIRE(waiting.until_waiting(1));
  std::size_t answered = 0;
  for (int i = 0; i < 100; ++i) {
    while (answered < waiting.ids.size()) REQUIRE(waiting.answer(answered++, page));
    REQUIRE(waiting.server.loop.run_once(net::Duration{}));
  }
  CHECK(answered < 20);
  CHECK(waiting.server.loop.pool().taken_bytes() < 8'000'000);
  REQUIRE(waiting.server.until([&] {
    while (answered < waiting.ids.size()) REQUIRE(waiting.answer(answered++, page));
    peer.receive();
    return peer.received.size() == 40 * ok(page).size();
  }));
}

TEST_CASE("a peer that stops sending is told of as gone, and still gets its answer") {
  Waiting waiting;
  const Baseline before = waiting.server.baseline();
  {
    WirePeer peer(waiting.server);
    REQUIRE(peer.send(get("/wait")));
    peer.finish_sending();
    REQUIRE(waiting.server.until([&] { return waiting.gone != 0; }));
    REQUIRE(waiting.ids.size() == 1);
    REQUIRE(waiting.answer(0, "for whoever still reads"));
    REQUIRE(peer.until_end());
    CHECK(peer.ended);
    CHECK(peer.received == ok("for whoever still reads", close_line));
    // Nothing is left to wait for on either side.
    REQUIRE(waiting.server.settle());
    CHECK(waiting.gone == 1);
  }
  CHECK(waiting.server.baseline() == before);
}

TEST_CASE("on_gone itself may answer") {
  Waiting waiting;
  waiting.server.server.get("/last", [&](ws::http::Exchange& exchange) {
    exchange.on_gone([&waiting, id = exchange.later()] {
      ++waiting.gone;
      ws::http::Exchange* last = waiting.server.server.exchange(id);
      REQUIRE(last != nullptr);
      CHECK(last->respond(200, "text/plain", "last words"));
    });
  });
  WirePeer peer(waiting.server);
  REQUIRE(peer.send(get("/last")));
  peer.finish_sending();
  REQUIRE(peer.until_end());
  CHECK(peer.received == ok("last words", close_line));
  // At once, not when its patience is over.
  waiting.turns();
  CHECK(waiting.server.server.http_connection_count() == 0);
  CHECK(waiting.gone == 1);
}

TEST_CASE("a peer that resets is told of as gone, and its id is stale") {
  Waiting waiting;
  const Baseline before = waiting.server.baseline();
  WirePeer peer(waiting.server);
  REQUIRE(peer.send(get("/wait")));
  REQUIRE(waiting.until_waiting(1));
  peer.reset();
  REQUIRE(waiting.server.until([&] { return waiting.gone != 0; }));
  REQUIRE(waiting.server.settle());
  CHECK(waiting.gone == 1);
  CHECK_FALSE(waiting.answer(0, "to nobody"));
  CHECK(waiting.server.baseline() == before);
}

TEST_CASE("on_gone that throws harms nobody") {
  Waiting waiting;
  waiting.server.server.get("/bad", [&](ws::http::Exchange& exchange) {
    waiting.ids.push_back(exchange.later());
    exchange.on_gone([] { throw 1; });
  });
  WirePeer bystander(waiting.server);
  REQUIRE(bystander.send(get("/wait")));
  REQUIRE(waiting.until_waiting(1));
  WirePeer peer(waiting.server);
  REQUIRE(peer.send(get("/bad")));
  REQUIRE(waiting.until_waiting(2));
  peer.reset();
  REQUIRE(waiting.server.until([&] { return waiting.server.server.http_connection_count() == 1; }));
  REQUIRE(waiting.answer(0, "fine"));
  CHECK(bystander.until_contains("fine"));
}

TEST_CASE("an answer at once after later() is the answer") {
  Waiting waiting;
  waiting.server.server.get("/changed_mind", [&](ws::http::Exchange& exchange) {
    waiting.ids.push_back(exchange.later());
    CHECK(exchange.respond(200, "text/plain", "now"));
  });
  WirePeer peer(waiting.server);
  REQUIRE(peer.send(get("/changed_mind") + get("/now?2")));
  REQUIRE(peer.until_received((ok("now") + ok("2")).size()));
  CHECK(peer.received == ok("now") + ok("2"));
  CHECK_FALSE(waiting.answer(0, "late"));
}

TEST_CASE("HEAD and Connection: close are remembered until the answer comes") {
  Waiting waiting;
  WirePeer peer(waiting.server);
  REQUIRE(peer.send("HEAD /wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  REQUIRE(waiting.until_waiting(1));
  REQUIRE(waiting.answer(0, "body"));
  REQUIRE(peer.until_end());
  CHECK(peer.received ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n"
        "Connection: close\r\n\r\n");
}

TEST_CASE("what on_gone holds is let go when the answer is given") {
  Waiting waiting;
  const auto held = std::make_shared<int>(1);
  waiting.server.server.get("/holds", [&](ws::http::Exchange& exchange) {
    waiting.ids.push_back(exchange.later());
    exchange.on_gone([held] { CHECK(*held == 1); });
  });
  WirePeer peer(waiting.server);
  REQUIRE(peer.send(get("/holds")));
  REQUIRE(waiting.until_waiting(1));
  const long before = held.use_count();
  REQUIRE(waiting.answer(0, "done"));
  CHECK(held.use_count() == before - 1);
  REQUIRE(peer.until_contains("done"));
}

TEST_CASE(
    "an answer is read piece by piece, at once or later, and the pipeline goes on behind it") {
  Waiting at;
  const std::string content(200'000, 'c');
  std::size_t read_bytes = 0;
  at.server.server.get("/source", [&](ws::http::Exchange& exchange) {
    CHECK(exchange.respond_from(200, "text/plain", content.size(),
                                std::make_unique<TextSource>(content, read_bytes)));
  });
  WirePeer peer(at.server);
  const std::string head = "HEAD /source HTTP/1.1\r\nHost: a\r\n\r\n";
  REQUIRE(peer.send(get("/source") + head + get("/wait") + get("/now?x")));
  REQUIRE(at.until_waiting(1));
  const std::string answer = ok(content);
  const std::string expected = answer + answer.substr(0, answer.size() - content.size());
  REQUIRE(peer.until_received(expected.size()));
  CHECK((peer.received == expected));
  CHECK(read_bytes == content.size());  // HEAD reads nothing
  ws::http::Exchange* exchange = at.server.server.exchange(at.ids[0]);
  REQUIRE(exchange != nullptr);
  REQUIRE(exchange->respond_from(200, "text/plain", 3,
                                 std::make_unique<TextSource>("abc", read_bytes)));
  REQUIRE(peer.until_contains("\r\n\r\nx"));
  CHECK((peer.received == expected + ok("abc") + ok("x")));
}

TEST_CASE("an answer that has no body sends nothing of its source") {
  Waiting at;
  std::size_t read_bytes = 0;
  at.server.server.get("/nothing", [&](ws::http::Exchange& exchange) {
    CHECK(exchange.respond_from(204, {}, 5, std::make_unique<TextSource>("bytes", read_bytes)));
  });
  WirePeer peer(at.server);
  REQUIRE(peer.send(get("/nothing") + get("/now?x")));
  const std::string expected = "HTTP/1.1 204 No Content\r\n\r\n" + ok("x");
  REQUIRE(peer.until_received(expected.size()));
  CHECK(peer.received == expected);
  CHECK(read_bytes == 0);
}

TEST_CASE("where an answer ends is said once") {
  Waiting at;
  at.server.server.get("/twice", [&](ws::http::Exchange& exchange) {
    for (const std::string_view name : {"content-length", "Transfer-Encoding"}) {
      const ws::FieldView field{name, "3"};
      const Status status = exchange.respond(200, "text/plain", "four", {&field, 1});
      CHECK(status.error() == ws::Errc::argument);
    }
    CHECK(exchange.respond(200, "text/plain", "four"));
  });
  WirePeer peer(at.server);
  REQUIRE(peer.send(get("/twice")));
  REQUIRE(peer.until_received(ok("four").size()));
  CHECK(peer.received == ok("four"));
}

TEST_CASE("a source that fails, ends early, throws or says more than there is room for resets") {
  Waiting at;
  Fault fault{};
  at.server.server.get("/faulty", [&](ws::http::Exchange& exchange) {
    CHECK(exchange.respond_from(200, "text/plain", 10, std::make_unique<FaultySource>(fault)));
  });
  const Baseline before = at.server.baseline();
  for (const Fault each : {Fault::fails, Fault::ends, Fault::throws, Fault::boasts}) {
    fault = each;
    {
      WirePeer peer(at.server);
      REQUIRE(peer.send(get("/faulty") + get("/now?x")));
      REQUIRE(peer.until_end());
      CHECK(peer.was_reset);
      CHECK(peer.received.find("HTTP/1.1", 1) == std::string::npos);
    }
    REQUIRE(at.server.settle());
    CHECK(at.server.baseline() == before);
  }
}
