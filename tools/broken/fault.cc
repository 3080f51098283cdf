// SPDX-License-Identifier: MIT

#include "tools/broken/fault.h"

#include <array>

namespace hilo::tools::broken {
namespace {

// clang-format off
constexpr std::array rows = {
    FaultRow{Fault::nothing, "nothing", "", "keeps every rule, for comparison", "*"},

    FaultRow{Fault::any_method, "any-method", "RFC 6455 §4.2.1", "opens for methods other than GET", "11.3"},
    FaultRow{Fault::any_http_version, "any-http-version", "RFC 6455 §4.2.1", "opens for HTTP/1.0, and for what is no version", "11.4"},
    FaultRow{Fault::no_host, "no-host", "RFC 6455 §4.2.1", "opens without Host", "11.6"},
    FaultRow{Fault::two_hosts, "two-hosts", "RFC 9112 §3.2", "opens with two Host fields", "11.6"},
    FaultRow{Fault::no_upgrade, "no-upgrade", "RFC 6455 §4.2.1", "opens whatever Upgrade says", "11.7"},
    FaultRow{Fault::no_connection, "no-connection", "RFC 6455 §4.2.1", "opens whatever Connection says", "11.7"},
    FaultRow{Fault::no_key, "no-key", "RFC 6455 §4.2.1", "opens without Sec-WebSocket-Key", "11.8"},
    FaultRow{Fault::any_key, "any-key", "RFC 6455 §4.2.1", "opens with a key that is not base64 of 16 bytes", "11.8"},
    FaultRow{Fault::any_version, "any-version", "RFC 6455 §4.2.2", "opens for versions other than 13", "11.9"},
    FaultRow{Fault::space_before_colon, "space-before-colon", "RFC 9112 §5", "takes white space between a field name and its colon", "11.12.1 11.12.2"},
    FaultRow{Fault::any_extension_grammar, "any-extension-grammar", "RFC 6455 §9.1", "opens although Sec-WebSocket-Extensions breaks its grammar", "11.11"},
    FaultRow{Fault::any_deflate_offer, "any-deflate-offer", "RFC 7692 §7", "accepts offers of permessage-deflate that it has to decline", "12.3"},

    FaultRow{Fault::wrong_accept, "wrong-accept", "RFC 6455 §4.2.2", "answers with the digest of another key", "11.16"},
    FaultRow{Fault::missing_accept, "missing-accept", "RFC 6455 §4.2.2", "answers without Sec-WebSocket-Accept", "11.16"},
    FaultRow{Fault::status_200, "status-200", "RFC 6455 §4.2.2", "answers with 200 where 101 is due", "11.16"},
    FaultRow{Fault::http_1_0, "http-1.0", "RFC 6455 §4.2.2", "answers as HTTP/1.0", "11.16"},
    FaultRow{Fault::missing_upgrade, "missing-upgrade", "RFC 6455 §4.2.2", "answers without Upgrade", "11.16"},
    FaultRow{Fault::missing_connection, "missing-connection", "RFC 6455 §4.2.2", "answers without Connection", "11.16"},
    FaultRow{Fault::unasked_subprotocol, "unasked-subprotocol", "RFC 6455 §4.2.2", "chooses a subprotocol that was not offered", "11.16"},
    FaultRow{Fault::subprotocol_in_capitals, "subprotocol-in-capitals", "RFC 6455 §4.2.2", "chooses a subprotocol, and writes it in other letters", "11.10"},
    FaultRow{Fault::every_subprotocol, "every-subprotocol", "RFC 6455 §4.2.2", "chooses all subprotocols that were offered", "11.10"},
    FaultRow{Fault::unasked_extension, "unasked-extension", "RFC 6455 §9.1", "chooses an extension that was not offered", "11.11"},
    FaultRow{Fault::version_not_named, "version-not-named", "RFC 6455 §4.4", "refuses a version and does not name its own", "11.9"},
    FaultRow{Fault::deflate_bits_unasked, "deflate-bits-unasked", "RFC 7692 §7.1.2.2", "sets client_max_window_bits, which was not offered", "12.1"},
    FaultRow{Fault::deflate_bits_too_many, "deflate-bits-too-many", "RFC 7692 §7.1.2.1", "grants a larger server_max_window_bits than was asked for", "12.1"},
    FaultRow{Fault::deflate_takeover_kept, "deflate-takeover-kept", "RFC 7692 §7.1.1.1", "accepts server_no_context_takeover and does not confirm it", "12.1"},
    FaultRow{Fault::deflate_twice, "deflate-twice", "RFC 7692 §5.1", "chooses permessage-deflate twice", "12.2"},

    FaultRow{Fault::accepts_unmasked, "accepts-unmasked", "RFC 6455 §5.1", "reads frames that are not masked", "8.1"},
    FaultRow{Fault::accepts_rsv, "accepts-rsv", "RFC 6455 §5.2", "reads frames with reserved bits", "3"},
    FaultRow{Fault::accepts_rsv1_anywhere, "accepts-rsv1-anywhere", "RFC 7692 §6.1", "reads continuations and control frames with RSV1", "12.7"},
    FaultRow{Fault::accepts_reserved_opcode, "accepts-reserved-opcode", "RFC 6455 §5.2", "passes over frames with reserved opcodes", "4"},
    FaultRow{Fault::accepts_long_control, "accepts-long-control", "RFC 6455 §5.5", "reads control frames of more than 125 bytes", "2.2"},
    FaultRow{Fault::accepts_fragmented_control, "accepts-fragmented-control", "RFC 6455 §5.5", "reads control frames with FIN=0", "2.3"},
    FaultRow{Fault::accepts_long_form, "accepts-long-form", "RFC 6455 §5.2", "reads lengths that are not in their shortest form", "1.3"},
    FaultRow{Fault::accepts_top_bit, "accepts-top-bit", "RFC 6455 §5.2", "passes over the top bit of a 64-bit length", "1.4"},
    FaultRow{Fault::accepts_orphan, "accepts-orphan", "RFC 6455 §5.4", "takes a continuation of nothing for a message", "5.3"},
    FaultRow{Fault::accepts_new_start, "accepts-new-start", "RFC 6455 §5.4", "takes a new message inside an unfinished one", "5.4"},
    FaultRow{Fault::length_of_16_bits, "length-of-16-bits", "RFC 6455 §5.2", "reads the low 16 bits of a 64-bit length", "1.1"},
    FaultRow{Fault::length_of_32_bits, "length-of-32-bits", "RFC 6455 §5.2", "reads the low 32 bits of a 64-bit length", "1.5"},
    FaultRow{Fault::first_key_for_all, "first-key-for-all", "RFC 6455 §5.3", "unmasks all fragments of a message with the key of the first", "8.2"},
    FaultRow{Fault::mask_restarts, "mask-restarts", "RFC 6455 §5.3", "begins the masking key anew with each read, of 31 bytes at most", "8.3"},

    FaultRow{Fault::loses_fragment, "loses-fragment", "RFC 6455 §5.4", "loses the fragments in the middle of a message", "5.1"},
    FaultRow{Fault::loses_glued, "loses-glued", "RFC 6455 §4.2.2", "loses frames that come together with the request", "11.15"},
    FaultRow{Fault::no_utf8, "no-utf8", "RFC 6455 §8.1", "takes any bytes for text", "6.2"},
    FaultRow{Fault::late_utf8, "late-utf8", "RFC 6455 §8.1", "looks at text when its message ends, and not before", "6.5"},
    FaultRow{Fault::utf8_by_frame, "utf8-by-frame", "RFC 6455 §5.6", "wants each fragment to be whole characters", "6.4"},
    FaultRow{Fault::utf8_in_binary, "utf8-in-binary", "RFC 6455 §5.6", "wants binary messages to be UTF-8", "6.7"},
    FaultRow{Fault::accepts_surrogates, "accepts-surrogates", "RFC 3629 §3", "takes surrogates for characters", "6.2"},
    FaultRow{Fault::accepts_overlong, "accepts-overlong", "RFC 3629 §3", "takes characters written longer than they are", "6.2"},
    FaultRow{Fault::no_utf8_inflated, "no-utf8-inflated", "RFC 6455 §8.1", "takes any bytes for text if they were compressed", "13.5"},
    FaultRow{Fault::accepts_broken_deflate, "accepts-broken-deflate", "RFC 7692 §7.2.2", "takes what does not inflate for an empty message", "13.4"},
    FaultRow{Fault::forgets_context, "forgets-context", "RFC 7692 §7.1.1", "forgets the client's context, which it agreed to keep", "13.6"},

    FaultRow{Fault::masks, "masks", "RFC 6455 §5.1", "masks its frames", "8.1"},
    FaultRow{Fault::sends_rsv, "sends-rsv", "RFC 6455 §5.2", "sets RSV3 in its messages", "1.1"},
    FaultRow{Fault::sends_reserved_opcode, "sends-reserved-opcode", "RFC 6455 §5.2", "sends its messages with opcode 3", "1.2"},
    FaultRow{Fault::sends_long_form, "sends-long-form", "RFC 6455 §5.2", "writes all lengths in 64 bits", "1.1"},
    FaultRow{Fault::sends_16_bits, "sends-16-bits", "RFC 6455 §5.2", "writes the low 16 bits of lengths from 65,536 on", "1.2"},
    FaultRow{Fault::sends_binary_for_text, "sends-binary-for-text", "RFC 6455 §5.6", "sends text back as binary", "6.1"},
    FaultRow{Fault::sends_bad_utf8, "sends-bad-utf8", "RFC 6455 §5.6", "sends text that is no UTF-8", "6.1"},
    FaultRow{Fault::sends_no_final, "sends-no-final", "RFC 6455 §5.4", "never sets FIN in its messages", "5.1"},
    FaultRow{Fault::sends_new_start, "sends-new-start", "RFC 6455 §5.4", "sends another message between the fragments of one", "5.1"},
    FaultRow{Fault::sends_orphan, "sends-orphan", "RFC 6455 §5.4", "begins its messages with a continuation", "5.1"},
    FaultRow{Fault::sends_fragmented_control, "sends-fragmented-control", "RFC 6455 §5.5", "sends its control frames with FIN=0", "2.3"},
    FaultRow{Fault::sends_long_control, "sends-long-control", "RFC 6455 §5.5", "closes with a reason of 200 bytes", "2.2"},
    FaultRow{Fault::sends_half_a_frame, "sends-half-a-frame", "RFC 6455 §5.2", "ends the connection inside a frame", "1.1"},
    FaultRow{Fault::compresses_without_bit, "compresses-without-bit", "RFC 7692 §6", "compresses its messages and does not set RSV1", "13.2"},
    FaultRow{Fault::compresses_with_bit_twice, "compresses-with-bit-twice", "RFC 7692 §6.1", "sets RSV1 in each fragment of a compressed message", "13.2"},
    FaultRow{Fault::compresses_in_wide_window, "compresses-in-wide-window", "RFC 7692 §7.1.2.1", "looks back further than the window that it granted", "12.1"},
    FaultRow{Fault::compresses_with_old_context, "compresses-with-old-context", "RFC 7692 §7.1.1.1", "refers to earlier messages, which it agreed not to", "13.7"},

    FaultRow{Fault::no_pong, "no-pong", "RFC 6455 §5.5.2", "does not answer pings", "2.1"},
    FaultRow{Fault::other_pong, "other-pong", "RFC 6455 §5.5.3", "answers pings with another payload", "2.5"},
    FaultRow{Fault::late_pong, "late-pong", "RFC 6455 §5.4", "answers pings when the message around them has ended", "2.6"},
    FaultRow{Fault::pong_for_pong, "pong-for-pong", "RFC 6455 §5.5.3", "answers pongs", "2.4"},

    FaultRow{Fault::no_close_echo, "no-close-echo", "RFC 6455 §5.5.1", "does not answer a Close", "7.1"},
    FaultRow{Fault::ends_without_close, "ends-without-close", "RFC 6455 §5.5.1", "answers a Close with the end of TCP", "7.1"},
    FaultRow{Fault::other_close_code, "other-close-code", "RFC 6455 §5.5.1", "answers each Close with 1000", "7.1"},
    FaultRow{Fault::accepts_any_close_code, "accepts-any-close-code", "RFC 6455 §7.4.1", "takes codes that may not be sent", "7.2"},
    FaultRow{Fault::accepts_close_of_one_byte, "accepts-close-of-one-byte", "RFC 6455 §5.5.1", "takes a Close with half a code", "7.3"},
    FaultRow{Fault::accepts_any_reason, "accepts-any-reason", "RFC 6455 §5.5.1", "takes close reasons that are no UTF-8", "7.5"},
    FaultRow{Fault::closes_with_1005, "closes-with-1005", "RFC 6455 §7.4.1", "sends 1005 where 1002 or 1007 is due", "7.2"},
    FaultRow{Fault::closes_with_1011, "closes-with-1011", "RFC 6455 §7.4.1", "sends 1011 where 1002 or 1007 is due", "7.2"},
    FaultRow{Fault::closes_with_one_byte, "closes-with-one-byte", "RFC 6455 §5.5.1", "closes with half a code", "7.3"},
    FaultRow{Fault::closes_with_bad_reason, "closes-with-bad-reason", "RFC 6455 §5.5.1", "closes with a reason that is no UTF-8", "7.3"},
    FaultRow{Fault::closes_silently, "closes-silently", "RFC 6455 §7.1.7", "fails connections without a Close", "5.5"},
    FaultRow{Fault::closes_twice, "closes-twice", "RFC 6455 §5.5.1", "sends its Close twice", "7.1"},
    FaultRow{Fault::sends_after_close, "sends-after-close", "RFC 6455 §5.5.1", "sends a message behind its Close", "7.1"},
    FaultRow{Fault::never_ends, "never-ends", "RFC 6455 §7.1.1", "leaves the end of TCP to the client, for ever", "7.8"},
};
// clang-format on

constexpr bool in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<std::size_t>(rows[i].fault) != i) return false;
  }
  return rows.size() == static_cast<std::size_t>(Fault::never_ends) + 1;
}
static_assert(in_order(), "a row for each fault, in the order of the enumerators");

}  // namespace

std::span<const FaultRow> faults() {
  return rows;
}

std::optional<Fault> find_fault(std::string_view name) {
  for (const FaultRow& row : rows) {
    if (row.name == name) return row.fault;
  }
  return std::nullopt;
}

}  // namespace hilo::tools::broken
