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

#include <cstdint>
#include <span>
#include <string_view>

namespace hilo::ws {

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

}  // namespace hilo::ws
