// SPDX-License-Identifier: MIT

#include "tests/sim/system/schedule.h"

#include <algorithm>
#include <utility>

#include "net/base/check.h"

namespace hilo::sim {
namespace {

constexpr unsigned passed_over_percent = 10;
constexpr unsigned slow_round_percent = 5;
constexpr std::size_t slow_round_nanoseconds_max = 3'000'000;

}  // namespace

void Schedule::remove(net::Loop& loop) {
  std::erase_if(hosts_, [&](const Host& host) { return host.loop == &loop; });
}

void Schedule::pause(net::Loop& loop, net::Duration duration) {
  for (Host& host : hosts_) {
    if (host.loop != &loop) continue;
    host.paused_until = network_->now() + duration;
    network_->call_at(host.paused_until, [] {});
  }
}

void Schedule::round() {
  Random& random = network_->random();
  for (std::size_t i = hosts_.size(); i > 1; --i) std::swap(hosts_[i - 1], hosts_[random.below(i)]);
  bool all_idle = true;
  for (Host& host : hosts_) {
    if (host.paused_until > network_->now()) continue;
    const bool passed_over = uneven && random.chance(passed_over_percent);
    if (passed_over || !turn(host)) all_idle = false;
  }
  if (all_idle) return sleep();
  // Between the turns, since what is due may destroy a host.
  if (uneven && random.chance(slow_round_percent)) {
    network_->advance({static_cast<std::int64_t>(random.below(slow_round_nanoseconds_max))});
  }
}

bool Schedule::turn(Host& host) {
  const bool is_due = network_->now() >= host.sleeps_until;
  if (host.sleeps && !is_due && !network_->would_wake(*host.loop)) return true;
  host.sleeps = false;
  HILO_CHECK(host.loop->run_once({}));
  const net::Duration until = host.loop->until_next_turn();
  if (!network_->wait_was_idle || until == net::Duration{}) return false;
  host.sleeps = true;
  host.sleeps_until = until < net::Duration{} ? for_ever : network_->now() + until;
  return true;
}

void Schedule::sleep() {
  net::Time until = for_ever;
  const net::Duration own = network_->until_next_call();
  if (own >= net::Duration{}) until = network_->now() + own;
  for (const Host& host : hosts_) {
    if (host.paused_until <= network_->now()) until = std::min(until, host.sleeps_until);
  }
  HILO_CHECK(until != for_ever);  // or nobody would ever do anything again
  network_->advance(until - network_->now());
}

}  // namespace hilo::sim
