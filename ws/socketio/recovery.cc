// SPDX-License-Identifier: MIT

#include "ws/socketio/recovery.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace hilo::socketio {
namespace {

// What an event costs beside its bytes, roughly.
constexpr std::size_t event_overhead_bytes = 256;

bool contains(const std::vector<std::string>& names, std::string_view name) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

// --- events --------------------------------------------------------------------------------------

void Recovery::keep_event(const Targets& targets, std::string_view sender, EncodedPacket packet) {
  std::size_t bytes = packet.text(engineio::Revision::v4).size() + event_overhead_bytes;
  for (const Json::binary_t& each : packet.attachments()) bytes += each.size();
  packet.keep_text_alone();
  ++next_;
  events_.push_back({std::move(packet), targets.rooms, targets.except, bytes, loop_->now()});
  if (!sender.empty()) events_.back().except.emplace_back(sender);
  event_bytes_ += bytes;
  while (event_bytes_ > options_.event_bytes_max) drop_event();
  arm();
}

void Recovery::drop_event() noexcept {
  event_bytes_ -= events_.front().bytes;
  events_.pop_front();
}

std::optional<std::size_t> Recovery::place_behind(std::string_view offset) const noexcept {
  std::uint64_t number = 0;
  const char* const end = offset.data() + offset.size();
  const auto [rest, error] = std::from_chars(offset.data(), end, number);
  if (error != std::errc() || rest != end || number == 0 || number >= next_) return std::nullopt;
  const std::uint64_t first = next_ - events_.size();
  if (number + 1 < first) return std::nullopt;
  return static_cast<std::size_t>(number + 1 - first);
}

// A socket is in the room of its id.
bool Recovery::is_for(const Session& session, const Event& event) noexcept {
  const std::string_view id{session.id.data(), session.id.size()};
  const auto is_in = [&](std::string_view room) {
    return room == id || contains(session.rooms, room);
  };
  if (std::any_of(event.except.begin(), event.except.end(), is_in)) return false;
  return event.rooms.empty() || std::any_of(event.rooms.begin(), event.rooms.end(), is_in);
}

// --- sessions ------------------------------------------------------------------------------------

void Recovery::keep_session(std::string_view pid, Session session) {
  if (options_.sessions_max == 0) return;
  if (sessions_.size() >= options_.sessions_max) drop_session();
  sessions_.push_back({std::string(pid), std::move(session), loop_->now()});
  by_pid_.emplace(sessions_.back().pid, std::prev(sessions_.end()));
  arm();
}

void Recovery::drop_session() noexcept {
  by_pid_.erase(sessions_.front().pid);
  sessions_.pop_front();
}

bool Recovery::can_take(std::string_view pid, std::string_view offset) const {
  const auto found = by_pid_.find(pid);
  if (found == by_pid_.end() || !place_behind(offset)) return false;
  return loop_->now() < found->second->since + options_.max_disconnection_duration;
}

std::optional<Recovery::Session> Recovery::take_session(std::string_view pid,
                                                        std::string_view offset) {
  if (!can_take(pid, offset)) return std::nullopt;
  const auto found = by_pid_.find(pid);
  const auto place = found->second;
  Session session = std::move(place->session);
  by_pid_.erase(found);
  sessions_.erase(place);
  return session;
}

// --- time ----------------------------------------------------------------------------------------

void Recovery::on_timer(net::Time now) {
  const auto is_over = [&](net::Time since) {
    return since + options_.max_disconnection_duration <= now;
  };
  while (!events_.empty() && is_over(events_.front().at)) drop_event();
  while (!sessions_.empty() && is_over(sessions_.front().since)) drop_session();
  arm();
}

void Recovery::arm() noexcept {
  if (events_.empty() && sessions_.empty()) return loop_->timers().cancel(*this);
  net::Time oldest = loop_->now();
  if (!events_.empty()) oldest = std::min(oldest, events_.front().at);
  if (!sessions_.empty()) oldest = std::min(oldest, sessions_.front().since);
  loop_->timers().arm(*this, oldest + options_.max_disconnection_duration);
}

}  // namespace hilo::socketio
