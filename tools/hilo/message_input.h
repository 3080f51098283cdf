// SPDX-License-Identifier: MIT
//
// MessageInput: cuts a stream of bytes into the messages that `hilo connect` sends.
//
//   lines   each line is one message; the last one may lack its line feed
//   pieces  each piece, as it was read, is one
//   whole   everything up to the end is one
//
// No I/O: bytes in, messages out. What has no end yet is kept, and the owner bounds it by size().

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/base/bytes.h"

namespace hilo::tools {

class MessageInput {
 public:
  enum class Cut : std::uint8_t { lines, pieces, whole };

  explicit MessageInput(Cut cut) noexcept : cut_(cut) {}

  void add(Bytes bytes) { held_.append(as_text(bytes)); }
  // Nothing will be added any more.
  void end() noexcept { ended_ = true; }

  // The message in front, without its line feed, if it is complete; the same one until take().
  // Valid until the next call of add() or take().
  std::optional<std::string_view> front();
  void take();

  // Bytes held.
  std::size_t size() const noexcept { return held_.size() - begin_; }
  // Nothing is left and nothing will come.
  bool finished() const noexcept { return ended_ && size() == 0 && !owes_whole(); }

 private:
  // An empty input is one empty message if it is taken as a whole.
  bool owes_whole() const noexcept { return cut_ == Cut::whole && !whole_taken_; }

  Cut cut_;
  std::string held_;
  std::size_t begin_ = 0;    // of the message in front
  std::size_t scanned_ = 0;  // up to here there is no line feed behind begin_
  bool ended_ = false;
  bool whole_taken_ = false;
};

}  // namespace hilo::tools
