// SPDX-License-Identifier: MIT

#include "tools/broken/message.h"

#include "net/base/buffer.h"
#include "net/base/pool.h"
#include "ws/core/utf8.h"

namespace hilo::tools::broken {
namespace {

using ws::Errc;

// The text with what is overlooked in it replaced by what is right, byte for byte.
std::string mended(Fault fault, std::string_view text) {
  std::string copy{text};
  for (std::size_t i = 0; i + 1 < copy.size(); ++i) {
    const auto lead = static_cast<std::uint8_t>(copy[i]);
    const auto next = static_cast<std::uint8_t>(copy[i + 1]);
    if (fault == Fault::accepts_surrogates && lead == 0xED && next >= 0xA0) {
      copy[i] = static_cast<char>(0xEE);
    }
    if (fault != Fault::accepts_overlong) continue;
    if (lead == 0xC0 || lead == 0xC1) copy[i] = static_cast<char>(0xC2);
    if ((lead == 0xE0 && next < 0xA0) || (lead == 0xF0 && next < 0x90)) {
      copy[i] = static_cast<char>(lead + 1);
    }
  }
  return copy;
}

}  // namespace

Errc Message::add(const ws::FrameHeader& header, std::string_view payload,
                  ws::Compression* compression) {
  if (header.opcode != ws::Opcode::continuation || !unfinished_) {
    // A continuation of nothing comes here only if that is the fault.
    opcode_ = header.opcode == ws::Opcode::continuation ? ws::Opcode::text : header.opcode;
    compressed_ = compression != nullptr && (header.rsv & ws::rsv1) != 0;
    text_.clear();
  } else if (fault_ == Fault::loses_fragment && !header.final) {
    return Errc::none;
  }
  text_ += payload;
  unfinished_ = !header.final;
  if (!compressed_ && !is_text_so_far(payload, header.final)) return Errc::text_not_utf8;
  return header.final ? finish(compression) : Errc::none;
}

Errc Message::finish(ws::Compression* compression) {
  if (!compressed_) return Errc::none;
  if (const Errc error = inflate(*compression); error != Errc::none) return error;
  if (fault_ == Fault::no_utf8_inflated) return Errc::none;
  return is_text_so_far(text_, true) ? Errc::none : Errc::text_not_utf8;
}

Errc Message::inflate(ws::Compression& compression) {
  Pool pool;
  Buffer whole{pool};
  const Errc error = compression.expand(
      as_bytes(text_), {.message_bytes_max = message_bytes_max, .inflate_ratio_max = 0}, whole);
  text_ = as_text(whole.readable());
  const bool broken = error == Errc::inflate_data || error == Errc::inflate_cut;
  return broken && fault_ == Fault::accepts_broken_deflate ? Errc::none : error;
}

bool Message::is_text_so_far(std::string_view piece, bool final) const {
  if (opcode_ == ws::Opcode::binary && fault_ != Fault::utf8_in_binary) return true;
  if (fault_ == Fault::no_utf8) return true;
  if (fault_ == Fault::late_utf8 && !final) return true;
  if (fault_ == Fault::utf8_by_frame) return ws::utf8_valid(as_bytes(piece));
  ws::Utf8Validator validator;
  return validator.feed(as_bytes(mended(fault_, text_))) && (!final || validator.complete());
}

}  // namespace hilo::tools::broken
