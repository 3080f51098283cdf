// SPDX-License-Identifier: MIT

#include "ws/trace/hixie76_reader.h"

#include <algorithm>
#include <utility>

#include "ws/trace/text.h"

namespace hilo::trace {
namespace {

constexpr std::string_view handshake_section = "draft 76 §5.2";
constexpr std::string_view framing_section = "draft 76 §4.2";
constexpr std::string_view source_name = "ws/trace/hixie76.cc";

}  // namespace

void Hixie76Reader::tell(Direction direction, Layer layer, std::uint8_t depth, Place place,
                         std::string_view name, std::string value, std::string_view section) {
  (*sink_)({.direction = direction,
            .layer = layer,
            .depth = depth,
            .place = place,
            .name = name,
            .value = std::move(value),
            .section = section,
            .source = source_name});
}

void Hixie76Reader::tell_key(std::string_view name, std::string_view key,
                             std::optional<std::uint32_t>& number) {
  std::string digits;
  std::copy_if(key.begin(), key.end(), std::back_inserter(digits),
               [](char c) { return c >= '0' && c <= '9'; });
  const auto spaces = std::count(key.begin(), key.end(), ' ');
  number = hixie76::number_of(key);
  tell(Direction::to_server, Layer::handshake, 1, {}, name,
       digits + " / " + std::to_string(spaces) + " spaces = " +
           (number ? std::to_string(*number) : "no whole number of 32 bits: refused"),
       handshake_section);
}

void Hixie76Reader::begin(const ws::Fields& fields) {
  tell_key("key 1", fields.find("Sec-WebSocket-Key1").value_or(""), number1_);
  tell_key("key 2", fields.find("Sec-WebSocket-Key2").value_or(""), number2_);
}

void Hixie76Reader::feed(Direction direction, Bytes bytes, std::uint64_t offset) {
  Side& side = sides_[static_cast<std::size_t>(direction)];
  if (side.failed) return;
  if (side.kept.empty()) side.begin = offset;
  side.kept.insert(side.kept.end(), bytes.begin(), bytes.end());
  while (!side.failed && side.told < side.kept.size()) {
    if (!(side.in_frames ? take_frame(side, direction) : take_challenge(side, direction))) break;
  }
  side.kept.erase(side.kept.begin(), side.kept.begin() + static_cast<std::ptrdiff_t>(side.told));
  side.told = 0;
  if (!side.failed && side.kept.size() > message_bytes_max_) fail_too_long(side, direction);
  if (side.failed) side.kept.clear();
}

void Hixie76Reader::fail_too_long(Side& side, Direction direction) {
  side.failed = true;
  tell(direction, Layer::frame, 0, {}, "too long", "what follows is not told", framing_section);
}

// Eight bytes of the client's, or the sixteen that answer them.
bool Hixie76Reader::take_challenge(Side& side, Direction direction) {
  const bool asks = direction == Direction::to_server;
  const std::size_t size = asks ? hixie76::body_bytes : sizeof(hixie76::Answer);
  const Bytes rest = Bytes(side.kept).subspan(side.told);
  if (rest.size() < size) return false;
  const Bytes bytes = rest.first(size);
  tell(direction, Layer::handshake, asks ? 1 : 0, bytes_at(side.begin, size),
       asks ? "eight bytes" : "answer", in_quotes(as_text(bytes)), handshake_section);
  if (asks && number1_ && number2_) {
    std::array<std::uint8_t, hixie76::body_bytes> body;
    std::copy(bytes.begin(), bytes.end(), body.begin());
    answer_ = hixie76::answer_to(*number1_, *number2_, body);
    if (answer_) {
      tell(direction, Layer::handshake, 1, {}, "MD5 of both numbers and these",
           in_quotes(as_text(*answer_)), handshake_section);
    }
  }
  if (!asks && answer_ && !std::equal(bytes.begin(), bytes.end(), answer_->begin())) {
    tell(direction, Layer::handshake, 1, {}, "wrong", "it is not the digest of the challenge",
         handshake_section);
  }
  side.told += size;
  side.begin += size;
  side.in_frames = true;
  return true;
}

bool Hixie76Reader::take_frame(Side& side, Direction direction) {
  const Bytes rest = Bytes(side.kept).subspan(side.told);
  const hixie76::Frame frame = hixie76::read_frame(rest, side.looked_at);
  side.looked_at = frame.kind == hixie76::Frame::Kind::incomplete ? rest.size() : 0;
  const Place place = bytes_at(side.begin, frame.bytes);
  switch (frame.kind) {
    case hixie76::Frame::Kind::incomplete: return false;
    case hixie76::Frame::Kind::text:
      // As if its last byte had not come yet.
      if (frame.bytes - 1 > message_bytes_max_) {
        fail_too_long(side, direction);
        return false;
      }
      tell(direction, Layer::frame, 0, place, "text", "00 ... FF", framing_section);
      tell(direction, Layer::message, 0, bytes_at(side.begin + 1, frame.text.size()),
           "text message",
           std::to_string(frame.text.size()) + " bytes  " + in_quotes(as_text(frame.text)),
           framing_section);
      break;
    case hixie76::Frame::Kind::close:
      tell(direction, Layer::frame, 0, place, "close", "FF 00", framing_section);
      break;
    case hixie76::Frame::Kind::wrong:
      tell(direction, Layer::frame, 0, place, "wrong", "no frame of this draft", framing_section);
      side.failed = true;
      break;
  }
  side.told += frame.bytes;
  side.begin += frame.bytes;
  return true;
}

}  // namespace hilo::trace
