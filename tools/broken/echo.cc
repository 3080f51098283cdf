// SPDX-License-Identifier: MIT

#include "tools/broken/echo.h"

#include <algorithm>

#include "tools/broken/answer.h"
#include "tools/broken/frame_rules.h"
#include "ws/core/utf8.h"

namespace hilo::tools::broken {

using ws::Errc;
using ws::FrameHeader;
using ws::HeaderProgress;
using ws::Opcode;

namespace {

// Odd, so that no header of a frame makes every cut fall where the key begins anew by itself.
constexpr std::size_t part_bytes_max = 31;

}  // namespace

Echo::Echo(Fault fault, const std::optional<ws::DeflateParameters>& deflate)
    : fault_(fault), speech_(fault), message_(fault) {
  if (!deflate) return;
  contexts_.emplace(deflate_options(fault), ws::DeflateMemory::unlimited, counters_);
  compression_ = contexts_->make(ws::Role::server, *deflate);
}

void Echo::take(std::string_view bytes) {
  // Where little processor time is left, segments that were sent apart are received as one.
  const std::size_t part = fault_ == Fault::mask_restarts ? part_bytes_max : bytes.size();
  do {
    input_ += bytes.substr(0, part);
    bytes.remove_prefix(std::min(part, bytes.size()));
    while (!deaf_ && !is_over() && read_frame()) {
    }
  } while (!bytes.empty());
  if (deaf_ || is_over()) input_.clear();
}

// One frame, if all of it is there. What is wrong is told as soon as its header shows it.
bool Echo::read_frame() {
  const FrameHeader header = understood(fault_, ws::parse_header(as_bytes(input_)));
  if (header.progress == HeaderProgress::nothing) return false;
  const Errc error = judge(fault_, header,
                           {.role = ws::Role::server,
                            .in_message = message_.unfinished(),
                            .payload_bytes_max = message_.room(),
                            .may_compress = compression_ != nullptr,
                            .compressed_bytes_max = message_bytes_max + message_bytes_max / 8});
  if (error != Errc::none) {
    fail(error);
    return false;
  }
  if (header.progress != HeaderProgress::complete) return false;
  if (input_.size() - header.header_bytes < header.payload_bytes) {
    cuts_.push_back(input_.size() - header.header_bytes);
    return false;
  }
  const auto bytes = static_cast<std::size_t>(header.payload_bytes);
  const std::string payload = unmask(header, bytes);
  input_.erase(0, header.header_bytes + bytes);
  cuts_.clear();
  take_frame(header, payload);
  return true;
}

std::string Echo::unmask(const FrameHeader& header, std::size_t bytes) {
  std::string payload = input_.substr(header.header_bytes, bytes);
  if (!header.masked) return payload;
  ws::MaskKey key = header.key;
  if (!ws::is_control(header.opcode)) {
    if (header.opcode != Opcode::continuation) first_key_ = header.key;
    if (fault_ == Fault::first_key_for_all) key = first_key_;
  }
  std::size_t begin = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    if (fault_ == Fault::mask_restarts && std::find(cuts_.begin(), cuts_.end(), i) != cuts_.end()) {
      begin = i;
    }
    payload[i] = static_cast<char>(static_cast<std::uint8_t>(payload[i]) ^ key[(i - begin) % 4]);
  }
  return payload;
}

void Echo::take_frame(const FrameHeader& header, const std::string& payload) {
  switch (header.opcode) {
    case Opcode::continuation:
    case Opcode::text:
    case Opcode::binary: return take_data(header, payload);
    case Opcode::ping: return take_ping(payload);
    case Opcode::pong:
      if (fault_ == Fault::pong_for_pong) speech_.pong(payload);
      return;
    case Opcode::close: return take_close(payload);
  }
  // Only a server that passes over reserved opcodes comes here.
}

void Echo::take_data(const FrameHeader& header, const std::string& payload) {
  if (const Errc error = message_.add(header, payload, compression_.get()); error != Errc::none) {
    return fail(error);
  }
  if (message_.unfinished()) return;
  speech_.message(message_.opcode(), message_.text(), compression_.get());
  for (const std::string& late : late_pongs_) speech_.pong(late);
  late_pongs_.clear();
}

void Echo::take_ping(const std::string& payload) {
  if (fault_ == Fault::no_pong) return;
  if (fault_ == Fault::late_pong && message_.unfinished()) return late_pongs_.push_back(payload);
  speech_.pong(payload);
}

void Echo::take_close(std::string_view body) {
  if (const Errc error = judge_close(body); error != Errc::none) return fail(error);
  deaf_ = true;
  if (fault_ == Fault::no_close_echo) return;
  std::uint16_t code = body.size() < 2 ? 0 : load_be16(as_bytes(body).data());
  // A code that it takes and must not send: one mistake is enough.
  if (code != 0 && !ws::is_wire_close_code(code)) code = 1000;
  if (fault_ != Fault::ends_without_close) speech_.close(code);
  is_over_ = true;
}

Errc Echo::judge_close(std::string_view body) const {
  if (body.size() == 1 && fault_ != Fault::accepts_close_of_one_byte) return Errc::close_length;
  if (body.size() < 2) return Errc::none;
  const std::uint16_t code = load_be16(as_bytes(body).data());
  if (!ws::is_wire_close_code(code) && fault_ != Fault::accepts_any_close_code) {
    return Errc::close_code;
  }
  const bool is_text = ws::utf8_valid(as_bytes(body.substr(2)));
  return is_text || fault_ == Fault::accepts_any_reason ? Errc::none : Errc::close_reason_not_utf8;
}

void Echo::fail(Errc error) {
  speech_.fail(static_cast<std::uint16_t>(ws::close_code_for(error)));
  deaf_ = true;
  is_over_ = true;
}

}  // namespace hilo::tools::broken
