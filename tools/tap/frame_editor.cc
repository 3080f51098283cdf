// SPDX-License-Identifier: MIT

#include "tools/tap/frame_editor.h"

#include <algorithm>
#include <utility>

#include "tools/explain/frame_builder.h"
#include "ws/core/mask.h"
#include "ws/trace/text.h"

namespace hilo::tools::tap {
namespace {

using trace::Direction;

// "text, not the last frame of its message, 5 bytes".
std::string description_of(const ws::FrameHeader& header) {
  std::string text(explain::name_of(header.opcode));
  if (!header.final) text += ", more frames follow";
  return text + ", " + trace::counted_bytes(header.payload_bytes);
}

// The beginning of a payload: a text in quotes, up to its last whole character; other bytes in
// hexadecimal.
std::string shown(Bytes begin, bool may_be_text, bool is_all) {
  if (begin.empty()) return {};
  ws::Utf8Validator validator;
  const bool is_text = may_be_text && validator.feed(begin);
  while (is_text && !begin.empty() && !ws::utf8_valid(begin)) begin = begin.first(begin.size() - 1);
  return "  " + (is_text ? trace::in_quotes(as_text(begin)) : trace::hexadecimal(begin)) +
         (is_all ? "" : " ...");
}

}  // namespace

FrameEditor::FrameEditor(Direction direction, const Changes& changes, Wishes& wishes,
                         Standings& standings, Listener listener)
    : direction_(direction),
      changes_(&changes),
      wishes_(&wishes),
      standings_(&standings),
      listener_(std::move(listener)) {}

void FrameEditor::begin() {
  begun_ = true;
  inject_due();
}

void FrameEditor::pass(MutableBytes bytes) {
  MutableBytes run = bytes;  // what has not gone on, of which so much has been looked at:
  std::size_t seen = 0;
  // Before anything is told of a frame, what was before it goes on.
  const auto send_seen = [&] {
    let_go(run.first(seen));
    run = run.subspan(std::exchange(seen, 0));
  };
  while (seen < run.size()) {
    if (header_come_ == 0) {
      begin_frame(run[seen]);
      if (fate_ == Fate::dropped || breaker_) send_seen();
    }
    const MutableBytes rest = run.subspan(seen);
    const bool in_payload = header_.progress == ws::HeaderProgress::complete;
    seen += in_payload ? take_payload(rest) : take_header(rest);
    const bool is_whole =
        header_.progress == ws::HeaderProgress::complete && payload_come_ == header_.payload_bytes;
    if (!is_whole) continue;
    if (fate_ == Fate::dropped) run = run.subspan(std::exchange(seen, 0));
    if (injects_now()) send_seen();
    end_frame();
  }
  if (fate_ == Fate::passes) let_go(run);
}

// ---- a frame ------------------------------------------------------------------------------------

bool FrameEditor::is_dropped(std::uint8_t first) {
  const auto opcode = static_cast<ws::Opcode>(first & 0x0F);
  if (std::exchange(wishes_->drop_next[static_cast<std::size_t>(direction_)], false)) return true;
  return std::any_of(changes_->drops.begin(), changes_->drops.end(), [&](const Drop& drop) {
    if (drop.direction != direction_) return false;
    return drop.number == 0 ? drop.opcode == opcode : drop.number == frames_;
  });
}

void FrameEditor::begin_frame(std::uint8_t first) {
  ++frames_;
  fate_ = is_dropped(first) ? Fate::dropped : Fate::passes;
  if (direction_ != Direction::to_server || fate_ == Fate::dropped) return;
  const Break wished = std::exchange(wishes_->next_break, Break::nothing);
  const Break what = frames_ == 1 && wished == Break::nothing ? changes_->break_first : wished;
  if (what != Break::nothing) breaker_.emplace(what);
}

std::size_t FrameEditor::take_header(MutableBytes bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && header_.progress != ws::HeaderProgress::complete) {
    std::uint8_t& byte = bytes[taken++];
    header_bytes_[header_come_++] = byte;
    header_ = ws::parse_header(Bytes(header_bytes_).first(header_come_));
    if (breaker_ && header_come_ <= changed_.size()) break_byte(byte);
  }
  return taken;
}

void FrameEditor::break_byte(std::uint8_t& byte) {
  const std::uint8_t before = byte;
  breaker_->pass(MutableBytes(&byte, 1));
  changed_[header_come_ - 1] = byte;
  if (byte == before) return;
  const Bytes changed = Bytes(changed_).first(header_come_);
  tell("broken", std::string(to_string(breaker_->what())),
       forecast_break(*standings_, direction_, changed));
  // What it says is another thing now, and where it ends, too.
  standings_->of(direction_).lost = true;
}

