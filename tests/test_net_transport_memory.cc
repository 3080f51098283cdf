// SPDX-License-Identifier: MIT

#include "net/transport_memory.h"

#include <doctest/doctest.h>

#include "tests/support/stream_pair.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::test;

namespace {

Io put(MemoryTransport& end, std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return end.write({&bytes, 1});
}

// Everything that can be read now, and the kind of the read that ended it.
std::pair<std::string, Io::Kind> drain(MemoryTransport& end) {
  std::string text;
  while (true) {
    std::uint8_t space[7];
    const Io io = end.read(space);
    if (io.kind != Io::Kind::done) return {text, io.kind};
    text += as_text(Bytes{space, io.bytes});
  }
}

MemoryTransport::Pair make_pair_of(std::size_t capacity) {
  auto pair = MemoryTransport::pair(capacity);
  REQUIRE(pair);
  return std::move(*pair);
}

}  // namespace

TEST_CASE("bytes cross in both directions, gathered from slices") {
  auto [a, b] = make_pair_of(100);
  const Bytes slices[] = {as_bytes("one"), {}, as_bytes(" two")};
  CHECK(a->write(slices).bytes == 7);
  CHECK(put(*b, "back").bytes == 4);
  CHECK(b->has_buffered_input());
  CHECK(drain(*b) == std::pair{std::string("one two"), Io::Kind::would_block});
  CHECK(drain(*a) == std::pair{std::string("back"), Io::Kind::would_block});
  CHECK(!a->has_buffered_input());
}

TEST_CASE("a full pipe takes a part, then blocks, and takes more when it was read") {
  auto [a, b] = make_pair_of(10);
  CHECK(put(*a, "0123456789abc").bytes == 10);
  CHECK(put(*a, "abc").kind == Io::Kind::would_block);
  std::uint8_t space[4];
  CHECK(b->read(space).bytes == 4);
  CHECK(put(*a, "abcdefgh").bytes == 4);
  CHECK(drain(*b).first == "456789abcd");
}

TEST_CASE("writing nothing is done at once, even into a full pipe") {
  auto [a, b] = make_pair_of(1);
  CHECK(put(*a, "x").bytes == 1);
  CHECK(put(*a, "").kind == Io::Kind::done);
  CHECK(a->write({}).kind == Io::Kind::done);
}

TEST_CASE("the end comes after everything that was written before it") {
  auto [a, b] = make_pair_of(100);
  put(*a, "last words");
  REQUIRE(a->shutdown_write());
  CHECK(put(*a, "x").error == std::errc::broken_pipe);
  CHECK(drain(*b) == std::pair{std::string("last words"), Io::Kind::end});
  CHECK(put(*b, "answer").kind == Io::Kind::done);
  CHECK(drain(*a).first == "answer");
}

TEST_CASE("an end that is destroyed after reading everything is an end of input") {
  auto [a, b] = make_pair_of(100);
  put(*a, "bye");
  a.reset();
  CHECK(drain(*b) == std::pair{std::string("bye"), Io::Kind::end});
  CHECK(put(*b, "x").error == std::errc::broken_pipe);
}

TEST_CASE("an end that is destroyed with input unread, or abortively, is a reset") {
  for (const bool abortive : {false, true}) {
    auto [a, b] = make_pair_of(100);
    put(*a, "lost");
    if (abortive) {
      a->set_abortive_close();
    } else {
      put(*b, "unread");
    }
    a.reset();
    std::uint8_t space[4];
    CHECK(b->read(space).error == std::errc::connection_reset);
    CHECK(put(*b, "x").error == std::errc::connection_reset);
    CHECK(!b->shutdown_write());
  }
}

TEST_CASE("readiness is told in a later phase and never from within a call of the other end") {
  Loop loop;
  PeerPair pair(loop, Kind::memory);
  bool inside = false;
  pair.a->input_hook = [&](MutableBytes& input) {
    CHECK(!inside);
    input = {};
    return Stream::Want::more;
  };
  pair.b->input_hook = [&](MutableBytes& input) {
    inside = true;
    REQUIRE(pair.b->stream->write(input));
    const std::string large(Stream::direct_bytes_min, 'x');  // sent within this very call
    pair.b->write(large);
    CHECK(pair.a->count("input") == 0);
    input = {};
    inside = false;
    return Stream::Want::more;
  };
  pair.a->write("ping");
  CHECK(turn_until(loop, [&] { return pair.a->count("input") > 0; }));
}

TEST_CASE("a writer that was refused some bytes is told when there is room") {
  Loop loop;
  auto ends = make_pair_of(16);
  Peer a(loop, std::move(ends.a));
  Peer b(loop, std::move(ends.b));
  const std::string text = pattern(5000);
  a.write(text);
  CHECK(turn_until(loop, [&] { return b.received.size() == text.size(); }));
  CHECK(b.received == text);
}

TEST_CASE("what was written before the streams were started is delivered") {
  Loop loop;
  auto ends = make_pair_of(100);
  put(*ends.a, "early");
  Peer b(loop, std::move(ends.b));
  CHECK(turn_until(loop, [&] { return b.received == "early"; }));
}

TEST_CASE("the two ends may live on different loops of one thread") {
  Loop one;
  Loop other;
  auto ends = make_pair_of(100);
  Peer a(one, std::move(ends.a));
  Peer b(other, std::move(ends.b));
  a.write("over there");
  settle(one);
  CHECK(b.received.empty());
  settle(other);
  CHECK(b.received == "over there");
}

TEST_CASE("reset() breaks both streams once") {
  Loop loop;
  auto ends = make_pair_of(100);
  MemoryTransport& a_end = *ends.a;
  Peer a(loop, std::move(ends.a));
  Peer b(loop, std::move(ends.b));
  a_end.reset();
  settle(loop);
  CHECK(a.log == std::vector<std::string>{"broken"});
  CHECK(b.log == std::vector<std::string>{"broken"});
}
