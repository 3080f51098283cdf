// SPDX-License-Identifier: MIT
//
// The addresses a client connects to (RFC 6455 §3), taken apart.
//
//   ws://example.com/chat?room=1            plain, port 80 unless given
//   wss://user:secret@[2001:db8::1]:8443/   TLS, port 443 unless given
//   ws+unix:///run/chat.sock:/chat?room=1   a Unix socket; the target behind the first ':'
//
// http:// and https:// are taken for ws:// and wss://, as browsers do.
//
//   views   all parts refer to the text that was given, nothing is decoded
//   errors  Errc::url_*: which part is wrong. A '#' is always wrong: a fragment has no meaning in
//           a WebSocket URL and must be written "%23" (§3).

#pragma once

#include <cstdint>
#include <string_view>

#include "net/base/result.h"
#include "ws/core/error.h"

namespace hilo::ws {

struct Url {
  enum class Scheme : std::uint8_t { ws, wss, ws_unix };
  Scheme scheme = Scheme::ws;
  std::uint16_t port = 0;      // filled in from the scheme; 0 for ws_unix
  bool is_ipv6 = false;        // the host stood in brackets
  std::string_view host;       // without brackets; empty for ws_unix
  std::string_view authority;  // for the Host field: no userinfo, no default port; "localhost" for
                               // ws_unix, whose peer has no name
  std::string_view userinfo;   // "user:secret", still percent-encoded, or empty
  std::string_view socket_path;  // of ws_unix: the file, up to the ':'
  std::string_view path = "/";   // "/" where the text has none
  std::string_view query;        // without the '?'
};

Result<Url> parse_url(std::string_view text) noexcept;

}  // namespace hilo::ws
