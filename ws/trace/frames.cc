// SPDX-License-Identifier: MIT

#include "ws/trace/frames.h"

#include <algorithm>
#include <utility>

#include "ws/core/mask.h"
#include "ws/trace/text.h"

namespace hilo::trace {
namespace {

constexpr std::string_view framing = "RFC 6455 §5.2";
constexpr std::string_view reads_headers = "ws/core/frame.cc parse_header";
constexpr std::string_view reads_closes = "ws/core/session.cc finish_close";

std::string_view name_of(ws::Opcode opcode) {
  switch (opcode) {
    case ws::Opcode::continuation: return "continuation";
    case ws::Opcode::text: return "text";
    case ws::Opcode::binary: return "binary";
    case ws::Opcode::close: return "close";
    case ws::Opcode::ping: return "ping";
    case ws::Opcode::pong: return "pong";
  }
  return "reserved";
}

std::string bit(bool on, std::string_view meaning) {
  return std::string(on ? "1" : "0") + (meaning.empty() ? "" : "  ") + std::string(meaning);
}

std::string opcode_text(ws::Opcode opcode) {
  constexpr char digits[] = "0123456789abcdef";
  return std::string("0x") + digits[static_cast<std::uint8_t>(opcode) & 15] + "  " +
         std::string(name_of(opcode));
}

std::string length7_text(std::uint8_t length7) {
  if (length7 == 126) return "126  the next 16 bits are the length";
  if (length7 == 127) return "127  the next 64 bits are the length";
  return std::to_string(length7);
}

}  // namespace

void FrameReader::feed(Bytes bytes, std::uint64_t offset) {
  while (!failed_ && !bytes.empty()) {
    const bool header_complete = header_.progress == ws::HeaderProgress::complete;
    const std::size_t taken = header_complete ? take_payload(bytes) : take_header(bytes, offset);
    bytes = bytes.subspan(taken);
    offset += taken;
    if (header_.progress == ws::HeaderProgress::complete && !failed_ &&
        payload_come_ == header_.payload_bytes) {
      end_frame();
    }
  }
}

std::size_t FrameReader::take_header(Bytes bytes, std::uint64_t offset) {
  if (header_bytes_ == 0) begin_ = offset;
  constexpr std::uint64_t any_size = UINT64_MAX >> 1;
  const ws::FrameRules rules{
      .role = direction_ == Direction::to_server ? ws::Role::server : ws::Role::client,
      .in_message = in_message_,
      .payload_bytes_max = any_size,
      .may_compress = options_.deflate,
      .compressed_bytes_max = any_size};
  std::size_t taken = 0;
  while (taken < bytes.size() && header_.progress != ws::HeaderProgress::complete && !failed_) {
    carry_[header_bytes_++] = bytes[taken++];
    header_ = ws::parse_header(Bytes(carry_).first(header_bytes_));
    const ws::Errc error = ws::check_header(header_, rules);
    if (error == ws::Errc::none) continue;
    tell_header();
    fail(error, bytes_at(begin_, header_bytes_));
  }
  return taken;
}

std::size_t FrameReader::take_payload(Bytes bytes) {
  const std::uint64_t missing = header_.payload_bytes - payload_come_;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(missing, bytes.size()));
  const std::size_t room = options_.message_bytes_max - payload_.size();
  const std::size_t kept = std::min(size, room);
  const std::size_t old = payload_.size();
  payload_.insert(payload_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(kept));
  if (header_.masked) {
    ws::mask(MutableBytes(payload_).subspan(old), header_.key,
             static_cast<std::size_t>(payload_come_ & 3));
  }
  payload_come_ += size;
  return size;
}

Place FrameReader::payload_place() const noexcept {
  return bytes_at(begin_ + header_.header_bytes, header_.payload_bytes);
}

void FrameReader::tell_bits(std::uint64_t bit, std::uint64_t bits, std::string_view name,
                            std::string value, std::string_view section, std::string_view source) {
  (*sink_)({.direction = direction_,
            .layer = Layer::frame,
            .depth = 1,
            .place = {.bit = begin_ * 8 + bit, .bits = bits},
            .name = name,
            .value = std::move(value),
            .section = section,
            .source = source.empty() ? reads_headers : source});
}

