// SPDX-License-Identifier: MIT

#include "ws/core/origin.h"

#include <optional>

#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

struct Origin {
  std::string_view scheme;
  Authority authority;  // the port filled in, 0 where the scheme has no default
};

std::uint16_t default_port(std::string_view scheme) noexcept {
  if (equals_ignoring_case(scheme, "https")) return 443;
  return equals_ignoring_case(scheme, "http") ? 80 : 0;
}

// RFC 6454 §6.2: scheme "://" host [ ":" port ], and nothing behind it.
std::optional<Origin> parse_origin(std::string_view text) noexcept {
  constexpr std::string_view separator = "://";
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos) return std::nullopt;
  Origin origin;
  origin.scheme = text.substr(0, end);
  // RFC 3986 §3.1.
  if (origin.scheme.empty() || !is_in(origin.scheme.front(), ByteClass::alpha)) return std::nullopt;
  for (const char c : origin.scheme) {
    const bool is_mark = c == '+' || c == '-' || c == '.';
    if (!is_mark && !is_in(c, ByteClass::alpha | ByteClass::digit)) return std::nullopt;
  }
  const auto authority = parse_authority(text.substr(end + separator.size()));
  if (!authority) return std::nullopt;
  origin.authority = *authority;
  if (origin.authority.port == 0) origin.authority.port = default_port(origin.scheme);
  return origin;
}

// No name has a colon and every IPv6 address has, so the texts tell the two apart.
bool is_same_place(const Authority& a, const Authority& b) noexcept {
  return a.port == b.port && equals_ignoring_case(a.host, b.host);
}

bool is_same_host(const Origin& origin, const OriginRequest& request) noexcept {
  const std::uint16_t port = default_port(origin.scheme);
  if (port == 0) return false;  // neither http nor https: no page that this host served
  if (request.is_tls && port != 443) return false;
  Authority host = request.host;
  // Behind a proxy that ends TLS, Host says "example.com" and Origin "https://example.com": what
  // Host leaves out is the default of the scheme that the browser used.
  if (host.port == 0) host.port = port;
  return is_same_place(origin.authority, host);
}

// "host:port" without a scheme, as npm's ws 0.4 sends it, which the client of Socket.IO 1.3 uses.
// No browser does.
bool is_host_itself(std::string_view text, const Authority& host) noexcept {
  const auto authority = parse_authority(text);
  return authority && is_same_place(*authority, host);
}

bool is_listed(std::string_view text, const std::optional<Origin>& origin,
               std::span<const std::string_view> list) noexcept {
  for (const std::string_view entry : list) {
    if (entry == text) return true;
    if (!origin) continue;
    const auto allowed = parse_origin(entry);
    if (allowed && equals_ignoring_case(allowed->scheme, origin->scheme) &&
        is_same_place(allowed->authority, origin->authority)) {
      return true;
    }
  }
  return false;
}

}  // namespace

Errc check_origin(const OriginRequest& request, const OriginPolicy& policy) noexcept {
  const auto text = request.fields.find("Origin");
  if (!text) return policy.missing_allowed ? Errc::none : Errc::upgrade_origin;
  if (request.fields.count("Origin") > 1 || text->empty() || text->size() > origin_bytes_max) {
    return Errc::upgrade_origin_malformed;
  }
  const auto origin = parse_origin(*text);
  // RFC 6454 §7.3: "null" is what a sandboxed or local page has, so it names no one.
  const bool is_malformed = !origin && *text != "null";
  bool is_allowed = false;
  switch (policy.allow) {
    case OriginPolicy::Allow::same_host:
      is_allowed = origin ? is_same_host(*origin, request) : is_host_itself(*text, request.host);
      break;
    case OriginPolicy::Allow::listed: is_allowed = is_listed(*text, origin, policy.list); break;
    case OriginPolicy::Allow::any: is_allowed = true; break;
  }
  if (is_allowed) return Errc::none;
  return is_malformed ? Errc::upgrade_origin_malformed : Errc::upgrade_origin;
}

}  // namespace hilo::ws
