// SPDX-License-Identifier: MIT

#include "net/address_range.h"

#include <doctest/doctest.h>

#include <string_view>

using namespace hilo;
using net::AddressRange;

namespace {

bool is_in(std::string_view range, std::string_view ip) {
  const auto parsed = AddressRange::parse(range);
  REQUIRE(parsed);
  const auto address = net::Address::from_ip(ip, 80);
  REQUIRE(address);
  return parsed->contains(net::PeerAddress{*address});
}

}  // namespace

TEST_CASE("a range holds the addresses of its prefix and no others") {
  CHECK(is_in("10.0.0.0/8", "10.255.0.1"));
  CHECK_FALSE(is_in("10.0.0.0/8", "11.0.0.0"));
  CHECK(is_in("192.0.2.128/25", "192.0.2.128"));
  CHECK_FALSE(is_in("192.0.2.128/25", "192.0.2.127"));
  CHECK(is_in("192.0.2.7", "192.0.2.7"));
  CHECK_FALSE(is_in("192.0.2.7", "192.0.2.6"));
  CHECK(is_in("0.0.0.0/0", "203.0.113.9"));
  CHECK_FALSE(is_in("0.0.0.0/0", "::1"));
  CHECK(is_in("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(is_in("2001:db8::/33", "2001:db8:8000::1"));
  CHECK(is_in("::1", "::1"));
  CHECK(is_in("192.0.2.0/24", "::ffff:192.0.2.9"));
  CHECK_FALSE(is_in("::/0", "::ffff:192.0.2.9"));
}

TEST_CASE("peers of Unix sockets have a range of their own") {
  const net::PeerAddress peer{*net::Address::from_unix_path("/x")};
  CHECK(AddressRange::parse("unix")->contains(peer));
  CHECK_FALSE(AddressRange::parse("0.0.0.0/0")->contains(peer));
  CHECK(AddressRange::parse("unix")->to_string() == "unix");
}

TEST_CASE("what is no range is not taken for one") {
  for (const std::string_view text :
       {"", "10", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x",
        "2001:db8::/129", "2001:db8::1/64", "::ffff:10.0.0.0/104", "/8", "localhost", "Unix"}) {
    CAPTURE(text);
    CHECK_FALSE(AddressRange::parse(text));
  }
}

TEST_CASE("ranges are written as they are read") {
  for (const std::string_view text : {"10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "::1/128"}) {
    CHECK(AddressRange::parse(text)->to_string() == text);
  }
}
