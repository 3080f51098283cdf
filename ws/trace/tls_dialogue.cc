// SPDX-License-Identifier: MIT

#include "ws/trace/tls_dialogue.h"

#include <utility>

namespace hilo::trace {

TlsDialogue::TlsDialogue(const DialogueOptions& options, const TlsKeyLog* keys, PartSink sink,
                         OnClear on_clear)
    : sink_(std::move(sink)),
      on_clear_(std::move(on_clear)),
      keys_(keys),
      is_decided_(options.upgraded),
      dialogue_(options, [this](const Part& part) {
        if (!tls_) return sink_(part);
        Part inside = part;
        inside.in_tls = true;
        sink_(inside);
      }) {}

void TlsDialogue::feed(Direction direction, Bytes bytes) {
  if (bytes.empty() || (!is_decided_ && !decide(direction, bytes))) return;
  pass(direction, bytes);
}

void TlsDialogue::pass(Direction direction, Bytes bytes) {
  tls_ ? tls_->feed(direction, bytes) : dialogue_.feed(direction, bytes);
}

// The first byte of a record may be that of a frame that breaks a rule; the second tells them
// apart. False: it has not come.
bool TlsDialogue::decide(Direction direction, Bytes& bytes) {
  const auto index = static_cast<std::size_t>(direction);
  std::array<std::uint8_t, 2> begin{bytes.front(), 0};
  if (has_first_[index]) {
    begin = {first_[index], bytes.front()};
  } else if (!is_tls_content(bytes.front())) {
    is_decided_ = true;
  } else if (bytes.size() > 1) {
    begin[1] = bytes[1];
  } else {
    first_[index] = bytes.front();
    has_first_[index] = true;
    return false;
  }
  is_decided_ = true;
  if (TlsReader::begins_record(begin)) {
    tls_.emplace(keys_, sink_, [this](Direction from, Bytes clear) {
      if (on_clear_) on_clear_(from, clear);
      dialogue_.feed(from, clear);
    });
  }
  pass_first();
  return true;
}

// What either direction has held back.
void TlsDialogue::pass_first() {
  for (const Direction each : {Direction::to_server, Direction::to_client}) {
    const auto at = static_cast<std::size_t>(each);
    if (std::exchange(has_first_[at], false)) pass(each, Bytes(first_).subspan(at, 1));
  }
}

void TlsDialogue::end(Direction direction) {
  if (has_first_[static_cast<std::size_t>(direction)]) {
    is_decided_ = true;
    pass_first();
  }
  if (tls_) tls_->end(direction);
  dialogue_.end(direction);
}

}  // namespace hilo::trace
