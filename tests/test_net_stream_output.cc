// SPDX-License-Identifier: MIT

#include <algorithm>

#include "net/stream.h"
#include "tests/support/stream_pair.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::test;
using Want = Stream::Want;

namespace {

// A peer whose writes are counted, and the one that reads them.
struct CountedPair {
  explicit CountedPair(Loop& loop, std::size_t capacity = MemoryTransport::capacity_default) {
    auto ends = MemoryTransport::pair(capacity);
    REQUIRE(ends);
    sender = std::make_unique<Peer>(
        loop, std::make_unique<CountingTransport>(std::move(ends->a), counts));
    reader = std::make_unique<Peer>(loop, std::move(ends->b));
  }
  CountingTransport::Counts counts;
  std::unique_ptr<Peer> sender;
  std::unique_ptr<Peer> reader;
};

}  // namespace

TEST_CASE("1 MB through a tiny send buffer arrives whole and in order, however it was cut") {
  for (const Kind kind : {Kind::socketpair, Kind::tcp}) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    REQUIRE(socket::set_send_buffer(pair.a->stream->fd(), 2048));
    const std::string text = pattern(1 << 20);
    std::size_t at = 0;
    std::uint32_t state = 7;
    while (at < text.size()) {
      Bytes slices[20];
      for (Bytes& slice : slices) {
        state = state * 1664525 + 1013904223;
        const std::size_t length = std::min<std::size_t>((state >> 16) % 3000, text.size() - at);
        slice = as_bytes(std::string_view(text).substr(at, length));
        at += length;
      }
      REQUIRE(pair.a->stream->write(slices));
    }
    CHECK(pair.a->stream->queued_bytes() == text.size());
    CHECK(turn_until(loop, [&] { return pair.b->received.size() >= text.size(); }));
    CHECK(pair.b->received == text);
    CHECK(turn_until(loop, [&] { return pair.a->count("drained") == 1; }));
    CHECK(pair.a->stream->queued_bytes() == 0);
    CHECK(pair.a->stream->made_progress());
    CHECK_FALSE(pair.a->stream->made_progress());
  }
}

