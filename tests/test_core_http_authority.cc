// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include "ws/core/http_authority.h"

using namespace hilo::ws;

TEST_CASE("IPv6 addresses are recognised in all their forms") {
  for (const char* good :
       {"::", "::1", "1::", "1::8", "1:2:3:4:5:6:7:8", "2001:db8::ff00:42:8329", "::ffff:1.2.3.4",
        "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8",
        "ABCD:ef01::0000", "1::1.2.3.4", "1:2:3:4:5::1.2.3.4", "::255.255.255.255", "::0.0.0.0"}) {
    CAPTURE(good);
    CHECK(is_ipv6_address(good));
  }
  for (const char* bad : {"",
                          ":",
                          ":::",
                          "1",
                          "1:",
                          ":1",
                          "1:2",
                          "1:2:3:4:5:6:7",
                          "1:2:3:4:5:6:7:8:9",
                          "1::2::3",
                          "::1::",
                          "12345::",
                          "g::",
                          "1.2.3.4",
                          "::1.2.3",
                          "::1.2.3.4.5",
                          "::1.2.3.256",
                          "::01.2.3.4",
                          "::1.2.3.4:5",
                          "1:2:3:4:5:6:7:1.2.3.4",
                          "1:2:3:4:5:6:7:8::",
                          "::1:2:3:4:5:6:7:8",
                          "::1.2.3.",
                          "1:2:3:4:5:6::1.2.3.4",
                          "::1%eth0",
                          "1:2:3:4:5:6:7:",
                          "::.1.2.3",
                          "::1.2.3.1234",
                          "1 ::"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_ipv6_address(bad));
  }
}

TEST_CASE("an authority is a host and perhaps a port") {
  CHECK(parse_authority("a")->host == "a");
  CHECK(parse_authority("a-b.c_d~e:80")->port == 80);
  CHECK(parse_authority("a:")->port == 0);
  CHECK(parse_authority("[::1]:65535")->port == 65535);
  CHECK(parse_authority("[::1]")->is_ipv6);
  for (const char* bad :
       {"",    ":",   ":80", "a:b",  "a:0", "a:65536", "a:000080", "a:-1",    "a:+1", "a b",
        "a/b", "a@b", "a,b", "a%41", "[",   "[]",      "[::1",     "[::1]80", "[a]",  "a:1:2"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_authority(bad));
  }
}
