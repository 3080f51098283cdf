// SPDX-License-Identifier: MIT

#include "ws/core/frame.h"

#include <algorithm>

namespace hilo::ws {

static_assert(frame_header_bytes_max == 2 + 8 + sizeof(MaskKey));
static_assert(control_payload_bytes_max < 126, "a control frame needs no extended length");

namespace {

std::size_t extended_length_bytes(std::uint8_t length7) noexcept {
  if (length7 == 126) return 2;
  if (length7 == 127) return 8;
  return 0;
}

Errc check_first_byte(const FrameHeader& header, const FrameRules& rules) noexcept {
  // §5.2: RSV1-3 "MUST be 0 unless an extension is negotiated". RFC 7692 §6.1: with it RSV1 may be
  // set "in the first fragment of a message", and not in control frames.
  const bool begins_message = header.opcode == Opcode::text || header.opcode == Opcode::binary;
  const unsigned allowed = rules.may_compress && begins_message ? rsv1 : 0U;
  if ((header.rsv & ~allowed) != 0) return Errc::frame_rsv;
  // §5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail_".
  if (is_reserved(header.opcode)) return Errc::frame_opcode;
  if (is_control(header.opcode)) {
    // §5.5: control frames "MUST NOT be fragmented".
    return header.final ? Errc::none : Errc::control_fragmented;
  }
  // §5.4: fragments of one message follow each other; only control frames come between.
  const bool continues = header.opcode == Opcode::continuation;
  if (continues && !rules.in_message) return Errc::continuation_unexpected;
  if (!continues && rules.in_message) return Errc::continuation_expected;
  return Errc::none;
}

Errc check_second_byte(const FrameHeader& header, const FrameRules& rules) noexcept {
  // §5.1: a client masks every frame, a server none.
  if (rules.role == Role::server && !header.masked) return Errc::frame_unmasked;
  if (rules.role == Role::client && header.masked) return Errc::frame_masked;
  // §5.5: control frames carry 125 bytes at most.
  if (is_control(header.opcode) && header.length7 > control_payload_bytes_max) {
    return Errc::control_too_long;
  }
  return Errc::none;
}

Errc check_length(const FrameHeader& header, const FrameRules& rules) noexcept {
  // §5.2: "the minimal number of bytes MUST be used to encode the length".
  if (header.length7 == 126 && header.payload_bytes < 126) return Errc::frame_length_not_minimal;
  if (header.length7 == 127 && header.payload_bytes <= 0xFFFF) {
    return Errc::frame_length_not_minimal;
  }
  // §5.2: "the most significant bit MUST be 0".
  if (header.payload_bytes >> 63 != 0) return Errc::frame_length_msb;
  const std::uint64_t bytes_max =
      header.rsv == rsv1 ? rules.compressed_bytes_max : rules.payload_bytes_max;
  if (!is_control(header.opcode) && header.payload_bytes > bytes_max) {
    return Errc::message_too_big;
  }
  return Errc::none;
}

}  // namespace

FrameHeader parse_header(Bytes bytes) noexcept {
  FrameHeader header;
  if (bytes.empty()) return header;
  header.progress = HeaderProgress::first_byte;
  header.final = (bytes[0] & 0x80) != 0;
  header.rsv = (bytes[0] >> 4) & 0x7;
  header.opcode = static_cast<Opcode>(bytes[0] & 0xF);
  if (bytes.size() < 2) return header;

  header.progress = HeaderProgress::second_byte;
  header.masked = (bytes[1] & 0x80) != 0;
  header.length7 = bytes[1] & 0x7F;
  const std::size_t extended = extended_length_bytes(header.length7);
  const std::size_t mask_bytes = header.masked ? sizeof(MaskKey) : 0;
  header.header_bytes = static_cast<std::uint8_t>(2 + extended + mask_bytes);
  if (bytes.size() < 2 + extended) return header;

  header.progress = HeaderProgress::length;
  switch (extended) {
    case 0: header.payload_bytes = header.length7; break;
    case 2: header.payload_bytes = load_be16(&bytes[2]); break;
    case 8: header.payload_bytes = load_be64(&bytes[2]); break;
  }
  if (bytes.size() < header.header_bytes) return header;

  header.progress = HeaderProgress::complete;
  if (header.masked) {
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(2 + extended), sizeof(MaskKey),
                header.key.begin());
  }
  return header;
}

Errc check_header(const FrameHeader& header, const FrameRules& rules) noexcept {
  Errc error = Errc::none;
  switch (header.progress) {
    case HeaderProgress::nothing: return Errc::none;
    case HeaderProgress::first_byte: return check_first_byte(header, rules);
    case HeaderProgress::second_byte:
      error = check_first_byte(header, rules);
      return error != Errc::none ? error : check_second_byte(header, rules);
    case HeaderProgress::length:
    case HeaderProgress::complete:
      error = check_first_byte(header, rules);
      if (error == Errc::none) error = check_second_byte(header, rules);
      return error != Errc::none ? error : check_length(header, rules);
  }
  return error;
}

std::size_t write_header(std::uint8_t* to, Opcode opcode, bool final, std::uint64_t payload_bytes,
                         const MaskKey* key) noexcept {
  to[0] = static_cast<std::uint8_t>((final ? 0x80 : 0) | static_cast<std::uint8_t>(opcode));
  const auto mask_bit = static_cast<std::uint8_t>(key != nullptr ? 0x80 : 0);
  std::size_t size = 2;
  if (payload_bytes < 126) {
    to[1] = static_cast<std::uint8_t>(mask_bit | payload_bytes);
  } else if (payload_bytes <= 0xFFFF) {
    to[1] = mask_bit | 126;
    store_be16(to + 2, static_cast<std::uint16_t>(payload_bytes));
    size += 2;
  } else {
    to[1] = mask_bit | 127;
    store_be64(to + 2, payload_bytes);
    size += 8;
  }
  if (key != nullptr) {
    std::copy(key->begin(), key->end(), to + size);
    size += sizeof(MaskKey);
  }
  return size;
}

}  // namespace hilo::ws
