// SPDX-License-Identifier: MIT

#include "tools/tap/link.h"

#include <utility>

namespace hilo::tools::tap {

using trace::Direction;

Link::Link(Tap& tap, std::uint64_t number, net::Fd client, const net::Address& peer)
    : tap_(&tap),
      number_(number),
      name_("#" + std::to_string(number)),
      dialer_(*tap.loop_),
      ends_{End(*this, Direction::to_server), End(*this, Direction::to_client)},
      explainer_({},
                 {.json = tap.options_.style.json,
                  .text = tap.options_.style.text,
                  .name = name_,
                  .speaker = tap.speaker_},
                 [this](std::string_view text) { tap_->on_text_(text); }),
      editors_{make_editor(Direction::to_server), make_editor(Direction::to_client)} {
  if (tap.onlooker_ != nullptr) {
    explainer_.show_also([this](const trace::Part& part, Bytes bytes) {
      tap_->onlooker_->on_part(name_, part, bytes);
    });
  }
  End& end = from(Direction::to_server);
  end.stream = std::make_unique<net::Stream>(*tap.loop_, std::move(client), end);
  if (tap.capture_) capture_.emplace(*tap.capture_, peer.port(), tap.options_.target.port);
}

FrameEditor Link::make_editor(Direction direction) {
  return {direction,
          tap_->options_.changes,
          tap_->wishes_,
          standings_,
          {.on_bytes = [this, direction](Bytes bytes) { go_on(direction, bytes); },
           .on_note = [this](const trace::Part& part) { explainer_.tell(part); }}};
}

Link::~Link() {
  tap_->loop_->cancel(dial_timer_);
  for (const auto& timer : late_timers_) {
    if (timer) tap_->loop_->cancel(*timer);
  }
  if (end_timer_) tap_->loop_->cancel(*end_timer_);
}

void Link::start() {
  net::Stream& client = *from(Direction::to_server).stream;
  if (!client.start()) {
    tap_->on_trouble_(name_ + ": the client's socket cannot be watched");
    return tap_->gone(number_);
  }
  client.pause();  // until there is somebody to tell
  if (const Status status = dialer_.prepare(tap_->options_.target, {}); !status) {
    return fail(status.error().message());
  }
  dial_timer_ = tap_->loop_->call_after(tap_->options_.connect_timeout, [this] {
    dialer_.cancel();
    fail("the server cannot be reached in time");
  });
  dialer_.start(tap_->options_.connect_timeout,
                [this](Result<net::Fd> fd) { dialed(std::move(fd)); });
}

void Link::dialed(Result<net::Fd> fd) {
  tap_->loop_->cancel(dial_timer_);
  if (over_) return;
  if (!fd) return fail("the server cannot be reached: " + fd.error().message());
  End& server = from(Direction::to_client);
  auto stream = ws::start_stream(*tap_->loop_, std::move(*fd), tap_->options_.tls.get(),
                                 tap_->options_.tls_server_name, server);
  if (!stream) return fail(stream.error().message());
  server.stream = std::move(*stream);
  tell_pace();
  show_pause();
  from(Direction::to_server).stream->resume();
}

// Of what the bytes are cut into, and of when they come, no protocol on top may depend.
void Link::tell_pace() {
  const auto tell = [this](std::uint8_t depth, std::string_view name, std::string value) {
    explainer_.tell({.layer = trace::Layer::tcp,
                     .depth = depth,
                     .name = name,
                     .value = std::move(value),
                     .section = depth == 0 ? "" : "RFC 9293 §2.2"});
  };
  const auto predict = [&](const std::string& what) {
    tell(1, "predicted for the server", what);
    tell(1, "predicted for the client", what);
  };
  if (tap_->options_.split) {
    tell(0, "split", "every byte goes on alone");
    predict("nothing: TCP is a stream of bytes, whatever pieces they come in");
  }
  if (tap_->options_.delay > net::Duration()) {
    tell(0, "delay",
         "all goes on " + std::to_string(tap_->options_.delay.to_milliseconds()) +
             " ms later, in both directions");
    predict("nothing, unless it waits for an answer for less than twice that");
  }
}

// ---- what comes in ------------------------------------------------------------------------------

net::Stream::Want Link::End::on_input(MutableBytes& input) {
  link_->arrived(sends_, input);
  input = {};
  return net::Stream::Want::more;
}

void Link::End::on_end() {
  ended = true;
  link_->arrived_end(sends_);
}

void Link::End::on_broken(std::error_code error) {
  if (!link_->over_) link_->fail(error.message());
}

void Link::arrived(Direction direction, MutableBytes bytes) {
  if (!is_late()) return pass(direction, bytes);
  const auto index = static_cast<std::size_t>(direction);
  late_[index].push_back({tap_->loop_->now() + tap_->options_.delay, {bytes.begin(), bytes.end()}});
  late_bytes_[index] += bytes.size();
  match_pace(direction);
  schedule_late(direction);
}

void Link::arrived_end(Direction direction) {
  if (!is_late()) return pass_end(direction);
  late_[static_cast<std::size_t>(direction)].push_back(
      {tap_->loop_->now() + tap_->options_.delay, {}});
  schedule_late(direction);
}

// ---- what goes on -------------------------------------------------------------------------------

void Link::pass(Direction direction, MutableBytes bytes) {
  edits() ? pass_edited(direction, bytes) : go_on(direction, bytes);
  show_pause();
  match_pace(direction);
}

// Cut only where a head may end, as long as heads come: behind that a frame may begin.
void Link::pass_edited(Direction direction, MutableBytes bytes) {
  FrameEditor& editor = editors_[static_cast<std::size_t>(direction)];
  begin_editors();
  while (!bytes.empty() && !over_) {
    const std::size_t size = editor.begun() ? bytes.size() : before_frames(direction, bytes);
    editor.begun() ? editor.pass(bytes.first(size)) : go_on(direction, bytes.first(size));
    bytes = bytes.subspan(size);
    begin_editors();
  }
}

// How many of these bytes come up to the end of a head, or all.
std::size_t Link::before_frames(Direction direction, Bytes bytes) noexcept {
  constexpr std::string_view head_end = "\r\n\r\n";
  std::size_t& matched = matched_[static_cast<std::size_t>(direction)];
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool goes_on = bytes[i] == static_cast<std::uint8_t>(head_end[matched]);
    matched = goes_on ? matched + 1 : (bytes[i] == '\r' ? 1 : 0);
    if (matched < head_end.size()) continue;
    matched = 0;
    return i + 1;
  }
  return bytes.size();
}

