// SPDX-License-Identifier: MIT

#include "net/address.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <string>

using namespace hilo;
using namespace hilo::net;

static_assert(sizeof(PeerAddress) == 20, "one is kept for every idle connection");

TEST_CASE("text forms are written as they were read") {
  for (const char* text : {
           "127.0.0.1:9001",
           "0.0.0.0:0",
           "255.255.255.255:65535",
           "[::1]:9001",
           "[::]:80",
           "[2001:db8::7]:443",
           "[::ffff:10.0.0.1]:1",
           "[fe80::1%3]:9001",
           "[2001:db8:1111:2222:3333:4444:5555:6666%4294967295]:65535",
           "unix:/run/hilo.sock",
           "unix:relative.sock",
       }) {
    CAPTURE(text);
    const Result<Address> address = Address::parse(text);
    REQUIRE(address);
    CHECK(address->to_string() == text);
    CHECK(*Address::parse(address->to_string()) == *address);
  }
}

TEST_CASE("what is no address is refused") {
  for (const char* text : {
           "",
           ":",
           ":80",
           "127.0.0.1",
           "127.0.0.1:",
           "127.0.0.1:65536",
           "127.0.0.1:-1",
           "127.0.0.1:+1",
           "127.0.0.1: 1",
           "127.0.0.1:1 ",
           "127.0.0.1:99999999999999999999",
           "127.0.0:80",
           "127.0.0.256:80",
           "127.0.0.1.1:80",
           "127.0.0.1%3:80",
           "[127.0.0.1]:80",
           "::1:80",
           "::1",
           "[::1]",
           "[::1:80",
           "::1]:80",
           "[]:80",
           "[::g]:80",
           "[::1%]:80",
           "[::1%eth0]:80",
           "[1:2:3:4:5:6:7:8:9]:80",
           "localhost:80",
           "unix:",
           "unix",
           "Unix:/x",
       }) {
    CAPTURE(text);
    const Result<Address> address = Address::parse(text);
    CHECK(!address);
    CHECK(address.error() == std::errc::invalid_argument);
  }
  using std::literals::operator""sv;
  CHECK(!Address::parse("127.0.0.1\0:80"sv));
  CHECK(!Address::from_ip("127.0.0.1\0"sv, 80));
  CHECK(!Address::parse("unix:/a\0b"sv));
  CHECK(!Address::from_ip(std::string(1000, '1'), 80));
}

TEST_CASE("a Unix path may be as long as the system's structure allows, and no longer") {
  const std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  const Result<Address> fits = Address::from_unix_path(std::string(longest, 'p'));
  REQUIRE(fits);
  CHECK(fits->to_string() == "unix:" + std::string(longest, 'p'));
  CHECK(!Address::from_unix_path(std::string(longest + 1, 'p')));
}

#ifdef __linux__
TEST_CASE("a name with an at sign is an abstract one") {
  const Result<Address> address = Address::parse("unix:@hilo");
  REQUIRE(address);
  CHECK(address->to_string() == "unix:@hilo");
  CHECK(address->native_bytes() == offsetof(sockaddr_un, sun_path) + 5);
  sockaddr_un native{};
  std::memcpy(&native, address->native(), address->native_bytes());
  CHECK(std::memcmp(native.sun_path, "\0hilo", 5) == 0);
  CHECK(!Address::parse("unix:@"));
}
#endif

TEST_CASE("a file whose name begins with an at sign is not written as an abstract name") {
  sockaddr_un native{};
  native.sun_family = AF_UNIX;
  std::memcpy(native.sun_path, "@file", sizeof "@file");
  const Address address =
      Address::from_native(reinterpret_cast<const sockaddr*>(&native), sizeof native);
  CHECK(address.to_string() == "unix:./@file");
}

