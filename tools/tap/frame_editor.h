// SPDX-License-Identifier: MIT
//
// FrameEditor: changes the frames of one direction of a connection on their way, and says so.
//
//   bytes of the sender ---> FrameEditor ---> bytes that go on: on_bytes
//                                |
//                             what was done, with a forecast of what comes of it: on_note
//
// Until begin() it passes nothing: whoever has it knows where the handshake ends. From then on it
// counts the sender's frames from 1, whether they go on or not. What goes on unchanged goes in the
// pieces in which it came. Notes come in the order of what they are about.
//
//   memory  a few hundred bytes, and the injections that wait for their frame
//   thread  one at a time
//   views   changes, wishes and standings outlive it; bytes and notes are valid during the call
//   errors  none; without randomness for a masking key nothing is injected, and a note says so

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "tools/tap/breaker.h"
#include "tools/tap/changes.h"
#include "tools/tap/forecast.h"
#include "ws/core/frame.h"
#include "ws/mask_keys.h"
#include "ws/trace/part.h"

namespace hilo::tools::tap {

// What is to be done to the next frame that begins anywhere, once.
struct Wishes {
  Break next_break = Break::nothing;  // of those that clients send
  std::array<bool, 2> drop_next{};    // by trace::Direction
};

class FrameEditor {
 public:
  struct Listener {
    Callback<void(Bytes)> on_bytes;
    trace::PartSink on_note;
  };
  FrameEditor(trace::Direction direction, const Changes& changes, Wishes& wishes,
              Standings& standings, Listener listener);

  // The next byte of the sender begins its first frame.
  void begin();
  bool begun() const noexcept { return begun_; }
  // The sender's next bytes, which may be changed in place.
  void pass(MutableBytes bytes);
  // At once, or where the frame that is under way ends. False: too many wait for that.
  bool inject(const Injection& injection);

  static constexpr std::size_t waiting_injections_max = 16;

 private:
  enum class Fate : std::uint8_t { passes, dropped };

  void begin_frame(std::uint8_t first);
  std::size_t take_header(MutableBytes bytes);
  std::size_t take_payload(MutableBytes bytes);
  void break_byte(std::uint8_t& byte);
  void end_frame();
  void let_go(Bytes bytes);
  bool injects_now() const;
  void inject_due();
  void put_in(const Injection& injection);
  bool is_dropped(std::uint8_t first);
  void tell(std::string_view name, std::string value, const Forecast& forecast);
  void tell_drop();

  trace::Direction direction_;
  const Changes* changes_;
  Wishes* wishes_;
  Standings* standings_;
  Listener listener_;
  ws::MaskKeys keys_;
  bool begun_ = false;
  std::uint64_t frames_ = 0;  // that began
  std::vector<Injection> waiting_;

  // Of the frame that is under way, as its sender sent it.
  std::array<std::uint8_t, ws::frame_header_bytes_max> header_bytes_{};
  std::size_t header_come_ = 0;
  ws::FrameHeader header_;
  std::uint64_t payload_come_ = 0;
  Fate fate_ = Fate::passes;
  std::optional<Breaker> breaker_;
  std::array<std::uint8_t, 2> changed_{};    // its first bytes, if it is broken
  std::vector<std::uint8_t> dropped_begin_;  // of a payload, unmasked
  CutFinder cuts_;
};

}  // namespace hilo::tools::tap
