// SPDX-License-Identifier: MIT
//
// A name and a password, from the user information of a URL or from options, and the field value
// by which HTTP shows them (Basic, RFC 7617). They never appear in a log line or in an error.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/base/result.h"

namespace hilo::ws {

struct Credentials {
  std::string user;
  std::string password;

  bool empty() const noexcept { return user.empty() && password.empty(); }
};

// "user:secret" as it stands in a URL, decoded. Nothing if an escape is malformed.
std::optional<Credentials> parse_userinfo(std::string_view userinfo);

// "Basic dXNlcjpzZWNyZXQ=". Errc::argument for a name with a colon or for control bytes, which the
// form cannot carry (RFC 7617 §2).
Result<std::string> basic_authorization(const Credentials& credentials);

// For servers: whether the value of Authorization is `wanted`, which is basic_authorization() of
// whom is let in, or "Bearer <token>". The time it takes depends on the length of `shown` alone.
bool shows_authorization(std::string_view shown, std::string_view wanted) noexcept;

}  // namespace hilo::ws
