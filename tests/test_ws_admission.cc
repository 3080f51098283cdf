// SPDX-License-Identifier: MIT
//
// Who is let in, in numbers, with time as an argument. What a peer sees of it is in
// test_ws_catalogue_accept.cc.

#include "ws/admission.h"

#include <doctest/doctest.h>

#include <string>

using namespace hilo;
using namespace hilo::net::literals;
using net::PeerAddress;
using ws::Admission;
using ws::Errc;

namespace {

constexpr net::Time start{1'000'000'000'000};

PeerAddress at(std::string_view ip, std::uint16_t port = 1) {
  const auto address = net::Address::from_ip(ip, port);
  REQUIRE(address);
  return PeerAddress{*address};
}

PeerAddress numbered(std::uint32_t number) {
  std::uint8_t ip[4];
  store_be32(ip, 0x0B000000 + number);
  return PeerAddress::from_bytes(net::Family::ipv4, ip, 1);
}

PeerAddress numbered_net(std::uint64_t number) {
  std::uint8_t ip[16] = {};
  store_be64(ip, 0x2001'0DB8'0000'0000 + number);
  return PeerAddress::from_bytes(net::Family::ipv6, ip, 1);
}

}  // namespace

TEST_CASE("one address may have so many connections and no more (8)") {
  ws::Limits limits;
  limits.connections_per_ip_max = 3;
  Admission admission(limits);
  for (std::uint16_t port = 1; port <= 3; ++port) {
    CHECK(admission.admit(at("192.0.2.1", port), start) == Errc::none);
  }
  CHECK(admission.admit(at("192.0.2.1", 4), start) == Errc::ip_connections);
  CHECK(admission.admit(at("192.0.2.2"), start) == Errc::none);
  // The same address as a socket of both families shows it.
  CHECK(admission.admit(at("::ffff:192.0.2.1"), start) == Errc::ip_connections);
  CHECK(admission.open_count() == 4);
  admission.release(at("192.0.2.1", 2));
  CHECK(admission.admit(at("192.0.2.1", 5), start) == Errc::none);
}

TEST_CASE("an IPv6 address stands for its /64 (8)") {
  ws::Limits limits;
  limits.connections_per_ip_max = 2;
  Admission admission(limits);
  CHECK(admission.admit(at("2001:db8::1"), start) == Errc::none);
  CHECK(admission.admit(at("2001:db8::2"), start) == Errc::none);
  CHECK(admission.admit(at("2001:db8::3"), start) == Errc::ip_connections);
  CHECK(admission.admit(at("2001:db8:0:1::3"), start) == Errc::none);
}

TEST_CASE("fifty handshakes at once, then one every 20 ms (8)") {
  Admission admission(ws::Limits{});
  const PeerAddress peer = at("192.0.2.1");
  const auto knock = [&](net::Time now) {
    const Errc answer = admission.admit(peer, now);
    if (answer == Errc::none) admission.release(peer);
    return answer;
  };
  for (int i = 0; i < 50; ++i) CHECK(knock(start) == Errc::none);
  CHECK(knock(start) == Errc::ip_rate);
  CHECK(knock(start + 19_ms) == Errc::ip_rate);
  CHECK(knock(start + 20_ms) == Errc::none);
  CHECK(knock(start + 20_ms) == Errc::ip_rate);
  // A refusal costs nothing more; a second of quiet pays all off.
  CHECK(knock(start + 1020_ms) == Errc::none);
  for (int i = 0; i < 49; ++i) CHECK(knock(start + 1020_ms) == Errc::none);
  CHECK(knock(start + 1020_ms) == Errc::ip_rate);
}

TEST_CASE("this machine and trusted proxies are counted in all, not per address") {
  ws::Limits limits;
  limits.connections_per_ip_max = 1;
  limits.handshakes_per_second_max = 1;
  const auto range = net::AddressRange::parse("10.0.0.0/8");
  REQUIRE(range);
  Admission admission(limits, {.trusted = {*range}});
  const PeerAddress unix_peer{*net::Address::from_unix_path("/x")};
  for (int i = 0; i < 5; ++i) {
    for (const PeerAddress& peer : {at("127.0.0.1"), at("::1"), at("10.1.2.3"), unix_peer}) {
      CHECK(admission.admit(peer, start) == Errc::none);
    }
  }
  CHECK(admission.open_count() == 20);
  CHECK(admission.remembered_count() == 0);
  Admission counting(limits, {.count_local = true});
  CHECK(counting.admit(at("127.0.0.1"), start) == Errc::none);
  CHECK(counting.admit(at("127.0.0.1"), start) == Errc::ip_connections);
}

TEST_CASE("so many connections in all, and a refused one is not remembered against its address") {
  ws::Limits limits;
  limits.connections_max = 2;
  limits.connections_per_ip_max = 1;
  Admission admission(limits);
  CHECK(admission.admit(at("127.0.0.1"), start) == Errc::none);
  CHECK(admission.admit(at("127.0.0.1"), start) == Errc::none);
  CHECK(admission.admit(at("127.0.0.1"), start) == Errc::connections_full);
  CHECK(admission.admit(at("192.0.2.1"), start) == Errc::connections_full);
  admission.release(at("127.0.0.1"));
  CHECK(admission.admit(at("192.0.2.1"), start) == Errc::none);
  CHECK(Admission(ws::Limits{}).connections_max() > 0);
}

TEST_CASE("a connection moves to the address that a proxy names, or stays where it was") {
  ws::Limits limits;
  limits.connections_per_ip_max = 1;
  const PeerAddress proxy = at("127.0.0.1");
  Admission admission(limits);
  for (int i = 0; i < 2; ++i) CHECK(admission.admit(proxy, start) == Errc::none);
  CHECK(admission.move(proxy, at("192.0.2.1"), start) == Errc::none);
  CHECK(admission.move(proxy, at("192.0.2.1"), start) == Errc::ip_connections);
  CHECK(admission.open_count() == 2);
  admission.release(at("192.0.2.1"));
  CHECK(admission.move(proxy, at("192.0.2.1"), start) == Errc::none);
}

TEST_CASE("a flood from everywhere does not make the table grow, and quiet empties it") {
  ws::Limits limits;
  limits.connections_max = 1'000'000;
  Admission admission(limits);
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    CHECK(admission.admit(numbered_net(i), start) == Errc::none);
    admission.release(numbered_net(i));
  }
  CHECK(admission.remembered_count() <= Admission::remembered_max + 1);
  // Whoever is connected is never forgotten.
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    CHECK(admission.admit(numbered(i), start + 2_s) == Errc::none);
  }
  CHECK(admission.remembered_count() == 10'000);
  for (std::uint32_t i = 0; i < 10'000; ++i) admission.release(numbered(i));
  CHECK(admission.open_count() == 0);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    CHECK(admission.admit(at("192.0.2.1"), start + net::Duration::seconds(4 + i)) == Errc::none);
    admission.release(at("192.0.2.1"));
  }
  CHECK(admission.remembered_count() == 1);
}
