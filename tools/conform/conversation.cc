// SPDX-License-Identifier: MIT

#include "tools/conform/conversation.h"

#include <algorithm>
#include <utility>

#include "net/clock.h"
#include "net/transport_tls.h"
#include "tools/conform/judge.h"
#include "tools/conform/opening.h"

namespace hilo::tools::conform {
namespace {

// Between two writes that are to arrive apart.
constexpr net::Duration between_pieces = net::Duration::milliseconds(1);
// How long a peer has to notice that it must fail, while the case is not over yet.
constexpr net::Duration watch_time = net::Duration::seconds(1);
constexpr std::size_t head_bytes_max = 65536;

bool is_close(const Part& part) {
  return part.is_frame && part.frame.opcode == op_close && part.frame.final;
}

std::string describe(const std::vector<Part>& parts) {
  std::string words;
  for (const Part& part : parts) {
    if (words.size() > 400) return words + ", ...";
    if (!words.empty()) words += ", ";
    words += part.is_frame ? conform::describe(part.frame) : "bytes";
  }
  return words;
}

}  // namespace

Conversation::Conversation(net::Loop& loop, const Settings& settings, Wire wire,
                           const Case* subject, Choose choose, OnOver on_over)
    : loop_(&loop),
      settings_(&settings),
      subject_(subject),
      choose_(std::move(choose)),
      on_over_(std::move(on_over)),
      stream_(loop, std::move(wire.transport), std::move(wire.fd), *this),
      reader_(settings.tested == Side::client),
      began_(net::clock_now()) {}

Conversation::~Conversation() {
  disarm();
  loop_->cancel(piece_timer_);
}

void Conversation::start() {
  if (const Status status = stream_.start(); !status) {
    transcript_.trouble = status.error().message();
    return finish();
  }
  arm(settings_->patience);
  if (!we_are_client()) return;
  const std::size_t seed = std::hash<std::string>{}(subject_->id);
  key_ = base64(noise(16, static_cast<std::uint32_t>(seed)));
  send_opening(key_);
}

void Conversation::give_up(std::string_view why) {
  if (phase_ == Phase::over) return;
  transcript_.trouble = why;
  finish();
}

// --- the opening handshake -----------------------------------------------------------------------

void Conversation::send_opening(std::string_view key) {
  const Opening& opening = subject_->opening;
  Octets octets = we_are_client() ? request_head(*subject_, *settings_, key)
                                  : response_head(*subject_, answer_, key);
  std::string words = we_are_client() ? "the request" : "the response";
  if (opening.glued && !subject_->steps.empty()) {
    const Step& first = subject_->steps.front();
    octets += encode_parts(first.parts);
    words += ", and at once: " + describe(first.parts);
    step_ = 1;
    ++transcript_.sends;
  }
  pieces_ = octets;
  piece_bytes_ = opening.piece;
  if (opening.cut_back != 0) first_piece_bytes_ = octets.size() - opening.cut_back;
  note(Entry::Kind::sent, octets, std::move(words));
  send_piece();
}

bool Conversation::take_response() {
  while (true) {
    const std::optional<Head> head = read_head(head_bytes_);
    if (!head) {
      if (head_bytes_.size() > head_bytes_max) finish();
      return false;
    }
    const Octets octets = head_bytes_.substr(0, head->bytes);
    head_bytes_.erase(0, head->bytes);
    note(Entry::Kind::received, octets, "the response: " + head->first_line);
    const int status = head->status();
    if (status >= 100 && status < 200 && status != 101) continue;
    transcript_.head = head;
    break;
  }
  transcript_.upgraded = transcript_.head->status() == 101;
  if (!transcript_.upgraded || subject_->opening.accepted > Verdict::informational) {
    finish();
    return false;
  }
  const std::optional<Head> sent = read_head(request_head(*subject_, *settings_, key_));
  const std::string key = sent ? sent->find("Sec-WebSocket-Key").value_or(key_) : key_;
  const std::string offered = sent ? sent->joined("Sec-WebSocket-Protocol") : "";
  transcript_.head_wrong = check_101(*transcript_.head, key, split_list(offered));
  agree(sent ? sent->joined("Sec-WebSocket-Extensions") : "",
        transcript_.head->joined("Sec-WebSocket-Extensions"));
  if (transcript_.head_wrong.empty()) transcript_.head_wrong = transcript_.agreement.wrong;
  return true;
}

bool Conversation::take_request() {
  const std::optional<Head> head = read_head(head_bytes_);
  if (!head) {
    if (head_bytes_.size() > head_bytes_max) finish();
    return false;
  }
  note(Entry::Kind::received, head_bytes_.substr(0, head->bytes),
       "the request: " + head->first_line);
  head_bytes_.erase(0, head->bytes);
  transcript_.head = head;
  if (subject_ == nullptr) subject_ = choose_(*head);
  if (head->count("Sec-WebSocket-Key") == 0) transcript_.head_wrong = "no Sec-WebSocket-Key (§4.1)";
  if (subject_ != nullptr && subject_->opening.check != nullptr) {
    transcript_.head_wrong = subject_->opening.check(*head);
  }
  if (subject_ == nullptr || !transcript_.head_wrong.empty()) {
    finish();
    return false;
  }
  transcript_.upgraded = true;
  agree_with_client(head->joined("Sec-WebSocket-Extensions"));
  if (needs_met()) {
    send_opening(head->find("Sec-WebSocket-Key").value_or(""));
    return true;
  }
  // Nothing to play, but the client gets its connection, and an end of it.
  write(replaced("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                 "Upgrade\r\nSec-WebSocket-Accept: $ACCEPT\r\n\r\n",
                 "$ACCEPT", accept_for(head->find("Sec-WebSocket-Key").value_or(""))),
        "an ordinary response, for lack of what the case needs");
  phase_ = Phase::closing;
  send_close(1000);
  return false;
}

void Conversation::agree(std::string_view offer, std::string_view answer) {
  transcript_.agreement = check_answer(offer, answer);
  if (transcript_.agreement.wrong.empty()) reader_.agree(transcript_.agreement.terms);
}

// Which answer the case wants to give to this offer, and what follows from that.
void Conversation::agree_with_client(std::string_view offer) {
  answer_ = answer_to(*subject_, offer);
  if (!subject_->opening.offer.empty() && !offers_deflate(offer)) {
    transcript_.unmet = "permessage-deflate was not offered";
  }
  if (answer_.empty()) return;
  agree(offer, answer_);
  // What cannot be granted was not offered.
  const bool is_ours = subject_->opening.offer.empty();
  if (is_ours && !transcript_.agreement.wrong.empty()) transcript_.agreement = {};
}

bool Conversation::needs_met() {
  if (!transcript_.unmet.empty()) return false;
  // A client's answer to an answer that it may not take is to go.
  if (!transcript_.agreement.wrong.empty()) return true;
  transcript_.unmet = unmet_need(subject_->need, settings_->tested, transcript_.agreement.terms);
  return transcript_.unmet.empty();
}

// --- what the peer says --------------------------------------------------------------------------

net::Stream::Want Conversation::on_input(MutableBytes& input) {
  const std::string_view octets = as_text(input);
  if (phase_ != Phase::over) {
    if (phase_ == Phase::opening) {
      head_bytes_ += octets;
      const bool open = we_are_client() ? take_response() : take_request();
      if (open && phase_ == Phase::opening) {
        phase_ = Phase::steps;
        if (!needs_met() || !transcript_.head_wrong.empty()) {
          begin_closing();
        }
        reader_.feed(std::exchange(head_bytes_, {}));
        take_frames();
        if (phase_ == Phase::steps) advance();
      }
    } else {
      note(Entry::Kind::received, octets, "");
      reader_.feed(octets);
      take_frames();
      if (phase_ == Phase::steps || phase_ == Phase::waiting) advance();
    }
  }
  input = {};
  return net::Stream::Want::more;
}

void Conversation::take_frames() {
  while (phase_ != Phase::over) {
    std::optional<PeerReader::Reading> reading = reader_.next();
    if (!reading) return;
    note(Entry::Kind::frame, {}, conform::describe(reading->frame));
    if (reading->event) take_event(std::move(*reading->event));
  }
}

void Conversation::take_event(Event event) {
  event.sends = transcript_.sends;
  const Event::Kind kind = event.kind;
  const std::uint16_t code = event.code;
  if (kind == Event::Kind::ping && !close_sent_) {
    write(encode(pong(event.payload), we_are_client()), "pong, to the peer's ping");
  }
  if (kind == Event::Kind::message || kind == Event::Kind::pong) ++replies_;
  transcript_.events.push_back(std::move(event));
  if (kind == Event::Kind::violation) return finish();
  if (kind != Event::Kind::close) return;
  phase_ = Phase::closing;
  if (!close_sent_) send_close(code);
  both_closed();
}

void Conversation::on_end() {
  if (phase_ == Phase::over) return;
  note(Entry::Kind::note, {}, "the peer's FIN");
  ended(End::fin);
}

void Conversation::on_broken(std::error_code error) {
  if (phase_ == Phase::over) return;
  note(Entry::Kind::note, {}, "the connection broke: " + error.message());
  if (const net::tls::TlsTransport* tls = tls_handshake()) {
    const std::string_view why = tls->failure_text();
    transcript_.trouble = "no TLS: " + (why.empty() ? error.message() : std::string(why));
  }
  ended(error == net::tls::Errc::truncated ? End::cut : End::reset);
}

void Conversation::ended(End end) {
  transcript_.end = end;
  transcript_.end_sends = transcript_.sends;
  const bool says_bye = transcript_.close() != nullptr;
  // What a reset has destroyed on its way is nobody's half frame.
  const bool is_whole = !reader_.in_frame() && (says_bye || !reader_.in_message());
  transcript_.end_in_frame = end != End::reset && !is_whole;
  finish();
}

// While it is under way, without which there is nothing to judge.
const net::tls::TlsTransport* Conversation::tls_handshake() const {
  const net::Transport* transport = stream_.transport();
  const net::tls::TlsTransport* tls = transport != nullptr ? transport->tls() : nullptr;
  return tls == nullptr || tls->handshake_done() ? nullptr : tls;
}

void Conversation::on_reap() {
  transcript_.microseconds = (net::clock_now() - began_).to_microseconds();
  on_over_(*this);
}

// --- what we say ---------------------------------------------------------------------------------

// Goes on with the steps as far as it can.
void Conversation::advance() {
  while (phase_ == Phase::steps && !sending_) {
    if (watching_) return;
    if (step_ == subject_->steps.size()) {
      phase_ = Phase::waiting;
      arm(settings_->patience);
      break;
    }
    const Step& step = subject_->steps[step_];
    if (step.kind == Step::Kind::await && replies_ < step.replies) {
      return arm(settings_->patience);
    }
    ++step_;
    begin_step(step);
  }
  if (phase_ == Phase::waiting) wait();
}

void Conversation::begin_step(const Step& step) {
  switch (step.kind) {
    case Step::Kind::await: return;
    case Step::Kind::send: return begin_send(step);
    case Step::Kind::watch: watching_ = true; return arm(std::min(watch_time, settings_->patience));
    case Step::Kind::half_close: note(Entry::Kind::note, {}, "our FIN"); return send_fin();
  }
}

void Conversation::begin_send(const Step& step) {
  pieces_ = encode_parts(step.parts);
  piece_bytes_ = step.piece;
  first_piece_bytes_ = step.cut;
  if (std::any_of(step.parts.begin(), step.parts.end(), is_close)) {
    close_sent_ = true;
    transcript_.we_closed_first = subject_->outcomes.front().ending == Ending::peer_echoes;
  }
  note(Entry::Kind::sent, pieces_, describe(step.parts));
  send_piece();
}

Octets Conversation::encode_parts(const std::vector<Part>& parts) const {
  Octets octets;
  for (const Part& part : parts) {
    octets += part.is_frame ? encode(part.frame, we_are_client()) : part.raw;
  }
  return octets;
}

// One write now, and the next one when this has surely left.
void Conversation::send_piece() {
  std::size_t size = piece_bytes_ == 0 ? pieces_.size() : piece_bytes_;
  if (first_piece_bytes_ != 0) size = std::exchange(first_piece_bytes_, 0);
  size = std::min(size, pieces_.size());
  const Octets piece = pieces_.substr(0, size);
  pieces_.erase(0, size);
  // A stream that does not take it is broken, and says so by itself.
  static_cast<void>(stream_.write(as_bytes(piece)));
  arm(settings_->patience);
  sending_ = !pieces_.empty();
  if (sending_) {
    piece_timer_ = loop_->call_after(between_pieces, [this] {
      if (phase_ == Phase::over || phase_ == Phase::closing) return;
      send_piece();
      if (!sending_) advance();
    });
    return;
  }
  if (std::exchange(opening_sent_, true)) {
    ++transcript_.sends;
  } else if (subject_->opening.ends_after_head) {
    send_fin();
  }
}

// Over TLS it is a close_notify, which there cannot be before the handshake is done.
void Conversation::send_fin() {
  fin_sent_ = true;
  if (tls_handshake() == nullptr) return stream_.shutdown_write();
  piece_timer_ = loop_->call_after(between_pieces, [this] {
    if (phase_ != Phase::over) send_fin();
  });
}

bool Conversation::replies_are_there() const {
  return replies_match(subject_->outcomes.front().replies, transcript_.events);
}

void Conversation::wait() {
  const auto& outcomes = subject_->outcomes;
  if (outcomes.front().ending == Ending::we_close && replies_are_there()) begin_closing();
  // A peer that may go on waiting has had the time of the last step to do otherwise.
  if (outcomes.back().ending == Ending::still_open) finish();
}

void Conversation::out_of_patience() {
  switch (phase_) {
    case Phase::steps:
      if (std::exchange(watching_, false)) return advance();
      transcript_.waited_in_vain = true;
      note(Entry::Kind::note, {}, "nothing came in time");
      return begin_closing();
    case Phase::waiting:
      transcript_.waited_in_vain = true;
      note(Entry::Kind::note, {}, "nothing came in time");
      return close_sent_ || fin_sent_ ? finish() : begin_closing();
    case Phase::opening:
    case Phase::closing: note(Entry::Kind::note, {}, "no end in time"); return finish();
    case Phase::over: return;
  }
}

void Conversation::begin_closing() {
  phase_ = Phase::closing;
  if (close_sent_) return;
  transcript_.we_closed_first = true;
  send_close(1000);
}

void Conversation::send_close(std::uint16_t code) {
  close_sent_ = true;
  const Frame frame = code == 0 ? close_with("") : close(code);
  if (!fin_sent_) write(encode(frame, we_are_client()), conform::describe(frame));
  arm(settings_->patience);
}

// RFC 6455 §7.1.1: it is the server that ends TCP.
void Conversation::both_closed() {
  if (!we_are_client() && !fin_sent_) {
    note(Entry::Kind::note, {}, "our FIN");
    send_fin();
  }
  arm(settings_->patience);
}

void Conversation::finish() {
  if (std::exchange(phase_, Phase::over) == Phase::over) return;
  disarm();
  if (transcript_.end == End::none) {
    note(Entry::Kind::note, {}, "we end the connection");
  }
  stream_.close();
}

// --- helpers -------------------------------------------------------------------------------------

void Conversation::arm(net::Duration patience) {
  disarm();
  timer_ = loop_->call_after(patience, [this] { out_of_patience(); });
}

void Conversation::disarm() {
  loop_->cancel(timer_);
}

void Conversation::write(std::string_view octets, std::string words) {
  note(Entry::Kind::sent, octets, std::move(words));
  static_cast<void>(stream_.write(as_bytes(octets)));
}

void Conversation::note(Entry::Kind kind, std::string_view octets, std::string words) {
  if (transcript_.log.size() >= Transcript::entries_max) return;
  transcript_.log.push_back({.kind = kind,
                             .microseconds = (net::clock_now() - began_).to_microseconds(),
                             .octets = Octets(octets.substr(0, Transcript::octets_max)),
                             .size = octets.size(),
                             .text = std::move(words)});
}

}  // namespace hilo::tools::conform
