// SPDX-License-Identifier: MIT

#include "tools/bench/load.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "net/clock.h"
#include "tools/bench/send_times.h"

namespace hilo::tools::bench {
namespace {

using net::Duration;
using net::Time;

// A message that is never answered would otherwise be in no figure.
void count_waiting(const Peers& peers, Time now, Duration longest, Tally& tally) {
  for (const auto& peer : peers) {
    peer->send_times.for_each([&](Time sent, std::size_t count) {
      if (now - sent <= longest) return;
      tally.latency.record(now - sent, count);
      tally.unanswered += count;
    });
  }
}

class ClosedLoad final : public Load {
 public:
  ClosedLoad(std::size_t in_flight, Peers& peers, Tally& tally)
      : in_flight_(in_flight), peers_(&peers), tally_(&tally) {}

  void begin() override {
    for (const auto& peer : *peers_) {
      if (peer->is_open()) send(*peer, in_flight_);
    }
  }
  void on_messages(Peer& peer, std::size_t count) override {
    const Time now = net::clock_now();
    peer.send_times.pop(count, [&](Time sent, std::size_t some) {
      tally_->latency.record(now - sent, some);
      tally_->messages += some;
    });
    send(peer, count, now);
  }
  void count_unanswered(Time now, Duration longest) override {
    count_waiting(*peers_, now, longest, *tally_);
  }

 private:
  static void send(Peer& peer, std::size_t count, Time now = net::clock_now()) {
    peer.send_times.push(now, count);
    peer.send(count);
  }

  std::size_t in_flight_;
  Peers* peers_;
  Tally* tally_;
};

class PacedLoad final : public Load {
 public:
  PacedLoad(double rate, Peers& peers, Tally& tally)
      : nanoseconds_apart_(1e9 / rate), peers_(&peers), tally_(&tally) {}

  void begin() override { begun_ = net::clock_now(); }
  void on_messages(Peer& peer, std::size_t count) override {
    const Time now = net::clock_now();
    peer.send_times.pop(count, [&](Time planned, std::size_t some) {
      tally_->latency.record(now - planned, some);
      tally_->messages += some;
    });
  }
  void count_unanswered(Time now, Duration longest) override {
    count_waiting(*peers_, now, longest, *tally_);
  }
  // A timer of milliseconds would be late by as much: near its time the thread does not sleep.
  Duration turn(Time now) override {
    constexpr Duration nearly = Duration::milliseconds(2);
    while (planned() <= now) send(now);
    const Duration left = planned() - now;
    return left > nearly ? left - nearly : Duration{};
  }

 private:
  Time planned() const noexcept {
    return begun_ + Duration{static_cast<std::int64_t>(
                        std::llround(nanoseconds_apart_ * static_cast<double>(sent_)))};
  }
  // Whose turn it is, or who is next of those that are open.
  void send(Time now) {
    const Time due = planned();
    ++sent_;
    for (std::size_t tries = peers_->size(); tries > 0; --tries) {
      Peer& peer = *(*peers_)[next_++ % peers_->size()];
      if (!peer.is_open()) continue;
      tally_->lateness.record(now - due);
      peer.send_times.push(due, 1);
      return peer.send(1);
    }
    ++tally_->unanswered;
  }

  const double nanoseconds_apart_;
  Peers* peers_;
  Tally* tally_;
  Time begun_;
  std::uint64_t sent_ = 0;
  std::size_t next_ = 0;
};

class FanoutLoad final : public Load {
 public:
  FanoutLoad(std::size_t in_flight, bool sends, Peers& peers, Tally& tally, FanoutRound& round)
      : in_flight_(in_flight), sends_(sends), peers_(&peers), tally_(&tally), round_(&round) {}

  // Of the sender's thread for each round, of the others once.
  void begin() override {
    if (!sends_) return;
    round_->begin(net::clock_now());
    peers_->front()->send(in_flight_);
  }
  void on_messages(Peer&, std::size_t count) override {
    tally_->latency.record(net::clock_now() - round_->began(), count);
    tally_->messages += count;
    arrived_ += count;
    if (arrived_ < in_flight_ * peers_->size()) return;
    arrived_ = 0;
    has_all_of_ = round_->number();
    round_->finish();
  }
  void count_unanswered(Time now, Duration longest) override {
    const Duration waited = now - round_->began();
    const std::size_t missing = in_flight_ * peers_->size() - arrived_;
    if (waited <= longest || has_all_of_ == round_->number()) return;
    tally_->latency.record(waited, missing);
    tally_->unanswered += missing;
  }

 private:
  std::size_t in_flight_;
  std::size_t arrived_ = 0;
  std::uint64_t has_all_of_ = 0;  // the number of that round
  bool sends_;
  Peers* peers_;
  Tally* tally_;
  FanoutRound* round_;
};

class VisitsLoad final : public Load {
 public:
  VisitsLoad(bool sends_first, Tally& tally) : sends_first_(sends_first), tally_(&tally) {}

  void on_open(Peer& peer) override {
    if (sends_first_) return peer.send(1);
    finish(peer);
  }
  void on_messages(Peer& peer, std::size_t) override {
    if (sends_first_) finish(peer);
  }
  bool connects_again() override { return true; }

 private:
  void finish(Peer& peer) {
    tally_->latency.record(net::clock_now() - peer.began());
    ++tally_->messages;
    peer.close();
  }

  bool sends_first_;  // a server without a handshake is asked for one echo instead
  Tally* tally_;
};

class SilentLoad final : public Load {
 public:
  void on_messages(Peer&, std::size_t) override {}
};

}  // namespace

std::unique_ptr<Load> make_closed_load(const Plan& plan, Peers& peers, Tally& tally) {
  return std::make_unique<ClosedLoad>(plan.in_flight, peers, tally);
}

std::unique_ptr<Load> make_paced_load(double rate, Peers& peers, Tally& tally) {
  return std::make_unique<PacedLoad>(rate, peers, tally);
}

std::unique_ptr<Load> make_fanout_load(const Plan& plan, bool sends, Peers& peers, Tally& tally,
                                       FanoutRound& round) {
  return std::make_unique<FanoutLoad>(plan.in_flight, sends, peers, tally, round);
}

std::unique_ptr<Load> make_visits_load(const Plan& plan, Tally& tally) {
  return std::make_unique<VisitsLoad>(plan.protocol == Protocol::raw, tally);
}

std::unique_ptr<Load> make_silent_load() {
  return std::make_unique<SilentLoad>();
}

}  // namespace hilo::tools::bench
