// SPDX-License-Identifier: MIT

#include "net/connector.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/stream_pair.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::test;

namespace {

// A port that answers every connect at once.
class OpenPort {
 public:
  explicit OpenPort(const char* ip = "127.0.0.1") {
    Result<Address> any = Address::from_ip(ip, 0);
    REQUIRE(any);
    Result<Fd> fd = socket::listen(*any, {});
    if (!fd) return;
    fd_ = std::move(*fd);
    Result<Address> bound = socket::local_address(fd_.value());
    REQUIRE(bound);
    address_ = *bound;
  }
  bool usable() const { return static_cast<bool>(fd_); }
  const Address& address() const { return address_; }
  int take() {
    int n = 0;
    while (socket::accept(fd_.value(), nullptr)) ++n;
    return n;
  }
  void shut() { fd_.reset(); }

 private:
  Fd fd_;
  Address address_;
};

// A port that lets connects hang: its queue is full and nobody accepts, so the kernel drops SYNs.
class DeafPort {
 public:
  DeafPort() {
    Result<Address> any = Address::from_ip("127.0.0.1", 0);
    REQUIRE(any);
    socket::ListenOptions options;
    options.backlog = 0;
    Result<Fd> fd = socket::listen(*any, options);
    REQUIRE(fd);
    fd_ = std::move(*fd);
    Result<Address> bound = socket::local_address(fd_.value());
    REQUIRE(bound);
    address_ = *bound;
    for (int i = 0; i < 4; ++i) {
      Result<Fd> filler = socket::open_stream(Family::ipv4);
      REQUIRE(filler);
      static_cast<void>(socket::connect(filler->value(), address_));
      fillers_.push_back(std::move(*filler));
    }
  }
  const Address& address() const { return address_; }

 private:
  Fd fd_;
  Address address_;
  std::vector<Fd> fillers_;
};

Address refusing() {
  OpenPort port;
  const Address address = port.address();
  port.shut();
  return address;
}

struct Outcome {
  int calls = 0;
  Fd fd;
  std::error_code error;

  Connector::OnConnected callback() {
    return [this](Result<Fd> result) {
      ++calls;
      error = result.error();
      if (result) fd = std::move(*result);
    };
  }
  bool reached(const Address& address) const {
    const Result<Address> peer = socket::peer_address(fd.value());
    return peer && *peer == address;
  }
};

}  // namespace

TEST_CASE("the first address that answers is taken, and the callback comes from the loop") {
  Loop loop;
  OpenPort port;
  Connector connector(loop);
  Outcome outcome;
  const Address addresses[] = {port.address()};
  connector.connect(addresses, {}, outcome.callback());
  CHECK(outcome.calls == 0);
  CHECK(connector.connecting());
  CHECK(turn_until(loop, [&] { return outcome.calls == 1; }));
  CHECK(outcome.reached(port.address()));
  CHECK(!connector.connecting());
  CHECK(loop.watched_count() == 0);
  CHECK(loop.timers().armed_count() == 0);
}

TEST_CASE("a refused connection is reported, after the last address only") {
  Loop loop;
  Connector connector(loop);
  Outcome outcome;
  const Address addresses[] = {refusing(), refusing(), refusing()};
  connector.connect(addresses, {}, outcome.callback());
  CHECK(turn_until(loop, [&] { return outcome.calls == 1; }));
  CHECK(outcome.error == std::errc::connection_refused);
  settle(loop);
  CHECK(outcome.calls == 1);
}

TEST_CASE("a refused address makes room for the next at once, without the delay") {
  Loop loop;
  OpenPort port;
  Connector connector(loop);
  Outcome outcome;
  const Address addresses[] = {refusing(), refusing(), port.address()};
  Connector::Options options;
  options.attempt_delay = Duration::seconds(3600);
  options.timeout = Duration::seconds(7200);
  connector.connect(addresses, options, outcome.callback());
  CHECK(turn_until(loop, [&] { return outcome.calls == 1; }));
  CHECK(outcome.reached(port.address()));
}

TEST_CASE("an address that hangs gets company after the delay, and the loser is dropped") {
  Loop loop;
  DeafPort deaf;
  OpenPort port;
  Connector connector(loop);
  Outcome outcome;
  const Address addresses[] = {deaf.address(), port.address()};
  Connector::Options options;
  options.attempt_delay = Duration::milliseconds(5);
  connector.connect(addresses, options, outcome.callback());
  settle(loop);
  CHECK(turn_until(loop, [&] { return outcome.calls == 1; }));
  CHECK(outcome.reached(port.address()));
  CHECK(loop.watched_count() == 0);
  CHECK(loop.timers().armed_count() == 0);
}

TEST_CASE("nothing but hanging addresses ends in a time-out") {
  Loop loop;
  DeafPort deaf;
  Connector connector(loop);
  Outcome outcome;
  const Address addresses[] = {deaf.address(), deaf.address()};
  Connector::Options options;
  options.attempt_delay = Duration::milliseconds(2);
  options.timeout = Duration::milliseconds(20);
  connector.connect(addresses, options, outcome.callback());
  CHECK(turn_until(loop, [&] { return outcome.calls == 1; }));
  CHECK(outcome.error == std::errc::timed_out);
  CHECK(loop.watched_count() == 0);
}

