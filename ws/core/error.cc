// SPDX-License-Identifier: MIT

#include "ws/core/error.h"

#include <array>
#include <string>

namespace hilo::ws {
namespace {

// As they are written down; compiled in is what they are packed into below.
// clang-format off
constexpr std::array<Rule, errc_count> rows = {{
    {Errc::none, Layer::none, "none", 0, "no error"},

    {Errc::idle_preface, Layer::tcp, "idle_preface", 0, "the peer connected and sent nothing (RFC 9110 §15.5.9)"},
    {Errc::slow_consumer, Layer::tcp, "slow_consumer", 0, "the peer takes too little of what it is sent: the queue is full"},
    {Errc::write_stalled, Layer::tcp, "slow_consumer", 0, "the peer took no byte of what it is sent for too long"},
    {Errc::idle_timeout, Layer::tcp, "idle_timeout", 1001, "no byte came from the peer for too long"},
    {Errc::no_memory, Layer::tcp, "no_memory", 1011, "memory for this connection could not be had"},
    {Errc::memory_pressure, Layer::tcp, "mem_pressure", 1013, "all connections together hold too much, and this one more than others"},
    {Errc::no_entropy, Layer::tcp, "no_entropy", 0, "no randomness for a masking key (RFC 6455 §10.3)"},
    {Errc::ip_connections, Layer::tcp, "ip_conns", 0, "too many connections from this address"},
    {Errc::ip_rate, Layer::tcp, "ip_rate", 0, "too many new connections from this address in so short a time"},
    {Errc::connections_full, Layer::http, "max_conns", 503, "no more connections are taken at the moment (RFC 9110 §15.6.4)"},
    {Errc::proxy_header, Layer::tcp, "proxy_hdr", 0, "the PROXY header is missing or malformed"},
    {Errc::no_descriptors, Layer::tcp, "emfile", 0, "no descriptor or no kernel memory for another connection"},
    {Errc::handler_threw, Layer::tcp, "handler_threw", 1011, "the application's handler failed"},

    {Errc::tls_timeout, Layer::tls, "tls_timeout", 0, "the TLS handshake did not end in time"},
    {Errc::tls_handshake, Layer::tls, "tls_handshake", 0, "the TLS handshake failed"},
    {Errc::tls_verify, Layer::tls, "tls_verify", 0, "the peer's certificate is not to be trusted (RFC 9525)"},
    {Errc::tls_alert, Layer::tls, "tls_alert", 0, "the peer ended TLS with an alert (RFC 8446 §6.2)"},
    {Errc::tls_record, Layer::tls, "tls_record", 0, "a TLS record is not authentic (RFC 8446 §5.2)"},
    {Errc::tls_key_updates, Layer::tls, "tls_keyupdate", 0, "too many TLS key updates (RFC 8446 §4.6.3)"},
    {Errc::tls_renegotiation, Layer::tls, "tls_renegotiation", 0, "TLS renegotiation is refused"},

    {Errc::head_timeout, Layer::http, "head_timeout", 408, "the request head did not arrive in time (RFC 6455 §10.4)"},
    {Errc::tls_on_plain, Layer::http, "tls_on_plain", 400, "a TLS ClientHello on a port without TLS"},
    {Errc::http_line_end, Layer::http, "line_end", 400, "a line must end with CR LF (RFC 9112 §2.2)"},
    {Errc::http_preface, Layer::http, "preface", 400, "bytes in front of the request line (RFC 9112 §2.2)"},
    {Errc::http_method, Layer::http, "method", 400, "the method is not a token (RFC 9110 §9.1)"},
    {Errc::http_target, Layer::http, "target", 400, "the request target has a forbidden character (RFC 9112 §3.2)"},
    {Errc::http_target_too_long, Layer::http, "target_size", 414, "the request line is too long (RFC 9110 §15.5.15)"},
    {Errc::http_version, Layer::http, "version", 400, "HTTP/1.1 is required (RFC 9112 §2.3, RFC 6455 §4.2.1)"},
    {Errc::http_version_unsupported, Layer::http, "version_unsupported", 505, "this HTTP version is not spoken here (RFC 9110 §15.6.6)"},
    {Errc::http_field_name, Layer::http, "hdr_name", 400, "a field name is not a token (RFC 9112 §5.1)"},
    {Errc::http_field_value, Layer::http, "hdr_value", 400, "a field value has a forbidden character (RFC 9110 §5.5)"},
    {Errc::http_host, Layer::http, "host", 400, "exactly one valid Host is required (RFC 9112 §3.2)"},
    {Errc::http_field_too_long, Layer::http, "hdr_size", 431, "a field line is too long (RFC 6585 §5)"},
    {Errc::http_head_too_long, Layer::http, "hdr_size", 431, "the fields are too long together (RFC 6585 §5)"},
    {Errc::http_too_many_fields, Layer::http, "hdr_count", 431, "too many field lines (RFC 6585 §5)"},
    {Errc::http_framing, Layer::http, "framing", 400, "the length of the body is forbidden here or malformed (RFC 9112 §6)"},
    {Errc::http_transfer_coding, Layer::http, "transfer_coding", 501, "this transfer coding is not known here (RFC 9112 §6.1)"},
    {Errc::http_body_too_big, Layer::http, "body_size", 413, "the body is larger than is accepted here (RFC 9110 §15.5.14)"},
    {Errc::http_body_timeout, Layer::http, "body_timeout", 408, "the body did not arrive in time (RFC 9110 §15.5.9)"},
    {Errc::http_body_incomplete, Layer::http, "body_incomplete", 400, "the body ends before its time (RFC 9112 §8)"},
    {Errc::http_expectation, Layer::http, "expectation", 417, "an expectation that is not met here (RFC 9110 §10.1.1)"},
    {Errc::http_method_not_allowed, Layer::http, "method_not_allowed", 405, "the method is not allowed for this target (RFC 9110 §15.5.6)"},
    {Errc::http_not_found, Layer::http, "not_found", 404, "nothing is served under this path"},
    {Errc::http_upgrade_required, Layer::http, "upgrade_required", 426, "this path speaks WebSocket only (RFC 9110 §15.5.22)"},
    {Errc::draining, Layer::http, "draining", 503, "this server is going away: connect again (RFC 9110 §15.6.4)"},

    {Errc::upgrade_header, Layer::upgrade, "upg_header", 400, "Upgrade must name websocket (RFC 6455 §4.2.1)"},
    {Errc::upgrade_connection, Layer::upgrade, "upg_connection", 400, "Connection must name upgrade (RFC 6455 §4.2.1)"},
    {Errc::upgrade_method, Layer::upgrade, "upg_method", 405, "the opening handshake is a GET (RFC 6455 §4.1)"},
    {Errc::upgrade_key, Layer::upgrade, "upg_key", 400, "exactly one Sec-WebSocket-Key of 16 bytes is required (RFC 6455 §4.2.1)"},
    {Errc::upgrade_hixie76, Layer::upgrade, "upg_hixie76", 400, "the handshake of an old draft (Sec-WebSocket-Key1)"},
    {Errc::upgrade_version, Layer::upgrade, "upg_version", 426, "Sec-WebSocket-Version must be 13 (RFC 6455 §4.4)"},
    {Errc::upgrade_version_malformed, Layer::upgrade, "upg_version", 400, "Sec-WebSocket-Version is malformed (RFC 6455 §4.4)"},
    {Errc::upgrade_origin, Layer::upgrade, "origin", 403, "this Origin may not connect (RFC 6455 §10.2)"},
    {Errc::upgrade_origin_malformed, Layer::upgrade, "origin_malformed", 400, "Origin is malformed or repeated (RFC 6454 §7)"},
    {Errc::upgrade_protocol_malformed, Layer::upgrade, "protocol", 400, "Sec-WebSocket-Protocol is malformed (RFC 6455 §11.3.4)"},
    {Errc::upgrade_protocol_required, Layer::upgrade, "protocol_required", 400, "none of the offered subprotocols is spoken here (RFC 6455 §4.2.2)"},
    {Errc::upgrade_extensions_malformed, Layer::upgrade, "ext", 400, "Sec-WebSocket-Extensions is malformed (RFC 6455 §9.1)"},
    {Errc::upgrade_extensions_too_many, Layer::upgrade, "ext_count", 400, "too many extensions are offered"},
    {Errc::upgrade_refused, Layer::upgrade, "refused", 403, "the application refused the connection"},
    {Errc::upgrade_timeout, Layer::upgrade, "upg_timeout", 504, "the application did not decide in time (RFC 9110 §15.6.5)"},

    {Errc::response_malformed, Layer::http, "response", 0, "the response head is malformed (RFC 9112 §4)"},
    {Errc::response_too_long, Layer::http, "response_size", 0, "the response head is too long"},
    {Errc::response_interim, Layer::http, "response_interim", 0, "too many interim responses (RFC 9110 §15.2)"},
    {Errc::response_status, Layer::upgrade, "status", 0, "the server answered with another status than 101 (RFC 6455 §4.1)"},
    {Errc::response_upgrade, Layer::upgrade, "upg_header", 0, "the response's Upgrade is not websocket (RFC 6455 §4.1)"},
    {Errc::response_connection, Layer::upgrade, "upg_connection", 0, "the response's Connection does not name upgrade (RFC 6455 §4.1)"},
    {Errc::response_accept, Layer::upgrade, "accept", 0, "Sec-WebSocket-Accept does not answer our key (RFC 6455 §4.1)"},
    {Errc::response_extension, Layer::upgrade, "ext", 0, "the server chose an extension that was not offered (RFC 6455 §4.1)"},
    {Errc::response_protocol, Layer::upgrade, "protocol", 0, "the server chose a subprotocol that was not offered (RFC 6455 §4.1)"},
    {Errc::response_timeout, Layer::upgrade, "connect_timeout", 0, "the opening handshake took too long"},
    {Errc::redirect_count, Layer::upgrade, "redirect_count", 0, "the server redirects more often than is followed (RFC 9110 §15.4)"},
    {Errc::redirect_location, Layer::upgrade, "redirect_location", 0, "the server redirects to where no WebSocket can be (RFC 9110 §10.2.2)"},
    {Errc::redirect_downgrade, Layer::upgrade, "redirect_downgrade", 0, "the server redirects from wss to ws"},
    {Errc::proxy_auth, Layer::http, "proxy_auth", 0, "the proxy does not accept these credentials (RFC 9110 §15.5.8, RFC 1929)"},
    {Errc::proxy_refused, Layer::http, "proxy_refused", 0, "the proxy does not connect to this server (RFC 9110 §9.3.6, RFC 1928 §6)"},
    {Errc::proxy_response, Layer::http, "proxy_response", 0, "the proxy's answer is malformed (RFC 9110 §9.3.6, RFC 1928)"},

    {Errc::url_scheme, Layer::upgrade, "url_scheme", 0, "the URL's scheme is not one of ws, wss and ws+unix (RFC 6455 §3)"},
    {Errc::url_userinfo, Layer::upgrade, "url_userinfo", 0, "the URL's user information is malformed (RFC 3986 §3.2.1)"},
    {Errc::url_host, Layer::upgrade, "url_host", 0, "the URL's host is missing or malformed (RFC 3986 §3.2.2)"},
    {Errc::url_port, Layer::upgrade, "url_port", 0, "the URL's port is not a number from 1 to 65535"},
    {Errc::url_target, Layer::upgrade, "url_target", 0, "the URL's path or query has a forbidden character (RFC 3986 §3.3)"},
    {Errc::url_fragment, Layer::upgrade, "url_fragment", 0, "a WebSocket URL has no fragment; write '#' as %23 (RFC 6455 §3)"},
    {Errc::proxy_url, Layer::upgrade, "proxy_url", 0, "the proxy's URL is not http:// or socks5:// with a host"},
    {Errc::argument, Layer::upgrade, "argument", 0, "a part of the head holds a byte that may not stand there"},

    {Errc::frame_rsv, Layer::ws, "rsv", 1002, "a reserved bit is set (RFC 6455 §5.2)"},
    {Errc::frame_opcode, Layer::ws, "opcode", 1002, "a reserved opcode (RFC 6455 §5.2)"},
    {Errc::frame_length_not_minimal, Layer::ws, "len_minimal", 1002, "the length is not in its shortest form (RFC 6455 §5.2)"},
    {Errc::frame_length_msb, Layer::ws, "len_msb", 1002, "the top bit of a 64-bit length is set (RFC 6455 §5.2)"},
    {Errc::frame_unmasked, Layer::ws, "unmasked", 1002, "a client must mask its frames (RFC 6455 §5.1)"},
    {Errc::frame_masked, Layer::ws, "masked", 1002, "a server must not mask its frames (RFC 6455 §5.1)"},
    {Errc::control_too_long, Layer::ws, "ctl_size", 1002, "a control frame carries more than 125 bytes (RFC 6455 §5.5)"},
    {Errc::control_fragmented, Layer::ws, "ctl_fragmented", 1002, "a control frame must not be fragmented (RFC 6455 §5.5)"},
    {Errc::continuation_unexpected, Layer::ws, "continuation", 1002, "a continuation without a message to continue (RFC 6455 §5.4)"},
    {Errc::continuation_expected, Layer::ws, "continuation", 1002, "a new message inside an unfinished one (RFC 6455 §5.4)"},
    {Errc::message_too_big, Layer::ws, "too_big", 1009, "the message is larger than is accepted here (RFC 6455 §7.4.1)"},
    {Errc::fragment_budget, Layer::ws, "frag_budget", 1008, "too many fragments for so few bytes"},
    {Errc::text_not_utf8, Layer::ws, "utf8", 1007, "a text message is not UTF-8 (RFC 6455 §8.1)"},
    {Errc::close_length, Layer::ws, "close_length", 1002, "a Close body of one byte (RFC 6455 §5.5.1)"},
    {Errc::close_code, Layer::ws, "close_code", 1002, "a close code that may not be sent (RFC 6455 §7.4)"},
    {Errc::close_reason_not_utf8, Layer::ws, "close_utf8", 1007, "a close reason is not UTF-8 (RFC 6455 §5.5.1)"},
    {Errc::message_timeout, Layer::ws, "msg_timeout", 1008, "a message stayed unfinished for too long"},
    {Errc::control_flood, Layer::ws, "ctl_flood", 1008, "too many control frames"},
    {Errc::close_timeout, Layer::ws, "close_timeout", 0, "the peer did not finish the closing handshake (RFC 6455 §7.1.1)"},
    {Errc::ping_timeout, Layer::ws, "ping_timeout", 1011, "no Pong came in time (RFC 6455 §5.5.3)"},
    {Errc::end_without_close, Layer::ws, "end", 0, "the connection ended without a Close (RFC 6455 §7.1.5)"},

    {Errc::inflate_too_big, Layer::deflate, "inflate_too_big", 1009, "the message inflates to more than is accepted here (RFC 6455 §7.4.1)"},
    {Errc::inflate_ratio, Layer::deflate, "ratio", 1009, "the message inflates to too many times its size"},
    {Errc::inflate_blocks, Layer::deflate, "inflate_blocks", 1008, "too many DEFLATE blocks for so few bytes"},
    {Errc::inflate_data, Layer::deflate, "inflate", 1007, "a compressed message is not DEFLATE (RFC 1951, RFC 7692 §7.2.2)"},
    {Errc::inflate_cut, Layer::deflate, "inflate_cut", 1007, "a compressed message ends within a block (RFC 7692 §7.2.2)"},
}};
// clang-format on

constexpr bool in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<std::size_t>(rows[i].error) != i) return false;
  }
  return true;
}
static_assert(in_order(), "rule() looks a row up by its enumerator");

