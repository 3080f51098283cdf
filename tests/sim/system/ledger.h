// SPDX-License-Identifier: MIT
//
// Ledger: what was accepted on one side and received on the other, of every connection of a run,
// and what was found to be wrong. Both ends of all connections lie in one process, so each message
// that is received is held at once against what its sender was promised.
//
//   flow      the messages of one connection in one direction. Each carries the number of its flow,
//             its own number, and a text that follows from both, so that a gap, a double, a change
//             of order, a mixture of two and a change of one byte are all seen.
//   promises  what is received is an exact prefix of what was accepted; whoever saw a Close of the
//             peer's has received all of it
//   events    of Socket.IO: one that was answered ran once, any other once or not at all, and they
//             run in the order in which they were emitted

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace hilo::sim {

// A message of a flow, by its number: "12/7/100:" and a hundred characters.
constexpr std::size_t flow_message_bytes_max = 100'000;
std::string flow_message(std::size_t flow, std::uint64_t number, std::size_t filler_bytes);

class Ledger {
 public:
  // --- flows ---

  std::size_t new_flow() {
    flows_.emplace_back();
    return flows_.size() - 1;
  }
  // The message that may be sent next.
  std::string next_message(std::size_t flow, std::size_t filler_bytes) const {
    return flow_message(flow, flows_[flow].accepted, filler_bytes);
  }
  void accepted(std::size_t flow) { ++flows_[flow].accepted; }
  // A message was received; `expected` is the flow that this connection had so far, or `no_flow`.
  // Returns the flow that it is of.
  static constexpr std::size_t no_flow = ~std::size_t{0};
  std::size_t received(std::size_t expected, std::string_view message, std::string_view where);
  // Whoever was told that the peer has said its last word must have received all of it.
  void said_last_word(std::size_t flow, std::string_view where);
  // Nothing is lost, and nothing on its way.
  bool is_complete(std::size_t flow) const {
    return flows_[flow].received == flows_[flow].accepted;
  }
  // "12: 3 of 4"
  std::string describe(std::size_t flow) const;
  std::uint64_t received_count() const noexcept { return received_count_; }

  // --- lives: from on_open to on_close ---

  std::size_t opened() {
    lives_.push_back(true);
    ++open_count_;
    return lives_.size() - 1;
  }
  void closed(std::size_t life, std::string_view where);
  // The process that held it is gone, and nobody is told of its end.
  void forget_life(std::size_t life);
  bool is_open(std::size_t life) const { return lives_[life]; }
  // Something was told of it.
  void told(std::size_t life, std::string_view where);
  std::size_t open_count() const noexcept { return open_count_; }

  // --- events that want an answer ---

  std::size_t new_event(std::size_t emitter) {
    events_.push_back({emitter, 0, 0});
    return events_.size() - 1;
  }
  void ran(std::size_t event);
  void answered(std::size_t event, bool in_time);
  // Whoever waits for the answer is gone.
  void forget_event(std::size_t event) { events_[event].answers = 1; }
  // Every other one was answered, if only by an error.
  void all_told();
  std::size_t event_count() const noexcept { return events_.size(); }

  // --- what is wrong ---

  void violation(std::string what) {
    if (violations_.size() < violations_max) violations_.push_back(std::move(what));
  }
  const std::vector<std::string>& violations() const noexcept { return violations_; }

 private:
  static constexpr std::size_t violations_max = 20;
  struct Flow {
    std::uint64_t accepted = 0;
    std::uint64_t received = 0;
  };
  struct Event {
    std::size_t emitter;
    std::uint32_t runs;
    std::uint32_t answers;
  };

  std::vector<Flow> flows_;
  std::vector<bool> lives_;
  std::size_t open_count_ = 0;
  std::vector<Event> events_;
  std::vector<std::size_t> last_run_;  // by emitter, plus one
  std::uint64_t received_count_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace hilo::sim