TEST_CASE("a refusal while another attempt hangs is not the end") {
  Loop loop;
  DeafPort deaf;
  Connector connector(loop);
  Outcome outcome;
  const Address addresses[] = {deaf.address(), refusing()};
  Connector::Options options;
  options.attempt_delay = Duration::milliseconds(2);
  options.timeout = Duration::milliseconds(30);
  connector.connect(addresses, options, outcome.callback());
  CHECK(turn_until(loop, [&] { return outcome.calls == 1; }));
  CHECK(outcome.error == std::errc::timed_out);
}

TEST_CASE("the families take turns, the first one of the list first") {
  OpenPort ipv6("::1");
  if (!ipv6.usable()) {
    MESSAGE("no IPv6 here");
    return;
  }
  Loop loop;
  DeafPort deaf;
  OpenPort late;
  Connector connector(loop);
  Outcome outcome;
  // Second in order is the IPv6 address, although two of the other family stand before it.
  const Address addresses[] = {deaf.address(), late.address(), ipv6.address()};
  Connector::Options options;
  options.attempt_delay = Duration::milliseconds(5);
  connector.connect(addresses, options, outcome.callback());
  CHECK(turn_until(loop, [&] { return outcome.calls == 1; }));
  CHECK(outcome.reached(ipv6.address()));
  CHECK(late.take() == 0);
}

TEST_CASE("no more than the limit of addresses is tried") {
  Loop loop;
  OpenPort port;
  Connector connector(loop);
  Outcome outcome;
  std::vector<Address> addresses(Connector::addresses_max, refusing());
  addresses.push_back(port.address());
  connector.connect(addresses, {}, outcome.callback());
  CHECK(turn_until(loop, [&] { return outcome.calls == 1; }));
  CHECK(outcome.error == std::errc::connection_refused);
}

TEST_CASE("an empty list and an address that is none are errors, told from the loop") {
  Loop loop;
  Connector connector(loop);
  Outcome outcome;
  connector.connect({}, {}, outcome.callback());
  CHECK(outcome.calls == 0);
  CHECK(turn_until(loop, [&] { return outcome.calls == 1; }));
  CHECK(outcome.error == std::errc::invalid_argument);
  const Address nowhere[] = {Address{}};
  connector.connect(nowhere, {}, outcome.callback());
  CHECK(outcome.calls == 1);
  CHECK(turn_until(loop, [&] { return outcome.calls == 2; }));
  CHECK(outcome.error);
}

TEST_CASE("a Unix socket that connects on the spot is told from the loop too") {
  Loop loop;
  Result<Address> address =
      Address::parse("unix:@hilo-test-connector-" + std::to_string(::getpid()));
  REQUIRE(address);
  Result<Fd> listening = socket::listen(*address, {});
  if (!listening) {
    MESSAGE("no abstract Unix sockets here");
    return;
  }
  Connector connector(loop);
  Outcome outcome;
  const Address addresses[] = {*address};
  connector.connect(addresses, {}, outcome.callback());
  CHECK(outcome.calls == 0);
  CHECK(turn_until(loop, [&] { return outcome.calls == 1; }));
  CHECK(outcome.fd);
}

TEST_CASE("a cancelled connect is never told, and its callback is destroyed") {
  Loop loop;
  DeafPort deaf;
  OpenPort port;
  for (const Address& address : {deaf.address(), port.address()}) {
    Connector connector(loop);
    auto owned = std::make_shared<int>(0);
    const Address addresses[] = {address};
    connector.connect(addresses, {}, [owned](Result<Fd>) { ++*owned; });
    CHECK(owned.use_count() == 2);
    connector.cancel();
    CHECK(owned.use_count() == 1);
    CHECK(!connector.connecting());
    CHECK(loop.watched_count() == 0);
    CHECK(loop.timers().armed_count() == 0);
    settle(loop);
    CHECK(*owned == 0);
  }
}

TEST_CASE("a second connect() cancels the first") {
  Loop loop;
  DeafPort deaf;
  OpenPort port;
  Connector connector(loop);
  Outcome first;
  Outcome second;
  const Address hanging[] = {deaf.address()};
  const Address answering[] = {port.address()};
  connector.connect(hanging, {}, first.callback());
  connector.connect(answering, {}, second.callback());
  CHECK(turn_until(loop, [&] { return second.calls == 1; }));
  CHECK(first.calls == 0);
}

TEST_CASE("the callback may connect again, or destroy the connector") {
  Loop loop;
  OpenPort port;
  const Address refused[] = {refusing()};
  const Address answering[] = {port.address()};
  auto connector = std::make_unique<Connector>(loop);
  int failures = 0;
  bool connected = false;
  connector->connect(refused, {}, [&](Result<Fd> result) {
    failures += result ? 0 : 1;
    connector->connect(answering, {}, [&](Result<Fd> again) {
      connected = static_cast<bool>(again);
      connector.reset();
    });
  });
  CHECK(turn_until(loop, [&] { return connector == nullptr; }));
  CHECK(failures == 1);
  CHECK(connected);
  CHECK(loop.watched_count() == 0);
}

TEST_CASE("a connector that is destroyed while connecting leaves nothing behind") {
  Loop loop;
  DeafPort deaf;
  const Address addresses[] = {deaf.address()};
  {
    Connector connector(loop);
    connector.connect(addresses, {}, [](Result<Fd>) { CHECK(false); });
    settle(loop);
  }
  CHECK(loop.watched_count() == 0);
  CHECK(loop.timers().armed_count() == 0);
}
