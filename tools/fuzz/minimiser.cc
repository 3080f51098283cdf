// SPDX-License-Identifier: MIT

#include "tools/fuzz/minimiser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ws/core/frame.h"

namespace hilo::tools::fuzz {
namespace {

bool needs_no_meaning(Class found) {
  switch (found) {
    case Class::server_died:
    case Class::liveness_lost:
    case Class::illegal_bytes: return true;
    case Class::hang:
    case Class::broken_echo:
    case Class::legal_refused:
    case Class::fault_accepted:
    case Class::wrong_answer: return false;
  }
  return false;
}

// How long a server is looked at where it was waited for before.
constexpr std::uint32_t short_while = 60;

// A masked frame, to be written again with less in it.
struct ClientFrame {
  ws::FrameHeader header;
  Octets masked;  // its payload
};

// The frames that these bytes are, or none if they are anything else.
std::vector<ClientFrame> frames_in(std::string_view bytes) {
  std::vector<ClientFrame> frames;
  while (!bytes.empty()) {
    const ws::FrameHeader header = ws::parse_header(as_bytes(bytes));
    const bool is_whole = header.progress == ws::HeaderProgress::complete && header.masked &&
                          header.payload_bytes <= bytes.size() - header.header_bytes;
    if (!is_whole) return {};
    const auto size = static_cast<std::size_t>(header.payload_bytes);
    frames.push_back({header, Octets(bytes.substr(header.header_bytes, size))});
    bytes.remove_prefix(header.header_bytes + size);
  }
  return frames;
}

Octets bytes_of(const std::vector<ClientFrame>& frames) {
  Octets bytes;
  for (const ClientFrame& frame : frames) {
    std::array<std::uint8_t, ws::frame_header_bytes_max> header{};
    const std::size_t size =
        ws::write_header(header.data(), frame.header.opcode, frame.header.final,
                         frame.masked.size(), &frame.header.key);
    header[0] = static_cast<std::uint8_t>(header[0] | frame.header.rsv << 4);
    bytes.append(as_text(Bytes(header.data(), size))).append(frame.masked);
  }
  return bytes;
}

class Search {
 public:
  Search(const Case& subject, std::size_t runs_max, const std::function<bool(const Case&)>& fails)
      : best_(subject), runs_max_(runs_max), fails_(&fails) {}

  void drop_steps(bool any) {
    for (std::size_t i = best_.steps.size(); i-- > 0;) {
      const bool is_last_look =
          i + 1 == best_.steps.size() && best_.steps[i].kind == Step::Kind::watch;
      if (is_last_look || (!any && !best_.steps[i].spare)) continue;
      Case smaller = best_;
      smaller.steps.erase(smaller.steps.begin() + static_cast<std::ptrdiff_t>(i));
      accept(std::move(smaller));
    }
  }

  // What came is all that matters: nothing is due, and nothing is waited for but a while at the
  // end.
  void stop_waiting() {
    Case smaller = best_;
    std::erase_if(smaller.steps, [](const Step& step) {
      const bool is_upgrade = step.statuses == std::vector<int>{101};
      return step.kind == Step::Kind::await_replies || step.kind == Step::Kind::await_end ||
             (step.kind == Step::Kind::await_answer && !is_upgrade);
    });
    for (Step& step : smaller.steps) step.replies.clear();
    Step last;
    last.kind = Step::Kind::watch;
    last.line = smaller.steps.empty() ? std::uint8_t{0} : smaller.steps.back().line;
    last.milliseconds = short_while;
    smaller.steps.push_back(std::move(last));
    accept(std::move(smaller));
  }

  void join_pieces() {
    Case smaller = best_;
    for (Step& step : smaller.steps) join(step);
    if (accept(std::move(smaller))) return;
    for (std::size_t i = 0; i != best_.steps.size(); ++i) {
      smaller = best_;
      join(smaller.steps[i]);
      if (smaller != best_) accept(std::move(smaller));
    }
  }

  // Frames are left out, or lose their payload, or half of it.
  void drop_frames(std::size_t index) {
    std::vector<ClientFrame> frames = frames_in(best_.steps[index].bytes);
    const auto try_frames = [&](std::vector<ClientFrame> fewer) {
      Case smaller = best_;
      smaller.steps[index].bytes = bytes_of(fewer);
      if (!accept(std::move(smaller))) return false;
      frames = std::move(fewer);
      return true;
    };
    // One of them alone is the most that can go at once: whole in itself, with nothing in it or
    // all.
    for (std::size_t i = 0; i < frames.size(); ++i) {
      ClientFrame alone = frames[i];
      alone.header.final = true;
      ClientFrame empty = alone;
      empty.masked.clear();
      if (try_frames({std::move(empty)}) || try_frames({std::move(alone)})) break;
    }
    for (std::size_t i = frames.size(); i-- > 0;) {
      std::vector<ClientFrame> fewer = frames;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      if (try_frames(std::move(fewer))) continue;
      for (std::size_t size = 0; size < frames[i].masked.size();) {
        fewer = frames;
        fewer[i].masked.resize(size);
        if (try_frames(fewer)) break;
        size = size + (frames[i].masked.size() - size + 1) / 2;
      }
    }
  }

  // Ever smaller parts of what else a step sends are left out, as in delta debugging.
  void drop_bytes(std::size_t index) {
    if (!frames_in(best_.steps[index].bytes).empty()) return;  // they are small by now
    for (std::size_t part = best_.steps[index].bytes.size(); part != 0; part /= 2) {
      for (std::size_t at = 0; at < best_.steps[index].bytes.size();) {
        Case smaller = best_;
        smaller.steps[index].bytes.erase(at, part);
        if (!accept(std::move(smaller))) at += part;
        if (runs_ == runs_max_) return;
      }
    }
  }
  std::size_t step_count() const { return best_.steps.size(); }

  Minimised result() { return {std::move(best_), runs_}; }

 private:
  static void join(Step& step) {
    if (step.kind != Step::Kind::send) return;
    step.pieces.clear();
    step.milliseconds = 0;
  }

  bool accept(Case smaller) {
    if (runs_ == runs_max_) return false;
    ++runs_;
    if (!(*fails_)(smaller)) return false;
    best_ = std::move(smaller);
    return true;
  }

  Case best_;
  std::size_t runs_max_;
  std::size_t runs_ = 0;
  const std::function<bool(const Case&)>* fails_;
};

}  // namespace

Minimised minimise(const Case& subject, Class found, std::size_t runs_max,
                   const std::function<bool(const Case&)>& fails) {
  const bool any = needs_no_meaning(found);
  Search search(subject, runs_max, fails);
  if (any) search.stop_waiting();
  search.drop_steps(any);
  search.join_pieces();
  if (any) {
    for (std::size_t i = search.step_count(); i-- > 0;) search.drop_frames(i);
    for (std::size_t i = search.step_count(); i-- > 0;) search.drop_bytes(i);
    search.drop_steps(any);
  }
  return search.result();
}

}  // namespace hilo::tools::fuzz
