// SPDX-License-Identifier: MIT

#include "net/resolver.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/stream_pair.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::test;

namespace {

struct Answer {
  int calls = 0;
  std::vector<Address> addresses;
  std::error_code error;

  Resolver::OnResolved callback() {
    return [this](const Result<std::span<const Address>>& result) {
      ++calls;
      error = result.error();
      addresses.clear();
      if (result) addresses.assign((*result).begin(), (*result).end());
    };
  }
};

// Asks for one name and turns the loop until the answer is there.
Answer ask(std::string_view host, std::uint16_t port) {
  Loop loop;
  Resolver resolver(loop);
  Answer answer;
  resolver.resolve(host, port, answer.callback());
  CHECK(answer.calls == 0);
  CHECK(turn_until(loop, [&] { return answer.calls == 1; }));
  return answer;
}

}  // namespace

TEST_CASE("numeric addresses and Unix paths are answered without a look-up") {
  const std::pair<const char*, const char*> cases[] = {
      {"127.0.0.1", "127.0.0.1:80"},
      {"::1", "[::1]:80"},
      {"[::1]", "[::1]:80"},
      {"unix:/run/hilo.sock", "unix:/run/hilo.sock"},
  };
  for (const auto& entry : cases) {
    const char* const host = entry.first;
    const char* const expected = entry.second;
    CAPTURE(host);
    const Answer answer = ask(host, 80);
    REQUIRE(answer.addresses.size() == 1);
    CHECK(answer.addresses[0].to_string() == expected);
  }
}

TEST_CASE("what cannot be a name is an error") {
  const std::string_view cases[] = {"", std::string_view("a\0b", 3), "[127.0.0.1", "[::1::]",
                                    "unix:"};
  for (const std::string_view host : cases) {
    CAPTURE(std::string(host));
    CHECK(ask(host, 80).error);
  }
  CHECK(ask(std::string(254, 'a'), 80).error == std::errc::invalid_argument);
}

TEST_CASE("localhost is a loopback address with the port that was asked for") {
  const Answer answer = ask("localhost", 9001);
  REQUIRE(!answer.addresses.empty());
  for (const Address& address : answer.addresses) {
    CHECK(address.is_loopback());
    CHECK(address.port() == 9001);
  }
}

TEST_CASE("a name that does not exist is an error with words") {
  // RFC 6761 §6.4: no name server answers for "invalid".
  const Answer answer = ask("no-such-host.invalid", 80);
  CHECK(answer.error);
  CHECK(answer.addresses.empty());
  CHECK(!answer.error.message().empty());
}

TEST_CASE("many names are answered, each once") {
  Loop loop;
  Resolver resolver(loop);
  std::vector<Answer> answers(50);
  for (Answer& answer : answers) resolver.resolve("localhost", 1, answer.callback());
  CHECK(turn_until(loop, [&] {
    for (const Answer& answer : answers) {
      if (answer.calls == 0) return false;
    }
    return true;
  }));
  settle(loop);
  for (const Answer& answer : answers) CHECK(answer.calls == 1);
  CHECK(loop.timers().armed_count() == 0);
}

TEST_CASE("a cancelled name is never answered, and its callback is destroyed") {
  for (const char* host : {"127.0.0.1", "localhost"}) {
    Loop loop;
    Resolver resolver(loop);
    auto owned = std::make_shared<int>(0);
    const Resolver::Id id =
        resolver.resolve(host, 1, [owned](const Result<std::span<const Address>>&) { ++*owned; });
    resolver.cancel(id);
    CHECK(owned.use_count() == 1);
    CHECK(loop.timers().armed_count() == 0);
    resolver.cancel(id);
    // A name asked for later is answered later: by then the cancelled one would have been, too.
    Answer later;
    resolver.resolve(host, 1, later.callback());
    CHECK(turn_until(loop, [&] { return later.calls == 1; }));
    CHECK(*owned == 0);
  }
}

TEST_CASE("a name that takes too long is a time-out, and the late answer is thrown away") {
  Loop loop;
  Resolver resolver(loop, Duration{-1});  // over before it began: timers come before posts
  Answer answer;
  resolver.resolve("localhost", 1, answer.callback());
  CHECK(turn_until(loop, [&] { return answer.calls == 1; }));
  CHECK(answer.error == std::errc::timed_out);
  Answer other;
  resolver.resolve("localhost", 1, other.callback());
  CHECK(turn_until(loop, [&] { return other.calls == 1; }));
  settle(loop);
  CHECK(answer.calls == 1);
}

TEST_CASE("a resolver may be destroyed while it looks up, and the loop after it") {
  for (int i = 0; i < 20; ++i) {
    Loop loop;
    Answer answer;
    {
      Resolver resolver(loop);
      resolver.resolve("localhost", 1, answer.callback());
      resolver.resolve("no-such-host.invalid", 1, answer.callback());
      resolver.resolve("127.0.0.1", 1, answer.callback());
      if (i % 2 == 0) REQUIRE(loop.run_once(Duration{}));
      answer.calls = 0;
    }
    settle(loop);
    CHECK(answer.calls == 0);
    CHECK(loop.timers().armed_count() == 0);
  }
}

TEST_CASE("the callback may ask again, cancel others, and destroy the resolver") {
  Loop loop;
  auto resolver = std::make_unique<Resolver>(loop);
  Answer second;
  Answer cancelled;
  Resolver::Id other = 0;
  resolver->resolve("127.0.0.1", 1, [&](const Result<std::span<const Address>>& first) {
    CHECK(first);
    resolver->cancel(other);
    resolver->resolve("127.0.0.2", 3, [&](const Result<std::span<const Address>>& result) {
      second.callback()(result);
      resolver.reset();
    });
  });
  // Asked later, so answered later: the callback above is in time to cancel it.
  other = resolver->resolve("localhost", 2, cancelled.callback());
  CHECK(turn_until(loop, [&] { return resolver == nullptr; }));
  CHECK(second.calls == 1);
  CHECK(cancelled.calls == 0);
}
