// SPDX-License-Identifier: MIT

#include "net/stream.h"

#include <algorithm>

#include "tests/support/stream_pair.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::test;
using Want = Stream::Want;

namespace {

constexpr int record_count = 10'000;
constexpr std::size_t record_bytes = 10;

// "000001234;"
std::string record(int number) {
  const std::string digits = std::to_string(number);
  return std::string(record_bytes - 1 - digits.size(), '0') + digits + ';';
}

std::string records() {
  std::string text;
  for (int i = 0; i < record_count; ++i) text += record(i);
  return text;
}

// Takes whole records, at most `budget` a call, and counts those that are the next in order.
struct RecordReader {
  int next = 0;
  int wrong = 0;

  int take(MutableBytes& input, int budget) {
    int taken = 0;
    while (input.size() >= record_bytes && taken < budget) {
      if (as_text(input.first(record_bytes)) != record(next)) ++wrong;
      ++next;
      ++taken;
      input = input.subspan(record_bytes);
    }
    return taken;
  }
};

// The whole of records() and FIN, written at once; whatever stops the reader, all must arrive.
template <class Prepare>
void check_all_records_arrive(Prepare&& prepare) {
  for (const Kind kind : all_kinds) {
    for (const std::size_t receive_bytes : {std::size_t{512} << 10, std::size_t{1000}}) {
      CAPTURE(static_cast<int>(kind));
      CAPTURE(receive_bytes);
      Loop loop({.receive_bytes = receive_bytes});
      PeerPair pair(loop, kind);
      RecordReader reader;
      int at_end = -1;
      pair.b->end_hook = [&] { at_end = reader.next; };
      prepare(loop, *pair.b, reader);
      pair.a->write(records());
      pair.a->stream->shutdown_write();
      CHECK(turn_until(loop, [&] { return pair.b->count("end") > 0; }));
      settle(loop);
      CHECK(reader.next == record_count);
      CHECK(reader.wrong == 0);
      CHECK(at_end == record_count);
      CHECK(pair.b->count("end") == 1);
      CHECK(pair.b->count("broken") == 0);
    }
  }
}

}  // namespace

