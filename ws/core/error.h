// SPDX-License-Identifier: MIT
//
// Everything that can be wrong with a peer, one enumerator per rule, and what each is answered
// with.
//
// The table in error.cc is the single place where a rule gets its answer: the HTTP status before
// the upgrade, the close code (RFC 6455 §7.4) after it, the label in the log line and the counter.
// Deadlines and budgets stand here too, although the core has no clock: the endpoints that have one
// report them by the same names.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

#include "ws/core/rfc6455.h"

namespace hilo::ws {

enum class Errc : std::uint8_t {
  none,

  // tcp: before, below and beside HTTP
  idle_preface,      // connected, sent nothing
  slow_consumer,     // takes too little of what it is sent
  write_stalled,     // takes nothing of what it is sent
  idle_timeout,      // open, and silent for too long
  no_memory,         // memory for this connection could not be had
  memory_pressure,   // all connections together hold too much, and this one more than others
  no_entropy,        // randomness for a masking key could not be had
  ip_connections,    // too many connections from one address
  ip_rate,           // too many new connections from one address in a short time
  connections_full,  // no room for any more connections
  proxy_header,      // no PROXY header where one has to be, or a malformed one
  no_descriptors,    // accept found no descriptor free (EMFILE, ENFILE), or no kernel memory
  handler_threw,     // the application's callback threw

  // tls: section B of the catalogue. OpenSSL has sent its alert; nothing else answers.
  tls_timeout,        // the handshake did not end in time
  tls_handshake,      // no agreement, or not TLS at all
  tls_verify,         // the peer's certificate is not to be trusted
  tls_alert,          // the peer's
  tls_record,         // a record that is not authentic
  tls_key_updates,    // too many
  tls_renegotiation,  // asked for again after it was refused

  // http: the request head (RFC 9112), section C of the catalogue
  head_timeout,
  tls_on_plain,
  http_line_end,  // a bare LF, or a CR without its LF
  http_preface,   // something other than a method in front of the request line
  http_method,    // a method that is no token, or endless
  http_target,
  http_target_too_long,
  http_version,  // not HTTP/x.y at all, or a version below 1.1 where 1.1 is needed
  http_version_unsupported,
  http_field_name,
  http_field_value,
  http_host,
  http_field_too_long,
  http_head_too_long,
  http_too_many_fields,
  http_framing,          // Content-Length or Transfer-Encoding where no body may be, or malformed
  http_transfer_coding,  // a transfer coding that is not known here
  http_body_too_big,
  http_body_timeout,
  http_body_incomplete,
  http_expectation,
  http_method_not_allowed,
  http_not_found,
  http_upgrade_required,
  draining,  // the server is going away and takes no new WebSockets

  // upg: the opening handshake as a server sees it (RFC 6455 §4.2), section D
  upgrade_header,
  upgrade_connection,
  upgrade_method,
  upgrade_key,
  upgrade_hixie76,
  upgrade_version,  // a version we do not speak
  upgrade_version_malformed,
  upgrade_origin,  // a foreign Origin
  upgrade_origin_malformed,
  upgrade_protocol_malformed,
  upgrade_protocol_required,
  upgrade_extensions_malformed,
  upgrade_extensions_too_many,
  upgrade_refused,  // the application said no
  upgrade_timeout,  // the application did not decide in time

  // upg: the opening handshake as a client sees it (RFC 6455 §4.1), section E
  response_malformed,
  response_too_long,
  response_interim,  // too many 1xx responses in front of the answer
  response_status,   // any answer but 101
  response_upgrade,
  response_connection,
  response_accept,
  response_extension,
  response_protocol,
  response_timeout,
  redirect_count,      // more redirections than the caller allows
  redirect_location,   // to where no WebSocket can be
  redirect_downgrade,  // from wss to ws
  proxy_auth,          // the proxy wants other credentials, or any
  proxy_refused,       // the proxy does not connect us
  proxy_response,      // the proxy's answer is not of its protocol

  // upg: what our own caller asks for, refused before a byte is sent (RFC 6455 §3, §4.1)
  url_scheme,
  url_userinfo,
  url_host,
  url_port,
  url_target,
  url_fragment,
  proxy_url,
  argument,  // a part that could not stand in its place in a head

  // ws: frames and messages (RFC 6455 §5 to §8), sections F to J
  frame_rsv,
  frame_opcode,
  frame_length_not_minimal,
  frame_length_msb,
  frame_unmasked,  // from a client
  frame_masked,    // from a server
  control_too_long,
  control_fragmented,
  continuation_unexpected,
  continuation_expected,
  message_too_big,
  fragment_budget,
  text_not_utf8,
  close_length,  // a Close body of one byte
  close_code,
  close_reason_not_utf8,
  message_timeout,
  control_flood,
  close_timeout,
  ping_timeout,
  end_without_close,  // the stream ended, no Close was seen

  // pmd: compressed messages (RFC 7692), section L
  inflate_too_big,  // more than a message may have
  inflate_ratio,    // more than so few bytes may stand for
  inflate_blocks,   // too many blocks for so little
  inflate_data,     // no DEFLATE data
  inflate_cut,      // ends within a block
};

inline constexpr std::size_t errc_count = static_cast<std::size_t>(Errc::inflate_cut) + 1;

// Where in the stack the rule belongs; the `layer=` of the log line.
enum class Layer : std::uint8_t { none, tcp, tls, http, upgrade, ws, deflate };

// The answer to one broken rule. All views refer to static text, which ends with NUL.
struct Rule {
  Errc error;
  Layer layer;
  std::string_view label;  // "len_msb": the `reason=` of the log line and of the counter
  std::uint16_t answer;    // an HTTP status below 1000, a close code from 1000 on, 0: no answer
  std::string_view text;   // one sentence for a person, with the section of the RFC
};

Rule rule(Errc error) noexcept;

std::string_view to_string(Layer layer) noexcept;

// The close code that answers `error`; CloseCode::abnormal where no Close can be sent.
CloseCode close_code_for(Errc error) noexcept;

// The HTTP status that answers `error` before the upgrade; 0 where the answer is silence.
std::uint16_t http_status_for(Errc error) noexcept;

// An Errc as std::error_code, for Status and Result. message() is the rule's text.
std::error_code make_error_code(Errc error) noexcept;

}  // namespace hilo::ws

template <>
struct std::is_error_code_enum<hilo::ws::Errc> : std::true_type {};
