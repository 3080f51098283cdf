// SPDX-License-Identifier: MIT
//
// The slow twin of Session: decodes a whole stream in one function, straight from the text of
// RFC 6455, with nothing carried, cut, viewed or vectorised. Receives only; it never closes first.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/support/session_feed.h"

namespace hilo::test {

// What a text says so far, by the table of RFC 3629 §4.
enum class Utf8 : std::uint8_t { whole, cut, wrong };

inline Utf8 reference_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<std::uint8_t>(text[i++]);
    if (lead < 0x80) continue;
    if (lead < 0xC2 || lead > 0xF4) return Utf8::wrong;
    const int tails = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    for (int tail = 0; tail < tails; ++tail) {
      if (i == text.size()) return Utf8::cut;
      const auto byte = static_cast<std::uint8_t>(text[i++]);
      const int low = tail > 0 ? 0x80 : lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
      const int high = tail > 0 ? 0xBF : lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
      if (byte < low || byte > high) return Utf8::wrong;
    }
  }
  return Utf8::whole;
}

class ReferenceSession {
 public:
  ReferenceSession(ws::Role role, const ws::MessageLimits& limits,
                   const std::optional<ws::DeflateParameters>& deflate)
      : role_(role), limits_(limits) {
    if (deflate) compression_ = contexts_.make(role, *deflate);
  }

  Transcript run(std::string_view stream) {
    while (!stream.empty() && !said_.wants_transport_close) {
      const std::size_t used = frame(stream);
      if (used == 0) break;
      stream.remove_prefix(used);
    }
    said_.unfinished = !said_.wants_transport_close && (!stream.empty() || in_message_);
    return said_;
  }

 private:
  // One frame; how long it was, or 0 if it is cut or ended the session.
  std::size_t frame(std::string_view in) {
    const auto byte = [&in](std::size_t i) { return static_cast<std::uint8_t>(in[i]); };
    const bool final = byte(0) >= 0x80;
    const unsigned number = byte(0) & 15;
    const bool control = number >= 8;
    const bool may_begin = compression_ && (number == 1 || number == 2);
    if ((byte(0) & (may_begin ? 0x30 : 0x70)) != 0) return fail(ws::Errc::frame_rsv);
    if ((number > 2 && number < 8) || number > 10) return fail(ws::Errc::frame_opcode);
    if (control && !final) return fail(ws::Errc::control_fragmented);
    if (number == 0 && !in_message_) return fail(ws::Errc::continuation_unexpected);
    if ((number == 1 || number == 2) && in_message_) return fail(ws::Errc::continuation_expected);
    if (in.size() < 2) return 0;

    const bool has_key = byte(1) >= 0x80;
    std::uint64_t length = byte(1) & 127;
    if (role_ == ws::Role::server && !has_key) return fail(ws::Errc::frame_unmasked);
    if (role_ == ws::Role::client && has_key) return fail(ws::Errc::frame_masked);
    if (control && length > 125) return fail(ws::Errc::control_too_long);
    const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (in.size() < 2 + extended) return 0;
    if (extended != 0) {
      length = 0;
      for (std::size_t i = 0; i < extended; ++i) length = length * 256 + byte(2 + i);
      if (length < 126 || (extended == 8 && length < 65536)) {
        return fail(ws::Errc::frame_length_not_minimal);
      }
      if (length >= std::uint64_t{1} << 63) return fail(ws::Errc::frame_length_msb);
    }
    if (number == 1 || number == 2) compressed_ = (byte(0) & 0x40) != 0;
    const std::size_t bytes_max =
        compressed_ ? limits_.compressed_bytes_max() : limits_.message_bytes_max;
    if (!control && length > bytes_max - message_.size()) {
      return fail(ws::Errc::message_too_big);
    }
    const std::size_t header = 2 + extended + (has_key ? 4 : 0);
    if (in.size() < header) return 0;

    std::string payload(in.substr(header, static_cast<std::size_t>(length)));
    if (has_key)
      payload =
          masked(payload, {byte(header - 4), byte(header - 3), byte(header - 2), byte(header - 1)});
    const bool whole = payload.size() == length;
    const bool goes_on = control ? (!whole || take_control(number, payload))
                                 : take_data(number, final, whole, payload);
    return goes_on && whole ? header + payload.size() : 0;
  }