TEST_CASE("what one end writes the other end reads, and back again") {
  for (const Kind kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    pair.b->input_hook = [&](MutableBytes& input) {
      REQUIRE(pair.b->stream->write(input));
      input = {};
      return Want::more;
    };
    const std::string text = pattern(300'000);
    pair.a->write(text);
    CHECK(turn_until(loop, [&] { return pair.a->received.size() >= text.size(); }));
    CHECK(pair.a->received == text);
    CHECK(pair.a->stream->made_progress());
    CHECK(pair.a->stream->received_bytes() == text.size());
  }
}

TEST_CASE("10,000 records and FIN arrive when the budget of a turn is spent again and again") {
  check_all_records_arrive([](Loop&, Peer& peer, RecordReader& reader) {
    peer.input_hook = [&reader](MutableBytes& input) {
      return reader.take(input, 7) == 7 ? Want::again : Want::more;
    };
  });
}

TEST_CASE("10,000 records and FIN arrive when the reader pauses and is resumed by a post") {
  check_all_records_arrive([](Loop& loop, Peer& peer, RecordReader& reader) {
    peer.input_hook = [&](MutableBytes& input) {
      REQUIRE(!peer.stream->paused());
      if (reader.take(input, 100) == 100) {
        peer.stream->pause();
        loop.post([&] { peer.stream->resume(); });
      }
      return Want::more;
    };
  });
}

TEST_CASE("10,000 records and FIN arrive when the reader stays paused for several turns") {
  check_all_records_arrive([](Loop& loop, Peer& peer, RecordReader& reader) {
    peer.input_hook = [&](MutableBytes& input) {
      if (reader.take(input, 1000) == 1000) {
        peer.stream->pause();
        loop.post([&] { loop.post([&] { loop.post([&] { peer.stream->resume(); }); }); });
      }
      return Want::more;
    };
  });
}

TEST_CASE("10,000 records and FIN arrive when the reader pauses and resumes within one call") {
  check_all_records_arrive([](Loop&, Peer& peer, RecordReader& reader) {
    peer.input_hook = [&](MutableBytes& input) {
      if (reader.take(input, 10) == 10) {
        peer.stream->pause();
        peer.stream->resume();
      }
      return Want::more;
    };
  });
}

TEST_CASE("10,000 records and FIN arrive when two handlers take turns") {
  check_all_records_arrive([](Loop&, Peer& peer, RecordReader& reader) {
    struct Other final : Stream::Handler {
      Peer* first;
      RecordReader* reader;
      Want on_input(MutableBytes& input) override {
        if (reader->take(input, 13) == 13) first->stream->set_handler(*first);
        return Want::more;
      }
      void on_end() override { first->on_end(); }
      void on_broken(std::error_code error) override { first->on_broken(error); }
      void on_reap() override { first->on_reap(); }
    };
    auto other = std::make_shared<Other>();
    other->first = &peer;
    other->reader = &reader;
    peer.input_hook = [&peer, &reader, other](MutableBytes& input) {
      if (reader.take(input, 11) == 11) peer.stream->set_handler(*other);
      return Want::more;
    };
  });
}

TEST_CASE("10,000 records and FIN arrive when the handler waits for many before it takes any") {
  check_all_records_arrive([](Loop&, Peer& peer, RecordReader& reader) {
    peer.input_hook = [&reader](MutableBytes& input) {
      const bool last = reader.next + static_cast<int>(input.size() / record_bytes) == record_count;
      if (input.size() >= 5000 || last) reader.take(input, record_count);
      return Want::more;
    };
  });
}

TEST_CASE("10,000 records and FIN arrive in memory of the handler's own, budget and pauses mixed") {
  for (const Kind kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    std::uint8_t own[333];
    pair.b->receive_into(own);
    int calls = 0;
    pair.b->received_hook = [&](std::size_t) {
      ++calls;
      if (calls % 5 == 0) return Want::again;
      if (calls % 3 == 0) {
        pair.b->stream->pause();
        loop.post([&] { pair.b->stream->resume(); });
      }
      return Want::more;
    };
    pair.a->write(records());
    pair.a->stream->shutdown_write();
    CHECK(turn_until(loop, [&] { return pair.b->count("end") > 0; }));
    CHECK(pair.b->received == records());
    CHECK(pair.b->log.back() == "end");
  }
}

TEST_CASE("Want::again is honoured even if nothing is left") {
  for (const Kind kind : all_kinds) {
    Loop loop;
    PeerPair pair(loop, kind);
    std::vector<std::size_t> sizes;
    pair.b->input_hook = [&](MutableBytes& input) {
      sizes.push_back(input.size());
      input = {};
      return sizes.size() < 3 ? Want::again : Want::more;
    };
    pair.a->write("abc");
    CHECK(turn_until(loop, [&] { return sizes.size() == 3; }));
    settle(loop);
    CHECK(sizes == std::vector<std::size_t>{3, 0, 0});
  }
}

TEST_CASE("while the handler's budget is spent another stream is served in between") {
  Loop loop;
  PeerPair busy(loop, Kind::socketpair);
  PeerPair other(loop, Kind::socketpair);
  std::string order;
  busy.b->input_hook = [&](MutableBytes& input) {
    order += 'B';
    input = input.subspan(1);
    return input.empty() ? Want::more : Want::again;
  };
  other.b->input_hook = [&](MutableBytes& input) {
    order += 'o';
    input = {};
    return Want::more;
  };
  busy.a->write(std::string(1000, 'x'));
  other.a->write("y");
  CHECK(turn_until(loop, [&] { return std::count(order.begin(), order.end(), 'B') == 1000; }));
  CHECK(order.find('o') < 10);
}

TEST_CASE("a head in 1-byte segments is copied a bounded number of times") {
  for (const Kind kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    const std::string head = pattern(16 << 10);
    std::size_t seen = 0;
    const std::uint8_t* place = nullptr;
    std::size_t copied = 0;
    pair.b->input_hook = [&](MutableBytes& input) {
      // All but the newest byte was held by the stream. If it lies elsewhere now, it was copied;
      // and what lies in the loop's receive buffer was, and will be again.
      const bool shared = input.data() == loop.receive_buffer().data;
      if (shared || input.data() != place) copied += seen;
      if (shared) copied += input.size();
      place = input.data();
      seen = input.size();
      if (seen == head.size()) {
        pair.b->received += as_text(input);
        input = {};
      }
      return Want::more;
    };
    for (const char c : head) {
      pair.a->write({&c, 1});
      const std::size_t before = seen;
      REQUIRE(turn_until(loop, [&] { return seen > before; }));
    }
    CHECK(pair.b->received == head);
    CHECK(copied < 4 * head.size());
    CHECK(loop.pool().taken_bytes() == 0);
  }
}

TEST_CASE("a handler that always leaves some bytes gets long receives all the same") {
  Loop loop;
  auto ends = MemoryTransport::pair(std::size_t{4} << 20);
  REQUIRE(ends);
  CountingTransport::Counts counts;
  Peer a(loop, std::move(ends->a));
  Peer b(loop, std::make_unique<CountingTransport>(std::move(ends->b), counts));
  const std::string text = pattern(2'000'000);
  b.input_hook = [&](MutableBytes& input) {
    const std::size_t part = input.size() - input.size() % 1009;
    b.received += as_text(input.first(part));
    input = input.subspan(part);
    return Want::more;
  };
  a.write(text);
  CHECK(turn_until(loop, [&] { return text.size() - b.received.size() < 1009; }));
  CHECK(b.received == text.substr(0, b.received.size()));
  CHECK(counts.reads < 10);
}

TEST_CASE("a short receive is not followed by another one") {
  Loop loop;
  auto [one, other] = connected_sockets(Kind::tcp);
  CountingTransport::Counts counts;
  const int fd = other.value();
  Peer a(loop, std::move(one));
  Peer b(loop, std::make_unique<CountingTransport>(fd, counts), std::move(other));
  for (int i = 1; i <= 5; ++i) {
    a.write("hello");
    CHECK(turn_until(loop, [&] { return b.received.size() == 5u * static_cast<unsigned>(i); }));
    settle(loop);
    CHECK(counts.reads == i);
  }
}

TEST_CASE("one dispatch reads no more than the budget of a turn, which is the handler's") {
  constexpr std::size_t one_receive = 64 << 10;
  for (const std::size_t budget : {Stream::bytes_per_turn_max, 2 * one_receive, std::size_t{1}}) {
    CAPTURE(budget);
    Loop loop({.receive_bytes = one_receive});
    auto ends = MemoryTransport::pair(std::size_t{4} << 20);
    REQUIRE(ends);
    Peer a(loop, std::move(ends->a));
    Peer b(loop, std::move(ends->b));
    b.turn_bytes = budget;
    a.write(std::string(3 << 20, 'x'));
    std::size_t most = 0;
    std::size_t before = 0;
    CHECK(turn_until(loop, [&] {
      most = std::max(most, b.received.size() - before);
      before = b.received.size();
      return before == 3 << 20;
    }));
    // A stream may be dispatched and resumed in one turn.
    CHECK(most <= 2 * std::max(budget, one_receive));
  }
}

TEST_CASE("each direction is closed on its own, in either order") {
  for (const Kind kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    pair.a->write("question");
    pair.a->stream->shutdown_write();
    CHECK(turn_until(loop, [&] { return pair.b->count("end") == 1; }));
    CHECK(pair.b->received == "question");
    pair.b->write("answer");
    CHECK(turn_until(loop, [&] { return pair.a->received == "answer"; }));
    pair.b->stream->shutdown_write();
    CHECK(turn_until(loop, [&] { return pair.a->count("end") == 1; }));
    settle(loop);
    CHECK(pair.a->count("broken") == 0);
    CHECK(pair.b->count("broken") == 0);
    CHECK(pair.b->count("end") == 1);
  }
}

TEST_CASE("the end is reported although a part was left that can never be completed") {
  for (const Kind kind : all_kinds) {
    Loop loop;
    PeerPair pair(loop, kind);
    pair.b->input_hook = [](MutableBytes&) { return Want::more; };
    pair.a->write("half a rec");
    pair.a->stream->shutdown_write();
    CHECK(turn_until(loop, [&] { return pair.b->count("end") == 1; }));
    CHECK(loop.pool().taken_bytes() == 0);
  }
}

TEST_CASE("while paused neither bytes nor the end are reported") {
  for (const Kind kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    pair.b->stream->pause();
    pair.a->write("late");
    pair.a->stream->shutdown_write();
    settle(loop);
    CHECK(pair.b->log.empty());
    pair.b->stream->resume();
    settle(loop);
    CHECK(pair.b->received == "late");
    CHECK(pair.b->log == std::vector<std::string>{"input", "end"});
  }
}

TEST_CASE("a paused stream with input waiting lets the loop sleep") {
  for (const Kind kind : all_kinds) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    pair.b->stream->pause();
    pair.a->write("wait");
    pair.a->stream->close();
    settle(loop);
    bool rang = false;
    loop.call_after(Duration::milliseconds(30), [&] { rang = true; });
    int turns = 0;
    while (!rang) {
      REQUIRE(loop.run_once(Duration::seconds(1)));
      ++turns;
    }
    // A spinning loop makes thousands of turns in that time.
    CHECK(turns < 100);
    pair.b->stream->resume();
    CHECK(turn_until(loop, [&] { return pair.b->count("end") == 1; }));
    CHECK(pair.b->received == "wait");
  }
}

