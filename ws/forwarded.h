// SPDX-License-Identifier: MIT
//
// What a reverse proxy says of the request that it passes on: who asks, for which host, and whether
// over TLS. Anybody can write such fields, so they count only from a proxy that is trusted, and
// only those that this proxy is known to set itself: one that passes its client's own "Forwarded"
// through would let everybody be anyone.
//
//   x_forwarded  X-Forwarded-For: 192.0.2.1, 10.0.0.2   X-Forwarded-Proto: https
//                X-Forwarded-Host: example.com
//   forwarded    Forwarded: for=192.0.2.1;proto=https;host=example.com, for=10.0.0.2   (RFC 7239)
//
// Each proxy appends where it was asked from, so the list is read from its end: the first address
// that is no trusted proxy's is who asks. An entry that is no address ("unknown", "_hidden") ends
// the search at the proxy that wrote it.

#pragma once

#include <optional>
#include <span>

#include "net/address.h"
#include "net/address_range.h"
#include "ws/core/http_authority.h"
#include "ws/core/http_fields.h"
#include "ws/forwarded_by.h"

namespace hilo::ws {

struct Forwarded {
  net::PeerAddress peer;            // port 0 where the proxy told none
  std::optional<Authority> host{};  // null: Host is right; a view into the fields
  bool is_tls = false;              // the proxy said https
};

// `peer` is who connected to us; it comes back unless the ranges have it.
Forwarded read_forwarded(const Fields& fields, ForwardedBy by, const net::PeerAddress& peer,
                         std::span<const net::AddressRange> trusted) noexcept;

}  // namespace hilo::ws
