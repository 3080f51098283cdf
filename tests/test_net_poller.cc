// SPDX-License-Identifier: MIT
//
// Every backend has to pass the same tests; the Makefile says which one is linked.

#include "net/poller.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string_view>
#include <thread>
#include <vector>

#include "net/clock.h"
#include "net/socket.h"
#include "tests/support/skip.h"
#include "tests/support/socket_pair.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::net::literals;
using test::SocketPair;

namespace {

constexpr Token first_token{7, 1};
constexpr Token second_token{8, 0x80000001};

void send_text(const Fd& fd, std::string_view text) {
  const Bytes slice = as_bytes(text);
  REQUIRE(socket::send(fd.value(), {&slice, 1}).kind == Io::Kind::done);
}

void fill(const Fd& fd) {
  const std::vector<std::uint8_t> block(1 << 16);
  const Bytes slice(block);
  while (socket::send(fd.value(), {&slice, 1}).kind == Io::Kind::done) {
  }
}

void drain(const Fd& fd) {
  std::vector<std::uint8_t> block(1 << 16);
  while (socket::receive(fd.value(), block).kind == Io::Kind::done) {
  }
}

// What is reported about `token` without waiting, both directions put together.
struct Report {
  int times = 0;
  Ready ready;
};
Report look(Poller& poller, Token token, Duration timeout = {}) {
  Report report;
  const auto fired = poller.wait(timeout);
  REQUIRE(fired);
  for (const Fired& event : *fired) {
    if (event.token != token) continue;
    ++report.times;
    report.ready.readable |= event.ready.readable;
    report.ready.writable |= event.ready.writable;
    report.ready.broken |= event.ready.broken;
    if (event.ready.error != 0) report.ready.error = event.ready.error;
  }
  return report;
}

// A socket tells its error once: to the poller, or to whoever asks it.
std::error_code error_of(const Fd& fd, const Report& report) {
  if (report.ready.error != 0) return {report.ready.error, std::generic_category()};
  return socket::take_error(fd.value()).error();
}

bool is_kqueue() {
  return std::string_view(Poller::name()) == "kqueue";
}
// kqueue as a library on top of epoll: its descriptor never becomes readable.
bool is_emulated() {
#ifdef __linux__
  return is_kqueue();
#else
  return false;
#endif
}

}  // namespace

TEST_CASE("a poller has a name and opens") {
  const std::string_view name = Poller::name();
  CHECK((name == "epoll" || name == "kqueue" || name == "poll"));
  Poller poller;
  CHECK(poller.status());
  const auto fired = poller.wait(Duration{});
  REQUIRE(fired);
  CHECK(fired->empty());
}

TEST_CASE("readable is reported for as long as it lasts") {
  Poller poller;
  const SocketPair pair = test::socket_pair();
  REQUIRE(poller.add(pair.a.value(), Interest::read, first_token));
  CHECK(look(poller, first_token).times == 0);
  send_text(pair.b, "x");
  for (int turn = 0; turn < 3; ++turn) {
    const Report report = look(poller, first_token);
    CHECK(report.times == 1);
    CHECK(report.ready.readable);
    CHECK(!report.ready.writable);
    CHECK(!report.ready.broken);
  }
  drain(pair.a);
  CHECK(look(poller, first_token).times == 0);
}

TEST_CASE("writable is reported while there is room") {
  Poller poller;
  const SocketPair pair = test::socket_pair();
  REQUIRE(poller.add(pair.a.value(), Interest::write, first_token));
  const Report report = look(poller, first_token);
  CHECK(report.ready.writable);
  CHECK(!report.ready.readable);
  CHECK(!report.ready.broken);
  fill(pair.a);
  CHECK(!look(poller, first_token).ready.writable);
  drain(pair.b);
  CHECK(look(poller, first_token).ready.writable);
}

TEST_CASE("both directions are reported, in one event or in two") {
  Poller poller;
  const SocketPair pair = test::socket_pair();
  REQUIRE(poller.add(pair.a.value(), Interest::read_write, first_token));
  send_text(pair.b, "x");
  const Report report = look(poller, first_token);
  CHECK(report.times >= 1);
  CHECK(report.times <= 2);
  CHECK(report.ready.readable);
  CHECK(report.ready.writable);
}

TEST_CASE("the interest can change from anything to anything") {
  const Interest interests[] = {Interest::none, Interest::read, Interest::write,
                                Interest::read_write};
  for (const Interest before : interests) {
    for (const Interest after : interests) {
      CAPTURE(static_cast<int>(before));
      CAPTURE(static_cast<int>(after));
      Poller poller;
      const SocketPair pair = test::socket_pair();
      send_text(pair.b, "x");
      REQUIRE(poller.add(pair.a.value(), before, first_token));
      look(poller, first_token);
      REQUIRE(poller.change(pair.a.value(), before, after, first_token));
      const Report report = look(poller, first_token);
      CHECK(report.ready.readable == (after == Interest::read || after == Interest::read_write));
      CHECK(report.ready.writable == (after == Interest::write || after == Interest::read_write));
      poller.remove(pair.a.value(), after);
      CHECK(look(poller, first_token).times == 0);
    }
  }
}