TEST_CASE("a reset is reported while paused") {
  for (const Kind kind : {Kind::tcp, Kind::memory}) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    pair.b->stream->pause();
    pair.a->write("unread");
    settle(loop);
    pair.a->stream->abort();
    CHECK(turn_until(loop, [&] { return pair.b->count("broken") == 1; }));
    CHECK(pair.b->error == std::errc::connection_reset);
    settle(loop);
    CHECK(pair.b->log == std::vector<std::string>{"broken"});
    CHECK(pair.b->stream->write(as_bytes("x")).error());
    pair.b->stream->close();
    settle(loop);
    CHECK(pair.b->log == std::vector<std::string>{"broken", "reap"});
  }
}

TEST_CASE("a reset after the end was seen is reported") {
  for (const Kind kind : {Kind::tcp, Kind::memory}) {
    CAPTURE(static_cast<int>(kind));
    Loop loop;
    PeerPair pair(loop, kind);
    pair.a->stream->shutdown_write();
    CHECK(turn_until(loop, [&] { return pair.b->count("end") == 1; }));
    pair.a->stream->abort();
    CHECK(turn_until(loop, [&] { return pair.b->count("broken") == 1; }));
    settle(loop);
    CHECK(pair.b->log == std::vector<std::string>{"end", "broken"});
  }
}

