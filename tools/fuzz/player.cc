// SPDX-License-Identifier: MIT

#include "tools/fuzz/player.h"

#include <utility>

#include "tools/fuzz/cutting.h"
#include "tools/fuzz/oracle.h"

namespace hilo::tools::fuzz {
namespace {

constexpr std::size_t lines_max = 2;

// The id in what Engine.IO opens a session with: {"sid":"...".
std::string sid_in(std::string_view text) {
  constexpr std::string_view mark = "\"sid\":\"";
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + mark.size());
  return std::string(text.substr(0, text.find('"')));
}

}  // namespace

// One case, from its first step to the last one that can be played.
class Player::Run {
 public:
  Run(Player& player, const Case& subject) : player_(&player), subject_(&subject) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    player_->loop_.cancel(timer_);
    player_->loop_.cancel(piece_timer_);
  }

  void advance();
  bool over() const { return over_; }
  Observation take_observation();
  // What is left of the connections, which hear of nobody any more.
  void hand_over(std::vector<std::unique_ptr<Line>>& into);

 private:
  struct Place {
    explicit Place(net::Loop& loop) : connector(loop) {}
    net::Connector connector;
    std::unique_ptr<Line> line;
    std::size_t answers_taken = 0;
  };

  const Step& step() const { return subject_->steps[step_]; }
  void connect(Place& place, std::size_t number);
  void connected(Place& place, std::size_t number, Result<net::Fd> fd);
  bool begin_step(Place& place);
  bool is_done(Place& place);
  bool take_answer(Place& place);
  std::string sid() const;
  void begin_send(Place& place);
  void send_piece(Place& place);
  void wait(net::Duration time);
  void out_of_time();
  void next_step();

  Player* player_;
  const Case* subject_;
  Observation observation_;
  std::array<std::unique_ptr<Place>, lines_max> places_;
  std::size_t step_ = 0;
  bool begun_ = false;    // the step; it is waited for
  bool sending_ = false;  // pieces are left
  bool over_ = false;
  Octets bytes_;  // of the send that is under way
  std::vector<std::size_t> writes_;
  std::size_t write_ = 0;
  std::size_t sent_bytes_ = 0;
  net::Loop::TimerId timer_{};
  net::Loop::TimerId piece_timer_{};
};

// --- connections ---------------------------------------------------------------------------------

void Player::Run::connect(Place& place, std::size_t number) {
  place.connector.connect(
      player_->server_->addresses, {.timeout = player_->server_->patience},
      [this, &place, number](Result<net::Fd> fd) { connected(place, number, std::move(fd)); });
}

void Player::Run::connected(Place& place, std::size_t number, Result<net::Fd> fd) {
  over_ = true;  // unless all goes well
  if (!fd) {
    observation_.refused = fd.error() == std::errc::connection_refused;
    observation_.trouble = "cannot connect: " + fd.error().message();
    return;
  }
  std::unique_ptr<net::Transport> transport;
  if (const auto& tls = player_->server_->tls) {
    transport = tls->connect(fd->value(), player_->server_->tls_name);
    if (!transport) {
      observation_.trouble = "no memory for TLS";
      return;
    }
  }
  Line::OnBytes on_bytes;
  if (player_->on_bytes_) {
    on_bytes = [player = player_, number](std::string_view bytes) {
      player->on_bytes_(number, true, bytes);
    };
  }
  place.line = std::make_unique<Line>(
      player_->loop_, std::move(*fd), std::move(transport), [this] { advance(); },
      std::move(on_bytes));
  if (const Status status = place.line->start(); !status) {
    observation_.trouble = status.error().message();
    return;
  }
  over_ = false;
  advance();
}

Observation Player::Run::take_observation() {
  for (std::size_t i = 0; i != lines_max; ++i) {
    if (places_[i] && places_[i]->line) observation_.lines[i] = places_[i]->line->seen();
  }
  return std::move(observation_);
}

void Player::Run::hand_over(std::vector<std::unique_ptr<Line>>& into) {
  for (auto& place : places_) {
    if (!place || !place->line) continue;
    place->line->detach();
    into.push_back(std::move(place->line));
  }
}

// --- steps ---------------------------------------------------------------------------------------

// Goes on as far as it can. Whatever comes calls it again.
void Player::Run::advance() {
  while (!over_ && !sending_) {
    if (step_ == subject_->steps.size()) {
      over_ = true;
      return;
    }
    const std::size_t number = step().line % lines_max;
    auto& place = places_[number];
    if (!place) {
      place = std::make_unique<Place>(player_->loop_);
      return connect(*place, number);
    }
    if (!place->line) return;  // it is being connected
    if (!std::exchange(begun_, true) && !begin_step(*place)) return;
    if (!is_done(*place)) return;
    next_step();
  }
}

void Player::Run::next_step() {
  player_->loop_.cancel(timer_);
  begun_ = false;
  ++step_;
}

