// SPDX-License-Identifier: MIT

#include "tools/bench/worker.h"

#include <time.h>

#include <algorithm>
#include <future>
#include <system_error>
#include <utility>

#include "net/clock.h"

namespace hilo::tools::bench {
namespace {

net::Duration processor_of_this_thread() noexcept {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return {static_cast<std::int64_t>(spent.tv_sec) * 1'000'000'000 + spent.tv_nsec};
}

// How a packet of Socket.IO begins that counts: an answer, or the event that comes to all.
std::string counted_packet(const Plan& plan) {
  if (plan.protocol != Protocol::socketio) return {};
  if (plan.mode != Mode::fanout) return "43";
  return "42" + plan.emit.substr(0, plan.emit.find_first_of(",]"));
}

}  // namespace

Worker::Worker(const Plan& plan, unsigned index, FanoutRound* round)
    : plan_(plan),
      loop_({.busy_poll = net::Duration{std::int64_t{plan.busy_poll_us} * 1000}}),
      shared_(loop_, plan_) {
  shared_.answered = counted_packet(plan);
  switch (plan.mode) {
    case Mode::echo:
      load_ = plan.rate > 0 ? make_paced_load(plan.rate / plan.threads, peers_, tally_)
                            : make_closed_load(plan, peers_, tally_);
      break;
    case Mode::fanout: load_ = make_fanout_load(plan, index == 0, peers_, tally_, *round); break;
    case Mode::connect: load_ = make_visits_load(plan, tally_); break;
    case Mode::idle: load_ = make_silent_load(); break;
  }
  status_ = loop_.status();
  if (!status_) return;
  // Starting a thread is the one thing here that tells its failure by an exception.
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    status_ = error.code();
  }
}

Worker::~Worker() {
  stop();
}

// The connections are dropped as they are: a run is over when it was measured.
void Worker::stop() {
  if (!thread_.joinable()) return;
  loop_.post([this] { stopping_ = true; });
  thread_.join();
}

void Worker::run() {
  while (!stopping_) {
    net::Duration patience = begun_ ? load_->turn(net::clock_now()) : net::Duration{-1};
    const bool is_opening = peers_.size() < wanted_ || opening_ > 0;
    constexpr net::Duration glance = net::Duration::milliseconds(2);
    if (is_opening && (patience.nanoseconds < 0 || patience > glance)) patience = glance;
    if (!loop_.run_once(patience)) break;
    if (is_opening) {
      open_more();
      give_up_late_ones(loop_.now());
    }
  }
  peers_.clear();
}

void Worker::ask(const std::function<void()>& what) {
  std::promise<void> done;
  loop_.post([&] {
    what();
    done.set_value();
  });
  done.get_future().wait();
}

void Worker::open(std::size_t connections, net::Duration ramp) {
  ask([&] {
    wanted_ = connections;
    ramp_from_ = peers_.size();
    ramp_began_ = net::clock_now();
    ramp_ = ramp;
    peers_.reserve(connections);
    open_more();
  });
}

// So many should have begun by now.
std::size_t Worker::due_count() const noexcept {
  const net::Duration passed = net::clock_now() - ramp_began_;
  if (passed >= ramp_) return wanted_;
  const double share =
      static_cast<double>(passed.nanoseconds) / static_cast<double>(ramp_.nanoseconds);
  return ramp_from_ + static_cast<std::size_t>(share * static_cast<double>(wanted_ - ramp_from_));
}

void Worker::open_more() {
  const std::size_t due = std::min(wanted_, due_count());
  while (peers_.size() < due && opening_ < Plan::opening_max) {
    peers_.push_back(std::make_unique<Peer>(shared_, *this));
    connect(*peers_.back());
  }
}

void Worker::connect(Peer& peer) {
  ++opening_;
  const net::Address* source = nullptr;
  if (!plan_.sources.empty()) source = &plan_.sources[next_source_++ % plan_.sources.size()];
  peer.connect(source);
}

// Looks at all of them, and therefore seldom.
void Worker::give_up_late_ones(net::Time now) {
  constexpr net::Duration apart = net::Duration::milliseconds(200);
  if (now - looked_for_late_ < apart) return;
  looked_for_late_ = now;
  for (const auto& peer : peers_) {
    if (!peer->is_open() && !peer->is_idle() && now - peer->began() > plan_.patience) {
      peer->give_up("it did not open in time");
    }
  }
}

void Worker::on_open(Peer& peer) {
  --opening_;
  open_count_.fetch_add(1, std::memory_order_relaxed);
  ++tally_.opened;
  tally_.tcp.record(peer.connected() - peer.began());
  tally_.opening.record(peer.opened() - peer.connected());
  load_->on_open(peer);
}

void Worker::on_messages(Peer& peer, std::size_t count) {
  if (begun_ || plan_.mode == Mode::connect) load_->on_messages(peer, count);
}

void Worker::on_end(Peer& peer, std::string_view why) {
  if (peer.opened() >= peer.began()) {
    open_count_.fetch_sub(1, std::memory_order_relaxed);
  } else {
    --opening_;
  }
  if (!why.empty()) {
    if (tally_.failed++ == 0) tally_.first_failure = why;
    failed_count_.fetch_add(1, std::memory_order_relaxed);
  }
  // Who was refused does not try again at once, and again: that would be a flood.
  if (why.empty() && load_->connects_again() && !stopping_) connect(peer);
}

void Worker::begin() {
  loop_.post([this] {
    begun_ = true;
    load_->begin();
  });
}

void Worker::count_unanswered(net::Duration longest) {
  ask([&] { load_->count_unanswered(net::clock_now(), longest); });
}

Tally Worker::take() {
  Tally taken;
  ask([&] {
    const net::Duration spent = processor_of_this_thread();
    tally_.processor = spent - std::exchange(processor_taken_, spent);
    tally_.sent_bytes = std::exchange(shared_.sent_bytes, 0);
    tally_.received_bytes = std::exchange(shared_.received_bytes, 0);
    tally_.odd_messages = std::exchange(shared_.odd_messages, 0);
    taken = std::exchange(tally_, {});
  });
  return taken;
}

}  // namespace hilo::tools::bench