// The answer of the server begins the frames of both directions. What a client sends before it,
// which it may not, goes on as it is.
void Link::begin_editors() {
  for (const Direction direction : {Direction::to_server, Direction::to_client}) {
    FrameEditor& editor = editors_[static_cast<std::size_t>(direction)];
    if (editor.begun() || !explainer_.at_boundary(direction)) continue;
    standings_.deflate = explainer_.deflate();
    editor.begin();
  }
}

void Link::go_on(Direction direction, Bytes bytes) {
  if (capture_) capture_->add(direction, bytes);
  explainer_.add(direction, bytes);
  net::Stream* const receiver = to(direction).stream.get();
  if (receiver == nullptr || over_) return;
  if (!receiver->write(bytes)) fail("no memory, or the connection broke");
}

void Link::show_pause() {
  if (tap_->onlooker_ != nullptr) tap_->onlooker_->on_pause(name_);
}

bool Link::speaks_frames() const noexcept {
  return !over_ && editors_[0].begun() && editors_[1].begun();
}

bool Link::inject(const Injection& injection) {
  if (from(injection.direction).ended) return false;
  const bool taken = editors_[static_cast<std::size_t>(injection.direction)].inject(injection);
  show_pause();
  match_pace(injection.direction);
  return taken;
}

void Link::pass_end(Direction direction) {
  if (capture_) capture_->end(direction);
  explainer_.end(direction);
  show_pause();
  if (over_) return;
  if (net::Stream* const receiver = to(direction).stream.get()) receiver->shutdown_write();
  end_passed_[static_cast<std::size_t>(direction)] = true;
  end_if_done();
}