TEST_CASE("closing inside a callback of any kind ends all calls but the last one") {
  const char* const callbacks[] = {"input", "received", "end", "drained", "broken", "again"};
  for (const Kind kind : {Kind::tcp, Kind::memory}) {
    for (const std::string where : callbacks) {
      for (const bool abortive : {false, true}) {
        CAPTURE(static_cast<int>(kind));
        CAPTURE(where);
        CAPTURE(abortive);
        Loop loop;
        PeerPair pair(loop, kind);
        Peer& peer = *pair.b;
        std::size_t calls_at_close = 0;
        const auto close = [&] {
          abortive ? peer.stream->abort() : peer.stream->close();
          CHECK(peer.stream->closed());
          CHECK(peer.stream->write(as_bytes("x")).error());
          peer.stream->close();
          calls_at_close = peer.log.size();
        };
        std::uint8_t own[4];
        if (where == "received") peer.receive_into(own);
        if (where == "input" || where == "again") {
          peer.input_hook = [&](MutableBytes& input) {
            input = input.subspan(1);
            close();
            return where == "again" ? Want::again : Want::more;
          };
        }
        peer.received_hook = [&](std::size_t) {
          close();
          return Want::again;
        };
        if (where == "end") peer.end_hook = close;
        if (where == "drained") peer.drained_hook = close;
        if (where == "broken") peer.broken_hook = close;

        if (where == "drained") {
          peer.write("queued, for this is no dispatch of its own");
        } else if (where == "broken") {
          pair.a->stream->abort();
        } else {
          pair.a->write("some input");
          pair.a->stream->shutdown_write();
        }
        CHECK(turn_until(loop, [&] { return peer.stream == nullptr; }));
        settle(loop);
        CHECK(peer.log.size() == calls_at_close + 1);
        CHECK(peer.log.back() == "reap");
        CHECK(peer.count("reap") == 1);
      }
    }
  }
}

