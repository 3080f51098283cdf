// SPDX-License-Identifier: MIT

#include "tools/bench/run.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "net/clock.h"
#include "tools/bench/process.h"
#include "tools/bench/worker.h"

namespace hilo::tools::bench {
namespace {

using net::Duration;
using net::Time;

double seconds(Duration time) {
  return static_cast<double>(time.nanoseconds) / 1e9;
}

// One run with its threads.
class Run {
 public:
  Run(const Plan& plan, const RunOptions& options)
      : plan_(plan),
        options_(options),
        round_(plan.threads, [this] { workers_.front()->begin(); }) {
    result_.label = options.label;
    for (unsigned i = 0; i < plan.threads; ++i) {
      workers_.push_back(std::make_unique<Worker>(plan, i, &round_));
      if (const Status status = workers_.back()->status(); !status) {
        fail("cannot start thread " + std::to_string(i + 1) + ": " + status.error().message());
        return;
      }
    }
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    for (const auto& worker : workers_) worker->stop();
  }

  Result go() {
    if (!result_.error.empty()) return std::move(result_);
    if (plan_.mode == Mode::idle) {
      measure_idle();
    } else if (open(plan_.connections, plan_.ramp)) {
      begin();
      if (!wait(plan_.warm_up, "warming up"))
        measure();
      else
        fail("interrupted");
    }
    result_.connections = open_count();
    return std::move(result_);
  }

 private:
  void fail(std::string why) {
    if (result_.error.empty()) result_.error = std::move(why);
  }

  std::size_t open_count() const {
    std::size_t count = 0;
    for (const auto& worker : workers_) count += worker->open_count();
    return count;
  }

  void tell(const std::string& phase) const {
    if (options_.on_progress) options_.on_progress(phase, result_);
  }

  // True if it was interrupted.
  bool wait(Duration time, const std::string& phase) {
    constexpr Duration glance = Duration::milliseconds(50);
    const Time end = net::clock_now() + time;
    Time told{};
    for (Time now = net::clock_now(); now < end; now = net::clock_now()) {
      if (options_.is_interrupted && options_.is_interrupted()) return true;
      if (!phase.empty() && now - told >= Duration::milliseconds(500)) {
        tell(phase);
        told = now;
      }
      const Duration left = std::min(glance, end - now);
      std::this_thread::sleep_for(std::chrono::nanoseconds(left.nanoseconds));
    }
    return false;
  }

  // All of them; of visits as many as are under way at once, which are opened by their load.
  bool open(std::size_t connections, Duration ramp) {
    const std::size_t threads = workers_.size();
    for (std::size_t i = 0; i < threads; ++i) {
      workers_[i]->open(connections / threads + (i < connections % threads ? 1 : 0), ramp);
    }
    if (plan_.mode == Mode::connect) return true;
    while (open_count() < connections) {
      const std::string phase =
          "opening " + std::to_string(open_count()) + "/" + std::to_string(connections);
      if (wait(Duration::milliseconds(20), phase)) {
        fail("interrupted");
        return false;
      }
      for (const auto& worker : workers_) {
        if (worker->failed_count() == 0) continue;
        collect();
        fail("a connection did not open: " + result_.total.first_failure);
        return false;
      }
    }
    return true;
  }

  // The first one, who sends in a fanout, when the others listen.
  void begin() {
    for (std::size_t i = workers_.size() - 1; i > 0; --i) workers_[i]->begin();
    collect();
    workers_.front()->begin();
  }

  Tally collect() {
    Tally sum;
    Duration busiest;
    for (const auto& worker : workers_) {
      const Tally tally = worker->take();
      busiest = std::max(busiest, tally.processor);
      sum.add(tally);
    }
    result_.total.add(sum);
    result_.busiest = result_.busiest + busiest;
    return sum;
  }

  // What came while it warmed up is dropped, but for how the connections opened and what failed.
  void drop_warm_up() {
    collect();
    Tally kept;
    kept.tcp = result_.total.tcp;
    kept.opening = result_.total.opening;
    kept.opened = result_.total.opened;
    kept.failed = result_.total.failed;
    kept.first_failure = result_.total.first_failure;
    if (plan_.mode == Mode::connect) {
      kept.tcp.clear();
      kept.opening.clear();
    }
    result_.total = kept;
    result_.busiest = {};
  }

