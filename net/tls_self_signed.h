// SPDX-License-Identifier: MIT
//
// A certificate for localhost that nobody vouches for, made in memory: for trying TLS out.

#pragma once

#include "net/base/result.h"

struct ssl_ctx_st;

namespace hilo::net::tls {

// P-256, for localhost, 127.0.0.1 and ::1, valid for 30 days from yesterday on.
Status use_self_signed(ssl_ctx_st* context) noexcept;

}  // namespace hilo::net::tls