TEST_CASE("a stream closed by another one's callback is not called any more") {
  Loop loop;
  PeerPair first(loop, Kind::tcp);
  PeerPair second(loop, Kind::tcp);
  // Both are readable in the same turn; whoever comes first closes both.
  const auto close_both = [&](MutableBytes& input) {
    input = {};
    first.b->stream->close();
    second.b->stream->close();
    return Want::more;
  };
  first.b->input_hook = close_both;
  second.b->input_hook = close_both;
  first.a->write("x");
  second.a->write("x");
  CHECK(
      turn_until(loop, [&] { return first.b->stream == nullptr && second.b->stream == nullptr; }));
  CHECK(first.b->count("input") + second.b->count("input") == 1);
}

TEST_CASE("a handler set from outside is offered what the old one left") {
  for (const Kind kind : all_kinds) {
    Loop loop;
    PeerPair pair(loop, kind);
    pair.b->input_hook = [](MutableBytes&) { return Want::more; };
    pair.a->write("left over");
    CHECK(turn_until(loop, [&] { return pair.b->count("input") == 1; }));
    struct Heir final : Stream::Handler {
      std::string received;
      Want on_input(MutableBytes& input) override {
        received += as_text(input);
        input = {};
        return Want::more;
      }
      void on_end() override {}
      void on_broken(std::error_code) override {}
      void on_reap() override {}
    } heir;
    pair.b->stream->set_handler(heir);
    CHECK(turn_until(loop, [&] { return heir.received == "left over"; }));
    pair.b->stream->set_handler(*pair.b);
  }
}

TEST_CASE("a handler that takes over within a call gets the rest in the same turn") {
  Loop loop;
  PeerPair pair(loop, Kind::memory);
  struct Heir final : Stream::Handler {
    std::string received;
    Want on_input(MutableBytes& input) override {
      received += as_text(input);
      input = {};
      return Want::more;
    }
    void on_end() override {}
    void on_broken(std::error_code) override {}
    void on_reap() override {}
  } heir;
  std::string at_return;
  pair.b->input_hook = [&](MutableBytes& input) {
    input = input.subspan(5);
    pair.b->stream->set_handler(heir);
    return Want::more;
  };
  pair.a->write("head\ntail");
  CHECK(turn_until(loop, [&] { return !heir.received.empty(); }));
  CHECK(heir.received == "tail");
  CHECK(pair.b->count("input") == 1);
  pair.b->stream->set_handler(*pair.b);
}

#ifndef NDEBUG
TEST_CASE("a view that is kept beyond its call is overwritten") {
  for (const Kind kind : all_kinds) {
    Loop loop;
    PeerPair pair(loop, kind);
    Bytes kept;
    pair.b->input_hook = [&](MutableBytes& input) {
      kept = input;
      input = {};
      return Want::more;
    };
    pair.a->write("do not keep me");
    CHECK(turn_until(loop, [&] { return !kept.empty(); }));
    CHECK(std::all_of(kept.begin(), kept.end(), [](std::uint8_t b) { return b == 0xDB; }));
  }
}
#endif

TEST_CASE("a quiet stream owns no memory of the pool") {
  Loop loop;
  PeerPair pair(loop, Kind::tcp);
  pair.b->input_hook = [&](MutableBytes& input) {
    REQUIRE(pair.b->stream->write(input));
    input = {};
    return Want::more;
  };
  for (int i = 0; i < 10; ++i) {
    pair.a->write(pattern(10'000));
    settle(loop);
  }
  CHECK(pair.a->received.size() == 100'000);
  CHECK(loop.pool().taken_bytes() == 0);
}

TEST_CASE("what was asked for before start() is done after it") {
  Loop loop;
  auto [one, other] = connected_sockets(Kind::socketpair);
  Peer a(loop, std::move(one));
  struct Quiet final : Stream::Handler {
    int reaped = 0;
    Want on_input(MutableBytes&) override { return Want::more; }
    void on_end() override {}
    void on_broken(std::error_code) override {}
    void on_reap() override { ++reaped; }
  } quiet;
  Stream stream(loop, std::move(other), quiet);
  REQUIRE(stream.write(as_bytes("early")));
  stream.close();
  CHECK(quiet.reaped == 0);
  REQUIRE(stream.start());
  CHECK(turn_until(loop, [&] { return a.count("end") == 1 || quiet.reaped == 1; }));
  settle(loop);
  CHECK(quiet.reaped == 1);
  CHECK(a.received == "early");
}