  void measure() {
    drop_warm_up();
    const auto before = look_at_process(options_.pid);
    const Time began = net::clock_now();
    Time interval_began = began;
    bool is_over = false;
    while (!is_over) {
      const Time end = std::min(interval_began + plan_.interval, began + plan_.duration);
      is_over = wait(end - net::clock_now(), {}) || end == began + plan_.duration;
      const Tally tally = collect();
      const Time now = net::clock_now();
      result_.intervals.push_back({.at = now - began,
                                   .length = now - interval_began,
                                   .messages = tally.messages,
                                   .p50 = tally.latency.percentile(50),
                                   .p99 = tally.latency.percentile(99),
                                   .most = tally.latency.most()});
      interval_began = now;
      result_.measured = now - began;
      is_over = is_over || (plan_.messages != 0 && result_.total.messages >= plan_.messages);
      take_server_use(before);
      tell("measuring");
    }
    count_unanswered();
  }

  // What a server has not answered by the end is its answer, too.
  void count_unanswered() {
    const Duration longest = result_.total.latency.most();
    for (const auto& worker : workers_) worker->count_unanswered(longest);
    collect();
    constexpr Duration patience = Duration::seconds(1);
    if (plan_.mode != Mode::fanout || result_.total.unanswered == 0) return;
    if (result_.total.latency.most() < patience) return;
    fail("a broadcast did not come to all: " + std::to_string(result_.total.unanswered) +
         " deliveries are missing");
  }

  void take_server_use(const std::optional<ProcessUse>& before) {
    const auto now = look_at_process(options_.pid);
    if (!before || !now) return;
    result_.server = ServerUse{.processor = now->processor - before->processor,
                               .resident_bytes = now->resident_bytes,
                               .bytes_per_connection = {}};
  }

  // A first hundred connections pay for what all share.
  void measure_idle() {
    const std::size_t first = std::min<std::size_t>(100, plan_.connections / 2);
    if (!open(first, {})) return;
    if (wait(plan_.warm_up, "settling")) return fail("interrupted");
    const auto before = look_at_process(options_.pid);
    const Time began = net::clock_now();
    if (!open(first + plan_.connections, plan_.ramp)) return;
    result_.measured = net::clock_now() - began;
    if (wait(plan_.warm_up, "settling")) return fail("interrupted");
    collect();
    result_.total.messages = plan_.connections;
    take_server_use(before);
    if (result_.server) {
      result_.server->bytes_per_connection =
          (static_cast<std::int64_t>(result_.server->resident_bytes) -
           static_cast<std::int64_t>(before->resident_bytes)) /
          static_cast<std::int64_t>(plan_.connections);
    }
    // All is measured: who interrupts this only wants to see it.
    static_cast<void>(wait(plan_.duration, "idle"));
    collect();
  }

  const Plan& plan_;
  const RunOptions& options_;
  Result result_;
  FanoutRound round_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace

double Result::rate() const {
  if (measured.nanoseconds == 0) return 0;
  return static_cast<double>(total.messages) / seconds(measured);
}

double Result::generator_busy() const {
  if (measured.nanoseconds == 0) return 0;
  return seconds(busiest) / seconds(measured);
}

double Result::server_busy() const {
  if (!server || measured.nanoseconds == 0) return 0;
  return seconds(server->processor) / seconds(measured);
}

double Result::server_microseconds() const {
  if (!server || total.messages == 0) return 0;
  return seconds(server->processor) * 1e6 / static_cast<double>(total.messages);
}

std::string Result::generator_limit(const Plan& plan) const {
  char text[160] = "";
  constexpr Duration late = Duration::milliseconds(1);
  if (plan.rate > 0) {
    // It sleeps only when nothing is due, so that being busy says nothing; being late does.
    const Duration lateness = total.lateness.percentile(99);
    if (lateness > late) {
      std::snprintf(text, sizeof(text), "a hundredth of the messages left %.1f ms late or more",
                    seconds(lateness) * 1e3);
    }
    return text;
  }
  constexpr double full = 0.97;
  if (plan.mode == Mode::idle || generator_busy() < full) return text;
  if (server && server_busy() >= full * generator_busy()) return text;
  std::snprintf(text, sizeof(text), "its busiest thread had %.0f %% of a core%s",
                generator_busy() * 100, server ? ", the server less" : "");
  return text;
}

Result run(const Plan& plan, const RunOptions& options) {
  return Run(plan, options).go();
}

}  // namespace hilo::tools::bench
