// SPDX-License-Identifier: MIT

#include "tools/explain/explainer.h"

#include <algorithm>
#include <utility>

namespace hilo::tools::explain {

Explainer::Explainer(const trace::DialogueOptions& options, const Style& style,
                     Callback<void(std::string_view)> on_text, KeyLog keys)
    : style_(style),
      on_text_(std::move(on_text)),
      keys_(std::move(keys)),
      log_(style.kept_bytes),
      clear_log_(style.kept_bytes),
      dialogue_(
          options, keys_.get(), [this](const trace::Part& part) { take(part); },
          [this](trace::Direction direction, Bytes clear) { clear_log_.add(direction, clear); }) {}

// In pieces that the log keeps long enough to show them.
void Explainer::add(trace::Direction direction, Bytes bytes) {
  while (!bytes.empty()) {
    const Bytes piece = bytes.first(std::min(bytes.size(), style_.kept_bytes / 2));
    log_.add(direction, piece);
    dialogue_.feed(direction, piece);
    bytes = bytes.subspan(piece.size());
  }
}

void Explainer::take(const trace::Part& part) {
  faulty_ = faulty_ || part.fault;
  if (muted_) return;
  const Bytes bytes = (part.in_tls ? clear_log_ : log_).at(part.direction, part.place);
  if (!in_tls_ || part.layer == trace::Layer::tls) return print(part, bytes);
  trace::Part inside = part;
  inside.in_tls = true;
  print(inside, bytes);
}

void Explainer::print(const trace::Part& part, Bytes bytes) {
  if (on_part_) on_part_(part, bytes);
  if (style_.json) {
    const Bytes shown = bytes.first(std::min(bytes.size(), style_.hex_bytes_max));
    return on_text_(json_line(part, shown, style_.name));
  }
  std::string text;
  const bool is_other = style_.speaker && style_.speaker->exchange(this) != this;
  if (told_ != part.direction || is_other) {
    text = told_ ? "\n" : "";
    text += style_.name + (style_.name.empty() ? "" : "  ");
    text += std::string(to_string(part.direction)) + '\n';
  }
  told_ = part.direction;
  on_text_(text + text_line(part, bytes, style_.text));
}

}  // namespace hilo::tools::explain
