// SPDX-License-Identifier: MIT

#include "ws/core/proxy_protocol.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace hilo;
using ws::parse_proxy_header;
using ws::ProxyHeader;
using Kind = ProxyHeader::Kind;
using Source = ProxyHeader::Source;

namespace {

using namespace std::string_literals;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string binary(std::uint8_t command, std::uint8_t family, std::string_view rest,
                   std::size_t length) {
  std::string header = signature;
  for (const std::size_t byte :
       {std::size_t{command}, std::size_t{family}, length >> 8, length & 0xFF}) {
    header += static_cast<char>(byte);
  }
  return header.append(rest);
}
std::string binary(std::uint8_t command, std::uint8_t family, std::string_view rest) {
  return binary(command, family, rest, rest.size());
}

const std::string ipv4_addresses = "\xC0\x00\x02\x01\xC6\x33\x64\x07\xDC\x04\x01\xBB"s;

ProxyHeader parse(std::string_view text) {
  return parse_proxy_header(as_bytes(text));
}

// Every part of a header is part of a header, and what stands behind it is not looked at.
ProxyHeader parse_in_all_ways(const std::string& text) {
  for (std::size_t size = 0; size < text.size(); ++size) {
    CAPTURE(size);
    CHECK(parse(text.substr(0, size)).kind == Kind::need_input);
  }
  for (const std::string_view behind : {"", "GET / HTTP/1.1\r\n", "\r\n", "\x16\x03\x01"}) {
    const ProxyHeader header = parse(text + std::string(behind));
    CHECK(header.kind == Kind::complete);
    CHECK(header.bytes == text.size());
  }
  return parse(text);
}

}  // namespace

TEST_CASE("version 1 names the source") {
  ProxyHeader header = parse_in_all_ways("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n");
  CHECK(header.source == Source::ipv4);
  CHECK(header.port == 56324);
  CHECK(as_text(Bytes{header.ip}.first(4)) == "\xC0\x00\x02\x01"s);
  header = parse_in_all_ways("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n");
  CHECK(header.source == Source::ipv6);
  CHECK(header.port == 1);
  CHECK(header.ip[0] == 0x20);
  CHECK(header.ip[15] == 1);
}

TEST_CASE("every form of an IPv6 address is read") {
  const auto last_bytes = [](std::string_view ip) {
    const ProxyHeader header = parse("PROXY TCP6 " + std::string(ip) + " ::1 1 1\r\n");
    REQUIRE(header.kind == Kind::complete);
    std::string text;
    for (std::size_t i = 0; i < 16; ++i) text += std::to_string(header.ip[i]) + ".";
    return text;
  };
  CHECK(last_bytes("::") == "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.");
  CHECK(last_bytes("1::") == "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.");
  CHECK(last_bytes("::ffff:1.2.3.4") == "0.0.0.0.0.0.0.0.0.0.255.255.1.2.3.4.");
  CHECK(last_bytes("1:2:3:4:5:6:7:8") == "0.1.0.2.0.3.0.4.0.5.0.6.0.7.0.8.");
  CHECK(last_bytes("1:2:3:4:5:6:1.2.3.4") == "0.1.0.2.0.3.0.4.0.5.0.6.1.2.3.4.");
  CHECK(last_bytes("AbCd::12:3") == "171.205.0.0.0.0.0.0.0.0.0.0.0.18.0.3.");
  CHECK(last_bytes("1:2:3:4:5:6:7::") == "0.1.0.2.0.3.0.4.0.5.0.6.0.7.0.0.");
}

TEST_CASE("version 1 without a source") {
  for (const std::string& text : {"PROXY UNKNOWN\r\n"s, "PROXY UNKNOWN anything at all\r\n"s,
                                  "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                                  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"s}) {
    CHECK(parse_in_all_ways(text).source == Source::unknown);
  }
}