TEST_CASE("parts of an address are told") {
  const Address none;
  CHECK(none.family() == Family::none);
  CHECK(none.to_string().empty());
  CHECK(none.ip().empty());
  CHECK(none.port() == 0);
  CHECK(!none.is_loopback());

  const Address v4 = *Address::from_ip("192.0.2.1", 8080);
  CHECK(v4.family() == Family::ipv4);
  CHECK(v4.port() == 8080);
  CHECK(v4.ip() == "192.0.2.1");
  CHECK(v4.native_bytes() == sizeof(sockaddr_in));

  const Address v6 = *Address::from_ip("2001:DB8:0:0::1", 8081);
  CHECK(v6.family() == Family::ipv6);
  CHECK(v6.port() == 8081);
  CHECK(v6.ip() == "2001:db8::1");

  const Address path = *Address::from_unix_path("/x");
  CHECK(path.family() == Family::unix_path);
  CHECK(path.port() == 0);
  CHECK(path.ip().empty());
}

TEST_CASE("loopback is recognised in every family, and nothing else is taken for it") {
  for (const char* text :
       {"127.0.0.1:1", "127.255.255.254:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "unix:/x"}) {
    CAPTURE(text);
    CHECK(Address::parse(text)->is_loopback());
    CHECK(PeerAddress(*Address::parse(text)).is_loopback());
  }
  for (const char* text : {"126.255.255.255:1", "128.0.0.1:1", "0.0.0.0:1", "1.0.0.127:1", "[::]:1",
                           "[::2]:1", "[::127.0.0.1]:1", "[::ffff:10.0.0.127]:1"}) {
    CAPTURE(text);
    CHECK(!Address::parse(text)->is_loopback());
    CHECK(!PeerAddress(*Address::parse(text)).is_loopback());
  }
  CHECK(!PeerAddress().is_loopback());
}

TEST_CASE("addresses differ by family, host, port, zone and path") {
  const char* const texts[] = {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1", "[::1]:1", "[::1]:2",
                               "[::2]:1",     "[::1%1]:1",   "unix:/a",     "unix:/b"};
  for (const char* a : texts) {
    for (const char* b : texts) {
      CAPTURE(a);
      CAPTURE(b);
      CHECK((*Address::parse(a) == *Address::parse(b)) == (std::strcmp(a, b) == 0));
    }
  }
  CHECK(Address() == Address());
  CHECK(!(Address() == *Address::parse("unix:/a")));
}

TEST_CASE("a native address is taken over, and a piece of one is not") {
  const Address whole = *Address::parse("[2001:db8::1]:80");
  CHECK(Address::from_native(whole.native(), whole.native_bytes()) == whole);
  CHECK(Address::from_native(whole.native(), whole.native_bytes() - 1).family() == Family::none);
  CHECK(Address::from_native(whole.native(), 0).family() == Family::none);
  CHECK(Address::from_native(nullptr, 0).family() == Family::none);

  const Address path = *Address::parse("unix:/run/x");
  CHECK(Address::from_native(path.native(), path.native_bytes()) == path);
  // accept(2) names a Unix peer by its family alone.
  const Address unnamed = Address::from_native(path.native(), offsetof(sockaddr_un, sun_path));
  CHECK(unnamed.family() == Family::unix_path);
  CHECK(unnamed.to_string() == "unix:");
  CHECK(unnamed.is_loopback());
  // Without the final zero, as some systems count.
  CHECK(Address::from_native(path.native(), path.native_bytes() - 1) == path);

  sockaddr unknown{};
  unknown.sa_family = 250;
  CHECK(Address::from_native(&unknown, sizeof unknown).family() == Family::none);
}

TEST_CASE("a peer's address is kept without its path") {
  CHECK(PeerAddress(*Address::parse("10.1.2.3:40312")).to_string() == "10.1.2.3:40312");
  CHECK(PeerAddress(*Address::parse("10.1.2.3:40312")).ip() == "10.1.2.3");
  CHECK(PeerAddress(*Address::parse("10.1.2.3:40312")).port() == 40312);
  CHECK(PeerAddress(*Address::parse("[2001:db8::1]:40312")).to_string() == "[2001:db8::1]:40312");
  CHECK(PeerAddress(*Address::parse("[2001:db8::1]:40312")).ip() == "2001:db8::1");
  CHECK(PeerAddress(*Address::parse("unix:/secret")).to_string() == "unix:");
  CHECK(PeerAddress(*Address::parse("unix:/secret")).family() == Family::unix_path);
  CHECK(PeerAddress().to_string().empty());
  CHECK(PeerAddress().ip().empty());
}
