// SPDX-License-Identifier: MIT
//
// Client::Engine: all there is to a client but its name. It is apart from Client so that it can
// outlive it: who destroys a Client from within one of its callbacks leaves this to the loop, and
// whoever called that callback finds all of it still there.

#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <system_error>

#include "net/address.h"
#include "net/stream.h"
#include "net/timers.h"
#include "ws/client.h"
#include "ws/client_plan.h"
#include "ws/connection_engine.h"
#include "ws/core/deflate_contexts.h"
#include "ws/guard.h"
#include "ws/log.h"
#include "ws/mask_keys.h"
#include "ws/metrics.h"

namespace hilo::ws {

class Client::Engine final : public net::Doomed,
                             private net::Stream::Handler,
                             private Connection::Engine::Owner {
 public:
  Engine(net::Loop& loop, ClientOptions options);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() override;

  // The client goes: ends all at once, with on_close if it is owed. True if one of its callbacks is
  // running, which is going to return into this: then it is to be destroyed later.
  bool retire();
  net::Loop& loop() const noexcept { return *loop_; }

  Status connect(const ConnectOptions& options);
  void abort();
  Connection* connection() noexcept;
  const ResponseHead* response() const noexcept;
  std::string_view tls_failure() const noexcept;
  const Metrics& metrics() const noexcept { return metrics_; }

  Handlers handlers;
  Callback<void(std::error_code)> on_failed;
  Callback<void(Reconnecting)> on_reconnecting;

 private:
  struct Attempt;
  // From a connect() that asked for it to the end of it all.
  struct Persistence {
    ClientPlan plan;
    ReconnectOptions options;
    Backoff backoff;
    std::uint32_t failures = 0;
    bool is_waiting = false;   // the timer is that of the next attempt
    bool is_canceled = false;  // by abort(): on_failed follows
    net::Time opened_at;
  };

  // net::Stream::Handler, during the handshake
  net::Stream::Want on_input(MutableBytes& input) override;
  void on_end() override;
  void on_broken(std::error_code error) override;
  void on_reap() override;
  void on_timer(net::Time now) override;
  // Connection::Engine::Owner
  void on_connection_gone(Connection::Engine& connection) override;

  LogSink counted(LogSink sink);
  // Calls the application. The count tells retire() that somebody is going to return here.
  template <class Call>
  void tell(Call&& call) {
    ++shared_.calls;
    static_cast<void>(guarded(call));
    --shared_.calls;
  }

  Status begin(ClientPlan plan);
  void end_attempt(std::error_code error);
  void wait_to_reconnect(std::error_code error);
  void reconnect();

  // client_attempt.cc
  Status prepare(Attempt& attempt);
  Status prepare_credentials(Attempt& attempt, std::string& authorization);
  Status prepare_tls(Attempt& attempt);
  void start();
  void on_dialed(Result<net::Fd> fd);
  bool is_asking() const noexcept;  // the answer is not there, or not all of it
  void judge(const ResponseHead& head, MutableBytes& input, std::size_t head_bytes);
  Errc redirect(const ResponseHead& head);
  void follow_redirect();
  void open(std::string_view subprotocol, const DeflateCheck& deflate);
  void fail(std::error_code error);
  void log_reject(Errc error);
  void report();

  net::Loop* loop_;
  Limits limits_;
  Metrics metrics_;
  Connection::Engine::Shared shared_;  // in front of all that calls the application
  Log log_;
  MaskKeys mask_keys_;
  bool retired_ = false;
  // Made by the first wss that needs it.
  std::shared_ptr<const net::tls::ClientContext> default_tls_;
  std::unique_ptr<Attempt> attempt_;
  std::unique_ptr<Persistence> persistence_;  // null: no reconnecting
  const Attempt* reported_ = nullptr;         // while on_failed runs
  std::unique_ptr<DeflateContexts> deflate_;  // of connection_; null: without
  std::unique_ptr<Connection::Engine> connection_;
};

}  // namespace hilo::ws
