// SPDX-License-Identifier: MIT

#include "tests/sim/system/system.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <numeric>
#include <utility>

#include "net/base/check.h"
#include "tests/sim/system/bad_peer.h"
#include "tests/sim/system/schedule.h"
#include "tests/sim/system/server_host.h"
#include "tests/sim/system/user.h"

namespace hilo::sim {

using namespace hilo::net::literals;

namespace {

constexpr std::size_t client_hosts = 3;
constexpr net::Duration busy_time_max = 30_min;
// Silence is found after a ping and its pong's time; then clients wait up to half a minute.
constexpr net::Duration healing_time_max = 5_min;
constexpr net::Duration leaving_time_max = 3_min;
constexpr std::uint64_t rounds_max = 3'000'000;

unsigned up_to(Random& random, std::size_t most) {
  return random.chance(40) ? 0 : static_cast<unsigned>(random.below(most + 1));
}

Faults draw_faults(Random& random) {
  Faults faults;
  faults.short_io = up_to(random, 60);
  faults.would_block = up_to(random, 30);
  faults.delayed = up_to(random, 80);
  faults.interrupted = up_to(random, 30);
  faults.held_back = up_to(random, 50);
  faults.shuffled = up_to(random, 100);
  faults.taken_error = up_to(random, 100);
  faults.connected_at_once = up_to(random, 100);
  faults.connect_lost = up_to(random, 10);
  faults.reset = up_to(random, 30);
  faults.reset_byte_max = random.chance(50) ? 3000 : 60'000;
  faults.silent = up_to(random, 10);
  faults.zero_window = up_to(random, 3);
  faults.accept_failed = up_to(random, 20);
  faults.no_descriptor = up_to(random, 10);
  faults.no_buffers = random.chance(50) ? 1 : 0;
  faults.name_missing = up_to(random, 20);
  faults.name_late = up_to(random, 10);
  return faults;
}

struct ClientHost {
  net::Loop loop{{.receive_bytes = std::size_t{64} << 10, .send_bytes = std::size_t{32} << 10}};
  std::vector<std::shared_ptr<User>> users;
};

class System {
 public:
  explicit System(std::uint64_t seed)
      : network_(seed),
        schedule_(network_),
        server_(network_, schedule_, ledger_, seed % 3 == 0 ? 2 : 1) {}

  SystemRun run();

 private:
  Random& random() noexcept { return network_.random(); }
  std::unique_ptr<User> make_user(ClientHost& host, std::size_t kind);
  void start();
  void be_busy();
  void heal();
  void count();
  void leave();

  void act_later();
  void act();
  void disturb();
  void end_server_for_a_while();
  bool turn_until(net::Duration at_most, const std::function<bool()>& done);
  template <class Ask>
  bool all_users(Ask&& ask) const {
    return std::all_of(hosts_.begin(), hosts_.end(), [&](const ClientHost& host) {
      return std::all_of(host.users.begin(), host.users.end(),
                         [&](const auto& user) { return ask(*user); });
    });
  }
  std::uint64_t fault_sum() const;
  // Has the user do something in its own loop's turn, as programs do.
  template <class Do>
  void have(ClientHost& host, std::size_t user, Do&& what);
  // Of those who are not as they should be.
  template <class Ask>
  void blame(std::string_view what, Ask&& ask);

