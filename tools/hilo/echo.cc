// SPDX-License-Identifier: MIT

#include "tools/hilo/echo.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace hilo::tools {
namespace {

constexpr std::size_t fragment_bytes_max = 65536;

// An answer in fragments, as far as it is not sent yet.
struct FragmentedAnswer {
  explicit FragmentedAnswer(std::size_t bytes) noexcept : wanted_bytes(bytes) {}

  const std::size_t wanted_bytes;  // of a fragment
  std::size_t fragment_bytes = 0;  // of those of this answer
  ws::Opcode opcode = ws::Opcode::text;
  std::optional<std::string> waiting = {};
};

// Of the last part of the path. 0: in one frame.
std::size_t fragment_bytes(std::string_view path) noexcept {
  const std::string_view text = path.substr(path.rfind('/') + 1);
  std::size_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  return is_number && bytes <= fragment_bytes_max ? bytes : 0;
}

// Sends fragments until the queue is full. How many bytes of the answer went, and whether all did.
struct Progress {
  std::size_t bytes = 0;
  bool is_whole = false;
};
Progress send_fragments(ws::Connection& c, const FragmentedAnswer& answer, Bytes payload) {
  Progress progress;
  while (!progress.is_whole) {
    const Bytes left = payload.subspan(progress.bytes);
    const Bytes next = left.first(std::min(answer.fragment_bytes, left.size()));
    const bool is_last = next.size() == left.size();
    if (c.send_fragment(answer.opcode, next, is_last) != ws::Sent::accepted) break;
    progress = {.bytes = progress.bytes + next.size(), .is_whole = is_last};
  }
  return progress;
}

// Sends what it can. A fragment that an empty queue has no room for never leaves, and nobody would
// say that there is room now.
Progress go_on_with(ws::Connection& c, const FragmentedAnswer& answer, Bytes payload) {
  const Progress progress = send_fragments(c, answer, payload);
  if (!progress.is_whole && c.is_open() && c.buffered_bytes() == 0) c.abort();
  return progress;
}

void answer_in_fragments(ws::Connection& c, FragmentedAnswer& answer, const ws::Message& message) {
  const std::size_t bytes = message.payload.size();
  answer.opcode = message.opcode;
  answer.fragment_bytes =
      std::max(answer.wanted_bytes, (bytes + echo_fragments_max - 1) / echo_fragments_max);
  const Progress progress = go_on_with(c, answer, message.payload);
  if (progress.is_whole || !c.is_open()) return;
  answer.waiting.emplace(as_text(message.payload.subspan(progress.bytes)));
  c.pause();
}

void go_on(ws::Connection& c) {
  FragmentedAnswer* const answer = c.data<FragmentedAnswer>();
  if (answer == nullptr || !answer->waiting) return;
  const Progress progress = go_on_with(c, *answer, as_bytes(*answer->waiting));
  if (!c.is_open()) return;
  answer->waiting->erase(0, progress.bytes);
  if (!progress.is_whole) return;
  answer->waiting.reset();
  c.resume();
}

}  // namespace

void serve_echo(ws::Server& server, bool may_fragment) {
  const auto send_back = [](ws::Connection& c, ws::Message m) { static_cast<void>(c.send(m)); };
  server.at("/echo").on_message(send_back);
  if (!may_fragment) return;
  server.at("/echo/fragments/:bytes")
      .on_open([](ws::Connection& c) {
        const std::size_t bytes = fragment_bytes(c.path());
        if (bytes > 0) c.emplace_data<FragmentedAnswer>(bytes);
      })
      .on_message([send_back](ws::Connection& c, ws::Message m) {
        FragmentedAnswer* const answer = c.data<FragmentedAnswer>();
        answer != nullptr ? answer_in_fragments(c, *answer, m) : send_back(c, m);
      })
      .on_drained(go_on);
}

}  // namespace hilo::tools