TEST_CASE("what was removed is reported no more, even while a duplicate of it lives") {
  Poller poller;
  SocketPair pair = test::socket_pair();
  const Fd duplicate(::dup(pair.a.value()));
  REQUIRE(poller.add(pair.a.value(), Interest::read_write, first_token));
  send_text(pair.b, "x");
  CHECK(look(poller, first_token).ready.readable);
  poller.remove(pair.a.value(), Interest::read_write);
  pair.a.reset();
  CHECK(look(poller, first_token).times == 0);
}

TEST_CASE("a duplicate is watched by itself") {
  Poller poller;
  const SocketPair pair = test::socket_pair();
  const Fd duplicate(::dup(pair.a.value()));
  REQUIRE(poller.add(pair.a.value(), Interest::read, first_token));
  REQUIRE(poller.add(duplicate.value(), Interest::read, second_token));
  send_text(pair.b, "x");
  CHECK(look(poller, first_token).ready.readable);
  CHECK(look(poller, second_token).ready.readable);
  poller.remove(pair.a.value(), Interest::read);
  CHECK(look(poller, first_token).times == 0);
  CHECK(look(poller, second_token).ready.readable);
}

TEST_CASE("a number that is used again brings the new token, and never the old one") {
  Poller poller;
  SocketPair old_pair = test::socket_pair();
  const int number = old_pair.a.value();
  REQUIRE(poller.add(number, Interest::read, first_token));
  send_text(old_pair.b, "x");
  CHECK(look(poller, first_token).ready.readable);
  poller.remove(number, Interest::read);
  SocketPair new_pair = test::socket_pair();
  REQUIRE(::dup2(new_pair.a.value(), number) == number);
  REQUIRE(poller.add(number, Interest::read, second_token));
  CHECK(look(poller, second_token).times == 0);
  send_text(new_pair.b, "y");
  CHECK(look(poller, second_token).ready.readable);
  CHECK(look(poller, first_token).times == 0);
}

TEST_CASE("the end of input is readable") {
  Poller poller;
  const SocketPair pair = test::tcp_pair();
  REQUIRE(poller.add(pair.a.value(), Interest::read, first_token));
  CHECK(socket::shutdown_write(pair.b.value()));
  const Report report = look(poller, first_token, Duration{-1});
  CHECK(report.ready.readable);
  CHECK(!report.ready.broken);
}

TEST_CASE("input in front of the end is readable, too") {
  Poller poller;
  SocketPair pair = test::socket_pair();
  REQUIRE(poller.add(pair.a.value(), Interest::read, first_token));
  send_text(pair.b, "last words");
  pair.b.reset();
  CHECK(look(poller, first_token).ready.readable);
  std::uint8_t buffer[32];
  CHECK(socket::receive(pair.a.value(), buffer).bytes == 10);
  CHECK(look(poller, first_token).ready.readable);
  CHECK(socket::receive(pair.a.value(), buffer).kind == Io::Kind::end);
}

TEST_CASE("a reset breaks a descriptor") {
  for (const Interest interest : {Interest::none, Interest::read, Interest::read_write}) {
    CAPTURE(static_cast<int>(interest));
    Poller poller;
    SocketPair pair = test::tcp_pair();
    REQUIRE(poller.add(pair.a.value(), interest, first_token));
    socket::set_abortive_close(pair.b.value());
    pair.b.reset();
    // A socket that is writable already must be given the time for the reset to arrive.
    pollfd entry{pair.a.value(), 0, 0};
    REQUIRE(::poll(&entry, 1, -1) == 1);
    const Report report = look(poller, first_token, Duration{-1});
    CHECK(report.ready.broken);
    CHECK(report.ready.readable == (interest != Interest::none));
    CHECK(error_of(pair.a, report) == std::errc::connection_reset);
  }
}

TEST_CASE("urgent data is no event, and so no reason to spin (13)") {
  Poller poller;
  SocketPair pair = test::tcp_pair();
  REQUIRE(poller.add(pair.a.value(), Interest::read, first_token));
  const char urgent = '!';
  REQUIRE(::send(pair.b.value(), &urgent, 1, MSG_OOB) == 1);
  pollfd entry{pair.a.value(), POLLPRI, 0};
  REQUIRE(::poll(&entry, 1, -1) == 1);
  CHECK(look(poller, first_token).times == 0);
  send_text(pair.b, "after");
  CHECK(look(poller, first_token, Duration{-1}).ready.readable);
}

