// SPDX-License-Identifier: MIT
//
// Forecast: what both sides will see of a frame that a tap dropped, put in or changed.
//
// It is worked out, and not looked up: a reader of frames (ws/trace/frames.h), which judges by the
// engine's own check_header and UTF-8 validator, is brought to where the receiver stands and given
// what will come to it. Where the outcome depends on what nobody knows yet, the forecast says on
// what.
//
// Pure functions of bytes, and of what both directions have said before.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "tools/tap/breaker.h"
#include "ws/core/deflate_negotiation.h"
#include "ws/core/frame.h"
#include "ws/core/utf8.h"
#include "ws/trace/part.h"

namespace hilo::tools::tap {

// Where the receiver of a direction stands, by the frames that have come to it.
struct Standing {
  bool in_message = false;  // of several frames, of which the last one has not come
  bool text = false;        // that message, or the last one
  bool compressed = false;
  bool closed = false;  // a Close has come
  bool lost = false;    // it has broken off, or reads frames where none begins
};

// What the two directions of a connection have said, by trace::Direction.
struct Standings {
  std::array<Standing, 2> by_direction;
  std::optional<ws::DeflateParameters> deflate = {};  // that was agreed on

  Standing& of(trace::Direction direction) noexcept {
    return by_direction[static_cast<std::size_t>(direction)];
  }
  const Standing& of(trace::Direction direction) const noexcept {
    return by_direction[static_cast<std::size_t>(direction)];
  }
};

// A frame has come to its receiver.
void take_frame(Standings& standings, trace::Direction direction, const ws::FrameHeader& header);
// Whatever these bytes are, they have come, where a frame may begin.
void take_bytes(Standings& standings, trace::Direction direction, Bytes bytes);

struct Forecast {
  std::string receiver;  // what it sees
  std::string sender;
  std::string_view section;  // that it stands in
};

// Whether a piece of a text begins and ends between two characters.
class CutFinder {
 public:
  void feed(Bytes piece) noexcept;
  bool begins_inside() const noexcept { return begins_inside_; }
  bool ends_inside() const noexcept { return !validator_.complete(); }

 private:
  bool begins_inside_ = false;
  bool began_ = false;
  ws::Utf8Validator validator_;
};

Forecast forecast_drop(const Standings& standings, trace::Direction direction,
                       const ws::FrameHeader& dropped, const CutFinder& cuts);
// `bytes`: as they go on, masked if they are.
Forecast forecast_injection(const Standings& standings, trace::Direction direction, Bytes bytes);
// `changed`: the first byte of the frame, or two, as they go on.
Forecast forecast_break(const Standings& standings, trace::Direction direction, Bytes changed);

}  // namespace hilo::tools::tap
