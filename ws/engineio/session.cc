// SPDX-License-Identifier: MIT

#include "ws/engineio/session.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "ws/engineio/payload.h"
#include "ws/limits.h"

namespace hilo::engineio {
namespace {

constexpr std::string_view probe_text = "probe";
// A probe may be repeated, but not for ever.
constexpr std::uint16_t probes_max = 1000;
// From "3probe" to "5" a GET that has nothing to fetch is let go, so that the client can pause, and
// the one behind it if the client asks again: so long after the answer, and after each other, as in
// the reference. What is on its way by then makes most of them needless.
constexpr net::Duration release_interval = net::Duration::milliseconds(100);

// A number in decimals.
class Digits {
 public:
  explicit Digits(std::int64_t number) noexcept
      : size_(static_cast<std::size_t>(
            std::to_chars(room_.data(), room_.data() + room_.size(), number).ptr - room_.data())) {}
  std::string_view text() const noexcept { return {room_.data(), size_}; }

 private:
  std::array<char, 20> room_;
  std::size_t size_;
};

Reaction failed(Errc error) noexcept {
  return {.kind = Reaction::Kind::failed, .error = error};
}

}  // namespace

Session::Session(Pool& pool, const Options& options, const Start& start, net::Time now) noexcept
    : options_(&options),
      queue_(pool),
      sid_(start.sid),
      revision_(start.revision),
      transport_(start.transport),
      framing3_(start.framing3),
      base64_(start.base64) {
  arm_heartbeat(now);
}

Status Session::write_open(Buffer& out) const noexcept {
  const bool may_upgrade =
      transport_ == Transport::polling && options_->upgrades && options_->websocket;
  const Digits interval(options_->ping_interval.to_milliseconds());
  const Digits timeout(options_->ping_timeout.to_milliseconds());
  const Digits payload(static_cast<std::int64_t>(options_->payload_bytes_max));
  for (const std::string_view piece :
       {std::string_view("{\"sid\":\""), sid_.view(), std::string_view("\",\"upgrades\":["),
        std::string_view(may_upgrade ? "\"websocket\"" : ""),
        std::string_view("],\"pingInterval\":"), interval.text(),
        std::string_view(",\"pingTimeout\":"), timeout.text(), std::string_view(",\"maxPayload\":"),
        payload.text(), std::string_view("}")}) {
    if (Status written = out.append(as_bytes(piece)); !written) return written;
  }
  return {};
}

Status Session::send(bool binary, Bytes data) noexcept {
  if (!is_open()) return std::make_error_code(std::errc::not_connected);
  const std::size_t room =
      options_->queue_bytes_max - std::min(queue_.size_bytes(), options_->queue_bytes_max);
  if (data.size() >= room) return std::make_error_code(std::errc::no_buffer_space);
  return queue_.push(PacketType::message, binary, data);
}

// --- what the client sends -----------------------------------------------------------------------

Reaction Session::receive(const Packet& packet, net::Time now) noexcept {
  if (!is_open()) return {};
  switch (packet.type) {
    case PacketType::message: return {.kind = Reaction::Kind::message};
    case PacketType::ping:
    case PacketType::pong: return receive_heartbeat(packet.type, now);
    case PacketType::close: return {.kind = Reaction::Kind::ended};
    case PacketType::noop: return {};
    case PacketType::open:
    case PacketType::upgrade: break;
  }
  return failed(Errc::packet_unexpected);
}

// Revision 4: the server asks, and a pong that nobody asked for changes nothing, or a client could
// put its next ping off for ever. Revision 3: the client asks.
Reaction Session::receive_heartbeat(PacketType type, net::Time now) noexcept {
  const bool is_answer = revision_ == Revision::v4;
  if (is_answer != (type == PacketType::pong)) return failed(Errc::heartbeat_direction);
  if (is_answer) {
    if (!awaiting_pong_) return {};
    awaiting_pong_ = false;
    arm_heartbeat(now);
    return {};
  }
  arm_heartbeat(now);
  if (queue_.size_bytes() >= options_->queue_bytes_max) return failed(Errc::queue_full);
  const Status queued = queue_.push(PacketType::pong, false, {});
  return queued ? Reaction{} : failed(Errc::queue_full);
}

void Session::arm_heartbeat(net::Time now) noexcept {
  heartbeat_at_ = now + options_->ping_interval;
  if (revision_ == Revision::v3) heartbeat_at_ = heartbeat_at_ + options_->ping_timeout;
}

// --- polling -------------------------------------------------------------------------------------

Errc Session::begin_poll() noexcept {
  if (transport_ != Transport::polling) return Errc::transport_mismatch;
  if (poll_waits_) return Errc::poll_overlap;
  poll_waits_ = true;
  return Errc::none;
}

bool Session::poll_is_due() const noexcept {
  if (!poll_waits_) return false;
  const bool is_released = (probe_ == Probe::probed && !holds_) || probe_ == Probe::waiting;
  return !queue_.empty() || is_released || transport_ != Transport::polling;
}

// A GET that is let go at release_at_.
bool Session::holds_poll() const noexcept {
  return probe_ == Probe::probed && holds_ && poll_waits_;
}

Status Session::write_poll(Buffer& out, bool& is_binary, net::Time now) noexcept {
  poll_waits_ = false;
  Framing framing = Framing::v4;
  if (revision_ == Revision::v3) {
    const bool is_wanted = framing3_ == Framing3::binary || queue_.has_binary();
    framing = is_wanted && !base64_ ? Framing::v3_binary : Framing::v3_text;
  }
  is_binary = framing == Framing::v3_binary;
  if (queue_.empty() || transport_ != Transport::polling) {
    holds_ = probe_ == Probe::probed;
    release_at_ = now + release_interval;
    return append_packet(framing, {.type = PacketType::noop}, out);
  }
  while (!queue_.empty()) {
    if (Status written = append_packet(framing, queue_.front(), out); !written) return written;
    queue_.pop();
  }
  if (state_ == State::closing) state_ = State::closed;
  return {};
}

Errc Session::begin_post() noexcept {
  if (transport_ != Transport::polling) return Errc::transport_mismatch;
  // Behind the "5" of an upgrade a POST would be out of order.
  if (post_runs_ || probe_ == Probe::waiting) return Errc::post_overlap;
  post_runs_ = true;
  return Errc::none;
}

bool Session::end_post() noexcept {
  post_runs_ = false;
  if (probe_ != Probe::waiting || state_ == State::closed) return false;
  take_over();
  return true;
}

// --- the upgrade ---------------------------------------------------------------------------------

Errc Session::begin_probe(net::Time now) noexcept {
  if (!options_->upgrades) return Errc::upgrade_disabled;
  if (transport_ != Transport::polling || probe_ != Probe::none || !is_open()) {
    return Errc::upgrade_overlap;
  }
  probe_ = Probe::begun;
  probes_ = 0;
  limit_at_ = ws::due(now, options_->upgrade_timeout);
  return Errc::none;
}

Reaction Session::receive_probe(const Packet& packet, net::Time now) noexcept {
  const bool is_probe =
      packet.type == PacketType::ping && as_text(packet.data) == probe_text && !packet.binary;
  if (is_probe && probe_ != Probe::waiting) {
    if (++probes_ > probes_max) return failed(Errc::upgrade_probe);
    if (std::exchange(probe_, Probe::probed) == Probe::begun) {
      holds_ = true;
      release_at_ = now + release_interval;
    }
    return {.kind = Reaction::Kind::answer};
  }
  if (packet.type != PacketType::upgrade || probe_ != Probe::probed) {
    return failed(Errc::upgrade_probe);
  }
  if (post_runs_) {
    probe_ = Probe::waiting;
    return {.kind = Reaction::Kind::wait};
  }
  take_over();
  return {.kind = Reaction::Kind::upgraded};
}

void Session::take_over() noexcept {
  probe_ = Probe::none;
  transport_ = Transport::websocket;
}

void Session::end_probe() noexcept {
  if (transport_ == Transport::polling) probe_ = Probe::none;
}

// --- time ----------------------------------------------------------------------------------------

net::Time Session::deadline() const noexcept {
  switch (state_) {
    case State::open: break;
    case State::closing: return limit_at_;
    case State::closed: return ws::never;
  }
  if (probe_ == Probe::none) return heartbeat_at_;
  const net::Time first = std::min(heartbeat_at_, limit_at_);
  return holds_poll() ? std::min(first, release_at_) : first;
}

Session::Expired Session::expire(net::Time now) noexcept {
  if (now < deadline()) return Expired::nothing;
  if (state_ == State::closing) {
    state_ = State::closed;
    return Expired::closing;
  }
  if (probe_ != Probe::none && limit_at_ <= now) {
    end_probe();
    return Expired::probe;
  }
  if (holds_poll() && release_at_ <= now) {
    holds_ = false;
    return Expired::output;
  }
  if (revision_ == Revision::v3 || awaiting_pong_) return Expired::silence;
  // A client that answers pings which it does not fetch is none.
  if (queue_.size_bytes() >= options_->queue_bytes_max) return Expired::silence;
  // From now on, and not from when it was due: a loop that stood still is not the client's fault.
  heartbeat_at_ = now + options_->ping_timeout;
  awaiting_pong_ = true;
  return queue_.push(PacketType::ping, false, {}) ? Expired::output : Expired::silence;
}

// --- the end -------------------------------------------------------------------------------------

void Session::close(net::Time now) noexcept {
  if (!is_open()) return;
  state_ = State::closing;
  limit_at_ = ws::due(now, options_->close_timeout);
  if (transport_ == Transport::websocket) return;
  // A client that is about to move may have no GET left to be told by: it is told over its
  // WebSocket.
  if (!queue_.push(PacketType::close, false, {})) state_ = State::closed;
}

void Session::end(PacketType last_word) noexcept {
  state_ = State::closed;
  queue_.clear();
  if (poll_waits_) static_cast<void>(queue_.push(last_word, false, {}));
}

}  // namespace hilo::engineio
