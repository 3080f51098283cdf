// SPDX-License-Identifier: MIT
//
// Everything that can be wrong with a Socket.IO peer, one enumerator per rule: section P of what a
// bad peer may send. They hold for clients and, where they can break them, for servers.
//
// Whoever breaks one is closed, for there is no saying what it meant by the rest: over a WebSocket
// with a Close without a code, over polling with a close packet. The exceptions are the last three,
// which lose the packet and no more, and a namespace too many, which is refused (CONNECT_ERROR).

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace hilo::socketio {

enum class Errc : std::uint8_t {
  none,

  // packets
  packet_type,            // no digit from 0 to 6, or one that only servers send
  packet_attachments,     // "5-", "51", "5x-": no number of attachments where one has to be
  attachments_too_many,   // more than Options::attachments_max
  packet_namespace,       // a name that is too long or has control characters
  packet_id,              // of an acknowledgement: above 2^53-1
  packet_json,            // malformed, too deep, or with something behind it
  packet_msgpack,         // the same of MessagePack, or a text where it is spoken
  packet_payload,         // JSON of another kind than the type of packet wants
  event_name,             // no string, too long, or reserved
  attachment_missing,     // text where an attachment is due
  attachment_unexpected,  // binary where none is due
  attachment_bytes,       // of all of one packet: too many
  attachment_timeout,     // the rest did not come in time
  placeholder,            // malformed, or of an attachment that is not there

  // the conversation
  connect_timeout,      // no namespace was connected to in time
  connect_twice,        // to a namespace
  connect_unasked,      // a server answers what it was not asked
  connect_protocol,     // it answers without an id, as servers of protocol 4 do
  not_connected,        // an event for a namespace before it was connected to
  namespaces_too_many,  // on one connection
  handler_threw,

  // of which the client lives on
  namespace_unknown,  // CONNECT_ERROR "Invalid namespace"
  ack_unknown,        // an acknowledgement that is not waited for
  arguments,          // an event whose values do not fit its handler
};

inline constexpr std::size_t errc_count = static_cast<std::size_t>(Errc::arguments) + 1;

// All views refer to static text.
struct Rule {
  Errc error;
  std::string_view label;  // "sio_type": the `reason=` of the log line
  std::string_view text;   // one sentence for a person
};
const Rule& rule(Errc error) noexcept;
// Whether who breaks it is closed.
constexpr bool ends(Errc error) noexcept {
  return error < Errc::namespace_unknown && error != Errc::namespaces_too_many;
}

// An Errc as std::error_code. message() is the rule's text.
std::error_code make_error_code(Errc error) noexcept;

// What an acknowledgement that will not come is told.
enum class AckErrc : std::uint8_t {
  timed_out = 1,  // "operation has timed out"
  disconnected,   // "socket has been disconnected"
  too_many,       // Options::acks_max are waited for already
  malformed,      // it came, and does not fit its handler
  reserved,       // the event was not sent: its name means something by itself
};
std::error_code make_error_code(AckErrc error) noexcept;

}  // namespace hilo::socketio

template <>
struct std::is_error_code_enum<hilo::socketio::Errc> : std::true_type {};
template <>
struct std::is_error_code_enum<hilo::socketio::AckErrc> : std::true_type {};
