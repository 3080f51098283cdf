// SPDX-License-Identifier: MIT
//
// Callbacks that do the worst, seed by seed: inside every kind of callback they close or abort
// themselves, others, or all, send, ping, pause, open new connections, and throw. What has to hold:
// nothing is touched after its end (AddressSanitizer watches), on_close comes exactly once for each
// on_open and last, and at the end all descriptors, timers and bytes are given back.

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/sim/world.h"
#include "ws/client.h"

using namespace hilo;
using namespace hilo::sim;
using namespace hilo::net::literals;

namespace {

constexpr std::size_t clients_max = 8;
// After so many actions the callbacks only watch, so that every seed comes to an end.
constexpr int actions_max = 300;

class Mischief {
 public:
  explicit Mischief(World& world)
      : random_(world.network.random()),
        world_(world),
        server_(std::make_unique<ws::Server>(world.loop, limits())) {
    server_->on_open([this](ws::Connection& c) { opened(c); })
        .on_message([this](ws::Connection& c, ws::Message m) {
          static_cast<void>(c.send(m));
          act(c);
        })
        .on_drained([this](ws::Connection& c) { act(c); })
        .on_dropped([this](ws::Connection& c, ws::Opcode, Bytes) { act(c); })
        .on_pong([this](ws::Connection& c, Bytes) { act(c); })
        .on_close([this](ws::Connection& c, ws::CloseInfo) { closed(c); });
    server_->get("/page", [this](ws::http::Exchange& exchange) {
      act_on_others();
      static_cast<void>(exchange.respond(200, "text/plain", "a page"));
    });
    CHECK(server_->listen({.host = "127.0.0.1", .port = 9001}));
    for (std::size_t i = 0; i < clients_max; ++i) add_client();
  }

  void start() {
    for (const auto& client : clients_) connect(*client);
  }
  // From outside of all callbacks.
  void poke() {
    act_on_others();
    if (random_.chance(5)) server_.reset();
  }
  void finish() {
    actions_ = actions_max;
    for (const auto& client : clients_) client->abort();
    if (server_ != nullptr && random_.chance(50)) {
      bool stopped = false;
      server_->stop(ws::CloseCode::going_away, [&stopped] { stopped = true; });
      world_.run_for(120_s);
      CHECK(stopped);
    }
    server_.reset();
    clients_.clear();
    world_.settle();
    CHECK(open_.empty());
    CHECK(opened_count_ == closed_count_);
  }
  int opened_count() const { return opened_count_; }

 private:
  static ws::Limits limits() {
    ws::Limits limits;
    limits.queue_bytes_max = 20'000;
    limits.queue_bytes_pause = 2'000;
    limits.overflow = ws::Overflow::drop;
    limits.messages_per_turn_max = 4;
    return limits;
  }

  void add_client() {
    clients_.push_back(std::make_unique<ws::Client>(world_.loop, limits()));
    ws::Client& client = *clients_.back();
    client.on_open([this](ws::Connection& c) { opened(c); })
        .on_message([this](ws::Connection& c, ws::Message) { act(c); })
        .on_drained([this](ws::Connection& c) { act(c); })
        .on_dropped([this](ws::Connection& c, ws::Opcode, Bytes) { act(c); })
        .on_pong([this](ws::Connection& c, Bytes) { act(c); })
        .on_close([this](ws::Connection& c, ws::CloseInfo) { closed(c); })
        .on_failed([this](std::error_code) { act_on_others(); });
  }
  void connect(ws::Client& client) {
    // Refused while it has a connection, which is as good.
    static_cast<void>(client.connect({.url = "ws://127.0.0.1:9001/"}));
  }

  void opened(ws::Connection& connection) {
    ++opened_count_;
    CHECK(open_.emplace(&connection, true).second);
    if (connection.role() == ws::Role::server) subscribe(connection);
    connection.emplace_data<std::string>("data of a connection, long enough to be on the heap");
    act(connection);
  }
  void closed(ws::Connection& connection) {
    ++closed_count_;
    CHECK(open_.erase(&connection) == 1);
    CHECK(connection.is_gone());
    CHECK(connection.data<std::string>() != nullptr);
    act(connection);
  }

