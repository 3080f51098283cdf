// SPDX-License-Identifier: MIT

#include "ws/forwarded.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

constexpr std::string_view rfc_7239 = "Forwarded";

// One proxy's account of where it was asked from.
struct Hop {
  std::string_view from = {};
  std::string_view proto = {};
  std::string_view host = {};
};

// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1" or "[2001:db8::1]:4711".
std::optional<net::PeerAddress> read_node(std::string_view text) noexcept {
  std::string_view ip = text;
  std::uint16_t port = 0;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    ip = text.substr(1, end - 1);
    if (ip.find(':') == std::string_view::npos) return std::nullopt;
    text.remove_prefix(end + 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    ip = text.substr(0, text.find(':'));
    text.remove_prefix(ip.size());
  } else {
    text = {};
  }
  if (!text.empty()) {
    const auto number = text.front() == ':' ? parse_port(text.substr(1)) : std::nullopt;
    if (!number) return std::nullopt;
    port = *number;
  }
  if (ip.find('%') != std::string_view::npos) return std::nullopt;
  const Result<net::Address> address = net::Address::from_ip(ip, port);
  if (!address) return std::nullopt;
  return net::PeerAddress{*address};
}

// Where the quoted string that ends in front of `end` begins; 0 if nowhere.
std::size_t quote_before(std::string_view text, std::size_t end) noexcept {
  for (std::size_t at = end; at-- > 0;) {
    if (text[at] != '"') continue;
    std::size_t backslashes = 0;
    while (backslashes < at && text[at - backslashes - 1] == '\\') ++backslashes;
    if (backslashes % 2 == 0) return at;
  }
  return 0;
}

// Takes the last member off a list. What is in front of it may be the client's own words, so it is
// read from its end, where the proxy's begin: nothing that somebody has quoted, or left open, in
// front of these can hide them. X-Forwarded-For and its kind know of no quotes.
std::string_view take_last(std::string_view& list, bool may_quote) noexcept {
  std::size_t at = list.size();
  while (at > 0 && list[at - 1] != ',') {
    --at;
    if (may_quote && list[at] == '"') at = quote_before(list, at);
  }
  const std::string_view last = trim(list.substr(at));
  list = list.substr(0, at == 0 ? 0 : at - 1);
  return last;
}

std::string_view unquoted(std::string_view value) noexcept {
  const bool is_quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return is_quoted ? value.substr(1, value.size() - 2) : value;
}

// Up to a semicolon that no quoted string holds.
std::size_t pair_end(std::string_view element) noexcept {
  bool quoted = false;
  for (std::size_t i = 0; i < element.size(); ++i) {
    if (element[i] == '"') quoted = !quoted;
    if (element[i] == '\\' && quoted) ++i;
    if (i < element.size() && element[i] == ';' && !quoted) return i;
  }
  return element.size();
}

// RFC 7239 §4: "for=...;proto=...;host=...". A value with a backslash in it is none that we know.
Hop read_pairs(std::string_view element) noexcept {
  Hop hop;
  while (!element.empty()) {
    const std::size_t end = pair_end(element);
    const std::string_view pair = trim(element.substr(0, end));
    element.remove_prefix(std::min(element.size(), end + 1));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = pair.substr(0, equals);
    const std::string_view value = unquoted(pair.substr(equals + 1));
    if (equals_ignoring_case(name, "for")) hop.from = value;
    if (equals_ignoring_case(name, "proto")) hop.proto = value;
    if (equals_ignoring_case(name, "host")) hop.host = value;
  }
  return hop;
}

// The members of a list over all its lines, from the last to the first. At most hops_max of them:
// nobody has so many proxies, and reading from the end would take the square of their number.
template <class Visit>
void for_each_from_the_end(const Fields& fields, std::string_view name, Visit&& visit) noexcept {
  constexpr int hops_max = 32;
  const bool may_quote = name == rfc_7239;
  int left = hops_max;
  for (std::size_t i = fields.size(); i-- > 0;) {
    if (!equals_ignoring_case(fields[i].name, name)) continue;
    std::string_view list = fields[i].value;
    while (!list.empty()) {
      const std::string_view member = take_last(list, may_quote);
      if (member.empty()) continue;
      if (left-- == 0 || !visit(member)) return;
    }
  }
}

std::string_view last_of(const Fields& fields, std::string_view name) noexcept {
  std::string_view last;
  for_each_from_the_end(fields, name, [&last](std::string_view member) {
    last = member;
    return false;
  });
  return last;
}

}  // namespace

Forwarded read_forwarded(const Fields& fields, ForwardedBy by, const net::PeerAddress& peer,
                         std::span<const net::AddressRange> trusted) noexcept {
  Forwarded result{.peer = peer};
  if (trusted.empty() || !net::contains(trusted, peer)) return result;
  const bool in_one = by == ForwardedBy::forwarded;
  Hop first;
  for_each_from_the_end(fields, in_one ? rfc_7239 : "X-Forwarded-For",
                        [&](std::string_view member) {
                          const Hop hop = in_one ? read_pairs(member) : Hop{.from = member};
                          // What the proxy nearest to the client says of the request is right.
                          if (!hop.proto.empty()) first.proto = hop.proto;
                          if (!hop.host.empty()) first.host = hop.host;
                          const auto from = read_node(hop.from);
                          if (!from) return false;
                          result.peer = *from;
                          return net::contains(trusted, *from);
                        });
  if (!in_one) {
    first.proto = last_of(fields, "X-Forwarded-Proto");
    first.host = last_of(fields, "X-Forwarded-Host");
  }
  result.is_tls =
      equals_ignoring_case(first.proto, "https") || equals_ignoring_case(first.proto, "wss");
  if (!first.host.empty()) result.host = parse_authority(first.host);
  return result;
}

}  // namespace hilo::ws
