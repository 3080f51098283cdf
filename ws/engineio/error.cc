// SPDX-License-Identifier: MIT

#include "ws/engineio/error.h"

#include <array>
#include <string>

namespace hilo::engineio {
namespace {

// clang-format off
constexpr std::array<Rule, errc_count> rules = {{
    {Errc::none, "none", 0, -1, "", "no error"},

    {Errc::transport_unknown, "eio_transport", 400, 0, "Transport unknown", "the transport is neither polling nor websocket"},
    {Errc::transport_handshake, "eio_transport_handshake", 400, 3, "Bad request", "transport=websocket needs a WebSocket handshake"},
    {Errc::transport_mismatch, "eio_transport_mismatch", 400, 3, "Bad request", "the session does not speak over this transport"},
    {Errc::sid_unknown, "eio_sid", 400, 1, "Session ID unknown", "there is no session of this id"},
    {Errc::sid_flood, "eio_sid_flood", 429, -1, "too many unknown sessions\n", "too many unknown session ids from one address"},
    {Errc::method_handshake, "eio_handshake_method", 400, 2, "Bad handshake method", "a session is opened by GET"},
    {Errc::method_not_allowed, "eio_method", 405, -1, "GET and POST are spoken here\n", "a session is polled by GET and POST"},
    {Errc::query_repeated, "eio_query", 400, 3, "Bad request", "a parameter of the query is there twice"},
    {Errc::version_unsupported, "eio_version", 400, 5, "Unsupported protocol version", "the EIO parameter names no revision that is spoken here"},
    {Errc::version_mismatch, "eio_version_mismatch", 400, 5, "Unsupported protocol version", "the EIO parameter is not that of the session"},
    {Errc::refused, "eio_refused", 403, 4, "Forbidden", "the application refused the session"},
    {Errc::origin, "origin", 403, 4, "Forbidden", "this Origin may not connect"},
    {Errc::server_full, "eio_full", 503, -1, "no more sessions at the moment\n", "no room for another session"},

    {Errc::poll_overlap, "eio_poll_overlap", 400, 3, "Bad request", "a GET while another one waits"},
    {Errc::post_overlap, "eio_post_overlap", 400, 3, "Bad request", "a POST while another one comes in"},
    {Errc::content_type, "eio_ctype", 400, 3, "Bad request", "the content type holds no payload of this revision"},

    {Errc::packet_empty, "eio_empty", 400, 3, "Bad request", "an empty packet"},
    {Errc::packet_type, "eio_type", 400, 3, "Bad request", "a packet of no known type"},
    {Errc::packet_base64, "eio_base64", 400, 3, "Bad request", "malformed base64 (RFC 4648 §4)"},
    {Errc::packet_binary, "eio_binary", 400, 3, "Bad request", "binary data in a packet that has none"},
    {Errc::packet_too_big, "eio_size", 413, -1, "", "a body or a packet of more than maxPayload"},
    {Errc::payload_utf8, "eio_utf8", 400, 3, "Bad request", "a text payload is not UTF-8 (RFC 3629)"},
    {Errc::payload_length, "eio_length", 400, 3, "Bad request", "the length of a packet is malformed, or more than there is"},
    {Errc::payload_frame, "eio_frame", 400, 3, "Bad request", "a binary payload is malformed"},
    {Errc::payload_form, "eio_form", 400, 3, "Bad request", "a form of JSONP has no payload"},
    {Errc::payload_packets, "eio_packets", 400, 3, "Bad request", "too many packets in one payload"},
    {Errc::packet_unexpected, "eio_unexpected", 400, 3, "Bad request", "a packet that may not come now"},
    {Errc::server_revision, "eio_server_revision", 0, -1, "", "the server speaks revision 3, as Socket.IO 2 does"},

    {Errc::heartbeat_direction, "heartbeat_dir", 400, 3, "Bad request", "a ping or pong from the wrong side"},
    {Errc::heartbeat_timeout, "eio_ping_timeout", 0, -1, "", "the client's heartbeat did not come in time"},
    {Errc::queue_full, "eio_queue", 0, -1, "", "the client does not fetch what is sent to it"},
    {Errc::memory_pressure, "mem_pressure", 0, -1, "", "ended to give back memory, of which it held most"},

    {Errc::upgrade_probe, "eio_probe", 0, -1, "", "the first packet of an upgrade was no probe"},
    {Errc::upgrade_overlap, "eio_upgrade_overlap", 0, -1, "", "a second WebSocket for one session"},
    {Errc::upgrade_timeout, "eio_upgrade_timeout", 0, -1, "", "the upgrade was not completed in time"},
    {Errc::upgrade_disabled, "eio_upgrade_off", 0, -1, "", "upgrades are switched off"},
}};
// clang-format on

constexpr bool in_order() {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (static_cast<std::size_t>(rules[i].error) != i) return false;
  }
  return true;
}
static_assert(in_order(), "rule() looks a row up by its enumerator");

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "hilo.engineio"; }
  std::string message(int value) const override {
    if (value < 0 || static_cast<std::size_t>(value) >= errc_count) return "unknown error";
    return std::string(rules[static_cast<std::size_t>(value)].text);
  }
};

}  // namespace

const Rule& rule(Errc error) noexcept {
  return rules[static_cast<std::size_t>(error)];
}

std::error_code make_error_code(Errc error) noexcept {
  static const Category category;
  return {static_cast<int>(error), category};
}

}  // namespace hilo::engineio