std::size_t FrameEditor::take_payload(MutableBytes bytes) {
  const auto size = static_cast<std::size_t>(
      std::min<std::uint64_t>(header_.payload_bytes - payload_come_, bytes.size()));
  if (fate_ == Fate::dropped) {
    const MutableBytes piece = bytes.first(size);  // goes nowhere: it may be unmasked in place
    if (header_.masked) ws::mask(piece, header_.key, static_cast<std::size_t>(payload_come_ & 3));
    cuts_.feed(piece);
    const std::size_t room = trace::shown_bytes_max - dropped_begin_.size();
    const Bytes kept = piece.first(std::min(room, piece.size()));
    dropped_begin_.insert(dropped_begin_.end(), kept.begin(), kept.end());
  }
  payload_come_ += size;
  return size;
}

void FrameEditor::end_frame() {
  if (fate_ == Fate::dropped) tell_drop();
  if (fate_ == Fate::passes && !standings_->of(direction_).lost)
    take_frame(*standings_, direction_, header_);
  header_ = {};
  header_come_ = 0;
  payload_come_ = 0;
  fate_ = Fate::passes;
  breaker_.reset();
  dropped_begin_.clear();
  cuts_ = {};
  inject_due();
}

void FrameEditor::let_go(Bytes bytes) {
  if (!bytes.empty()) listener_.on_bytes(bytes);
}

// ---- what is put in -----------------------------------------------------------------------------

bool FrameEditor::inject(const Injection& injection) {
  if (begun_ && header_come_ == 0) {
    put_in(injection);
    return true;
  }
  if (waiting_.size() == waiting_injections_max) return false;
  waiting_.push_back(injection);
  return true;
}

bool FrameEditor::injects_now() const {
  const auto is_due = [this](const Injection& each) {
    return each.direction == direction_ && each.behind == frames_;
  };
  return !waiting_.empty() ||
         std::any_of(changes_->injections.begin(), changes_->injections.end(), is_due);
}

void FrameEditor::inject_due() {
  for (const Injection& each : changes_->injections) {
    if (each.direction == direction_ && each.behind == frames_) put_in(each);
  }
  for (const Injection& each : std::exchange(waiting_, {})) put_in(each);
}

void FrameEditor::put_in(const Injection& injection) {
  std::vector<std::uint8_t> bytes = injection.bytes;
  std::string value = "bytes as they are";
  if (injection.opcode) {
    value = std::string(explain::name_of(*injection.opcode)) + ", as if the " +
            std::string(sender_of(direction_)) + " had sent it";
    ws::MaskKey key{};
    if (direction_ == Direction::to_server) {
      const Result<ws::MaskKey> fresh = keys_.next();
      if (!fresh) return tell("not injected", "there is no randomness for a masking key", {});
      key = *fresh;
    }
    bytes = explain::build_frame(*injection.opcode, injection.final, std::move(bytes),
                                 direction_ == Direction::to_server ? &key : nullptr);
  }
  tell("injected", std::move(value), forecast_injection(*standings_, direction_, bytes));
  if (!standings_->of(direction_).lost) take_bytes(*standings_, direction_, bytes);
  let_go(bytes);
}

// ---- what is told -------------------------------------------------------------------------------

void FrameEditor::tell_drop() {
  std::string value = "frame " + std::to_string(frames_) + " of the " +
                      std::string(sender_of(direction_)) + ": " + description_of(header_);
  const bool may_be_text = header_.opcode != ws::Opcode::binary &&
                           header_.opcode != ws::Opcode::close && (header_.rsv & ws::rsv1) == 0;
  value += shown(dropped_begin_, may_be_text, dropped_begin_.size() == header_.payload_bytes);
  tell("dropped", std::move(value), forecast_drop(*standings_, direction_, header_, cuts_));
}

void FrameEditor::tell(std::string_view name, std::string value, const Forecast& forecast) {
  const auto note = [this](std::uint8_t depth, std::string_view what, std::string said,
                           std::string_view section) {
    listener_.on_note({.direction = direction_,
                       .layer = trace::Layer::frame,
                       .depth = depth,
                       .name = what,
                       .value = std::move(said),
                       .section = section});
  };
  note(0, name, std::move(value), {});
  if (forecast.receiver.empty()) return;
  const bool to_server = direction_ == Direction::to_server;
  constexpr std::string_view server = "predicted for the server";
  constexpr std::string_view client = "predicted for the client";
  note(1, to_server ? server : client, forecast.receiver, forecast.section);
  note(1, to_server ? client : server, forecast.sender, forecast.section);
}

}  // namespace hilo::tools::tap
