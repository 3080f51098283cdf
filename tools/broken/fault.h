// SPDX-License-Identifier: MIT
//
// Fault: one rule that a server can be made to break, so that whoever tests servers can be tested.
//
// The table in fault.cc has a row for each: what it is called, which rule it breaks, where the rule
// stands, and which cases of `hilo conform` find it. The server is right in everything else; with
// Fault::nothing it is right altogether. The faults are planted where they belong:
//
//   request.cc    what a handshake may ask            message.cc   what a message may be
//   answer.cc     what the 101 says                   echo.cc      how a connection goes on and
//   ends frame_rules   what a frame may look like          speech.cc    what the server sends

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hilo::tools::broken {

enum class Fault : std::uint8_t {
  nothing,

  // The request of the opening handshake is taken although...
  any_method,
  any_http_version,
  no_host,
  two_hosts,
  no_upgrade,
  no_connection,
  no_key,
  any_key,
  any_version,
  space_before_colon,
  any_extension_grammar,
  any_deflate_offer,

  // The 101, and the refusal.
  wrong_accept,
  missing_accept,
  status_200,
  http_1_0,
  missing_upgrade,
  missing_connection,
  unasked_subprotocol,
  subprotocol_in_capitals,
  every_subprotocol,
  unasked_extension,
  version_not_named,
  deflate_bits_unasked,
  deflate_bits_too_many,
  deflate_takeover_kept,
  deflate_twice,

  // Frames that are read although...
  accepts_unmasked,
  accepts_rsv,
  accepts_rsv1_anywhere,
  accepts_reserved_opcode,
  accepts_long_control,
  accepts_fragmented_control,
  accepts_long_form,
  accepts_top_bit,
  accepts_orphan,
  accepts_new_start,
  // ... or read wrongly.
  length_of_16_bits,
  length_of_32_bits,
  first_key_for_all,
  mask_restarts,

  // Messages.
  loses_fragment,
  loses_glued,
  no_utf8,
  late_utf8,
  utf8_by_frame,
  utf8_in_binary,
  accepts_surrogates,
  accepts_overlong,
  no_utf8_inflated,
  accepts_broken_deflate,
  forgets_context,

  // What is sent.
  masks,
  sends_rsv,
  sends_reserved_opcode,
  sends_long_form,
  sends_16_bits,
  sends_binary_for_text,
  sends_bad_utf8,
  sends_no_final,
  sends_new_start,
  sends_orphan,
  sends_fragmented_control,
  sends_long_control,
  sends_half_a_frame,
  compresses_without_bit,
  compresses_with_bit_twice,
  compresses_in_wide_window,
  compresses_with_old_context,

  // Pings.
  no_pong,
  other_pong,
  late_pong,
  pong_for_pong,

  // The closing handshake.
  no_close_echo,
  ends_without_close,
  other_close_code,
  accepts_any_close_code,
  accepts_close_of_one_byte,
  accepts_any_reason,
  closes_with_1005,
  closes_with_1011,
  closes_with_one_byte,
  closes_with_bad_reason,
  closes_silently,
  closes_twice,
  sends_after_close,
  never_ends,
};

struct FaultRow {
  Fault fault;
  std::string_view name;     // "accepts-unmasked"
  std::string_view section;  // "RFC 6455 §5.1"
  std::string_view rule;     // what it does that it must not, in one line
  std::string_view cases;    // of hilo conform, separated by spaces: where it shows
};

// In the order of the enumerators.
std::span<const FaultRow> faults();
std::optional<Fault> find_fault(std::string_view name);

}  // namespace hilo::tools::broken