  void act(ws::Connection& connection) {
    CHECK(connection.data<std::string>() != nullptr);
    for (std::size_t i = random_.below(3); i > 0; --i) {
      if (actions_++ < actions_max) act_once(connection);
    }
    if (actions_ < actions_max && random_.chance(2)) throw std::runtime_error("a bad handler");
  }
  void act_on_others() {
    if (actions_++ >= actions_max) return;
    if (random_.chance(30)) connect(*clients_[random_.below(clients_.size())]);
    if (ws::Connection* other = somebody()) act_once(*other);
  }
  ws::Connection* somebody() {
    std::vector<ws::Connection*> all;
    if (server_ != nullptr) server_->for_each([&](ws::Connection& c) { all.push_back(&c); });
    for (const auto& client : clients_) {
      if (ws::Connection* connection = client->connection()) all.push_back(connection);
    }
    return all.empty() ? nullptr : all[random_.below(all.size())];
  }

  void act_once(ws::Connection& self) {
    ws::Connection* other = random_.chance(50) ? &self : somebody();
    if (other == nullptr) return;
    switch (random_.below(20)) {
      case 0:
      case 1: static_cast<void>(other->close(ws::CloseCode::normal, "enough")); break;
      case 2: other->abort(); break;
      case 3:
        if (random_.chance(10)) for_all([](ws::Connection& c) { c.abort(); });
        break;
      case 4:
        if (random_.chance(10)) for_all([](ws::Connection& c) { static_cast<void>(c.close()); });
        break;
      case 5: static_cast<void>(other->ping(as_bytes("are you there?"))); break;
      case 6: other->pause(); break;
      case 7:
      case 8: other->resume(); break;
      case 9: connect(*clients_[random_.below(clients_.size())]); break;
      case 10: clients_[random_.below(clients_.size())]->abort(); break;
      case 11: world_.loop.post([this] { act_on_others(); }); break;
      case 12: subscribe(*other); break;
      case 13: static_cast<void>(other->unsubscribe(topic())); break;
      case 14:
      case 15: publish(*other); break;
      case 16: static_cast<void>(other->sender().send_text("by another way")); break;
      case 17: static_cast<void>(other->sender().close()); break;
      default: {
        const std::string text(random_.below(random_.chance(20) ? 10'000 : 300), 't');
        static_cast<void>(other->send_text(text));
        break;
      }
    }
  }
  std::string_view topic() { return random_.chance(50) ? "one" : "another"; }
  void subscribe(ws::Connection& connection) {
    const Status status = connection.subscribe(topic());
    const bool may = connection.role() == ws::Role::server && connection.is_open();
    CHECK(static_cast<bool>(status) == may);
  }
  void publish(ws::Connection& connection) {
    if (server_ == nullptr) return;
    const std::string text(random_.below(random_.chance(20) ? 10'000 : 300), 'p');
    const ws::ConnectionId except = random_.chance(50) ? connection.id() : ws::ConnectionId{};
    CHECK(server_->publish(topic(), ws::Opcode::text, as_bytes(text), {.except = except}) ==
          ws::Posted::queued);
  }
  template <class Act>
  void for_all(Act&& act_on) {
    if (server_ != nullptr) server_->for_each(act_on);
    for (const auto& client : clients_) {
      if (ws::Connection* connection = client->connection()) act_on(*connection);
    }
  }

  Random& random_;
  World& world_;
  std::map<ws::Connection*, bool> open_;
  int actions_ = 0;
  int opened_count_ = 0;
  int closed_count_ = 0;
  std::unique_ptr<ws::Server> server_;
  std::vector<std::unique_ptr<ws::Client>> clients_;
};

int run_seed(std::uint64_t seed) {
  CAPTURE(seed);
  World world(seed);
  Random& random = world.network.random();
  Faults& faults = world.network.faults;
  faults.short_io = static_cast<unsigned>(random.below(50));
  faults.would_block = static_cast<unsigned>(random.below(30));
  faults.held_back = static_cast<unsigned>(random.below(60));
  faults.shuffled = 100;
  faults.connected_at_once = 30;
  faults.reset = static_cast<unsigned>(random.below(30));
  world.network.inbox_bytes = random.between(200, 5000);
  const Baseline before = world.baseline();
  int opened = 0;
  {
    Mischief mischief(world);
    mischief.start();
    for (std::size_t round = random.between(1, 40); round > 0; --round) {
      world.run_for(net::Duration::milliseconds(static_cast<std::int64_t>(random.below(8000))));
      mischief.poke();
    }
    mischief.finish();
    opened = mischief.opened_count();
  }
  CHECK(world.baseline() == before);
  return opened;
}

}  // namespace

TEST_CASE("any callback may close anybody, and everybody ends once") {
  for_each_seed(300, [](std::uint64_t seed) { CHECK(run_seed(seed) > 0); });
}
