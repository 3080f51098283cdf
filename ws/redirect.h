// SPDX-License-Identifier: MIT
//
// Where a redirection leads (RFC 9110 §10.2.2, §15.4), as far as one follows it at all: a redirect
// is the server's way to make us talk to somebody else.
//
//   errors  Errc::redirect_location    no Location or two, no address of a WebSocket, or one with
//                                      user information, which would be the server's choice of ours
//           Errc::redirect_downgrade   from wss to ws: what was secret would not be any more

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/result.h"
#include "ws/core/http_fields.h"
#include "ws/core/url.h"

namespace hilo::ws {

// In a row, however many ConnectOptions::redirects_max allows: who leads further leads nowhere.
inline constexpr std::uint32_t redirects_followed_max = 5;

// 301, 302, 303, 307 and 308: for a GET they all say the same.
bool is_redirect(std::uint16_t status) noexcept;

// The whole URL that the answer to a request for `from` leads to. A relative reference is resolved
// (RFC 3986 §5.2), a fragment is dropped. A server on a Unix socket can only lead to its own paths.
Result<std::string> resolve_redirect(const Url& from, const Fields& fields);

// Scheme, host and port are the same: what one was told may be told to the other.
bool is_same_origin(const Url& a, const Url& b) noexcept;

}  // namespace hilo::ws