  bool take_data(unsigned number, bool final, bool whole, const std::string& payload) {
    if (number != 0) {
      opcode_ = static_cast<ws::Opcode>(number);
      fragments_ = 0;
    }
    ++fragments_;
    const std::size_t budget =
        limits_.fragments_base + message_.size() / limits_.bytes_per_fragment;
    if (fragments_ > 1 && fragments_ > budget) return fail(ws::Errc::fragment_budget);
    message_ += payload;
    if (compressed_) return take_compressed(final, whole);
    const Utf8 text = opcode_ == ws::Opcode::text ? reference_utf8(message_) : Utf8::whole;
    if (text == Utf8::wrong) return fail(ws::Errc::text_not_utf8);
    if (!whole) return true;
    in_message_ = !final;
    if (!final) return true;
    if (text == Utf8::cut) return fail(ws::Errc::text_not_utf8);
    said_.events.push_back(seen_message(opcode_, message_));
    message_.clear();
    return true;
  }

  bool take_compressed(bool final, bool whole) {
    if (!whole) return true;
    in_message_ = !final;
    if (!final) return true;
    Pool pool;
    Buffer out(pool);
    const ws::Errc error = compression_->expand(as_bytes(message_), limits_, out);
    if (error != ws::Errc::none) return fail(error);
    message_.assign(as_text(std::as_const(out).readable()));
    if (opcode_ == ws::Opcode::text && reference_utf8(message_) != Utf8::whole) {
      return fail(ws::Errc::text_not_utf8);
    }
    said_.events.push_back(seen_message(opcode_, message_));
    message_.clear();
    return true;
  }

  bool take_control(unsigned number, const std::string& payload) {
    if (number == 9) {
      said_.events.push_back(seen_ping(payload));
      said_.replies += plain_frame(0x8A, payload);
    }
    if (number == 10) said_.events.push_back(seen_pong(payload));
    return number != 8 || take_close(payload);
  }

  bool take_close(const std::string& payload) {
    unsigned code = 1005;
    if (payload.size() == 1) return fail(ws::Errc::close_length);
    if (payload.size() >= 2) {
      code = static_cast<std::uint8_t>(payload[0]) * 256U + static_cast<std::uint8_t>(payload[1]);
      const bool named =
          code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
      if (!named && (code < 3000 || code > 4999)) return fail(ws::Errc::close_code);
      if (reference_utf8(payload.substr(2)) != Utf8::whole) {
        return fail(ws::Errc::close_reason_not_utf8);
      }
    }
    said_.events.push_back(
        seen_close(static_cast<ws::CloseCode>(code), payload.size() > 2 ? payload.substr(2) : ""));
    said_.replies += plain_frame(0x88, payload.substr(0, 2));
    said_.wants_transport_close = true;
    return false;
  }

  bool fail(ws::Errc error) {
    said_.events.push_back(seen_failure(error));
    const auto code = static_cast<unsigned>(ws::close_code_for(error));
    said_.replies += plain_frame(0x88, close_payload(code));
    said_.wants_transport_close = true;
    return false;
  }

  ws::Role role_;
  ws::MessageLimits limits_;
  ws::DeflateCounters counters_;
  ws::DeflateContexts contexts_{{.enabled = true}, ws::DeflateMemory::unlimited, counters_};
  ws::CompressionPointer compression_;
  bool compressed_ = false;
  Transcript said_;
  std::string message_;
  ws::Opcode opcode_ = ws::Opcode::binary;
  std::size_t fragments_ = 0;
  bool in_message_ = false;
};

inline Transcript reference(ws::Role role, const ws::MessageLimits& limits, std::string_view stream,
                            const std::optional<ws::DeflateParameters>& deflate = {}) {
  return ReferenceSession(role, limits, deflate).run(stream);
}

}  // namespace hilo::test