// False: it goes on by itself.
bool Player::Run::begin_step(Place& place) {
  switch (step().kind) {
    case Step::Kind::send:
      // What has begun is said to its end; after the server's Close nothing begins any more.
      if (place.line->ended() || place.line->seen().close() != nullptr) return true;
      begin_send(place);
      return !sending_;
    case Step::Kind::half_close: place.line->half_close(); return true;
    case Step::Kind::reset: place.line->reset(); return true;
    case Step::Kind::watch: wait(net::Duration::milliseconds(step().milliseconds)); return true;
    case Step::Kind::await_answer:
    case Step::Kind::await_replies:
    case Step::Kind::await_end: wait(player_->server_->patience); return true;
  }
  return true;
}

bool Player::Run::is_done(Place& place) {
  const Seen& seen = place.line->seen();
  const bool says_bye = place.line->ended() || seen.close() != nullptr;
  switch (step().kind) {
    case Step::Kind::send:
    case Step::Kind::half_close:
    case Step::Kind::reset: return true;
    case Step::Kind::watch: return says_bye;
    case Step::Kind::await_answer: return take_answer(place) || place.line->ended();
    case Step::Kind::await_replies:
      return says_bye || replies_are_there(*subject_, step_, step().line, seen);
    case Step::Kind::await_end: {
      // Who answers what was asked after a fault has accepted it: no end is to be waited for.
      const bool goes_on = subject_->level == Level::one_fault && answers_probe(seen) && !says_bye;
      if (goes_on) over_ = true;
      return place.line->ended();
    }
  }
  return true;
}

bool Player::Run::take_answer(Place& place) {
  const Seen& seen = place.line->seen();
  if (seen.answers.size() <= place.answers_taken) return false;
  const Answer& answer = seen.answers[place.answers_taken++];
  const bool opens = answer.head.status() == 101;
  observation_.not_applicable = opens && subject_->needs_deflate && !seen.deflate;
  // Behind an answer that is not the one the case was made for, nothing means what it meant.
  const bool is_wanted = step().statuses.empty() || is_right_status(step(), answer.head.status());
  if (observation_.not_applicable || !is_wanted) over_ = true;
  return true;
}

// --- sending -------------------------------------------------------------------------------------

// Of the session that the case has opened: it came in the body of an answer, or in a message.
std::string Player::Run::sid() const {
  for (const auto& place : places_) {
    if (!place || !place->line) continue;
    for (const Answer& answer : place->line->seen().answers) {
      if (std::string sid = sid_in(answer.body); !sid.empty()) return sid;
    }
    for (const conform::Event& event : place->line->seen().events) {
      if (std::string sid = sid_in(event.payload); !sid.empty()) return sid;
    }
  }
  return {};
}

void Player::Run::begin_send(Place& place) {
  bytes_ = step().bytes;
  if (step().names_sid) bytes_ = conform::replaced(bytes_, "$SID", sid());
  place.line->begin_pieces(step().closes);
  writes_ = writes_of(step(), bytes_.size());
  write_ = 0;
  sent_bytes_ = 0;
  sending_ = true;
  send_piece(place);
}

// One write now, and the next one in a turn of its own.
void Player::Run::send_piece(Place& place) {
  if (write_ == writes_.size() || place.line->ended()) {
    sending_ = false;
    return place.line->end_pieces();
  }
  const std::size_t size = writes_[write_++];
  const std::string_view piece = std::string_view(bytes_).substr(sent_bytes_, size);
  sent_bytes_ += size;
  if (player_->on_bytes_) player_->on_bytes_(step().line, false, piece);
  place.line->write(piece);
  sending_ = write_ != writes_.size();
  if (!sending_) return place.line->end_pieces();
  piece_timer_ =
      player_->loop_.call_after(net::Duration::milliseconds(step().milliseconds), [this, &place] {
        if (over_) return;
        send_piece(place);
        if (!sending_) advance();
      });
}

// --- time ----------------------------------------------------------------------------------------

void Player::Run::wait(net::Duration time) {
  timer_ = player_->loop_.call_after(time, [this] { out_of_time(); });
}

void Player::Run::out_of_time() {
  if (over_) return;
  if (step().kind == Step::Kind::watch) {
    next_step();
    return advance();
  }
  observation_.out_of_time = step_;
  over_ = true;
}

// --- the player ----------------------------------------------------------------------------------

Observation Player::play(const Case& subject) {
  end(open_);
  Run run(*this, subject);
  run.advance();
  while (!run.over()) {
    if (const Status status = loop_.run_once(net::Duration::seconds(1)); !status) break;
  }
  Observation observation = run.take_observation();
  run.hand_over(open_);
  return observation;
}

void Player::hold() {
  for (auto& line : open_) held_.push_back(std::move(line));
  open_.clear();
}

void Player::release() {
  end(held_);
  end(open_);
}

void Player::end(std::vector<std::unique_ptr<Line>>& lines) {
  for (const auto& line : lines) line->close();
  while (!lines.empty()) {
    if (const Status status = loop_.run_once(net::Duration::milliseconds(10)); !status) break;
    std::erase_if(lines, [](const auto& line) { return line->reaped(); });
  }
  lines.clear();
}

}  // namespace hilo::tools::fuzz