// A Rule is two pointers, which a program that may lie anywhere in memory relocates when it starts,
// and 48 bytes; a place in one text is neither.
struct PackedRule {
  std::uint16_t text_at;  // the label, NUL, the text, NUL: C programs get them as they stand
  std::uint16_t answer;
  std::uint8_t label_bytes;
  std::uint8_t text_bytes;
  Layer layer;
};

constexpr std::size_t rule_text_bytes = [] {
  std::size_t bytes = 0;
  for (const Rule& each : rows) bytes += each.label.size() + each.text.size() + 2;
  return bytes;
}();
static_assert(rule_text_bytes <= 0xFFFF);

constexpr bool rules_are_short() {
  for (const Rule& each : rows) {
    if (each.label.size() > 0xFF || each.text.size() > 0xFF) return false;
  }
  return true;
}
static_assert(rules_are_short(), "PackedRule counts their bytes in one");

struct PackedRules {
  std::array<PackedRule, errc_count> rules;
  std::array<char, rule_text_bytes> text;
};

constexpr PackedRules packed_rules = [] {
  PackedRules packed{};
  std::size_t end = 0;
  for (std::size_t i = 0; i < errc_count; ++i) {
    const Rule& row = rows[i];
    packed.rules[i] = {static_cast<std::uint16_t>(end), row.answer,
                       static_cast<std::uint8_t>(row.label.size()),
                       static_cast<std::uint8_t>(row.text.size()), row.layer};
    end += row.label.copy(&packed.text[end], row.label.size()) + 1;
    end += row.text.copy(&packed.text[end], row.text.size()) + 1;
  }
  return packed;
}();

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "hilo.ws"; }
  std::string message(int value) const override {
    if (value < 0 || static_cast<std::size_t>(value) >= errc_count) return "unknown error";
    return std::string(rule(static_cast<Errc>(value)).text);
  }
};

}  // namespace