// As much of it as has come.
void FrameReader::tell_header() {
  const bool whole = header_.progress == ws::HeaderProgress::complete;
  const std::uint64_t size = header_bytes_ + payload_come_;
  (*sink_)({.direction = direction_,
            .layer = Layer::frame,
            .place = bytes_at(begin_, size),
            .name = name_of(header_.opcode),
            .value = whole ? counted_bytes(header_.payload_bytes) + " of payload" : std::string(),
            .section = framing,
            .source = reads_headers});
  tell_bits(
      0, 1, "FIN",
      bit(header_.final, header_.final ? "the last frame of its message" : "more frames follow"),
      framing);
  const bool compressed = (header_.rsv & ws::rsv1) != 0;
  tell_bits(1, 1, "RSV1",
            bit(compressed, compressed && options_.deflate ? "the message is compressed" : ""),
            options_.deflate ? "RFC 7692 §6" : framing);
  tell_bits(2, 1, "RSV2", bit((header_.rsv & 2) != 0, ""), framing);
  tell_bits(3, 1, "RSV3", bit((header_.rsv & 1) != 0, ""), framing);
  tell_bits(4, 4, "opcode", opcode_text(header_.opcode), framing);
  if (header_bytes_ < 2) return;
  tell_bits(8, 1, "MASK", bit(header_.masked, header_.masked ? "a key follows" : "not masked"),
            "RFC 6455 §5.1");
  tell_bits(9, 7, "length", length7_text(header_.length7), framing);
  if (header_.progress < ws::HeaderProgress::length) return;
  const std::uint64_t extended = header_.length7 == 126 ? 16 : header_.length7 == 127 ? 64 : 0;
  if (extended != 0) {
    tell_bits(16, extended, "extended length", std::to_string(header_.payload_bytes), framing);
  }
  if (whole && header_.masked) {
    tell_bits(16 + extended, 32, "masking key", hexadecimal(header_.key), "RFC 6455 §5.3");
  }
}

void FrameReader::tell_payload() {
  if (payload_come_ == 0) return;
  const bool compressed =
      (header_.rsv & ws::rsv1) != 0 || (compressed_ && !ws::is_control(header_.opcode));
  const bool readable =
      header_.opcode != ws::Opcode::binary && !compressed && ws::utf8_valid(payload_);
  (*sink_)({.direction = direction_,
            .layer = Layer::frame,
            .depth = 1,
            .place = bytes_at(begin_ + header_.header_bytes, payload_come_),
            .name = header_.masked ? "payload, unmasked" : "payload",
            .value = readable ? in_quotes(as_text(Bytes(payload_))) : hexadecimal(payload_),
            .section = "RFC 6455 §5.3",
            .source = header_.masked ? "ws/core/mask.h mask" : std::string_view()});
}

void FrameReader::end() {
  if (failed_ || header_bytes_ == 0) return;
  tell_header();
  tell_payload();
}

void FrameReader::end_frame() {
  tell_header();
  tell_payload();
  if (header_.opcode == ws::Opcode::close) tell_close();
  if (!ws::is_control(header_.opcode)) end_data_frame();
  header_ = {};
  header_bytes_ = 0;
  payload_come_ = 0;
  payload_.clear();
}

void FrameReader::end_data_frame() {
  if (header_.opcode != ws::Opcode::continuation) {
    in_message_ = true;
    text_ = header_.opcode == ws::Opcode::text;
    compressed_ = (header_.rsv & ws::rsv1) != 0;
    text_is_kept_ = text_ && !compressed_;
    utf8_.reset();
  }
  ++fragments_;
  message_bytes_ += header_.payload_bytes;
  const std::size_t room = options_.message_bytes_max - message_.size();
  const auto end = payload_.begin() + static_cast<std::ptrdiff_t>(std::min(room, payload_.size()));
  message_.insert(message_.end(), payload_.begin(), end);
  text_is_kept_ = text_is_kept_ && payload_.size() == header_.payload_bytes;
  if (text_is_kept_ && (!utf8_.feed(payload_) || (header_.final && !utf8_.complete()))) {
    return fail(ws::Errc::text_not_utf8, payload_place());
  }
  if (!header_.final) return;
  in_message_ = false;
  const bool goes_on = on_message_({.text = text_,
                                    .compressed = compressed_,
                                    .bytes = message_bytes_,
                                    .content = message_,
                                    .place = fragments_ == 1 ? payload_place() : Place{}});
  failed_ = failed_ || !goes_on;
  compressed_ = false;
  message_.clear();
  message_bytes_ = 0;
  fragments_ = 0;
}

// §5.5.1: two bytes of code, and a reason.
void FrameReader::tell_close() {
  if (payload_.empty()) return;
  if (payload_.size() == 1) return fail(ws::Errc::close_length, payload_place());
  const auto code = static_cast<std::uint16_t>(payload_[0] << 8 | payload_[1]);
  const std::uint64_t at = header_.header_bytes * std::uint64_t{8};
  tell_bits(at, 16, "code", std::to_string(code), "RFC 6455 §7.4", reads_closes);
  if (!ws::is_wire_close_code(code)) {
    return fail(ws::Errc::close_code, bytes_at(begin_ + header_.header_bytes, 2));
  }
  const Bytes reason = Bytes(payload_).subspan(2);
  if (reason.empty()) return;
  tell_bits(at + 16, reason.size() * 8, "reason", in_quotes(as_text(reason)), "RFC 6455 §7.1.6",
            reads_closes);
  if (!ws::utf8_valid(reason)) {
    fail(ws::Errc::close_reason_not_utf8,
         bytes_at(begin_ + header_.header_bytes + 2u, reason.size()));
  }
}

void FrameReader::fail(ws::Errc error, Place place) {
  failed_ = true;
  (*sink_)({.direction = direction_,
            .layer = Layer::frame,
            .depth = 1,
            .place = place,
            .name = "broken rule",
            .value = {},
            .section = {},
            .source = "ws/core/error.cc",
            .fault = fault_of(error)});
}

}  // namespace hilo::trace
