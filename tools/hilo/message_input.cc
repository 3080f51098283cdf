// SPDX-License-Identifier: MIT

#include "tools/hilo/message_input.h"

#include <algorithm>

namespace hilo::tools {

std::optional<std::string_view> MessageInput::front() {
  const std::string_view rest = std::string_view(held_).substr(begin_);
  switch (cut_) {
    case Cut::whole:
      if (ended_ && !whole_taken_) return rest;
      return {};
    case Cut::pieces:
      if (!rest.empty()) return rest;
      return {};
    case Cut::lines: break;
  }
  const std::size_t line_feed = held_.find('\n', std::max(scanned_, begin_));
  if (line_feed != std::string::npos) {
    scanned_ = line_feed;
    return rest.substr(0, line_feed - begin_);
  }
  scanned_ = held_.size();
  if (ended_ && !rest.empty()) return rest;
  return {};
}

void MessageInput::take() {
  const std::optional<std::string_view> message = front();
  if (!message) return;
  begin_ += message->size();
  if (cut_ == Cut::lines && begin_ < held_.size()) ++begin_;
  whole_taken_ = cut_ == Cut::whole;
  // Many short lines in one piece: move the rest once, not once a line.
  if (begin_ == held_.size() || begin_ > held_.size() / 2) {
    held_.erase(0, begin_);
    scanned_ = begin_ = 0;
  }
}

}  // namespace hilo::tools
