// SPDX-License-Identifier: MIT

#include "ws/c/core_words.h"
#include "ws/core/handshake.h"
#include "ws/core/origin.h"
#include "ws/core/session.h"
#include "ws/core/url.h"

namespace hilo::ws::c {
namespace {

// The numbers of the C header are those of the enumerators. Where one of these fails an enumerator
// has moved: put it at the end instead, or raise HILO_ABI_VERSION.
template <class Enum>
constexpr bool is(int number, Enum enumerator) noexcept {
  return number == static_cast<int>(enumerator);
}

static_assert(is(HILO_ERROR_IDLE_PREFACE, Errc::idle_preface));
static_assert(is(HILO_ERROR_SLOW_CONSUMER, Errc::slow_consumer));
static_assert(is(HILO_ERROR_WRITE_STALLED, Errc::write_stalled));
static_assert(is(HILO_ERROR_IDLE_TIMEOUT, Errc::idle_timeout));
static_assert(is(HILO_ERROR_NO_MEMORY, Errc::no_memory));
static_assert(is(HILO_ERROR_MEMORY_PRESSURE, Errc::memory_pressure));
static_assert(is(HILO_ERROR_NO_ENTROPY, Errc::no_entropy));
static_assert(is(HILO_ERROR_IP_CONNECTIONS, Errc::ip_connections));
static_assert(is(HILO_ERROR_IP_RATE, Errc::ip_rate));
static_assert(is(HILO_ERROR_CONNECTIONS_FULL, Errc::connections_full));
static_assert(is(HILO_ERROR_PROXY_HEADER, Errc::proxy_header));
static_assert(is(HILO_ERROR_NO_DESCRIPTORS, Errc::no_descriptors));
static_assert(is(HILO_ERROR_HANDLER_THREW, Errc::handler_threw));
static_assert(is(HILO_ERROR_TLS_TIMEOUT, Errc::tls_timeout));
static_assert(is(HILO_ERROR_TLS_HANDSHAKE, Errc::tls_handshake));
static_assert(is(HILO_ERROR_TLS_VERIFY, Errc::tls_verify));
static_assert(is(HILO_ERROR_TLS_ALERT, Errc::tls_alert));
static_assert(is(HILO_ERROR_TLS_RECORD, Errc::tls_record));
static_assert(is(HILO_ERROR_TLS_KEY_UPDATES, Errc::tls_key_updates));
static_assert(is(HILO_ERROR_TLS_RENEGOTIATION, Errc::tls_renegotiation));
static_assert(is(HILO_ERROR_HEAD_TIMEOUT, Errc::head_timeout));
static_assert(is(HILO_ERROR_TLS_ON_PLAIN, Errc::tls_on_plain));
static_assert(is(HILO_ERROR_HTTP_LINE_END, Errc::http_line_end));
static_assert(is(HILO_ERROR_HTTP_PREFACE, Errc::http_preface));
static_assert(is(HILO_ERROR_HTTP_METHOD, Errc::http_method));
static_assert(is(HILO_ERROR_HTTP_TARGET, Errc::http_target));
static_assert(is(HILO_ERROR_HTTP_TARGET_TOO_LONG, Errc::http_target_too_long));
static_assert(is(HILO_ERROR_HTTP_VERSION, Errc::http_version));
static_assert(is(HILO_ERROR_HTTP_VERSION_UNSUPPORTED, Errc::http_version_unsupported));
static_assert(is(HILO_ERROR_HTTP_FIELD_NAME, Errc::http_field_name));
static_assert(is(HILO_ERROR_HTTP_FIELD_VALUE, Errc::http_field_value));
static_assert(is(HILO_ERROR_HTTP_HOST, Errc::http_host));
static_assert(is(HILO_ERROR_HTTP_FIELD_TOO_LONG, Errc::http_field_too_long));
static_assert(is(HILO_ERROR_HTTP_HEAD_TOO_LONG, Errc::http_head_too_long));
static_assert(is(HILO_ERROR_HTTP_TOO_MANY_FIELDS, Errc::http_too_many_fields));
static_assert(is(HILO_ERROR_HTTP_FRAMING, Errc::http_framing));
static_assert(is(HILO_ERROR_HTTP_TRANSFER_CODING, Errc::http_transfer_coding));
static_assert(is(HILO_ERROR_HTTP_BODY_TOO_BIG, Errc::http_body_too_big));
static_assert(is(HILO_ERROR_HTTP_BODY_TIMEOUT, Errc::http_body_timeout));
static_assert(is(HILO_ERROR_HTTP_BODY_INCOMPLETE, Errc::http_body_incomplete));
static_assert(is(HILO_ERROR_HTTP_EXPECTATION, Errc::http_expectation));
static_assert(is(HILO_ERROR_HTTP_METHOD_NOT_ALLOWED, Errc::http_method_not_allowed));
static_assert(is(HILO_ERROR_HTTP_NOT_FOUND, Errc::http_not_found));
static_assert(is(HILO_ERROR_HTTP_UPGRADE_REQUIRED, Errc::http_upgrade_required));
static_assert(is(HILO_ERROR_DRAINING, Errc::draining));
static_assert(is(HILO_ERROR_UPGRADE_HEADER, Errc::upgrade_header));
static_assert(is(HILO_ERROR_UPGRADE_CONNECTION, Errc::upgrade_connection));
static_assert(is(HILO_ERROR_UPGRADE_METHOD, Errc::upgrade_method));
static_assert(is(HILO_ERROR_UPGRADE_KEY, Errc::upgrade_key));
static_assert(is(HILO_ERROR_UPGRADE_HIXIE76, Errc::upgrade_hixie76));
static_assert(is(HILO_ERROR_UPGRADE_VERSION, Errc::upgrade_version));
static_assert(is(HILO_ERROR_UPGRADE_VERSION_MALFORMED, Errc::upgrade_version_malformed));
static_assert(is(HILO_ERROR_UPGRADE_ORIGIN, Errc::upgrade_origin));
static_assert(is(HILO_ERROR_UPGRADE_ORIGIN_MALFORMED, Errc::upgrade_origin_malformed));
static_assert(is(HILO_ERROR_UPGRADE_PROTOCOL_MALFORMED, Errc::upgrade_protocol_malformed));
static_assert(is(HILO_ERROR_UPGRADE_PROTOCOL_REQUIRED, Errc::upgrade_protocol_required));
static_assert(is(HILO_ERROR_UPGRADE_EXTENSIONS_MALFORMED, Errc::upgrade_extensions_malformed));
static_assert(is(HILO_ERROR_UPGRADE_EXTENSIONS_TOO_MANY, Errc::upgrade_extensions_too_many));
static_assert(is(HILO_ERROR_UPGRADE_REFUSED, Errc::upgrade_refused));
static_assert(is(HILO_ERROR_UPGRADE_TIMEOUT, Errc::upgrade_timeout));
static_assert(is(HILO_ERROR_RESPONSE_MALFORMED, Errc::response_malformed));
static_assert(is(HILO_ERROR_RESPONSE_TOO_LONG, Errc::response_too_long));
static_assert(is(HILO_ERROR_RESPONSE_INTERIM, Errc::response_interim));
static_assert(is(HILO_ERROR_RESPONSE_STATUS, Errc::response_status));
static_assert(is(HILO_ERROR_RESPONSE_UPGRADE, Errc::response_upgrade));
static_assert(is(HILO_ERROR_RESPONSE_CONNECTION, Errc::response_connection));
static_assert(is(HILO_ERROR_RESPONSE_ACCEPT, Errc::response_accept));
static_assert(is(HILO_ERROR_RESPONSE_EXTENSION, Errc::response_extension));
static_assert(is(HILO_ERROR_RESPONSE_PROTOCOL, Errc::response_protocol));
static_assert(is(HILO_ERROR_RESPONSE_TIMEOUT, Errc::response_timeout));
static_assert(is(HILO_ERROR_REDIRECT_COUNT, Errc::redirect_count));
static_assert(is(HILO_ERROR_REDIRECT_LOCATION, Errc::redirect_location));
static_assert(is(HILO_ERROR_REDIRECT_DOWNGRADE, Errc::redirect_downgrade));
static_assert(is(HILO_ERROR_PROXY_AUTH, Errc::proxy_auth));
static_assert(is(HILO_ERROR_PROXY_REFUSED, Errc::proxy_refused));
static_assert(is(HILO_ERROR_PROXY_RESPONSE, Errc::proxy_response));
static_assert(is(HILO_ERROR_URL_SCHEME, Errc::url_scheme));
static_assert(is(HILO_ERROR_URL_USERINFO, Errc::url_userinfo));
static_assert(is(HILO_ERROR_URL_HOST, Errc::url_host));
static_assert(is(HILO_ERROR_URL_PORT, Errc::url_port));
static_assert(is(HILO_ERROR_URL_TARGET, Errc::url_target));
static_assert(is(HILO_ERROR_URL_FRAGMENT, Errc::url_fragment));
static_assert(is(HILO_ERROR_PROXY_URL, Errc::proxy_url));
static_assert(is(HILO_ERROR_ARGUMENT, Errc::argument));
static_assert(is(HILO_ERROR_FRAME_RSV, Errc::frame_rsv));
static_assert(is(HILO_ERROR_FRAME_OPCODE, Errc::frame_opcode));
static_assert(is(HILO_ERROR_FRAME_LENGTH_NOT_MINIMAL, Errc::frame_length_not_minimal));
static_assert(is(HILO_ERROR_FRAME_LENGTH_MSB, Errc::frame_length_msb));
static_assert(is(HILO_ERROR_FRAME_UNMASKED, Errc::frame_unmasked));
static_assert(is(HILO_ERROR_FRAME_MASKED, Errc::frame_masked));
static_assert(is(HILO_ERROR_CONTROL_TOO_LONG, Errc::control_too_long));
static_assert(is(HILO_ERROR_CONTROL_FRAGMENTED, Errc::control_fragmented));
static_assert(is(HILO_ERROR_CONTINUATION_UNEXPECTED, Errc::continuation_unexpected));
static_assert(is(HILO_ERROR_CONTINUATION_EXPECTED, Errc::continuation_expected));
static_assert(is(HILO_ERROR_MESSAGE_TOO_BIG, Errc::message_too_big));
static_assert(is(HILO_ERROR_FRAGMENT_BUDGET, Errc::fragment_budget));
static_assert(is(HILO_ERROR_TEXT_NOT_UTF8, Errc::text_not_utf8));
static_assert(is(HILO_ERROR_CLOSE_LENGTH, Errc::close_length));
static_assert(is(HILO_ERROR_CLOSE_CODE, Errc::close_code));
static_assert(is(HILO_ERROR_CLOSE_REASON_NOT_UTF8, Errc::close_reason_not_utf8));
static_assert(is(HILO_ERROR_MESSAGE_TIMEOUT, Errc::message_timeout));
static_assert(is(HILO_ERROR_CONTROL_FLOOD, Errc::control_flood));
static_assert(is(HILO_ERROR_CLOSE_TIMEOUT, Errc::close_timeout));
static_assert(is(HILO_ERROR_PING_TIMEOUT, Errc::ping_timeout));
static_assert(is(HILO_ERROR_END_WITHOUT_CLOSE, Errc::end_without_close));
static_assert(is(HILO_ERROR_INFLATE_TOO_BIG, Errc::inflate_too_big));
static_assert(is(HILO_ERROR_INFLATE_RATIO, Errc::inflate_ratio));
static_assert(is(HILO_ERROR_INFLATE_BLOCKS, Errc::inflate_blocks));
static_assert(is(HILO_ERROR_INFLATE_DATA, Errc::inflate_data));
static_assert(is(HILO_ERROR_INFLATE_CUT, Errc::inflate_cut));
static_assert(HILO_ERROR_INFLATE_CUT + 1 == errc_count, "a new rule wants its HILO_ERROR_");

static_assert(is(HILO_ROLE_SERVER, Role::server));
static_assert(is(HILO_ROLE_CLIENT, Role::client));

static_assert(is(HILO_OPCODE_CONTINUATION, Opcode::continuation));
static_assert(is(HILO_OPCODE_TEXT, Opcode::text));
static_assert(is(HILO_OPCODE_BINARY, Opcode::binary));
static_assert(is(HILO_OPCODE_CLOSE, Opcode::close));
static_assert(is(HILO_OPCODE_PING, Opcode::ping));
static_assert(is(HILO_OPCODE_PONG, Opcode::pong));

static_assert(is(HILO_CLOSE_NONE, CloseCode::none));
static_assert(is(HILO_CLOSE_NORMAL, CloseCode::normal));
static_assert(is(HILO_CLOSE_GOING_AWAY, CloseCode::going_away));
static_assert(is(HILO_CLOSE_PROTOCOL_ERROR, CloseCode::protocol_error));
static_assert(is(HILO_CLOSE_UNSUPPORTED_DATA, CloseCode::unsupported_data));
static_assert(is(HILO_CLOSE_NO_STATUS, CloseCode::no_status));
static_assert(is(HILO_CLOSE_ABNORMAL, CloseCode::abnormal));
static_assert(is(HILO_CLOSE_INVALID_PAYLOAD, CloseCode::invalid_payload));
static_assert(is(HILO_CLOSE_POLICY_VIOLATION, CloseCode::policy_violation));
static_assert(is(HILO_CLOSE_MESSAGE_TOO_BIG, CloseCode::message_too_big));
static_assert(is(HILO_CLOSE_MANDATORY_EXTENSION, CloseCode::mandatory_extension));
static_assert(is(HILO_CLOSE_INTERNAL_ERROR, CloseCode::internal_error));
static_assert(is(HILO_CLOSE_SERVICE_RESTART, CloseCode::service_restart));
static_assert(is(HILO_CLOSE_TRY_AGAIN_LATER, CloseCode::try_again_later));
static_assert(is(HILO_CLOSE_BAD_GATEWAY, CloseCode::bad_gateway));
static_assert(is(HILO_CLOSE_TLS_HANDSHAKE, CloseCode::tls_handshake));

static_assert(is(HILO_ORIGIN_SAME_HOST, OriginPolicy::Allow::same_host));
static_assert(is(HILO_ORIGIN_LISTED, OriginPolicy::Allow::listed));
static_assert(is(HILO_ORIGIN_ANY, OriginPolicy::Allow::any));

static_assert(is(HILO_SCHEME_WS, Url::Scheme::ws));
static_assert(is(HILO_SCHEME_WSS, Url::Scheme::wss));
static_assert(is(HILO_SCHEME_WS_UNIX, Url::Scheme::ws_unix));

static_assert(is(HILO_EVENT_MESSAGE, Event::Kind::message));
static_assert(is(HILO_EVENT_CHUNK, Event::Kind::chunk));
static_assert(is(HILO_EVENT_PING, Event::Kind::ping));
static_assert(is(HILO_EVENT_PONG, Event::Kind::pong));
static_assert(is(HILO_EVENT_CLOSE, Event::Kind::close));
static_assert(is(HILO_EVENT_FAILURE, Event::Kind::failure));

static_assert(HILO_NONCE_BYTES == key_bytes);

// What a compiled program of this HILO_ABI_VERSION has on its stack or reads through a pointer.
// Structs with a size may grow at their end; these are the first ones.
constexpr bool has_wide_pointers = sizeof(void*) == 8;
static_assert(sizeof(hilo_bytes) == 2 * sizeof(void*) && sizeof(hilo_text) == 2 * sizeof(void*));
static_assert(sizeof(hilo_field) == 2 * sizeof(hilo_text));
static_assert(sizeof(hilo_outgoing) == 2 * sizeof(hilo_bytes));
static_assert(!has_wide_pointers || sizeof(hilo_event) == 40);
static_assert(!has_wide_pointers || sizeof(hilo_request) == 88);
static_assert(!has_wide_pointers || sizeof(hilo_url) == 104);
static_assert(!has_wide_pointers || sizeof(hilo_accept_options) == 80);
static_assert(!has_wide_pointers || sizeof(hilo_ask_options) == 80);
static_assert(!has_wide_pointers || sizeof(hilo_session_options) == 56);
static_assert(!has_wide_pointers || sizeof(hilo_deflate_options) == 48);

}  // namespace
}  // namespace hilo::ws::c

using namespace hilo::ws;

int hilo_abi_version(void) noexcept {
  return HILO_ABI_VERSION;
}

const char* hilo_rule_text(int error) noexcept {
  const Errc known = c::rule_of(error);
  return known == Errc::none ? "" : rule(known).text.data();
}

int hilo_rule_answer(int error) noexcept {
  const Errc known = c::rule_of(error);
  return known == Errc::none ? 0 : rule(known).answer;
}