// Read here, and not yet taken by the kernel on the other side.
std::size_t Link::waiting_bytes(Direction direction) noexcept {
  const net::Stream* const receiver = to(direction).stream.get();
  return late_bytes_[static_cast<std::size_t>(direction)] +
         (receiver != nullptr ? receiver->unsent_bytes() : 0);
}

// Stops whoever sends faster than the other takes, and lets it go on at half of that.
void Link::match_pace(Direction direction) {
  net::Stream* const sender = from(direction).stream.get();
  if (over_ || sender == nullptr || to(direction).stream == nullptr) return;
  const std::size_t waiting = waiting_bytes(direction);
  if (waiting > Tap::queue_bytes_max) sender->pause();
  if (waiting <= Tap::queue_bytes_max / 2 && sender->paused()) sender->resume();
}

void Link::schedule_late(Direction direction) {
  const auto index = static_cast<std::size_t>(direction);
  if (late_timers_[index] || late_[index].empty()) return;
  const net::Time now = tap_->loop_->now();
  const net::Time due = late_[index].front().due;
  late_timers_[index] = tap_->loop_->call_after(due > now ? due - now : net::Duration(),
                                                [this, direction] { send_late(direction); });
}

void Link::send_late(Direction direction) {
  const auto index = static_cast<std::size_t>(direction);
  late_timers_[index].reset();
  Late& front = late_[index].front();
  if (front.bytes.empty()) {
    late_[index].pop_front();
    return pass_end(direction);
  }
  const MutableBytes left = MutableBytes(front.bytes).subspan(front.sent);
  const MutableBytes next = tap_->options_.split ? left.first(1) : left;
  front.sent += next.size();
  late_bytes_[index] -= next.size();
  pass(direction, next);
  if (over_) return;
  if (front.sent == front.bytes.size()) late_[index].pop_front();
  match_pace(direction);
  schedule_late(direction);
}

// ---- the end ------------------------------------------------------------------------------------

void Link::fail(const std::string& why) {
  tap_->on_trouble_(name_ + ": " + why);
  end_all(false);
}

// Both ends have passed. What is in front of them leaves first, as slowly as it is taken.
void Link::end_if_done() {
  if (over_ || !end_passed_[0] || !end_passed_[1]) return;
  const bool is_done = ends_[0].stream->unsent_bytes() == 0 && ends_[1].stream->unsent_bytes() == 0;
  if (is_done) return end_all(true);
  if (!end_timer_) await_progress();
}

void Link::await_progress() {
  constexpr net::Duration patience = net::Duration::seconds(30);
  const auto made_progress = [this] {
    const bool first = ends_[0].stream->made_progress();
    return ends_[1].stream->made_progress() || first;
  };
  for (const auto& end : ends_) end.stream->forget_progress();
  end_timer_ = tap_->loop_->call_after(patience, [this, made_progress] {
    end_timer_.reset();
    if (over_) return;
    made_progress() ? await_progress() : end_all(false);
  });
}

void Link::end_all(bool politely) {
  over_ = true;
  for (End& end : ends_) {
    if (end.stream) politely ? end.stream->close() : end.stream->abort();
  }
}

void Link::End::on_reap() {
  stream.reset();
  Link& link = *link_;
  if (!link.over_) link.end_all(false);
  if (link.ends_[0].stream || link.ends_[1].stream) return;
  link.tap_->gone(link.number_);  // and this with it
}

}  // namespace hilo::tools::tap
