// SPDX-License-Identifier: MIT

#include "ws/server_engine.h"

#include <algorithm>
#include <new>
#include <utility>

#include "ws/core/accept_key.h"
#include "ws/core/deflate_contexts.h"
#include "ws/guard.h"
#include "ws/server_door.h"

namespace hilo::ws {

Server::Engine::Engine(net::Loop& loop, const Limits& limits, ServerOptions options)
    : loop_(&loop),
      limits_(limits),
      options_(std::move(options)),
      log_(metrics_, std::move(options_.log), options_.log_rejects_per_second_max),
      hub_(loop, limits_),
      memory_(loop, *this, limits_.memory_bytes_max),
      admission_(options_.admission) {
  if (admission_ == nullptr) {
    admission_ = std::make_shared<Admission>(
        limits_,
        AdmissionOptions{.count_local = options_.count_local, .trusted = options_.trusted_proxies});
  }
  shared_.loop = loop_;
  shared_.limits = &limits_;
  shared_.handlers = &default_service_.handlers_;
  shared_.session.limits = limits_.message();
  shared_.session.pool = &loop_->pool();
  shared_.queue_bytes_limit = limits_.queue_bytes_limit();
  shared_.metrics = &metrics_;
  shared_.log = &log_;
  shared_.owner = this;
  shared_.hub = &hub_;
  shared_.memory = &memory_;
  shared_.measure_round_trips = options_.measure_round_trips;
  shared_.loop_index = options_.loop_index;
  // OpenSSL 3 makes what it looks digests up in when it is first asked for one, and crashes where
  // that lacks memory: better now than in somebody's handshake.
  static_cast<void>(accept_key({}));
  if (options_.deflate.enabled) {
    deflate_ = std::make_unique<DeflateContexts>(options_.deflate, limits_.deflate_memory_bytes_max,
                                                 metrics_);
  }
}

Server::Engine::~Engine() {
  if (dock_ != nullptr) dock_->close();
  stopping_ = true;
  farewell_.callback = nullptr;
  loop_->timers().cancel(farewell_);
  drain_.reset();
  doors_.clear();
  prefaces_.for_each([this](ProxyPreface&, SlabHandle handle) {
    admission_->release({});
    prefaces_.erase(handle);
  });
  http_connections_.for_each([this](HttpConnection& connection, SlabHandle) {
    connection.abandon();
    if (connection.turned_away() || connection.released()) return;
    admission_->release(connection.socket_peer());
  });
  pending_.for_each(
      [this](WaitingUpgrade& pending, SlabHandle) { loop_->timers().cancel(pending); });
  connections_.for_each([](Connection::Engine& connection, SlabHandle) { connection.end_now(); });
  // Somebody may have called stop() in its on_close.
  farewell_.callback = nullptr;
  loop_->timers().cancel(farewell_);
}

Service& Server::Engine::default_service() noexcept {
  has_default_service_ = true;
  return default_service_;
}

void Server::Engine::on_http_reject(HttpConnection& connection, Errc error) {
  log_reject(connection, error, http_status_for(error));
}

void Server::Engine::log_reject(HttpConnection& connection, Errc error, std::uint16_t status) {
  log_.reject({.error = error,
               .peer = connection.peer(),
               .connection = connection.number(),
               .bytes_in = connection.stream().received_bytes(),
               .code = status},
              loop_->now());
}

// --- who is there --------------------------------------------------------------------------------

Census Server::Engine::census() noexcept {
  Census census;
  const auto count_queued = [&census](std::size_t bytes) {
    census.queued_bytes += bytes;
    census.queued_bytes_max = std::max(census.queued_bytes_max, bytes);
  };
  connections_.for_each([&](const Connection::Engine& connection, SlabHandle) {
    ++(connection.is_open() ? census.open : census.closing);
    count_queued(connection.buffered_bytes());
  });
  http_connections_.for_each([&](const HttpConnection& connection, SlabHandle) {
    count_queued(connection.queued_bytes());
  });
  census.http = http_connections_.size();
  return census;
}

Connection* Server::Engine::find(ConnectionId id) noexcept {
  if (id.loop_index() != options_.loop_index) return nullptr;
  return connections_.find(id.handle());
}

void Server::Engine::for_each(Callback<void(Connection&)> visit) {
  connections_.for_each([&](Connection::Engine& connection, SlabHandle) {
    if (connection.is_open()) visit(connection);
  });
}

http::Exchange* Server::Engine::exchange(http::ExchangeId id) noexcept {
  HttpConnection* connection = http_connections_.find(id.connection);
  return connection != nullptr ? connection->waiting_exchange(id.number) : nullptr;
}

void Server::Engine::on_http_gone(HttpConnection& connection) {
  // A port that is probed is nobody's fault, and of interest to who looks for it only.
  const bool has_asked = connection.past().requests != 0;  // of another server, perhaps
  if (!connection.released() && !has_asked && connection.stream().received_bytes() == 0) {
    static_cast<void>(guarded([&] {
      log_.line(
          LogLevel::debug, "silent",
          "peer=" + connection.peer().to_string() + " conn=" + std::to_string(connection.number()));
    }));
  }
  if (connection.turned_away()) {
    --turned_away_;
  } else if (!connection.released()) {
    admission_->release(connection.socket_peer());
  }
  http_connections_.erase(connection.handle());
  check_stopped();
}

void Server::Engine::on_connection_gone(Connection::Engine& connection) {
  admission_->release(connection.peer());
  connections_.erase(connection.id().handle());
  check_stopped();
}

void Server::Engine::add_memory_holder(std::weak_ptr<MemoryHolder> holder) {
  std::erase_if(memory_holders_, [](const auto& each) { return each.expired(); });
  memory_holders_.push_back(std::move(holder));
}

template <class Call>
void Server::Engine::for_each_memory_holder(Call&& call) {
  for (const std::weak_ptr<MemoryHolder>& each : memory_holders_) {
    if (const auto holder = each.lock()) call(*holder);
  }
}

void Server::Engine::shed_memory(std::size_t bytes) {
  const std::size_t taken = loop_->pool().taken_bytes();
  std::size_t enough = taken - std::min(bytes, taken);
  Largest largest;
  const auto count = [&largest](const Connection::Engine& connection, SlabHandle) {
    largest.count(connection.held_bytes(), connection.held_share());
  };
  connections_.for_each(count);
  http_connections_.for_each([&largest](const HttpConnection& connection, SlabHandle) {
    largest.count(connection.held_bytes(), connection.held_bytes());
  });
  for_each_memory_holder([&](MemoryHolder& holder) { holder.count_memory(largest); });
  largest.decide(bytes);
  shed_connections(largest);
  http_connections_.for_each([&](HttpConnection& connection, SlabHandle) {
    const std::size_t held = connection.held_bytes();
    if (!largest.takes(held, held)) return;
    connection.give_up_memory();
    enough += connection.held_bytes();  // it goes with the answer, or when it is reaped
  });
  for_each_memory_holder([&](MemoryHolder& holder) { holder.give_up_memory(largest); });
  // Those who wait with the same messages hold a share of them each, and a message is free only
  // once the last of them has gone.
  const Pool& pool = loop_->pool();
  for (std::size_t before = taken + 1;
       pool.taken_bytes() > enough && pool.taken_bytes() < before;) {
    before = pool.taken_bytes();
    largest = {};
    connections_.for_each(count);
    largest.decide(before - enough);
    shed_connections(largest);
  }
}

void Server::Engine::shed_connections(Largest& largest) {
  connections_.for_each([&](Connection::Engine& connection, SlabHandle) {
    if (largest.takes(connection.held_bytes(), connection.held_share())) {
      connection.give_up_memory();
    }
  });
}

// --- the end -------------------------------------------------------------------------------------

void Server::Engine::stop(CloseCode code, Callback<void()> on_stopped) {
  stopping_ = true;
  if (on_stopped) farewell_.callback = std::move(on_stopped);
  if (drain_ != nullptr) drain_->end();
  for (const std::unique_ptr<Door>& door : doors_) door->listener.close();
  prefaces_.for_each(
      [this](ProxyPreface& preface, SlabHandle) { on_preface_failed(preface, Errc::none); });
  connections_.for_each([this, code](Connection::Engine&, SlabHandle handle) {
    // Those that are closing already go on with that.
    drain_connection(handle, code);
  });
  http_connections_.for_each(
      [](HttpConnection& connection, SlabHandle) { connection.close_when_idle(); });
  check_stopped();
}

void Server::Engine::drain(const DrainOptions& options, Callback<void()> on_drained) {
  if (on_drained) farewell_.callback = std::move(on_drained);
  if (is_draining()) return check_stopped();
  draining_ = true;
  handed_over_ = options.handed_over;
  for (const std::unique_ptr<Door>& door : doors_) {
    if (!options.handed_over) door->listener.accept_waiting();
    door->listener.close();
  }
  http_connections_.for_each([](HttpConnection& connection, SlabHandle) { connection.finish(); });

  std::unique_ptr<SlabHandle[]> handles(new (std::nothrow) SlabHandle[connections_.size() + 1]);
  drain_.reset(new (std::nothrow) Drain(
      *loop_, *this,
      {.window = options.window, .close_timeout = limits_.close_timeout, .code = options.code}));
  // Without memory there is no list to go through bit by bit.
  if (handles == nullptr || drain_ == nullptr) return stop(options.code);
  std::size_t count = 0;
  connections_.for_each([&](Connection::Engine&, SlabHandle handle) { handles[count++] = handle; });
  drain_->begin(std::move(handles), count);
  check_stopped();
}

// A code that may not be sent ends the connection, too.
void Server::Engine::drain_connection(SlabHandle handle, CloseCode code) {
  Connection::Engine* const connection = connections_.find(handle);
  if (connection == nullptr || connection->close(code, {})) return;
  if (connection->is_open()) connection->abort();
}

void Server::Engine::drain_rest(CloseCode code) {
  connections_.for_each([&](Connection::Engine& connection, SlabHandle handle) {
    if (connection.is_open()) drain_connection(handle, code);
  });
}

void Server::Engine::end_drain() {
  // Nobody resets what would come from now on.
  handed_over_ = false;
  prefaces_.for_each(
      [this](ProxyPreface& preface, SlabHandle) { on_preface_failed(preface, Errc::none); });
  connections_.for_each([](Connection::Engine& connection, SlabHandle) { connection.abort(); });
  http_connections_.for_each([](HttpConnection& connection, SlabHandle) { connection.abandon(); });
}

// Never from within stop(), drain() or a handler: the application may destroy the server there.
void Server::Engine::check_stopped() {
  if (!is_draining()) return;
  if (connections_.size() != 0 || http_connections_.size() != 0 || prefaces_.size() != 0) return;
  if (dock_ != nullptr && dock_->awaits_any()) return;
  if (drain_ != nullptr) drain_->end();
  if (farewell_.callback) loop_->timers().arm(farewell_, net::Time{});
}

// It may destroy the server.
void Server::Engine::Farewell::on_timer(net::Time now) {
  static_cast<void>(now);
  Callback<void()> told = std::exchange(callback, nullptr);
  told();
}

}  // namespace hilo::ws
