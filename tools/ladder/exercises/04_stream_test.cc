// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>
#include <string_view>

#include "tests/support/socket_pair.h"
#include "tools/ladder/exercises/04_stream.h"

using namespace hilo;
using exercise::Then;

namespace {

// In words, so that a failure says what came.
std::string_view send_or_keep(int fd, Bytes bytes, std::string& kept) {
  switch (exercise::send_or_keep(fd, bytes, kept)) {
    case Then::go_on: return "go_on";
    case Then::wait: return "wait";
    case Then::broken: return "broken";
  }
  return "none of the three";
}

// Numbered lines, so that a byte that is missing or overtakes is seen.
std::string lines(int from, int count) {
  std::string text;
  for (int i = from; i < from + count; ++i) text += std::to_string(i) + '\n';
  return text;
}

std::string read_up_to(const net::Fd& fd, std::size_t bytes) {
  std::string text(bytes, '\0');
  const net::Io io =
      net::socket::receive(fd.value(), {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  text.resize(io.kind == net::Io::Kind::done ? io.bytes : 0);
  return text;
}

}  // namespace

TEST_SUITE_BEGIN("4: send what the kernel takes, keep the rest, and lose no byte");

TEST_CASE("what there is room for goes at once, and nothing waits") {
  const test::SocketPair pair = test::socket_pair();
  std::string kept;
  CHECK(send_or_keep(pair.a.value(), as_bytes("hola"), kept) == "go_on");
  CHECK(kept.empty());
  CHECK(read_up_to(pair.b, 100) == "hola");
  CHECK(send_or_keep(pair.a.value(), {}, kept) == "go_on");
}

TEST_CASE("what there is no room for waits, and is neither lost nor sent twice") {
  const test::SocketPair pair = test::socket_pair();
  const std::string text = lines(0, 200'000);  // more than a socket holds
  std::string kept;
  REQUIRE(send_or_keep(pair.a.value(), as_bytes(text), kept) == "wait");
  CHECK(!kept.empty());
  CHECK(kept.size() < text.size());
  CHECK(kept == text.substr(text.size() - kept.size()));
}

TEST_CASE("bytes that come later stand behind what waits, even if there is room again") {
  const test::SocketPair pair = test::socket_pair();
  std::string kept;
  std::string sent = lines(0, 200'000);
  REQUIRE(send_or_keep(pair.a.value(), as_bytes(sent), kept) == "wait");
  std::string received = read_up_to(pair.b, 10'000);
  sent += "and this is the end";
  (void)send_or_keep(pair.a.value(), as_bytes("and this is the end"), kept);
  for (int turn = 0; turn < 10'000 && received.size() < sent.size(); ++turn) {
    received += read_up_to(pair.b, 10'000);
    REQUIRE(send_or_keep(pair.a.value(), {}, kept) != "broken");
  }
  CHECK(received.size() == sent.size());
  CHECK((received == sent));  // in brackets, so that a difference does not fill the screen
  CHECK(kept.empty());
}

TEST_CASE("a peer that reads slowly makes the sender wait, and gets all that was sent in the end") {
  std::mt19937 random{4};
  const test::SocketPair pair = test::socket_pair();
  std::string sent;
  std::string received;
  std::string kept;
  bool waited = false;
  std::string_view then = "go_on";
  for (int turn = 0; turn < 400; ++turn) {
    // Input is read, and so there is something to send, only while nothing waits.
    const std::string more = then == "go_on" ? lines(turn * 1000, 3000) : "";
    sent += more;
    then = send_or_keep(pair.a.value(), as_bytes(more), kept);
    REQUIRE(then == (kept.empty() ? "go_on" : "wait"));
    waited = waited || then == "wait";
    received += read_up_to(pair.b, random() % 16'000);
    REQUIRE(received.size() + kept.size() <= sent.size());
  }
  for (std::string more = "more"; !more.empty(); received += more) {
    REQUIRE(send_or_keep(pair.a.value(), {}, kept) != "broken");
    more = read_up_to(pair.b, 100'000);
  }
  CHECK(waited);
  CHECK((received == sent));
}

TEST_CASE("a peer that is gone breaks the connection, and not the program") {
  test::SocketPair pair = test::socket_pair();
  pair.b.reset();
  std::string kept;
  CHECK(send_or_keep(pair.a.value(), as_bytes("hola?"), kept) == "broken");
}
