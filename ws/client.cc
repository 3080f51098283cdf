// SPDX-License-Identifier: MIT

#include "ws/client.h"

#include <array>
#include <utility>

#include "net/clock.h"
#include "net/entropy.h"
#include "ws/client_attempt.h"
#include "ws/core/accept_key.h"
#include "ws/core/http_head.h"

namespace hilo::ws {

// --- the client, which is a name for its engine --------------------------------------------------

Client::Client(net::Loop& loop, const Limits& limits)
    : Client(loop, ClientOptions{.limits = limits}) {}

Client::Client(net::Loop& loop, ClientOptions options)
    : engine_(new Engine(loop, std::move(options))) {}

Client::~Client() {
  // Whoever called the callback that this is called from goes on to use the engine.
  if (engine_->retire()) engine_->loop().destroy_later(std::unique_ptr<Engine>(engine_.release()));
}

Client& Client::on_failed(Callback<void(std::error_code)> callback) {
  engine_->on_failed = std::move(callback);
  return *this;
}

Client& Client::on_reconnecting(Callback<void(Reconnecting)> callback) {
  engine_->on_reconnecting = std::move(callback);
  return *this;
}

Handlers& Client::handlers() noexcept {
  return engine_->handlers;
}

Status Client::connect(const ConnectOptions& options) {
  return guarded_status([&] { return engine_->connect(options); });
}

void Client::abort() {
  engine_->abort();
}

Connection* Client::connection() noexcept {
  return engine_->connection();
}

const ResponseHead* Client::response() const noexcept {
  return engine_->response();
}

std::string_view Client::tls_failure() const noexcept {
  return engine_->tls_failure();
}

const Metrics& Client::metrics() const noexcept {
  return engine_->metrics();
}

// --- the engine ----------------------------------------------------------------------------------

Client::Engine::Engine(net::Loop& loop, ClientOptions options)
    : loop_(&loop),
      limits_(options.limits),
      log_(metrics_, counted(std::move(options.log)), options.log_rejects_per_second_max) {
  shared_.loop = loop_;
  shared_.limits = &limits_;
  shared_.handlers = &handlers;
  shared_.session.limits = limits_.message();
  shared_.session.pool = &loop_->pool();
  shared_.queue_bytes_limit = limits_.queue_bytes_limit();
  shared_.metrics = &metrics_;
  shared_.log = &log_;
  shared_.mask_keys = &mask_keys_;
  shared_.owner = this;
  shared_.measure_round_trips = true;
  static_cast<void>(accept_key({}));  // as in Server::Engine::Engine
}

// The log calls the application too.
LogSink Client::Engine::counted(LogSink sink) {
  if (!sink) return nullptr;
  return [this, sink = std::move(sink)](LogLevel level, std::string_view line) mutable {
    tell([&] { sink(level, line); });
  };
}

Client::Engine::~Engine() {
  loop_->timers().cancel(*this);
}

bool Client::Engine::retire() {
  retired_ = true;
  loop_->timers().cancel(*this);
  const bool is_in_use = shared_.calls != 0;
  if (connection_) connection_->end_now();
  if (is_in_use && attempt_) fail(std::make_error_code(std::errc::operation_canceled));
  return is_in_use;
}

Status Client::Engine::connect(const ConnectOptions& options) {
  // The destructor calls on_close, and that may call this.
  if (retired_) return std::make_error_code(std::errc::operation_canceled);
  const bool is_waiting = persistence_ && persistence_->is_waiting;
  if (attempt_ || connection() != nullptr || is_waiting) {
    return std::make_error_code(std::errc::already_connected);
  }
  ClientPlan plan(options);
  std::unique_ptr<Persistence> persistence;
  if (options.reconnect.enabled) {
    persistence = std::make_unique<Persistence>();
    persistence->plan = plan;
    persistence->options = options.reconnect;
    persistence->backoff = Backoff(options.reconnect.backoff);
  }
  if (Status status = begin(std::move(plan)); !status) return status;
  persistence_ = std::move(persistence);
  return {};
}

Status Client::Engine::begin(ClientPlan plan) {
  auto attempt = std::make_unique<Attempt>(*loop_, std::move(plan));
  if (Status status = prepare(*attempt); !status) {
    // What is wrong with the arguments is for the caller alone.
    const bool is_ours = status.error() == make_error_code(Errc::no_entropy);
    if (is_ours) log_.reject({.error = Errc::no_entropy}, loop_->now());
    return status;
  }
  attempt_ = std::move(attempt);
  if (limits_.connect_timeout.nanoseconds != 0) {
    // Not now(): the loop may not have run for long.
    loop_->timers().arm(*this, net::clock_now() + limits_.connect_timeout);
  }
  if (guarded([this] { start(); })) return {};
  loop_->timers().cancel(*this);
  attempt_.reset();
  return out_of_memory();
}

Connection* Client::Engine::connection() noexcept {
  return connection_ && !connection_->is_gone() ? connection_.get() : nullptr;
}

const ResponseHead* Client::Engine::response() const noexcept {
  return reported_ != nullptr && reported_->has_response ? &reported_->response : nullptr;
}

std::string_view Client::Engine::tls_failure() const noexcept {
  if (reported_ == nullptr || !reported_->stream) return {};
  const net::Transport* const transport = reported_->stream->transport();
  const net::tls::TlsTransport* const tls = transport != nullptr ? transport->tls() : nullptr;
  return tls != nullptr ? tls->failure_text() : std::string_view{};
}

void Client::Engine::abort() {
  if (attempt_) fail(std::make_error_code(std::errc::operation_canceled));
  if (connection_) connection_->abort();
  if (!persistence_) return;
  persistence_->is_canceled = true;
  if (persistence_->is_waiting && !retired_) loop_->timers().arm(*this, loop_->now());
}

void Client::Engine::on_timer(net::Time now) {
  static_cast<void>(now);
  if (retired_) return;
  if (!attempt_) {
    if (persistence_ && persistence_->is_waiting) reconnect();
    return;
  }
  if (attempt_->error) return report();
  fail(Errc::response_timeout);
}

// Of one that retires, what stands around the callback is not to go before it.
void Client::Engine::on_connection_gone(Connection::Engine& connection) {
  if (retired_) return;
  const CloseInfo info = connection.close_info();
  connection_.reset();
  // on_close may have begun something else.
  if (!persistence_ || attempt_) return;
  // Our close() is wanted whether or not the server answers it.
  const bool is_wanted =
      info.by == ClosedBy::us && (info.error == Errc::none || info.error == Errc::close_timeout);
  if (is_wanted || info.code == CloseCode::normal || persistence_->is_canceled) {
    persistence_.reset();
    return;
  }
  if (loop_->now() - persistence_->opened_at >= persistence_->options.stable_after) {
    persistence_->backoff.reset();
  }
  wait_to_reconnect({});
}

void Client::Engine::report() {
  if (retired_) return;
  const std::unique_ptr<Attempt> attempt = std::move(attempt_);
  reported_ = attempt.get();
  end_attempt(attempt->error);
  reported_ = nullptr;
}

void Client::Engine::end_attempt(std::error_code error) {
  const bool is_canceled = error == std::errc::operation_canceled;
  if (persistence_ && !persistence_->is_canceled && !is_canceled) {
    const std::uint32_t failures_max = persistence_->options.failures_max;
    if (++persistence_->failures < failures_max || failures_max == 0) {
      return wait_to_reconnect(error);
    }
  }
  persistence_.reset();
  if (on_failed) tell([&] { on_failed(error); });
}

// --- coming back ---------------------------------------------------------------------------------

void Client::Engine::wait_to_reconnect(std::error_code error) {
  std::array<std::uint8_t, sizeof(std::uint64_t)> random;
  const bool is_random = static_cast<bool>(net::entropy_fill(random));
  const net::Duration longest = persistence_->backoff.ceiling();
  const net::Duration part = persistence_->backoff.next(load_be64(random.data()));
  // Without randomness all of the wait: clients that come together are worse than one that is late.
  const net::Duration delay = is_random ? part : longest;
  persistence_->is_waiting = true;
  loop_->timers().arm(*this, loop_->now() + delay);
  const Reconnecting told{.error = error, .delay = delay, .failures = persistence_->failures};
  if (on_reconnecting) tell([&] { on_reconnecting(told); });
}

void Client::Engine::reconnect() {
  persistence_->is_waiting = false;
  if (persistence_->is_canceled) {
    return end_attempt(std::make_error_code(std::errc::operation_canceled));
  }
  const Status begun = guarded_status([this] { return begin(persistence_->plan); });
  // The log may have destroyed the client.
  if (!begun && !retired_) end_attempt(begun.error());
}

}  // namespace hilo::ws