TEST_CASE("a refused connection is writable or broken") {
  Address address;
  {
    Result<Fd> listening = socket::listen(*Address::parse("127.0.0.1:0"), {});
    REQUIRE(listening);
    address = *socket::local_address(listening->value());
  }
  Result<Fd> fd = socket::open_stream(Family::ipv4);
  REQUIRE(fd);
  if (socket::connect(fd->value(), address).kind == Io::Kind::failed) return;
  Poller poller;
  REQUIRE(poller.add(fd->value(), Interest::write, first_token));
  const Report report = look(poller, first_token, Duration{-1});
  CHECK((report.ready.writable || report.ready.broken));
  CHECK(error_of(*fd, report) == std::errc::connection_refused);
}

TEST_CASE("the last writer of a pipe that leaves is noticed by its reader") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  Poller poller;
  REQUIRE(poller.add(reader.value(), Interest::read, first_token));
  CHECK(look(poller, first_token).times == 0);
  writer.reset();
  const Report report = look(poller, first_token);
  CHECK((report.ready.readable || report.ready.broken));
}

TEST_CASE("descriptors that cannot be watched are refused") {
  Poller poller;
  CHECK(!poller.add(-1, Interest::read, first_token));
  poller.remove(-1, Interest::read);
  const SocketPair pair = test::socket_pair();
  CHECK(!poller.change(pair.a.value(), Interest::read, Interest::write, first_token));
}

TEST_CASE("nobody waits for ever when more is ready than one wait reports") {
  Poller poller;
  constexpr std::uint32_t count = Poller::events_per_wait_max + 100;
  // Ends of one pipe, since a thousand sockets may be more than the limit of descriptors.
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  std::vector<Fd> copies;
  for (std::uint32_t i = 0; i < count; ++i) {
    copies.emplace_back(::dup(reader.value()));
    if (!copies.back()) HILO_SKIP("too few descriptors");
    REQUIRE(poller.add(copies.back().value(), Interest::read, Token{i, 1}));
  }
  REQUIRE(::write(writer.value(), "x", 1) == 1);
  std::map<std::uint32_t, int> seen;
  for (int turn = 0; turn < 4; ++turn) {
    const auto fired = poller.wait(Duration{});
    REQUIRE(fired);
    CHECK(fired->size() <= Poller::events_per_wait_max);
    for (const Fired& event : *fired) ++seen[event.token.slot];
  }
  CHECK(seen.size() == count);
}

TEST_CASE("entries come and go in any order") {
  Poller poller;
  std::vector<SocketPair> pairs;
  for (std::uint32_t i = 0; i < 20; ++i) {
    pairs.push_back(test::socket_pair());
    REQUIRE(poller.add(pairs[i].a.value(), Interest::read, Token{i, 1}));
    send_text(pairs[i].b, "x");
  }
  std::vector<bool> watched(pairs.size(), true);
  std::uint32_t random = 1;
  for (int step = 0; step < 200; ++step) {
    random = random * 1664525 + 1013904223;
    const std::uint32_t i = (random >> 16) % 20;
    if (watched[i]) {
      poller.remove(pairs[i].a.value(), Interest::read);
    } else {
      REQUIRE(poller.add(pairs[i].a.value(), Interest::read, Token{i, 1}));
    }
    watched[i] = !watched[i];
    const auto fired = poller.wait(Duration{});
    REQUIRE(fired);
    std::vector<bool> seen(pairs.size(), false);
    for (const Fired& event : *fired) seen[event.token.slot] = true;
    CHECK(seen == watched);
  }
}

TEST_CASE("a wait ends with the event it waits for") {
  Poller poller;
  const SocketPair pair = test::socket_pair();
  REQUIRE(poller.add(pair.a.value(), Interest::read, first_token));
  std::thread other([&] { send_text(pair.b, "x"); });
  CHECK(look(poller, first_token, Duration{-1}).ready.readable);
  other.join();
}

TEST_CASE("a wait ends when its time is over, and the longest time is no error") {
  Poller poller;
  CHECK(poller.wait(Duration{1})->empty());
  // Never before it is over: who waits for a deadline would have to wait again, and again.
  const Time before = clock_now();
  CHECK(poller.wait(Duration{300'000})->empty());
  CHECK(clock_now() - before >= Duration{300'000});
  CHECK(poller.wait(1_ms)->empty());
  const SocketPair pair = test::socket_pair();
  REQUIRE(poller.add(pair.a.value(), Interest::write, first_token));
  CHECK(look(poller, first_token, Duration{INT64_MAX}).ready.writable);
}

TEST_CASE("a poller's own descriptor is readable when it has something to say") {
  Poller poller;
  CHECK((poller.fd() < 0) == (std::string_view(Poller::name()) == "poll"));
  if (poller.fd() < 0 || is_emulated()) return;
  const SocketPair pair = test::socket_pair();
  REQUIRE(poller.add(pair.a.value(), Interest::read, first_token));
  pollfd entry{poller.fd(), POLLIN, 0};
  CHECK(::poll(&entry, 1, 0) == 0);
  send_text(pair.b, "x");
  CHECK(::poll(&entry, 1, 0) == 1);
}