TEST_CASE("replies of one dispatch that the kernel takes in parts arrive whole and in order") {
  for (const Kind kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    Loop loop({.send_bytes = 5000});
    PeerPair pair(loop, kind);
    if (kind != Kind::memory) REQUIRE(socket::set_send_buffer(pair.b->stream->fd(), 2048));
    const std::string text = pattern(700'000);
    pair.b->input_hook = [&](MutableBytes& input) {
      input = {};
      std::size_t at = 0;
      for (std::size_t length = 1; at < text.size(); length = length * 3 % 40'009) {
        const auto part = std::string_view(text).substr(at, length);
        const Bytes slices[] = {as_bytes(part.substr(0, 2)),
                                {},
                                as_bytes(part.substr(part.size() < 2 ? part.size() : 2))};
        REQUIRE(pair.b->stream->write(slices));
        at += part.size();
      }
      return Want::more;
    };
    pair.a->write("go");
    CHECK(turn_until(loop, [&] { return pair.a->received.size() >= text.size(); }));
    CHECK(pair.a->received == text);
    CHECK(turn_until(loop, [&] { return pair.b->count("drained") == 1; }));
  }
}

TEST_CASE("what many streams send arrives at each whole and in order, and waits once") {
  for (const Kind kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    Loop loop({.send_bytes = 5000});
    constexpr std::size_t peers = 3;
    constexpr int messages = 40;
    std::vector<std::unique_ptr<PeerPair>> pairs;
    for (std::size_t i = 0; i < peers; ++i) {
      pairs.push_back(std::make_unique<PeerPair>(loop, kind));
      if (kind != Kind::memory) REQUIRE(socket::set_send_buffer(pairs[i]->b->stream->fd(), 2048));
    }
    std::string expected;
    const auto send_all = [&] {
      for (int i = 0; i < messages; ++i) {
        const std::string head = "head of " + std::to_string(i);
        const std::string text = pattern(static_cast<std::size_t>(1 + i * 1013 % 40'000));
        const Bytes slices[] = {as_bytes(head), as_bytes(text)};
        const SharedBytes shared = SharedBytes::copy_of(loop.pool(), slices);
        for (auto& pair : pairs) {
          REQUIRE(pair->b->stream->write(shared));
          if (i % 3 == 0) pair->b->write("and more");
        }
        expected += head + text + (i % 3 == 0 ? "and more" : "");
      }
      for (auto& pair : pairs) CHECK(pair->b->stream->queued_bytes() <= expected.size());
      CHECK(loop.pool().taken_bytes() < 2 * expected.size());
    };
    // In the dispatch of the first, which sends at once what the kernel takes.
    pairs[0]->b->input_hook = [&](MutableBytes& input) {
      input = {};
      send_all();
      return Want::more;
    };
    pairs[0]->a->write("go");
    REQUIRE(turn_until(loop, [&] { return !expected.empty(); }));
    for (auto& pair : pairs) {
      CHECK(turn_until(loop, [&] { return pair->a->received.size() >= expected.size(); }));
      CHECK((pair->a->received == expected));
      CHECK(turn_until(loop, [&] { return pair->b->stream->queued_bytes() == 0; }));
    }
    CHECK(loop.pool().taken_bytes() == 0);
  }
}

TEST_CASE("small replies of one dispatch leave in one send") {
  Loop loop;
  CountedPair pair(loop);
  pair.sender->input_hook = [&](MutableBytes& input) {
    for (const std::uint8_t& byte : input) REQUIRE(pair.sender->stream->write({&byte, 1}));
    input = {};
    CHECK(pair.counts.writes == 0);
    CHECK(pair.sender->stream->queued_bytes() == 0);
    return Want::more;
  };
  pair.reader->write("a hundred replies");
  CHECK(turn_until(loop, [&] { return pair.reader->received == "a hundred replies"; }));
  CHECK(pair.counts.writes == 1);
  CHECK(pair.sender->count("drained") == 0);
}

TEST_CASE("a large slice leaves from where it lies, with what had collected in front of it") {
  Loop loop;
  CountedPair pair(loop, 1 << 20);
  const std::string large = pattern(Stream::direct_bytes_min);
  pair.sender->input_hook = [&](MutableBytes& input) {
    input = {};
    pair.sender->write("collected");
    const Bytes slices[] = {as_bytes("header"), as_bytes(large)};
    REQUIRE(pair.sender->stream->write(slices));
    CHECK(pair.counts.writes == 1);
    pair.sender->write("after");
    return Want::more;
  };
  pair.reader->write("go");
  const std::string expected = "collectedheader" + large + "after";
  CHECK(turn_until(loop, [&] { return pair.reader->received.size() == expected.size(); }));
  CHECK(pair.reader->received == expected);
  REQUIRE(pair.counts.writes == 2);
  REQUIRE(pair.counts.batches[0].size() == 3);
  CHECK(pair.counts.batches[0][2].data() == as_bytes(large).data());
}

TEST_CASE("more slices than one system call takes are sent in order") {
  for (const Kind kind : all_kinds) {
    Loop loop;
    PeerPair pair(loop, kind);
    const std::string text = pattern(60 * 1000);
    pair.b->input_hook = [&](MutableBytes& input) {
      input = {};
      std::vector<Bytes> slices;
      for (std::size_t i = 0; i < 60; ++i) {
        slices.push_back(as_bytes(std::string_view(text).substr(i * 1000, 1000)));
      }
      slices.insert(slices.begin() + 30, as_bytes(std::string_view(text).substr(0, 0)));
      const std::string large = pattern(Stream::direct_bytes_min);
      slices.push_back(as_bytes(large));
      REQUIRE(pair.b->stream->write(slices));
      return Want::more;
    };
    pair.a->write("go");
    const std::string expected = text + pattern(Stream::direct_bytes_min);
    CHECK(turn_until(loop, [&] { return pair.a->received.size() >= expected.size(); }));
    CHECK(pair.a->received == expected);
  }
}

TEST_CASE("writes from timers, posts and other streams' input leave in one send a turn") {
  Loop loop;
  CountedPair pair(loop);
  PeerPair other(loop, Kind::memory);
  other.b->input_hook = [&](MutableBytes& input) {
    input = {};
    for (int i = 0; i < 10; ++i) pair.sender->write("i");
    return Want::more;
  };
  // All of it falls into one turn: the input is due, the timer is due, the post is due.
  other.a->write("go");
  REQUIRE(loop.run_once(Duration{}));
  CHECK(pair.counts.writes == 0);
  loop.call_after(Duration{-1'000'000'000}, [&] { pair.sender->write("t"); });
  loop.post([&] {
    pair.sender->write("p");
    pair.sender->write("p");
  });
  REQUIRE(loop.run_once(Duration{}));
  CHECK(pair.counts.writes == 1);
  CHECK(turn_until(loop, [&] { return pair.reader->received.size() == 13; }));
  CHECK(pair.reader->received == "iiiiiiiiiitpp");
  CHECK(pair.counts.writes == 1);
  CHECK(pair.sender->count("drained") == 1);
}

TEST_CASE("what others queued before leaves before the stream's own replies") {
  Loop loop;
  PeerPair pair(loop, Kind::memory);
  pair.b->input_hook = [&](MutableBytes& input) {
    input = {};
    pair.b->write("own");
    return Want::more;
  };
  pair.a->write("go");
  REQUIRE(loop.run_once(Duration{}));  // flushed; b is resumed in the next turn
  pair.b->write("theirs,");
  CHECK(turn_until(loop, [&] { return pair.a->received.size() == 10; }));
  CHECK(pair.a->received == "theirs,own");
}

TEST_CASE("on_drained comes once for each time that the queue was not empty") {
  Loop loop;
  CountedPair pair(loop, 1000);
  pair.reader->stream->pause();
  pair.sender->write(std::string(3000, 'x'));
  settle(loop);
  CHECK(pair.sender->stream->queued_bytes() == 2000);
  CHECK(pair.sender->count("drained") == 0);
  pair.reader->stream->resume();
  CHECK(turn_until(loop, [&] { return pair.reader->received.size() == 3000; }));
  settle(loop);
  CHECK(pair.sender->count("drained") == 1);
  pair.sender->write("more");
  settle(loop);
  CHECK(pair.sender->count("drained") == 2);
}

TEST_CASE("what on_drained writes is sent, and can fill the queue again") {
  for (const Kind kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    if (kind != Kind::memory) REQUIRE(socket::set_send_buffer(pair.a->stream->fd(), 2048));
    int rounds = 0;
    const std::string part = pattern(300'000);
    pair.a->drained_hook = [&] {
      if (++rounds < 5) pair.a->write(part);
    };
    pair.a->write(part);
    CHECK(turn_until(loop, [&] { return pair.b->received.size() >= 5 * part.size(); }));
    settle(loop);
    CHECK(pair.b->received == part + part + part + part + part);
    CHECK(pair.a->stream->queued_bytes() == 0);
  }
}

TEST_CASE("on_blocked comes once when the kernel refuses, and again only after on_drained") {
  Loop loop;
  CountedPair pair(loop, 1000);
  pair.reader->stream->pause();
  pair.sender->blocked_hook = [&] {
    CHECK(pair.sender->stream->blocked_bytes() == 2000);
    pair.sender->write("!");
  };
  pair.sender->write(std::string(500, 'x'));
  settle(loop);
  CHECK(pair.sender->blocked == 0);  // queued for the flush, but never refused
  CHECK(pair.sender->count("drained") == 1);
  pair.sender->write(std::string(2500, 'x'));
  CHECK(pair.sender->stream->blocked_bytes() == 0);
  settle(loop);
  pair.sender->write("more");
  settle(loop);
  CHECK(pair.sender->blocked == 1);
  pair.sender->blocked_hook = nullptr;
  pair.reader->stream->resume();
  CHECK(turn_until(loop, [&] { return pair.sender->count("drained") == 2; }));
  pair.reader->stream->pause();
  pair.sender->write(std::string(5000, 'x'));
  settle(loop);
  CHECK(pair.sender->blocked == 2);
}

TEST_CASE("a handler may have what collected sent before it returns") {
  Loop loop;
  CountedPair pair(loop);
  pair.sender->input_hook = [&](MutableBytes& input) {
    input = {};
    pair.sender->write("first");
    CHECK(pair.sender->stream->unsent_bytes() == 5);
    pair.sender->stream->flush_collected();
    CHECK(pair.sender->stream->unsent_bytes() == 0);
    CHECK(pair.counts.writes == 1);
    pair.sender->stream->flush_collected();
    pair.sender->write("second");
    return Want::more;
  };
  pair.reader->write("go");
  CHECK(turn_until(loop, [&] { return pair.reader->received == "firstsecond"; }));
  CHECK(pair.counts.writes == 2);
}

TEST_CASE("from outside, what waits for the flush phase may be sent at once, and is told there") {
  Loop loop;
  CountedPair pair(loop);
  pair.sender->write("early");
  CHECK(pair.sender->stream->unsent_bytes() == 5);
  pair.sender->stream->flush_collected();
  CHECK(pair.counts.writes == 1);
  CHECK(pair.sender->stream->unsent_bytes() == 0);
  CHECK(pair.sender->count("drained") == 0);
  CHECK(turn_until(loop, [&] { return pair.reader->received == "early"; }));
  CHECK(pair.sender->count("drained") == 1);
  CHECK(pair.counts.writes == 1);
}

TEST_CASE("a blocked stream is not offered to the kernel again before there is room") {
  Loop loop;
  CountedPair pair(loop, 100);
  pair.reader->stream->pause();
  pair.sender->write(std::string(200, 'x'));
  settle(loop);
  const int writes = pair.counts.writes;
  for (int i = 0; i < 10; ++i) {
    pair.sender->write("y");
    settle(loop);
  }
  CHECK(pair.counts.writes == writes);
  pair.reader->stream->resume();
  CHECK(turn_until(loop, [&] { return pair.reader->received.size() == 210; }));
  CHECK(pair.reader->received == std::string(200, 'x').append(10, 'y'));
}

TEST_CASE("FIN leaves behind everything that was queued") {
  for (const Kind kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    const std::string text = pattern(2'000'000);
    pair.a->write(text);
    pair.a->stream->shutdown_write();
    CHECK(pair.a->stream->write(as_bytes("late")).error() == std::errc::broken_pipe);
    CHECK(turn_until(loop, [&] { return pair.b->count("end") == 1; }));
    CHECK(pair.b->received == text);
    // Reading goes on.
    pair.b->write("still here");
    CHECK(turn_until(loop, [&] { return pair.a->received == "still here"; }));
  }
}

TEST_CASE("writing to a closed stream is an error") {
  Loop loop;
  PeerPair pair(loop, Kind::tcp);
  pair.a->stream->close();
  CHECK(pair.a->stream->write(as_bytes("x")).error() == std::errc::broken_pipe);
  pair.b->stream->abort();
  CHECK(pair.b->stream->write(as_bytes("x")).error() == std::errc::broken_pipe);
}

TEST_CASE("what was written before close() is offered to the kernel, from inside and outside") {
  for (const Kind kind : all_kinds) {
    for (const bool inside : {false, true}) {
      CAPTURE(static_cast<int>(kind));
      CAPTURE(inside);
      Loop loop;
      PeerPair pair(loop, kind);
      const auto say_goodbye = [&] {
        pair.b->write("goodbye");
        pair.b->stream->close();
      };
      pair.b->input_hook = [&](MutableBytes& input) {
        input = {};
        if (inside) {
          say_goodbye();
        } else {
          loop.post(say_goodbye);
        }
        return Want::more;
      };
      pair.a->write("hello");
      CHECK(turn_until(loop, [&] { return pair.a->count("end") == 1; }));
      CHECK(pair.a->received == "goodbye");
      CHECK(pair.b->stream == nullptr);
    }
  }
}

TEST_CASE("abort() resets the connection and sends nothing more") {
  for (const Kind kind : {Kind::tcp, Kind::memory}) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    pair.b->write("never seen");
    pair.b->stream->abort();
    CHECK(turn_until(loop, [&] { return pair.a->count("broken") == 1; }));
    CHECK(pair.a->error == std::errc::connection_reset);
    CHECK(pair.a->received.empty());
    CHECK(pair.a->count("end") == 0);
  }
}

TEST_CASE("abort() drops what waits at once, but while it may be what is being sent") {
  for (const bool in_dispatch : {false, true}) {
    CAPTURE(in_dispatch);
    Loop loop;
    PeerPair pair(loop, Kind::tcp);
    const std::string much = pattern(32 << 20);
    Stream& stream = *pair.b->stream;
    pair.b->input_hook = [&](MutableBytes& input) {
      input = {};
      pair.b->write(much);
      if (in_dispatch) stream.abort();
      return Want::more;
    };
    pair.a->write("go");
    REQUIRE(turn_until(loop, [&] { return pair.b->count("input") == 1; }));
    if (!in_dispatch) {
      CHECK(stream.queued_bytes() > 0);
      stream.abort();
      CHECK(stream.queued_bytes() == 0);
      CHECK(loop.pool().taken_bytes() == 0);
    }
    REQUIRE(turn_until(loop, [&] { return pair.b->count("reap") == 1; }));
    CHECK(loop.pool().taken_bytes() == 0);
    CHECK(turn_until(loop, [&] { return pair.a->count("broken") == 1; }));
  }
}

TEST_CASE("abort() after close() in the same turn still resets") {
  Loop loop;
  PeerPair pair(loop, Kind::tcp);
  pair.b->stream->close();
  pair.b->stream->abort();
  CHECK(turn_until(loop, [&] { return pair.a->count("broken") == 1; }));
  CHECK(pair.b->count("reap") == 1);
}

TEST_CASE("a connection found broken while writing is reported after the handler has returned") {
  Loop loop;
  auto ends = MemoryTransport::pair();
  REQUIRE(ends);
  Peer peer(loop, std::move(ends->a));
  const std::string large(Stream::direct_bytes_min, 'x');
  bool inside = false;
  peer.broken_hook = [&] { CHECK(!inside); };
  peer.input_hook = [&](MutableBytes& input) {
    input = {};
    inside = true;
    CHECK(peer.stream->write(as_bytes(large)).error());
    CHECK(peer.stream->write(as_bytes("x")).error());
    CHECK(peer.count("broken") == 0);
    inside = false;
    return Want::more;
  };
  const Bytes hello = as_bytes("hello");
  REQUIRE(ends->b->write({&hello, 1}).kind == Io::Kind::done);
  ends->b.reset();
  CHECK(turn_until(loop, [&] { return peer.count("broken") == 1; }));
  settle(loop);
  CHECK(peer.log == std::vector<std::string>{"input", "broken"});
  CHECK(peer.error == std::errc::broken_pipe);
}

TEST_CASE("a broken connection found by the flush is reported and drops the queue") {
  Loop loop;
  PeerPair pair(loop, Kind::socketpair);
  pair.b->stream->pause();
  pair.a->stream->close();
  settle(loop);
  pair.b->write(std::string(1000, 'x'));
  CHECK(turn_until(loop, [&] { return pair.b->count("broken") == 1; }));
  CHECK(pair.b->stream->queued_bytes() == 0);
  CHECK(pair.b->log == std::vector<std::string>{"broken"});
  CHECK(loop.pool().taken_bytes() == 0);
}

TEST_CASE("the queue gives its memory back when it is empty") {
  Loop loop;
  PeerPair pair(loop, Kind::tcp);
  REQUIRE(socket::set_send_buffer(pair.a->stream->fd(), 2048));
  pair.a->write(pattern(500'000));
  CHECK(loop.pool().taken_bytes() >= 500'000);
  CHECK(turn_until(loop, [&] { return pair.b->received.size() == 500'000; }));
  settle(loop);
  CHECK(loop.pool().taken_bytes() == 0);
}

TEST_CASE("a loop without a send buffer sends directly") {
  Loop loop({.send_bytes = 0});
  PeerPair pair(loop, Kind::tcp);
  pair.b->input_hook = [&](MutableBytes& input) {
    REQUIRE(pair.b->stream->write(input));
    input = {};
    return Want::more;
  };
  pair.a->write("echo");
  CHECK(turn_until(loop, [&] { return pair.a->received == "echo"; }));
}