  Network network_;
  Schedule schedule_;
  Ledger ledger_;
  ServerHost server_;
  std::deque<ClientHost> hosts_;
  std::size_t emitters_ = 0;
  std::uint64_t rounds_ = 0;
  bool acting_ = true;
};

std::unique_ptr<User> System::make_user(ClientHost& host, std::size_t kind) {
  const UserPlace place{host.loop, ledger_, random()};
  switch (kind) {
    case 0: return make_websocket_user(place);
    case 1: return make_engine_user(place);
    default: return make_socketio_user(place, emitters_++);
  }
}

void System::start() {
  if (std::getenv("SIM_LOG") != nullptr) network_.log = stderr;
  network_.names["server.test"].addresses = {*net::Address::from_ip("127.0.0.1", 0)};
  network_.inbox_bytes = random().chance(30) ? random().between(500, 4000) : std::size_t{64} << 10;
  network_.faults = draw_faults(random());
  server_.start();
  for (std::size_t i = 0; i < client_hosts; ++i) {
    ClientHost& host = hosts_.emplace_back();
    schedule_.add(host.loop);
    for (std::size_t kind = 0; kind < 3; ++kind) host.users.push_back(make_user(host, kind));
  }
  act_later();
}

// --- what happens by chance ----------------------------------------------------------------------

void System::act_later() {
  const auto pause = net::Duration::milliseconds(static_cast<std::int64_t>(random().below(1500)));
  network_.call_at(network_.now() + pause, [this] {
    if (!acting_) return;
    act();
    act_later();
  });
}

template <class Do>
void System::have(ClientHost& host, std::size_t user, Do&& what) {
  host.loop.post([user = std::weak_ptr<User>(host.users[user]), what] {
    if (const std::shared_ptr<User> here = user.lock()) what(*here);
  });
}

void System::act() {
  ClientHost& host = hosts_[random().below(hosts_.size())];
  const std::size_t index = random().below(host.users.size());
  if (random().chance(3)) {
    network_.count(Fault::client_killed);
    host.users[index] = nullptr;
    host.users[index] = make_user(host, index);
  } else {
    have(host, index, [](User& user) { user.act(); });
  }
  if (server_.is_up() && random().chance(10)) server_.send_news();
  if (random().chance(10)) disturb();
}

void System::disturb() {
  const std::size_t kind = random().below(100);
  const auto pause = net::Duration::milliseconds(static_cast<std::int64_t>(random().below(60'000)));
  if (kind < 40) {
    send_bad_peer(network_, *net::Address::from_ip("127.0.0.1", ServerHost::port));
  } else if (kind < 60) {
    network_.count(Fault::clock_set);
    network_.wall_clock_offset = pause * (random().chance(50) ? 60 : -60);
  } else if (kind < 80) {
    const std::size_t which = random().below(hosts_.size() + 1);
    const bool is_server = which == hosts_.size();
    if (is_server && !server_.is_up()) return;
    network_.count(Fault::host_paused);
    is_server ? server_.pause(pause) : schedule_.pause(hosts_[which].loop, pause);
  } else {
    end_server_for_a_while();
  }
}

void System::end_server_for_a_while() {
  if (!server_.is_up()) return;
  if (random().chance(50) && !server_.is_terminating()) {
    network_.count(Fault::server_drained);
    return server_.terminate();  // turn_until() starts the next one
  }
  network_.count(Fault::server_killed);
  server_.kill();
  const auto pause = net::Duration::milliseconds(static_cast<std::int64_t>(random().below(20'000)));
  network_.call_at(network_.now() + pause, [this] {
    if (!server_.is_up()) server_.start();
  });
}

// --- the run -------------------------------------------------------------------------------------

std::uint64_t System::fault_sum() const {
  const FaultCounts& counts = network_.fault_counts();
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

template <class Ask>
void System::blame(std::string_view what, Ask&& ask) {
  for (const ClientHost& host : hosts_) {
    for (const auto& user : host.users) {
      if (!ask(*user)) ledger_.violation(user->describe() + ": " + std::string(what));
    }
  }
}

// False: it took longer.
bool System::turn_until(net::Duration at_most, const std::function<bool()>& done) {
  bool late = false;
  const auto open = std::make_shared<bool>(true);
  network_.call_at(network_.now() + at_most, [&late, open] {
    if (*open) late = true;
  });
  while (!late && !done() && ledger_.violations().empty()) {
    if (++rounds_ > rounds_max) {
      ledger_.violation("it spins");
      break;
    }
    schedule_.round();
    server_.check();
    if (server_.collect()) server_.start();
  }
  *open = false;
  return !late;
}

void System::be_busy() {
  const net::Time least = network_.now() + 1_min;
  const bool enough = turn_until(busy_time_max, [&] {
    return network_.now() >= least && ledger_.received_count() >= messages_least &&
           fault_sum() >= faults_least;
  });
  if (!enough) ledger_.violation("nothing gets through");
}

void System::heal() {
  acting_ = false;
  network_.heal();
  schedule_.uneven = false;
  const auto is_well = [](const User& user) { return user.is_answered() && user.is_quiet(); };
  bool all_asked = false;
  net::Time asked_at;
  const bool healed = turn_until(healing_time_max, [&] {
    if (!server_.is_up() || server_.is_terminating()) return false;
    if (all_asked && network_.now() > asked_at && all_users(is_well)) return true;
    if (all_asked && network_.now() < asked_at + 10_s) return false;
    for (ClientHost& host : hosts_) {
      for (std::size_t i = 0; i < host.users.size(); ++i) {
        if (!all_asked || !is_well(*host.users[i])) have(host, i, [](User& user) { user.ask(); });
      }
    }
    all_asked = true;
    asked_at = network_.now();
    network_.call_at(asked_at + 10_s, [] {});
    return false;
  });
  if (!healed) blame("is not answered, or lost something", is_well);
}

// What has fallen silent is found out, first requests of peers that broke rules time out, and so do
// connections that are kept for a next request, and sessions for clients that may come back.
void System::count() {
  static_cast<void>(turn_until(200_s, [] { return false; }));
  if (!turn_until(10_s, [&] { return server_.unaccounted().empty(); })) {
    ledger_.violation(server_.unaccounted());
  }
}

void System::leave() {
  const std::uint64_t rejects = server_.reject_count();
  for (ClientHost& host : hosts_) {
    for (std::size_t i = 0; i < host.users.size(); ++i) {
      have(host, i, [](User& user) { user.leave(); });
    }
  }
  const auto has_left = [](const User& user) { return user.has_left(); };
  if (!turn_until(leaving_time_max, [&] { return all_users(has_left); })) {
    blame("cannot leave", has_left);
  }
  static_cast<void>(turn_until(leaving_time_max, [] { return false; }));  // for what lingers
  server_.check_baseline();
  if (server_.reject_count() != rejects) ledger_.violation("somebody was blamed for nothing");
  if (ledger_.open_count() != 0) {
    ledger_.violation(std::to_string(ledger_.open_count()) + " ends were not told");
  }
  ledger_.all_told();
}

SystemRun System::run() {
  start();
  be_busy();
  if (ledger_.violations().empty()) heal();
  if (ledger_.violations().empty()) count();
  if (ledger_.violations().empty()) leave();
  hosts_.clear();
  if (server_.is_up()) server_.kill();
  return {ledger_.violations(), ledger_.received_count(), network_.fault_counts(), network_.trace(),
          network_.now() - net::Time{1'000'000'000'000}};
}

}  // namespace

SystemRun run_system(std::uint64_t seed) {
  return System(seed).run();
}

}  // namespace hilo::sim
