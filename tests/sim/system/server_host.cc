// SPDX-License-Identifier: MIT

#include "tests/sim/system/server_host.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/check.h"
#include "tests/sim/system/speaker.h"
#include "ws/engineio/server.h"
#include "ws/hub.h"
#include "ws/metrics.h"
#include "ws/server.h"
#include "ws/socketio/server.h"

namespace hilo::sim {

using namespace hilo::net::literals;

namespace {

constexpr net::Duration drain_window = 20_s;
constexpr net::Loop::Options small_buffers{.receive_bytes = std::size_t{64} << 10,
                                           .send_bytes = std::size_t{32} << 10};

// An end that nobody was told of is right only where the process ends.
struct EngineSpeaker final : engineio::Attachment {
  EngineSpeaker(Ledger& l, Random& random, const bool& ending)
      : ledger(l), process_ends(ending), speaker(l, random, "engine server") {}
  ~EngineSpeaker() override {
    if (!speaker.is_open()) return;
    if (!process_ends) ledger.violation("an engine socket went without on_close");
    speaker.vanish();
  }
  Ledger& ledger;
  const bool& process_ends;
  Speaker speaker;
};

Speaker& speaker_of(engineio::Socket& socket) {
  return static_cast<EngineSpeaker*>(socket.attachment())->speaker;
}

std::string describe(const Baseline& baseline) {
  return std::to_string(baseline.watched) + " watched, " + std::to_string(baseline.timers) +
         " timers, " + std::to_string(baseline.pool_bytes) + " bytes of the pool";
}

// One answer mostly; now and then none, or several.
std::size_t draw_answers(Random& random) {
  const std::size_t kind = random.below(100);
  return kind < 85 ? 1 : (kind < 92 ? 0 : 4);
}

ws::Limits draw_limits(Random& random) {
  ws::Limits limits;
  limits.overflow = ws::Overflow::refuse;
  if (random.chance(50)) limits.queue_bytes_max = 120'000;
  return limits;
}

engineio::Options engine_options() {
  engineio::Options options;
  options.revision3 = true;
  return options;
}

}  // namespace

// A process: all that ends with it.
struct ServerHost::Process {
  Process(ServerHost& owner, std::size_t loop_count);
  ~Process();

  void serve_echo(ws::Server& server);
  void serve_engine();
  void serve_socketio();
  void terminate();
  void drain_servers();
  Baseline baseline();

