// SPDX-License-Identifier: MIT
//
// Everything that can be wrong with an Engine.IO peer, one enumerator per rule, and what each is
// answered with: the sections M, N and O of what a bad peer may send.
//
// The table in error.cc is the single place where a rule gets its answer. Over HTTP that is a
// status and, for the errors that the protocol numbers, {"code":n,"message":"..."}. Over a
// WebSocket there is no answer but its end: a Close without a code, as the reference sends it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace hilo::engineio {

enum class Errc : std::uint8_t {
  none,

  // the request: who may open a session, and whose it is
  transport_unknown,    // neither polling nor websocket, or one that is switched off
  transport_handshake,  // transport=websocket by a plain request
  transport_mismatch,   // the session speaks over the other transport
  sid_unknown,          // or gone
  sid_flood,            // too many unknown ones from one address
  method_handshake,     // a session is opened by GET
  method_not_allowed,   // GET and POST, no other
  query_repeated,       // EIO, transport or sid is there twice: proxies may have read the other one
  version_unsupported,  // EIO is missing, malformed, or not spoken here
  version_mismatch,     // EIO is not that of the session
  refused,              // the application said no
  origin,               // a foreign page
  server_full,          // no more sessions, or no memory or randomness for one

  // polling
  poll_overlap,  // a GET while another one waits
  post_overlap,  // a POST while another one comes in
  content_type,  // one that holds no payload of this version

  // packets and payloads
  packet_empty,
  packet_type,        // no digit from 0 to 6, or one that may not come this way
  packet_base64,      // malformed (RFC 4648 §4)
  packet_binary,      // in a frame or in a revision that has none
  packet_too_big,     // more than maxPayload
  payload_utf8,       // not UTF-8 (RFC 3629)
  payload_length,     // of a packet: malformed, or more than there is
  payload_frame,      // of a binary payload: malformed
  payload_form,       // of JSONP: no form, or one without a payload
  payload_packets,    // too many packets in one
  packet_unexpected,  // open from a client, upgrade without a probe
  server_revision,    // a client of revision 4 is answered in revision 3

  // the session
  heartbeat_direction,  // a ping of revision 4 or a pong of revision 3 from the client
  heartbeat_timeout,    // the client's ping or pong did not come
  queue_full,           // the client does not fetch what is sent
  memory_pressure,      // it holds most of what a loop may hold (ws::Limits::memory_bytes_max)

  // the upgrade
  upgrade_probe,     // the first packet was no "2probe"
  upgrade_overlap,   // another WebSocket is probing, or has taken over
  upgrade_timeout,   // the probe was not completed in time
  upgrade_disabled,  // upgrades are switched off
};

inline constexpr std::size_t errc_count = static_cast<std::size_t>(Errc::upgrade_disabled) + 1;

// The answer to one broken rule. All views refer to static text.
struct Rule {
  Errc error;
  std::string_view label;    // "eio_version": the `reason=` of the log line
  std::uint16_t status;      // of HTTP; 0: nothing is answered
  std::int8_t code;          // of the JSON body, -1: the body is plain text
  std::string_view message;  // of the body
  std::string_view text;     // one sentence for a person
};

const Rule& rule(Errc error) noexcept;

// An Errc as std::error_code, for Status and Result. message() is the rule's text.
std::error_code make_error_code(Errc error) noexcept;

}  // namespace hilo::engineio

template <>
struct std::is_error_code_enum<hilo::engineio::Errc> : std::true_type {};
