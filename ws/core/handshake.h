// SPDX-License-Identifier: MIT
//
// The opening handshake of RFC 6455 §4, both roles: what a head must say, and the heads we write.
//
// Pure functions on parsed heads; no I/O, no randomness (the key's 16 bytes are given). Each rule
// that can be broken has its own Errc, and error.cc its answer. A refused request is answered with
// write_error_response() and the connection is closed: nothing behind a refused head is ever read
// as HTTP again.
//
//   server  wants_websocket -> check_upgrade -> check_origin (origin.h) -> choose_subprotocol ->
//           write_upgrade_response
//   client  parse_url (url.h) -> encode_key -> write_upgrade_request -> ResponseReader ->
//           check_response

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "net/base/buffer.h"
#include "net/base/result.h"
#include "ws/core/error.h"
#include "ws/core/http_head.h"

namespace hilo::ws {

inline constexpr std::size_t subprotocols_max = 32;
inline constexpr std::string_view subprotocol_field = "Sec-WebSocket-Protocol";

// ---- server -------------------------------------------------------------------------------------

// Whether the request asks for a WebSocket, well or badly. A request that does not is plain HTTP,
// or wrong on a path that speaks WebSocket only (Errc::http_upgrade_required). "Upgrade: h2c" is
// no request for a WebSocket and is ignored (RFC 9113 §3.1).
bool wants_websocket(const RequestHead& head) noexcept;

// All views and readers refer to the head's buffer.
struct UpgradeCheck {
  Errc error = Errc::none;  // the rest is meaningful only with none
  std::string_view key;     // Sec-WebSocket-Key, valid by is_valid_key()
  std::string_view origin;  // empty: none was sent; see origin.h
  // Sec-WebSocket-Protocol: at most subprotocols_max distinct tokens, in the client's order.
  FieldListReader subprotocols;
  // The grammar was checked; read the offers with ExtensionReader(head.fields).
  bool has_extensions = false;
};

// RFC 6455 §4.2.1, every rule but Origin, which needs a policy. The first broken rule in this order
// is told: method, HTTP version, draft 76, Upgrade, Connection, body, version, key, subprotocols,
// extensions.
UpgradeCheck check_upgrade(const RequestHead& head) noexcept;

// The first of the client's subprotocols that we support: the client's order is its preference, and
// RFC 6455 §4.2.2 leaves the choice to the server. The result is a view into `supported`, or empty
// when there is none in common. Subprotocols are compared exactly.
std::string_view choose_subprotocol(FieldListReader offered,
                                    std::span<const std::string_view> supported) noexcept;

struct UpgradeResponse {
  std::string_view key = {};               // the request's
  std::string_view subprotocol = {};       // empty: none
  std::string_view extensions = {};        // empty: none
  std::span<const FieldView> fields = {};  // of the application, for example Set-Cookie
};

// The 101 (§4.2.2), or nothing with Errc::argument when a part is malformed or a field is one of
// the handshake's own.
Status write_upgrade_response(Buffer& out, const UpgradeResponse& response) noexcept;

// ---- client -------------------------------------------------------------------------------------

inline constexpr std::size_t key_bytes = 16;
using Key = std::array<char, 24>;  // base64 of key_bytes bytes

// §4.1: the key is a nonce; the bytes must be random and fresh for each connection.
Key encode_key(std::span<const std::uint8_t, key_bytes> nonce) noexcept;

struct UpgradeRequest {
  std::string_view authority = {};  // for Host: "example.com" or "[::1]:9001"; Url::authority
  std::string_view path = "/";
  std::string_view query = {};       // without the '?'; no '?' is written when it is empty
  std::string_view key = {};         // of encode_key()
  std::string_view origin = {};      // empty: not sent
  std::string_view extensions = {};  // empty: none offered
  std::span<const std::string_view> subprotocols = {};
  std::span<const FieldView> fields = {};  // of the application, for example Authorization
};

// The request (§4.1), or nothing with Errc::argument when any part could not stand in its place:
// a control byte, a space in the target, a subprotocol that is no token or twice there, a field
// that is one of the handshake's own or that announces a body.
Status write_upgrade_request(Buffer& out, const UpgradeRequest& request) noexcept;

// Reads the server's answer and skips the interim responses (1xx but 101) in front of it, up to
// interim_max. The caller appends to one buffer and consumes nothing before the end.
class ResponseReader {
 public:
  static constexpr std::size_t interim_max = 8;
  // All heads together; a limit on what one answer can make us hold.
  static constexpr std::size_t bytes_max = 16384;

  // Like ResponseParser::parse; head_bytes covers the skipped responses too. Fails with
  // response_malformed, response_too_long or response_interim.
  [[nodiscard]] HeadProgress parse(Bytes all_so_far) noexcept;
  // The final head; only after parse() said complete.
  ResponseHead head(Bytes all_so_far) const noexcept {
    return parser_.head(all_so_far.subspan(skipped_));
  }

 private:
  ResponseParser parser_;
  std::size_t skipped_ = 0;
  std::size_t interim_count_ = 0;
  Errc error_ = Errc::none;
};

struct ResponseCheck {
  Errc error = Errc::none;
  std::string_view subprotocol;  // the server's choice, a view into the request's list, or empty
  // The server chose extensions: all were offered, none is there twice. Their parameters are for
  // the negotiation to judge; read them with ExtensionReader(head.fields).
  bool has_extensions = false;
};

// RFC 6455 §4.1, the six checks of a client, against what was asked for. Only a 101 opens; a body
// that the 101 announces is ignored (RFC 9112 §6.3): the bytes behind it are frames.
ResponseCheck check_response(const ResponseHead& head, const UpgradeRequest& request) noexcept;

}  // namespace hilo::ws
