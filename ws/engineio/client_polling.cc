// SPDX-License-Identifier: MIT

#include "ws/engineio/client_polling.h"

#include <limits>

#include "ws/core/http_tokens.h"
#include "ws/engineio/base64.h"

namespace hilo::engineio {
namespace {

constexpr std::string_view sent_text_type = "text/plain;charset=UTF-8";
constexpr std::string_view sent_octets_type = "application/octet-stream";

bool is_octets(const ws::ResponseHead& head) noexcept {
  std::string_view type = head.fields.find("Content-Type").value_or(std::string_view{});
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return ws::equals_ignoring_case(type, sent_octets_type);
}

}  // namespace

std::size_t posted_bytes(Revision revision, const Packet& packet) noexcept {
  // The type; in revision 3 a length of up to ten digits and what ends it, too.
  const std::size_t around = revision == Revision::v4 ? 1 : 14;
  return around + (packet.binary ? base64_size(packet.data.size()) : packet.data.size());
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char each : text) {
    const auto byte = static_cast<std::uint8_t>(each);
    const bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= 'a' && byte <= 'z') ||
                          std::string_view("-._~").find(each) != std::string_view::npos;
    if (is_plain) {
      encoded.push_back(each);
    } else {
      encoded.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
  }
  return encoded;
}

ClientPolling::ClientPolling(net::Loop& loop, const HttpOrigin& origin, const Settings& settings,
                             PacketQueue& queue, Owner& owner)
    : settings_(settings),
      queue_(&queue),
      owner_(&owner),
      pool_(&loop.pool()),
      get_(loop, origin, settings.poll_bytes_max, *this),
      // "ok" is all that is looked for, and an error may have a few words.
      post_(loop, origin, std::size_t{64} << 10, *this) {}

Status ClientPolling::start(std::string_view target) {
  target_ = target;
  state_ = State::opening;
  return get_.ask({.target = target_});
}

void ClientPolling::opened(std::string_view sid, std::size_t post_bytes_max) {
  target_.reserve(target_.size() + sid.size() + 5);
  target_.append("&sid=").append(sid);
  post_bytes_max_ = post_bytes_max != 0 ? post_bytes_max : std::numeric_limits<std::size_t>::max();
  state_ = State::running;
}

void ClientPolling::pause() {
  if (state_ != State::running) return;
  state_ = State::pausing;
  settle();
}

void ClientPolling::resume() {
  if (state_ != State::pausing && state_ != State::paused) return;
  state_ = State::running;
  poll();
  flush();
}

void ClientPolling::finish() {
  state_ = State::finishing;
  flush();
}

void ClientPolling::stop() noexcept {
  state_ = State::stopped;
  get_.stop();
  post_.stop();
}

// --- what comes in -------------------------------------------------------------------------------

void ClientPolling::poll() {
  if (state_ != State::running || get_.is_asking()) return;
  // A field that cannot be sent has failed the first one.
  if (Status asked = get_.ask({.target = target_}); !asked) {
    fail(CloseReason::transport_error, asked.error());
  }
}

void ClientPolling::on_answer(HttpLink& link, const HttpLink::Answer& answer) {
  if (is_stopped()) return;
  if (answer.head.status != 200) {
    return fail(CloseReason::transport_error, ws::Errc::response_status);
  }
  if (&link == &get_) return read(answer);
  if (may_post() && !queue_->empty()) {
    owner_->polling_advanced();
    return flush();
  }
  if (queue_->empty()) owner_->polling_drained();
  settle();
}

void ClientPolling::on_no_answer(HttpLink& link, std::error_code error) {
  static_cast<void>(link);
  fail(CloseReason::transport_error, error);
}

void ClientPolling::read(const HttpLink::Answer& answer) {
  Framing framing = Framing::v4;
  if (settings_.revision == Revision::v3) {
    framing = is_octets(answer.head) ? Framing::v3_binary : Framing::v3_text;
  }
  // There cannot be more of them than bytes, which have their limit.
  constexpr std::uint32_t packets_max = std::numeric_limits<std::uint32_t>::max();
  Errc error = check_payload(framing, answer.body, packets_max);
  const bool opens = !answer.body.empty() && answer.body[0] == type_digit(PacketType::open);
  if (!opens && framing == Framing::v4 && state_ == State::opening) {
    const Framing other = is_octets(answer.head) ? Framing::v3_binary : Framing::v3_text;
    if (check_payload(other, answer.body, packets_max) == Errc::none) error = Errc::server_revision;
  }
  if (error != Errc::none) return fail(CloseReason::parse_error, error);
  PayloadReader reader{framing, answer.body};
  Packet packet;
  if (state_ == State::opening) owner_->polled_first(answer.head);
  while (!is_stopped() && reader.next(packet)) owner_->polled(packet);
  poll();
  settle();
}

// --- what goes out -------------------------------------------------------------------------------

void ClientPolling::flush() {
  // What was begun before pause() ends with the POST that is under way.
  if (!may_post() || post_.is_asking() || queue_->empty()) return;
  Framing framing = Framing::v4;
  if (settings_.revision == Revision::v3) {
    const bool is_binary = !settings_.base64 && queue_->has_binary();
    framing = is_binary ? Framing::v3_binary : Framing::v3_text;
  }
  Buffer body{*pool_};
  Status done = write_post(body, framing);
  if (done) {
    done = post_.ask({.target = target_,
                      .type = framing == Framing::v3_binary ? sent_octets_type : sent_text_type,
                      .body = body.readable(),
                      .timeout = settings_.post_timeout});
  }
  if (!done) fail(CloseReason::transport_error, done.error());
}

Status ClientPolling::write_post(Buffer& body, Framing framing) {
  std::uint32_t packets = 0;
  std::size_t bytes = 0;
  while (!queue_->empty() && packets < settings_.packets_per_post_max) {
    const Packet packet = queue_->front();
    // With the separator in front.
    bytes += posted_bytes(settings_.revision, packet) + std::size_t{packets != 0};
    if (packets != 0 && bytes > post_bytes_max_) break;
    if (Status written = append_packet(framing, packet, body); !written) return written;
    queue_->pop();
    ++packets;
  }
  return {};
}

void ClientPolling::settle() {
  if (state_ != State::pausing || get_.is_asking() || post_.is_asking()) return;
  state_ = State::paused;
  owner_->polling_paused();
}

void ClientPolling::fail(CloseReason reason, std::error_code error) {
  if (is_stopped()) return;
  stop();
  owner_->polling_failed(reason, error);
}

}  // namespace hilo::engineio