Rule rule(Errc error) noexcept {
  const PackedRule& packed = packed_rules.rules[static_cast<std::size_t>(error)];
  const char* const label = &packed_rules.text[packed.text_at];
  return {error,
          packed.layer,
          {label, packed.label_bytes},
          packed.answer,
          {label + packed.label_bytes + 1, packed.text_bytes}};
}

std::string_view to_string(Layer layer) noexcept {
  switch (layer) {
    case Layer::none: return "none";
    case Layer::tcp: return "tcp";
    case Layer::tls: return "tls";
    case Layer::http: return "http";
    case Layer::upgrade: return "upg";
    case Layer::ws: return "ws";
    case Layer::deflate: return "pmd";
  }
  return "none";
}

CloseCode close_code_for(Errc error) noexcept {
  const std::uint16_t answer = rule(error).answer;
  return answer >= 1000 ? static_cast<CloseCode>(answer) : CloseCode::abnormal;
}

std::uint16_t http_status_for(Errc error) noexcept {
  const std::uint16_t answer = rule(error).answer;
  if (answer < 1000) return answer;
  if (error == Errc::memory_pressure) return 503;
  return error == Errc::idle_timeout ? 408 : 500;
}

std::error_code make_error_code(Errc error) noexcept {
  static const Category category;
  return {static_cast<int>(error), category};
}

}  // namespace hilo::ws
