// SPDX-License-Identifier: MIT

#include "tools/hilo/trace_window.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "net/base/guard.h"

namespace hilo::tools {

bool TraceCall::add(std::string_view line) {
  if (parts_.size() + line.size() > bytes_max) {
    ++lost_;
    return false;
  }
  if (!parts_.empty()) parts_ += ',';
  parts_ += line.substr(0, line.size() - 1);  // without its line feed
  ++count_;
  return true;
}

void TraceCall::clear() noexcept {
  parts_.clear();
  count_ = 0;
  lost_ = 0;
}

std::string TraceCall::text() const {
  return count_ == 0 ? std::string() : "\"parts\":[" + parts_ + ']';
}

void TraceWindow::tell(std::string_view connection, std::string_view fields) {
  static_cast<void>(send(connection, fields));
}

void TraceWindow::tell(std::string_view connection, const TraceCall& call) noexcept {
  lost_ += call.lost();
  bool is_sent = false;
  static_cast<void>(guarded([&] { is_sent = send(connection, call.text()); }));
  if (!is_sent) lost_ += call.count();
}

// Loops of several threads tell one window: what is lost is told by one of them.
bool TraceWindow::send(std::string_view connection, std::string_view fields) noexcept {
  const std::size_t lost = lost_.exchange(0);
  bool is_sent = false;
  static_cast<void>(guarded([&] {
    std::string message = "{\"connection\":\"" + std::string(connection) + '"';
    if (lost != 0) message += ",\"lost\":" + std::to_string(lost);
    if (!fields.empty()) message.append(",").append(fields);
    message += '}';
    // Before it is sent: the window may say that it had it at once.
    const bool has_room = ahead_.fetch_add(message.size()) + message.size() <= ahead_bytes_max;
    is_sent = has_room && window_.send_text(message) == ws::Posted::queued;
    if (!is_sent) ahead_ -= message.size();
  }));
  if (!is_sent) lost_ += lost;
  return is_sent;
}

std::optional<TraceWindow::Wish> TraceWindow::hear(std::string_view text) {
  const auto said = nlohmann::json::parse(text, nullptr, false);
  if (!said.is_object()) return std::nullopt;
  const auto number = [&said](const char* name) -> std::optional<std::uint64_t> {
    const auto found = said.find(name);
    if (found == said.end() || !found->is_number_unsigned()) return std::nullopt;
    return found->get<std::uint64_t>();
  };
  const auto word = [&said](const char* name) -> std::optional<std::string> {
    const auto found = said.find(name);
    if (found == said.end() || !found->is_string()) return std::nullopt;
    return found->get<std::string>();
  };
  if (const auto had = number("had")) {
    ahead_ -= std::min<std::uint64_t>(ahead_.load(), *had);
    return std::nullopt;
  }
  Wish wish;
  constexpr std::uint64_t slow_most = std::uint64_t{1} << 30;
  if (const auto slow = number("slow"))
    wish.slow = static_cast<std::uint32_t>(std::min(*slow, slow_most));
  if (const auto what = word("break"))
    wish.next_break = tap::find_break(*what).value_or(tap::Break::nothing);
  const std::optional<std::string> drop = word("drop");
  if (drop == "client") wish.drop = trace::Direction::to_server;
  if (drop == "server") wish.drop = trace::Direction::to_client;
  wish.inject = word("inject");
  return wish;
}

void TraceWindow::done(ws::Connection& window, const std::string& refused) {
  nlohmann::json answer = {{"done", ++wishes_}};
  if (!refused.empty()) answer["refused"] = refused;
  using OnError = nlohmann::json::error_handler_t;
  static_cast<void>(window.send_text(answer.dump(-1, ' ', false, OnError::replace)));
}

bool asks_for_own_page(const ws::Request& request) noexcept {
  for (const std::string_view name : {"Via", "Forwarded", "X-Forwarded-For"}) {
    if (request.header(name)) return false;
  }
  return request.header("Sec-Fetch-Site").value_or("same-origin") == "same-origin";
}

}  // namespace hilo::tools