  ServerHost& host;
  Ledger& ledger;
  Random& random;
  std::deque<net::Loop> loops;
  std::vector<std::unique_ptr<ws::Server>> servers;
  std::unique_ptr<engineio::Server> engine;
  std::unique_ptr<socketio::Server> io;
  Baseline before;
  std::size_t open_echoes = 0;
  std::size_t open_engines = 0;
  std::set<std::size_t> socket_lives;
  std::size_t running = 0;
  bool terminating = false;
  bool ending = false;
};

ServerHost::Process::Process(ServerHost& owner, std::size_t loop_count)
    : host(owner), ledger(owner.ledger_), random(owner.network_.random()), running(loop_count) {
  ws::Limits limits = draw_limits(random);
  const bool deflate = random.chance(50);
  std::vector<ws::Hub*> hubs;
  for (std::size_t i = 0; i < loop_count; ++i) {
    net::Loop& loop = loops.emplace_back(small_buffers);
    ws::ServerOptions options;
    options.loop_index = static_cast<std::uint8_t>(i);
    options.deflate.enabled = deflate;
    if (std::FILE* const log = owner.network_.log) {
      options.log = [log](ws::LogLevel, std::string_view line) {
        std::fprintf(log, "server: %.*s\n", static_cast<int>(line.size()), line.data());
      };
    }
    servers.push_back(std::make_unique<ws::Server>(loop, limits, std::move(options)));
    serve_echo(*servers.back());
    hubs.push_back(&servers.back()->hub());
  }
  ws::Hub::meet(hubs);
  serve_engine();
  serve_socketio();
  for (const auto& server : servers) {
    HILO_CHECK(server->listen({.port = port, .reuse_port = loop_count > 1}));
  }
  before = baseline();
}

ServerHost::Process::~Process() {
  ending = true;
  for (const std::size_t life : socket_lives) ledger.forget_life(life);
  io.reset();
  engine.reset();
  servers.clear();
}

void ServerHost::Process::serve_echo(ws::Server& server) {
  // For peers that break rules, sooner or later.
  server.at("/bad").on_message([](ws::Connection& connection, ws::Message message) {
    static_cast<void>(connection.send(message));
  });
  server.at("/echo")
      .on_open([this](ws::Connection& connection) {
        ++open_echoes;
        connection.emplace_data<Speaker>(ledger, random, "server").speak(1, sending(connection));
      })
      .on_message([this](ws::Connection& connection, ws::Message message) {
        Speaker& speaker = *connection.data<Speaker>();
        speaker.hear(as_text(message.payload));
        speaker.speak(draw_answers(random), sending(connection));
      })
      .on_close([this](ws::Connection& connection, ws::CloseInfo info) {
        --open_echoes;
        check_blame(ledger, info, "server");
        connection.data<Speaker>()->end(info.clean && info.by == ws::ClosedBy::peer);
      });
}

void ServerHost::Process::serve_engine() {
  engine = std::make_unique<engineio::Server>(*servers[0], "/engine.io/", engine_options());
  for (std::size_t i = 1; i < servers.size(); ++i) engine->gather_from(*servers[i]);
  engine
      ->on_open([this](engineio::Socket& socket) {
        ++open_engines;
        socket.attach(std::make_unique<EngineSpeaker>(ledger, random, ending));
        speaker_of(socket).speak(1, sending(socket));
      })
      .on_message([this](engineio::Socket& socket, engineio::Message message) {
        speaker_of(socket).hear(as_text(message.payload));
        speaker_of(socket).speak(draw_answers(random), sending(socket));
      })
      .on_close([this](engineio::Socket& socket, engineio::CloseReason reason) {
        --open_engines;
        check_blame(ledger, reason, "engine server");
        speaker_of(socket).end(false);
      });
}

void ServerHost::Process::serve_socketio() {
  socketio::Options options;
  options.engine = engine_options();
  options.recovery.enabled = servers.size() == 1 && random.chance(50);
  io = std::make_unique<socketio::Server>(*servers[0], options);
  for (std::size_t i = 1; i < servers.size(); ++i) io->gather_from(*servers[i]);
  for (const std::string_view name : {"/", "/room"}) {
    io->of(name).on_connection([this](socketio::Socket socket) {
      const std::size_t life = ledger.opened();
      socket_lives.insert(life);
      socket.join("everybody");
      socket.on("count", [this, life](std::int64_t event, std::string_view, socketio::Ack ack) {
        ledger.told(life, "socket");
        ledger.ran(static_cast<std::size_t>(event));
        ack(event);
      });
      socket.on("bytes",
                [this, life](std::int64_t event, socketio::Binary bytes, socketio::Ack ack) {
                  ledger.told(life, "socket");
                  ledger.ran(static_cast<std::size_t>(event));
                  ack(event, bytes);
                });
      // One whose attachments come too late is ended with a parse error, and rightly so.
      socket.on("disconnect", [this, life](std::string_view) {
        ledger.closed(life, "socket");
        socket_lives.erase(life);
      });
    });
  }
}

// As tools/hilo/serve_process.cc: those that poll are told first, while answers can still be had.
void ServerHost::Process::terminate() {
  engine->drain();
  io->drain();
  const auto told = [this, left = std::make_shared<int>(2)] {
    if (--*left == 0) drain_servers();
  };
  for (engineio::Server* const each : {engine.get(), &io->engine()}) {
    each->poll_count() == 0 ? told() : each->when_told(drain_window, told);
  }
}

void ServerHost::Process::drain_servers() {
  for (const auto& server : servers) {
    server->loop().post([this, each = server.get()] {
      each->drain({.window = drain_window}, [this] { --running; });
    });
  }
}

Baseline ServerHost::Process::baseline() {
  Baseline sum;
  for (net::Loop& loop : loops) {
    sum.watched += loop.watched_count();
    sum.timers += loop.timers().armed_count();
    sum.pool_bytes += loop.pool().taken_bytes();
  }
  return sum;
}

// --- from outside --------------------------------------------------------------------------------

ServerHost::ServerHost(Network& network, Schedule& schedule, Ledger& ledger, std::size_t loops)
    : network_(network), schedule_(schedule), ledger_(ledger), loop_count_(loops) {}

ServerHost::~ServerHost() {
  if (is_up()) kill();
}

void ServerHost::start() {
  process_ = std::make_unique<Process>(*this, loop_count_);
  for (net::Loop& loop : process_->loops) schedule_.add(loop);
}

void ServerHost::kill() {
  for (net::Loop& loop : process_->loops) schedule_.remove(loop);
  process_.reset();
}

void ServerHost::terminate() {
  process_->terminating = true;
  process_->loops[0].post([process = process_.get()] { process->terminate(); });
}

bool ServerHost::is_terminating() const noexcept {
  return process_ != nullptr && process_->terminating;
}

bool ServerHost::collect() {
  if (!is_up() || process_->running != 0) return false;
  kill();
  return true;
}

void ServerHost::pause(net::Duration duration) {
  for (net::Loop& loop : process_->loops) schedule_.pause(loop, duration);
}

void ServerHost::send_news() {
  process_->loops[0].post(
      [io = process_->io.get(), news = ++news_] { static_cast<void>(io->emit("news", news)); });
}

// Whoever was told that it is open is there.
void ServerHost::check() {
  if (!is_up()) return;
  const Process& process = *process_;
  std::size_t connections = 0;
  for (const auto& server : process.servers) connections += server->connection_count();
  if (connections < process.open_echoes) ledger_.violation("fewer connections than are open");
  if (process.engine->socket_count() < process.open_engines) {
    ledger_.violation("fewer engine sockets than are open");
  }
}

// With nothing under way each connection has one place in its loop, each that waits for something
// one timer, and nobody holds memory of the pool.
std::string ServerHost::unaccounted() const {
  Process& process = *process_;
  std::size_t connections = 0;
  for (const auto& server : process.servers) {
    connections += server->connection_count() + server->http_connection_count();
  }
  const std::size_t sessions = process.engine->socket_count() + process.io->engine().socket_count();
  // Of whom each may have a request that waits for as long as its session does.
  const std::size_t polls = process.engine->poll_count() + process.io->engine().poll_count();
  const Baseline now = process.baseline();
  Baseline expected = process.before;
  expected.watched += connections;
  expected.timers += connections + sessions;
  if (now.timers + polls >= expected.timers)
    expected.timers = std::min(expected.timers, now.timers);
  if (now == expected) return {};
  return "server holds " + describe(now) + " where " + describe(expected) + " are accounted for";
}

std::uint64_t ServerHost::reject_count() const {
  const auto sum = [](const auto& rejects) {
    return std::accumulate(rejects.begin(), rejects.end(), std::uint64_t{0});
  };
  std::uint64_t count = sum(process_->engine->metrics().rejects) +
                        sum(process_->io->engine().metrics().rejects) +
                        sum(process_->io->metrics().rejects);
  for (const auto& server : process_->servers) count += sum(server->metrics().rejects);
  return count;
}

void ServerHost::check_baseline() {
  const Baseline now = process_->baseline();
  if (now == process_->before) return;
  ledger_.violation("server left behind " + describe(now) + " where it began with " +
                    describe(process_->before));
}

}  // namespace hilo::sim