TEST_CASE("a line that is not version 1 is refused (16)") {
  for (const std::string& text : {"GET / HTTP/1.1\r\n"s,
                                  "PROXZ"s,
                                  "P\n"s,
                                  "proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n"s,
                                  "PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n"s,
                                  "PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n"s,
                                  "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n"s,
                                  "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n"s,
                                  "PROXY TCP4  1.1.1.1 1.1.1.1 1 1\r\n"s,
                                  "PROXY TCP4 1.1.1 1.1.1.1 1 1\r\n"s,
                                  "PROXY TCP4 1.1.1.256 1.1.1.1 1 1\r\n"s,
                                  "PROXY TCP4 01.1.1.1 1.1.1.1 1 1\r\n"s,
                                  "PROXY TCP4 1111.1.1.1 1.1.1.1 1 1\r\n"s,
                                  "PROXY TCP4 1.1.1.1 1.1.1 1 1\r\n"s,
                                  "PROXY TCP4 ::1 ::1 1 1\r\n"s,
                                  "PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n"s,
                                  "PROXY TCP6 fe80::1%eth0 ::1 1 1\r\n"s,
                                  "PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n"s,
                                  "PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n"s,
                                  "PROXY TCP4 1.1.1.1 1.1.1.1 +1 1\r\n"s,
                                  "PROXY TCP4 1.1.1.1 1.1.1.1 1 x\r\n"s,
                                  "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\rX"s,
                                  "PROXY TCP4\t1.1.1.1 1.1.1.1 1 1\r\n"s,
                                  "PROXY TCP4 1.1.1.1\0 1.1.1.1 1 1\r\n"s,
                                  "PROXY \r\n"s,
                                  "PROXY\r\n"s,
                                  "PROXY UNKNOWNX\r\n"s}) {
    CAPTURE(text);
    CHECK(parse(text).kind == Kind::failed);
  }
}

TEST_CASE("a line ends within 107 bytes") {
  const std::string longest = "PROXY UNKNOWN " + std::string(107 - 14 - 2, 'x') + "\r\n";
  CHECK(parse_in_all_ways(longest).bytes == 107);
  const std::string longer = "PROXY UNKNOWN " + std::string(107 - 14, 'x');
  CHECK(parse(longer.substr(0, 106)).kind == Kind::need_input);
  CHECK(parse(longer).kind == Kind::failed);
}

TEST_CASE("version 2 names the source, and its TLVs are skipped") {
  ProxyHeader header = parse_in_all_ways(binary(0x21, 0x11, ipv4_addresses));
  CHECK(header.source == Source::ipv4);
  CHECK(header.port == 56324);
  CHECK(header.ip[0] == 0xC0);
  header = parse_in_all_ways(binary(0x21, 0x11, ipv4_addresses + "\x05\x00\x02hi"s));
  CHECK(header.source == Source::ipv4);
  std::string ipv6_addresses(32, '\0');
  ipv6_addresses[0] = 0x20;
  header = parse_in_all_ways(binary(0x21, 0x21, ipv6_addresses + "\x00\x07\x00\x08"s));
  CHECK(header.source == Source::ipv6);
  CHECK(header.port == 7);
  CHECK(header.ip[0] == 0x20);
}

TEST_CASE("version 2 without a source: LOCAL, UNSPEC, UDP and Unix") {
  for (const std::string& text :
       {binary(0x20, 0x00, ""), binary(0x20, 0x11, "any"), binary(0x20, 0x7F, ipv4_addresses),
        binary(0x21, 0x00, ""), binary(0x21, 0x00, "some TLVs"), binary(0x21, 0x12, ipv4_addresses),
        binary(0x21, 0x22, std::string(36, 'a')), binary(0x21, 0x31, std::string(216, 'p')),
        binary(0x21, 0x32, std::string(216, 'p'))}) {
    CHECK(parse_in_all_ways(text).source == Source::unknown);
  }
}

TEST_CASE("version 2 with a wrong signature, command, family or length is refused (16)") {
  std::string forged = binary(0x21, 0x11, ipv4_addresses);
  forged[11] = '\r';
  for (const std::string& text :
       {forged, binary(0x11, 0x11, ipv4_addresses), binary(0x31, 0x11, ipv4_addresses),
        binary(0x22, 0x11, ipv4_addresses), binary(0x2F, 0x00, ""), binary(0x21, 0x01, ""),
        binary(0x21, 0x13, ipv4_addresses), binary(0x21, 0x41, std::string(36, 'a')),
        binary(0x21, 0x11, ipv4_addresses.substr(1)), binary(0x21, 0x21, std::string(35, 'a')),
        binary(0x21, 0x31, std::string(215, 'p')), binary(0x21, 0x11, ipv4_addresses, 521),
        binary(0x20, 0x00, "", 0xFFFF)}) {
    CHECK(parse(text).kind == Kind::failed);
  }
  CHECK(parse_in_all_ways(binary(0x20, 0x00, std::string(520, 't'))).bytes == 536);
}
