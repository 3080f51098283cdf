// SPDX-License-Identifier: MIT
//
// The check of a handshake's Origin against a policy: origin_policy.h says what for.

#pragma once

#include <cstddef>

#include "ws/core/error.h"
#include "ws/core/http_authority.h"
#include "ws/core/http_fields.h"
#include "ws/core/origin_policy.h"

namespace hilo::ws {

inline constexpr std::size_t origin_bytes_max = 1024;

struct OriginRequest {
  Fields fields = {};
  Authority host = {};  // RequestHead::host
  bool is_tls = false;  // hilo itself ended TLS on this connection
};

// none, upgrade_origin (403: foreign), or upgrade_origin_malformed (400: sent twice, longer than
// origin_bytes_max, or not an origin at all).
Errc check_origin(const OriginRequest& request, const OriginPolicy& policy) noexcept;

}  // namespace hilo::ws
