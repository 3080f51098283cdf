// SPDX-License-Identifier: MIT

#include "tests/sim/system/ledger.h"

#include <charconv>
#include <utility>

#include "tests/sim/random.h"

namespace hilo::sim {
namespace {

// Every message has another part of it.
std::string_view all_noise() {
  static const std::string noise = [] {
    constexpr std::string_view alphabet =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    std::string text((1u << 17) + flow_message_bytes_max, '\0');
    Random random(1);
    for (char& each : text) each = alphabet[random.below(alphabet.size())];
    return text;
  }();
  return noise;
}

std::uint64_t take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data() + text.size()) return ~std::uint64_t{0};
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return number;
}

}  // namespace

std::string flow_message(std::size_t flow, std::uint64_t number, std::size_t filler_bytes) {
  const std::string_view noise = all_noise();
  const std::uint64_t place = ((flow + 1) * 0x9E3779B97F4A7C15 + number * 0xBF58476D1CE4E5B9) >> 47;
  std::string text = std::to_string(flow) + "/" + std::to_string(number) + "/" +
                     std::to_string(filler_bytes) + ":";
  return text.append(noise.substr(place, filler_bytes));
}

std::size_t Ledger::received(std::size_t expected, std::string_view message,
                             std::string_view where) {
  std::string_view rest = message;
  const std::uint64_t flow = take_number(rest);
  const std::uint64_t number = take_number(rest);
  const std::uint64_t filler_bytes = take_number(rest);
  ++received_count_;
  if (flow >= flows_.size() || filler_bytes != rest.size() ||
      rest.size() > flow_message_bytes_max || message != flow_message(flow, number, filler_bytes)) {
    violation(std::string(where) +
              ": a message that nobody sent: " + std::string(message.substr(0, 40)));
    return expected;
  }
  if (expected != no_flow && expected != flow) {
    violation(std::string(where) + ": flow " + std::to_string(expected) +
              " received a message of " + std::to_string(flow));
    return expected;
  }
  Flow& at = flows_[flow];
  if (number != at.received) {
    violation(std::string(where) + ": flow " + std::to_string(flow) + " received number " +
              std::to_string(number) + " where " + std::to_string(at.received) + " of " +
              std::to_string(at.accepted) + " is next");
  }
  if (number >= at.accepted) {
    violation(std::string(where) + ": flow " + std::to_string(flow) +
              " received what was not accepted");
  }
  at.received = number + 1;
  return flow;
}

void Ledger::said_last_word(std::size_t flow, std::string_view where) {
  if (is_complete(flow)) return;
  violation(std::string(where) + ": the peer closed, and of flow " + std::to_string(flow) +
            " came " + std::to_string(flows_[flow].received) + " of " +
            std::to_string(flows_[flow].accepted));
}

std::string Ledger::describe(std::size_t flow) const {
  if (flow == no_flow) return "none";
  return std::to_string(flow) + ": " + std::to_string(flows_[flow].received) + " of " +
         std::to_string(flows_[flow].accepted);
}

void Ledger::closed(std::size_t life, std::string_view where) {
  told(life, where);
  forget_life(life);
}

void Ledger::forget_life(std::size_t life) {
  if (!lives_[life]) return;
  lives_[life] = false;
  --open_count_;
}

void Ledger::told(std::size_t life, std::string_view where) {
  if (!lives_[life]) violation(std::string(where) + " after the end");
}

void Ledger::ran(std::size_t event) {
  ++received_count_;
  if (event >= events_.size()) return violation("an event that nobody emitted ran");
  Event& at = events_[event];
  if (at.runs++ != 0) violation("event " + std::to_string(event) + " ran twice");
  if (last_run_.size() <= at.emitter) last_run_.resize(at.emitter + 1);
  if (event < std::exchange(last_run_[at.emitter], event + 1)) {
    violation("event " + std::to_string(event) + " ran behind a later one");
  }
}

void Ledger::answered(std::size_t event, bool in_time) {
  Event& at = events_[event];
  if (at.answers++ != 0) violation("event " + std::to_string(event) + " was answered twice");
  if (in_time && at.runs != 1) {
    violation("event " + std::to_string(event) + " was answered, and ran " +
              std::to_string(at.runs) + " times");
  }
}

void Ledger::all_told() {
  for (std::size_t event = 0; event < events_.size(); ++event) {
    if (events_[event].answers == 1) continue;
    violation("event " + std::to_string(event) + " was answered " +
              std::to_string(events_[event].answers) + " times");
  }
}

}  // namespace hilo::sim
