// SPDX-License-Identifier: MIT
//
// Hixie76Reader: a conversation of draft 76 (hixie76.h), explained: the numbers in the keys, the
// digest of the challenge, the frames.
//
//   memory  what is unfinished, of message_bytes_max at most
//   thread  one at a time

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/base/bytes.h"
#include "ws/core/http_fields.h"
#include "ws/trace/hixie76.h"
#include "ws/trace/part.h"

namespace hilo::trace {

class Hixie76Reader {
 public:
  Hixie76Reader(PartSink& sink, std::size_t message_bytes_max)
      : sink_(&sink), message_bytes_max_(message_bytes_max) {}

  // Tells what the keys of a request hide.
  void begin(const ws::Fields& fields);
  // What stands behind the head of that direction. `offset`: where, in its stream.
  void feed(Direction direction, Bytes bytes, std::uint64_t offset);
  bool unfinished(Direction direction) const noexcept { return !side(direction).kept.empty(); }

 private:
  struct Side {
    std::vector<std::uint8_t> kept;
    std::size_t told = 0;       // of it
    std::size_t looked_at = 0;  // of what follows, in vain
    std::uint64_t begin = 0;    // where that stands
    bool in_frames = false;
    bool failed = false;
  };
  const Side& side(Direction direction) const noexcept {
    return sides_[static_cast<std::size_t>(direction)];
  }

  void tell_key(std::string_view name, std::string_view key, std::optional<std::uint32_t>& number);
  bool take_challenge(Side& side, Direction direction);
  bool take_frame(Side& side, Direction direction);
  void fail_too_long(Side& side, Direction direction);
  void tell(Direction direction, Layer layer, std::uint8_t depth, Place place,
            std::string_view name, std::string value, std::string_view section);

  PartSink* sink_;
  std::size_t message_bytes_max_;
  std::array<Side, 2> sides_;
  std::optional<std::uint32_t> number1_;
  std::optional<std::uint32_t> number2_;
  std::optional<hixie76::Answer> answer_;
};

}  // namespace hilo::trace
