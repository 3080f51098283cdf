// SPDX-License-Identifier: MIT
//
// Which web pages may connect (RFC 6455 §10.2).
//
// A browser sends the origin of the page with each handshake and with the user's cookies, whichever
// page it is: without this check any page could act in the name of a visitor.
//
// An origin is a tuple of scheme, host and port (RFC 6454). Hosts are compared whole and in any
// case, ports after the scheme's default (80, 443) is filled in.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ws/core/error.h"
#include "ws/core/http_authority.h"
#include "ws/core/http_fields.h"

namespace hilo::ws {

inline constexpr std::size_t origin_bytes_max = 1024;

struct OriginPolicy {
  enum class Allow : std::uint8_t {
    // Pages from the host and port that the request names in Host. The scheme must be https where
    // the connection is TLS; on a plain one either will do, as a proxy may have ended TLS. The very
    // text of Host will do, too.
    same_host,
    // The origins in `list`, compared as tuples; what is no tuple ("null", "file://") as text.
    listed,
    // Every page of the web. For services without cookies or other ambient rights.
    any,
  };
  Allow allow = Allow::same_host;
  std::span<const std::string_view> list = {};  // the texts must live as long as the policy
  // A request without Origin does not come from a browser's page (RFC 6455 §10.1).
  bool missing_allowed = true;
};

struct OriginRequest {
  Fields fields = {};
  Authority host = {};  // RequestHead::host
  bool is_tls = false;  // hilo itself ended TLS on this connection
};

// none, upgrade_origin (403: foreign), or upgrade_origin_malformed (400: sent twice, longer than
// origin_bytes_max, or not an origin at all).
Errc check_origin(const OriginRequest& request, const OriginPolicy& policy) noexcept;

}  // namespace hilo::ws
