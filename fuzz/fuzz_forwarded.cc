// SPDX-License-Identifier: MIT
//
// What proxies say of who asked, and addresses. The first byte chooses which fields count, who
// connected and who is trusted; the rest is fields, as they stand in a head. Whoever is not trusted
// changes nothing: neither by connecting, nor by lines of its own in front of those that a proxy
// wrote, nor by what stands in front of that in the same line. Each line is also an address and a
// range of them, which are written and read again.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/mutator.h"
#include "net/address.h"
#include "net/address_range.h"
#include "net/base/bytes.h"
#include "net/base/check.h"
#include "ws/core/http_head.h"
#include "ws/core/http_tokens.h"
#include "ws/forwarded.h"

namespace {

using namespace hilo;
using namespace hilo::ws;

constexpr std::string_view spoof =
    "X-Forwarded-For: 192.0.2.66\r\nForwarded: for=192.0.2.66;proto=https\r\n";

struct Told {
  bool is_read = false;
  std::string peer = {};
  bool is_trusted = false;
  std::string host = {};
};

Told read(std::string_view fields, ForwardedBy by, const net::PeerAddress& peer,
          const std::vector<net::AddressRange>& trusted) {
  const std::string head = std::string("GET / HTTP/1.1\r\nHost: a\r\n").append(fields);
  RequestParser parser;
  if (parser.parse(as_bytes(head)).kind != HeadProgress::Kind::complete) return {};
  const RequestHead request = parser.head(as_bytes(head));
  const Forwarded told = read_forwarded(request.fields, by, peer, trusted);
  HILO_CHECK(!told.host || !told.host->host.empty());
  if (told.host) {
    HILO_CHECK(told.host->host.data() >= head.data());
    HILO_CHECK(told.host->host.data() + told.host->host.size() <= head.data() + head.size());
  }
  return {true, told.peer.to_string(), net::contains(trusted, told.peer),
          std::string(told.host ? told.host->host : "")};
}

// With something of the client's own in front of the first value.
void check_front(std::string_view fields, const Told& told, const net::PeerAddress& peer,
                 const std::vector<net::AddressRange>& trusted) {
  constexpr std::string_view name = "x-forwarded-for:";
  std::string lower(fields);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  const std::size_t at = lower.find(name);
  if (at == std::string::npos || (at != 0 && fields[at - 1] != '\n')) return;
  std::string longer(fields);
  longer.insert(at + name.size(), " 192.0.2.66;x=\"\\, ");
  const Told again = read(longer, ForwardedBy::x_forwarded, peer, trusted);
  HILO_CHECK(!again.is_read || told.peer == peer.to_string() || again.peer == told.peer);
}

void check_addresses(std::string_view text) {
  if (const Result<net::AddressRange> range = net::AddressRange::parse(text)) {
    const std::string written = range->to_string();
    const Result<net::AddressRange> again = net::AddressRange::parse(written);
    HILO_CHECK(again && again->to_string() == written);
  }
  if (const Result<net::Address> address = net::Address::parse(text)) {
    const std::string written = address->to_string();
    const Result<net::Address> again = net::Address::parse(written);
    HILO_CHECK(again && again->to_string() == written);
  }
}

constexpr std::array<std::string_view, 10> forwarded_fields{
    "X-Forwarded-For: 192.0.2.1, 10.0.0.1",
    "X-Forwarded-For: [2001:db8::1]:80",
    "X-Forwarded-For: unknown",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: a.test:81",
    "Forwarded: for=192.0.2.1;proto=https;host=a.test, for=10.0.0.1",
    "Forwarded: for=\"[2001:db8::1]:80\";by=_x",
    "Forwarded: for=_hidden",
    "Forwarded: for=\"a, b\\\"c\"",
    "X-Forwarded-For: ::ffff:10.0.0.2"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const unsigned choice = data[0];
  const std::string_view fields = as_text(Bytes{data + 1, size - 1});
  const ForwardedBy by = (choice & 1) != 0 ? ForwardedBy::forwarded : ForwardedBy::x_forwarded;
  const bool is_proxy = (choice & 2) == 0;
  const net::PeerAddress peer{*net::Address::from_ip(is_proxy ? "10.0.0.9" : "192.0.2.9", 5)};
  std::vector<net::AddressRange> trusted{*net::AddressRange::parse("10.0.0.0/8")};
  if ((choice & 4) != 0) trusted.push_back(*net::AddressRange::parse("2001:db8::/32"));

  const Told told = read(fields, by, peer, trusted);
  if (told.is_read) {
    HILO_CHECK(is_proxy || (told.peer == peer.to_string() && told.host.empty()));
    // The search ended at somebody who is not trusted.
    if (!told.is_trusted) {
      const Told again = read(std::string(spoof).append(fields), by, peer, trusted);
      HILO_CHECK(!again.is_read || again.peer == told.peer);
      if (by == ForwardedBy::x_forwarded) check_front(fields, told, peer, trusted);
    }
  }
  for (std::string_view rest = fields; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    check_addresses(line);
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned seed) {
  const fuzz::HeadWords words{forwarded_fields, forwarded_fields};
  return fuzz::mutate_behind(1, data, size, size_max, seed,
                             [&](std::string_view text, std::mt19937& random) {
                               return fuzz::mutate_head(text, words, random);
                             });
}
