// SPDX-License-Identifier: MIT

#include "ws/socketio/listeners.h"

#include <algorithm>

#include "net/base/guard.h"

namespace hilo::socketio {

std::uint32_t Names::add(std::string_view name) {
  if (const std::uint32_t known = find(name); known != none) return known;
  texts_.emplace_back(name);
  const auto number = static_cast<std::uint32_t>(texts_.size());
  numbers_.emplace(texts_.back(), number);
  return number;
}

std::uint32_t Names::find(std::string_view name) const noexcept {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? none : found->second;
}

void Listeners::add(std::uint32_t name, EventHandler handler, bool once) {
  Listener listener{std::move(handler), name, once};
  if (running_ == 0 && added_ == nullptr) return list_.push_back(std::move(listener));
  // The list must not move under the handler that runs.
  if (added_ == nullptr) added_ = std::make_unique<std::vector<Listener>>();
  added_->push_back(std::move(listener));
}

void Listeners::remove(std::uint32_t name) noexcept {
  const auto strike = [&](std::vector<Listener>& list) {
    for (Listener& listener : list) {
      if (name == Names::none || listener.name == name) listener.name = Names::none;
    }
  };
  strike(list_);
  if (added_ != nullptr) strike(*added_);
  if (running_ == 0) {
    ++running_;
    finish();
  }
}

bool Listeners::has(std::uint32_t name) const noexcept {
  const auto is_it = [&](const Listener& listener) { return listener.name == name; };
  return std::any_of(list_.begin(), list_.end(), is_it) ||
         (added_ != nullptr && std::any_of(added_->begin(), added_->end(), is_it));
}

void Listeners::finish() noexcept {
  if (--running_ != 0) return;
  // Without memory for that they come in the next time.
  if (added_ != nullptr && guarded([this] { list_.reserve(list_.size() + added_->size()); })) {
    for (Listener& listener : *added_) list_.push_back(std::move(listener));
    added_.reset();
  }
  // What a handler holds may come back here as it dies: the list is whole then.
  for (;;) {
    const Place struck = find(list_.begin(), Names::none);
    if (struck == list_.end()) return;
    const EventHandler dying = std::move(struck->handler);
    list_.erase(struck);
  }
}

}  // namespace hilo::socketio
