// SPDX-License-Identifier: MIT
//
// Explainer: the bytes of a connection in, lines about them out: a TlsDialogue, and a ByteLog of
// each stream that it tells of, printed.
//
//   memory  that of a TlsDialogue, and Style::kept_bytes of each direction; with TLS twice that
//   thread  one at a time

#pragma once

#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "tools/explain/byte_log.h"
#include "tools/explain/print.h"
#include "ws/trace/tls_dialogue.h"

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

// Secrets of TLS; null: none. Shared by the connections that they are of.
using KeyLog = std::shared_ptr<const trace::TlsKeyLog>;

class Explainer {
 public:
  Explainer(const trace::DialogueOptions& options, const Style& style,
            Callback<void(std::string_view)> on_text, KeyLog keys = {});

  void add(trace::Direction direction, Bytes bytes);
  void end(trace::Direction direction) { dialogue_.end(direction); }
  // A part that the bytes themselves do not say.
  void tell(const trace::Part& part) { take(part); }
  // What is added is what TLS carries, and its records are told by somebody else.
  void set_in_tls(bool in_tls) noexcept { in_tls_ = in_tls; }
  // While it is muted it reads on and tells nothing.
  void mute(bool muted) noexcept { muted_ = muted; }
  // No frame of that direction is under way.
  bool at_boundary(trace::Direction direction) const noexcept {
    return dialogue_.at_boundary(direction);
  }
  const std::optional<ws::DeflateParameters>& deflate() const noexcept {
    return dialogue_.deflate();
  }
  // Shows each part, and the bytes that say it, to somebody else, too.
  void show_also(Callback<void(const trace::Part&, Bytes)> on_part) {
    on_part_ = std::move(on_part);
  }
  // A rule was broken.
  bool faulty() const noexcept { return faulty_; }

 private:
  void take(const trace::Part& part);
  void print(const trace::Part& part, Bytes bytes);

  Style style_;
  Callback<void(std::string_view)> on_text_;
  Callback<void(const trace::Part&, Bytes)> on_part_;
  bool faulty_ = false;
  bool muted_ = false;
  bool in_tls_ = false;
  std::optional<trace::Direction> told_;
  KeyLog keys_;
  ByteLog log_;
  ByteLog clear_log_;  // of what records of TLS carry
  trace::TlsDialogue dialogue_;
};

}  // namespace hilo::tools::explain
