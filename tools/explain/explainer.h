// SPDX-License-Identifier: MIT
//
// Explainer: the bytes of a connection in, lines about them out: a Dialogue and a ByteLog, printed.
//
//   memory  that of a Dialogue, and Style::kept_bytes of each direction
//   thread  one at a time

#pragma once

#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "tools/explain/byte_log.h"
#include "tools/explain/print.h"
#include "ws/trace/dialogue.h"

namespace hilo::tools::explain {

class Explainer;

// Who of those that write to one place wrote last.
using Speaker = std::shared_ptr<std::atomic<const Explainer*>>;
inline Speaker make_speaker() {
  return std::make_shared<std::atomic<const Explainer*>>(nullptr);
}

struct Style {
  bool json = false;
  TextStyle text = {};
  // Of the connection, where there are several: stands at each change of direction and speaker.
  std::string name = {};
  // Of JSON: how many bytes of what a part says are shown.
  std::size_t hex_bytes_max = std::numeric_limits<std::size_t>::max();
  // How many bytes of each direction are kept, so that they can be shown beside what they say.
  std::size_t kept_bytes = std::size_t{4} << 20;
  // Shared by all that write to one place. Null: there is but one.
  Speaker speaker = {};
};

class Explainer {
 public:
  Explainer(const trace::DialogueOptions& options, const Style& style,
            Callback<void(std::string_view)> on_text);

  void add(trace::Direction direction, Bytes bytes);
  void end(trace::Direction direction) { dialogue_.end(direction); }
  // A part that the bytes themselves do not say.
  void tell(const trace::Part& part) { print(part); }
  // While it is muted it reads on and tells nothing.
  void mute(bool muted) noexcept { muted_ = muted; }
  // No frame of that direction is under way.
  bool at_boundary(trace::Direction direction) const noexcept {
    return dialogue_.at_boundary(direction);
  }
  // A rule was broken.
  bool faulty() const noexcept { return faulty_; }

 private:
  void print(const trace::Part& part);

  Style style_;
  Callback<void(std::string_view)> on_text_;
  bool faulty_ = false;
  bool muted_ = false;
  std::optional<trace::Direction> told_;
  ByteLog log_;
  trace::Dialogue dialogue_;
};

}  // namespace hilo::tools::explain
