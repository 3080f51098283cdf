// SPDX-License-Identifier: MIT

#include "tools/fuzz/draft.h"

#include <algorithm>

namespace hilo::tools::fuzz {

using conform::Frame;

namespace {

// How long a server may take to end a connection on which a rule was broken before it is asked
// whether it has noticed.
constexpr std::uint32_t grace_milliseconds = 300;

void append_utf8(std::string& text, std::uint32_t point) {
  const auto add = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (point < 0x80) return add(point);
  if (point < 0x800) {
    add(0xC0 | point >> 6);
  } else if (point < 0x10000) {
    add(0xE0 | point >> 12);
    add(0x80 | (point >> 6 & 63));
  } else {
    add(0xF0 | point >> 18);
    add(0x80 | (point >> 12 & 63));
    add(0x80 | (point >> 6 & 63));
  }
  add(0x80 | (point & 63));
}

}  // namespace

Step& Draft::add(Step::Kind kind) {
  Step& step = case_->steps.emplace_back();
  step.kind = kind;
  step.line = line_;
  return step;
}

std::string Draft::target(std::string_view parameters) const {
  const bool has_query = grammar_->path.find('?') != std::string::npos;
  return grammar_->path + (has_query ? "&" : "?") + std::string(parameters);
}

std::string Draft::websocket_target() const {
  if (grammar_->protocol == Protocol::ws) return grammar_->path;
  return target("EIO=" + std::to_string(revision_) + "&transport=websocket");
}

Octets Draft::request(const conform::Edit& edit) {
  const std::string path = websocket_target();
  Octets head = conform::edited_request(edit);
  head = conform::replaced(head, "$PATH", path);
  head = conform::replaced(head, "$AND", path.find('?') == std::string::npos ? "?" : "&");
  head = conform::replaced(head, "$ORIGIN",
                           (grammar_->tls ? "https://" : "http://") + grammar_->authority);
  head = conform::replaced(head, "$HOST", grammar_->authority);
  return conform::replaced(head, "$KEY", conform::base64(random_->octets(16)));
}

Octets Draft::http(std::string_view method, std::string_view to, std::string_view body,
                   std::string_view type) const {
  Octets head = std::string(method) + " " + std::string(to) +
                " HTTP/1.1\r\nHost: " + grammar_->authority + "\r\n";
  if (!type.empty()) {
    head += "Content-Type: " + std::string(type) +
            "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return head + "\r\n" + std::string(body);
}

Step& Draft::send(Octets bytes, std::vector<Reply> replies) {
  Step& step = add(Step::Kind::send);
  step.bytes = std::move(bytes);
  step.replies = std::move(replies);
  return step;
}

Step& Draft::await_answer(std::vector<int> statuses) {
  Step& step = add(Step::Kind::await_answer);
  step.statuses = std::move(statuses);
  return step;
}

void Draft::await_replies() {
  add(Step::Kind::await_replies);
}

void Draft::open_engine(const conform::Edit& edit) {
  std::vector<Reply> greeting;
  if (grammar_->protocol != Protocol::ws) greeting = {{Reply::Kind::begins, "0{"}};
  send(request(edit), std::move(greeting));
  await_answer({101});
}

void Draft::open(const conform::Edit& edit) {
  open_engine(edit);
  if (grammar_->protocol == Protocol::ws) return;
  if (grammar_->protocol == Protocol::socketio) {
    // Up to revision 3 a client is in the namespace "/" unasked.
    const bool is_unasked = revision_ == 3;
    if (!is_unasked) send_packet("40");
    Step& cause = *(case_->steps.end() - (is_unasked ? 2 : 1));
    cause.replies.push_back({Reply::Kind::begins, is_unasked ? "40" : "40{"});
  }
  await_replies();
}

std::string Draft::session_target(std::string_view transport) const {
  return target("EIO=" + std::to_string(revision_) + "&transport=" + std::string(transport) +
                "&sid=$SID");
}

void Draft::open_polling() {
  const std::string parameters = "EIO=" + std::to_string(revision_) + "&transport=polling";
  send(http("GET", target(parameters)));
  Step& answer = await_answer({200});
  if (revision_ == 4) answer.begins = "0{";
}

Step& Draft::get(const std::string& to, std::vector<int> statuses) {
  send(http("GET", to)).names_sid = true;
  return await_answer(std::move(statuses));
}

Step& Draft::post(std::string_view body, std::vector<int> statuses, std::string_view type) {
  send(http("POST", session_target(), body, type)).names_sid = true;
  return await_answer(std::move(statuses));
}

Octets Draft::encode(Frame frame) {
  frame.key = static_cast<std::uint32_t>(random_->chance(5) ? 0 : random_->next());
  return conform::encode(frame, true);
}

void Draft::send_frame(Frame frame, std::vector<Reply> replies) {
  send(encode(std::move(frame)), std::move(replies));
}

void Draft::send_frames(const std::vector<Frame>& frames, std::vector<Reply> replies) {
  Octets bytes;
  for (const Frame& frame : frames) bytes += encode(frame);
  send(std::move(bytes), std::move(replies));
}

Step& Draft::send_packet(std::string_view text, std::vector<Reply> replies) {
  return send(encode(conform::text(text)), std::move(replies));
}

void Draft::close() {
  // RFC 6455 §7.4: what an endpoint may send.
  static const std::vector<std::uint16_t> codes = {1000, 1001, 1002, 1003, 1007, 1008, 1009,
                                                   1010, 1011, 3000, 3999, 4000, 4999};
  const bool is_empty = random_->chance(20);
  const std::uint16_t code = is_empty ? 0 : random_->pick(codes);
  Frame frame = conform::close_with("");
  if (!is_empty) {
    const std::string reason = random_->chance(40) ? text(123) : "";
    frame = conform::close(code, reason);
  }
  send_frame(frame);
  case_->steps.back().closes = true;
  Step& end = add(Step::Kind::await_end);
  // A Close without a code may be answered with one.
  end.codes = is_empty ? std::vector<std::uint16_t>{0, 1000, 1005} : std::vector{code};
}

void Draft::refused_with(std::vector<std::uint16_t> codes) {
  add(Step::Kind::watch).milliseconds = grace_milliseconds;
  send_frame(conform::ping(probe_payload));
  add(Step::Kind::await_end).codes = std::move(codes);
}

std::string Draft::text(std::size_t bytes_max) {
  struct Points {
    std::uint32_t first;
    std::uint32_t last;
  };
  static const std::vector<Points> ranges = {{0x20, 0x7E},    {0x0, 0x7F},      {0x80, 0x7FF},
                                             {0x800, 0xD7FF}, {0xE000, 0xFFFF}, {0x10000, 0x10FFFF},
                                             {0x7FF, 0x800},  {0xFFFE, 0x10000}};
  const std::size_t bytes = random_->below(bytes_max + 1);
  std::string text;
  while (text.size() < bytes) {
    const Points& range = random_->chance(60) ? ranges.front() : random_->pick(ranges);
    std::string next;
    append_utf8(next, static_cast<std::uint32_t>(random_->between(range.first, range.last)));
    if (text.size() + next.size() > bytes) break;
    text += next;
  }
  return text;
}

std::size_t Draft::size() {
  static const std::vector<std::size_t> edges = {0, 1, 2, 3, 124, 125, 126, 127, 128, 129};
  static const std::vector<std::size_t> large = {4096, 16383, 16384, 65535, 65536, 65537};
  std::size_t size = random_->below(300);
  if (random_->chance(50)) size = random_->pick(edges);
  if (random_->chance(8)) size = random_->pick(large);
  return std::min(size, grammar_->message_bytes_max);
}

}  // namespace hilo::tools::fuzz
