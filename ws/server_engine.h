// SPDX-License-Identifier: MIT
//
// All there is to a Server (server.h), which says what each of the public functions does. Its work
// is in a file for each of its stations:
//
//   server_accept.cc    listening; accept, admission, TLS, headers of proxies
//   server_http.cc      which path leads where; plain routes
//   server_upgrade.cc   handshakes, answered at once or later
//   server_transfer.cc  to other servers of the process, and from them
//   server_engine.cc    who is there, what they hold, and the end

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "net/base/slab.h"
#include "ws/admission.h"
#include "ws/connection_engine.h"
#include "ws/core/handshake.h"
#include "ws/core/http_date.h"
#include "ws/core/http_head.h"
#include "ws/dock.h"
#include "ws/drain.h"
#include "ws/forwarded.h"
#include "ws/http_connection.h"
#include "ws/hub.h"
#include "ws/log.h"
#include "ws/memory_watch.h"
#include "ws/metrics.h"
#include "ws/proxy_preface.h"
#include "ws/router.h"
#include "ws/server.h"
#include "ws/waiting_upgrade.h"

namespace hilo::ws {

class DeflateContexts;

class Server::Engine final : private HttpConnection::Host,
                             private Connection::Engine::Owner,
                             private ProxyPreface::Host,
                             private WaitingUpgrade::Host,
                             private Dock::Host,
                             private Drain::Host,
                             private MemoryWatch::Host {
 public:
  Engine(net::Loop& loop, const Limits& limits, ServerOptions options);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  // What is served.
  Service& at(std::string_view pattern);
  Service& default_service() noexcept;
  void on(Method method, std::string_view pattern, http::Route route,
          const http::RouteOptions& options);
  Status files(std::string_view prefix, std::string_view directory, const FilesOptions& options);
  void transfer(std::string_view pattern, Destination destination);
  void transfer_by(std::string_view pattern, Callback<Destination(const Request&)> destination_of);
  Destination destination();

  // Where.
  Result<net::Address> listen(const ListenOptions& options);
  Result<net::Address> listen(const net::Address& address, const ListenOptions& options);
  Result<net::Address> listen(net::Fd listening, const ListenOptions& options);
  std::vector<int> listening_descriptors() const;
  void adopt(net::Fd fd, const net::Address& peer, const net::tls::ServerContext* tls);

  // Handshakes that wait for their answer.
  bool answer(UpgradeId id, Decision decision);
  std::size_t pending_upgrade_count() const noexcept { return pending_.size(); }

  // Who is there.
  std::size_t connection_count() const noexcept { return connections_.size(); }
  std::size_t http_connection_count() const noexcept { return http_connections_.size(); }
  Census census() noexcept;
  Connection* find(ConnectionId id) noexcept;
  void for_each(Callback<void(Connection&)> visit);
  http::Exchange* exchange(http::ExchangeId id) noexcept;
  Hub& hub() noexcept { return hub_; }

  // The end.
  void stop(CloseCode code, Callback<void()> on_stopped = nullptr);
  void drain(const DrainOptions& options, Callback<void()> on_drained);
  bool is_draining() const noexcept { return draining_ || stopping_; }
  bool refuses_handshakes() const noexcept { return stopping_ || (draining_ && !handed_over_); }

  void add_memory_holder(std::weak_ptr<MemoryHolder> holder);
  void look_at_memory() noexcept { memory_.look(); }

  const Metrics& metrics() const noexcept { return metrics_; }
  Log& log() noexcept { return log_; }
  net::Loop& loop() const noexcept { return *loop_; }
  const Limits& limits() const noexcept { return limits_; }
  const ServerOptions& options() const noexcept { return options_; }

 private:
  // A listening socket, and how those who come in by it are received.
  struct Door;
  using MethodSet = std::uint32_t;  // a bit for each Method
  class Fitting;
  // Calls what stop() and drain() were given, from the loop and not from within a call.
  class Farewell final : public net::Timer {
   public:
    Callback<void()> callback;

   private:
    void on_timer(net::Time now) override;
  };
  // What is served under one pattern.
  struct Path {
    explicit Path(const Connection::Engine::Shared& of_all) noexcept : shared(of_all) {
      shared.handlers = &service.handlers_;
    }
    struct MethodRoute {
      Method method;
      http::Route route;
      http::RouteOptions options;
    };
    MethodRoute* find(Method method) noexcept;
    MethodSet methods() const noexcept;

    Service service;
    Connection::Engine::Shared shared;  // by its connections
    bool has_service = false;
    std::vector<MethodRoute> routes;
    Destination destination;
    Callback<Destination(const Request&)> destination_of;
  };

  // HttpConnection::Host
  void on_head(HttpConnection& connection, const RequestHead& head, MutableBytes input) override;
  net::PeerAddress asked_by(const HttpConnection& connection, const RequestHead& head) override;
  void on_request(HttpConnection& connection, http::Exchange& exchange, const Request& request,
                  PathParameters& parameters) override;
  std::string_view http_date() noexcept override;
  void on_http_reject(HttpConnection& connection, Errc error) override;
  void log_reject(HttpConnection& connection, Errc error, std::uint16_t status);
  void on_http_held() override { look_at_memory(); }
  void on_http_gone(HttpConnection& connection) override;
  void on_http_leaving(HttpConnection& connection) override;
  // Connection::Engine::Owner
  void on_connection_gone(Connection::Engine& connection) override;
  // ProxyPreface::Host
  void on_preface(ProxyPreface& preface, const net::PeerAddress& peer) override;
  void on_preface_failed(ProxyPreface& preface, Errc error) override;
  // Drain::Host
  void drain_connection(SlabHandle handle, CloseCode code) override;
  void drain_rest(CloseCode code) override;
  void end_drain() override;
  // MemoryWatch::Host
  void shed_memory(std::size_t bytes) override;
  void shed_connections(Largest& largest);
  template <class Call>
  void for_each_memory_holder(Call&& call);

  // Coming in: server_accept.cc.
  Result<net::Address> listen_to_all(const ListenOptions& options);
  void receive(Door& door, net::Fd fd, const net::Address& address);
  void turn_away(Errc error, net::Fd fd, const net::PeerAddress& peer,
                 const net::tls::ServerContext* tls);
  HttpConnection* serve(net::Fd fd, const net::PeerAddress& peer,
                        const net::tls::ServerContext* tls);
  void observe_accepted(HttpConnection& connection) noexcept;

  // To other servers, and from them: server_transfer.cc.
  bool leaves(HttpConnection& connection, Path& path, const Request& request);
  void arrive(std::unique_ptr<TransferredConnection> coming) override;  // Dock::Host
  bool go_on(TransferredConnection& coming);

  Result<Path*> make_path(std::string_view pattern);
  Path& path_entry(std::string_view pattern);
  void refuse_method(HttpConnection& connection, MethodSet allowed);
  void answer_options(http::Exchange& exchange, MethodSet allowed);
  void serve_route(HttpConnection& connection, http::Exchange& exchange, Path::MethodRoute& found);

  // Upgrades: server_upgrade.cc.
  Forwarded forwarded(const HttpConnection& connection, const RequestHead& head) const noexcept;
  void upgrade(HttpConnection& connection, http::Exchange& exchange, Service& service,
               const Request& request);
  void decide(HttpConnection& connection, Service& service, const Request& request,
              const UpgradeCheck& check);
  void decide_later(HttpConnection& connection, http::Exchange& exchange, Service& service,
                    const Request& request);
  void settle(WaitingUpgrade& pending) override;  // WaitingUpgrade::Host
  void settle(HttpConnection& http, Service& service, std::string_view head_text,
              const Decision& decision);
  void lose(UpgradeId id);
  void refuse(HttpConnection& connection, const Reject& reject);
  void open(HttpConnection& http, Service& service, const RequestHead& head,
            const UpgradeCheck& check, const Accept& accept);
  bool may_compress(const HttpConnection& connection, const RequestHead& head) noexcept;
  Connection::Engine::Shared& shared_by(const Service& service) noexcept;
  Result<KeptRequest> keep(const RequestHead& head, std::string_view subprotocol) noexcept;

  void check_stopped();

  net::Loop* loop_;
  Limits limits_;
  ServerOptions options_;
  Metrics metrics_;
  Log log_;
  Hub hub_;
  MemoryWatch memory_;
  std::vector<std::weak_ptr<MemoryHolder>> memory_holders_;
  Connection::Engine::Shared shared_;         // by the connections of default_service_
  std::unique_ptr<DeflateContexts> deflate_;  // null: not spoken here
  Service default_service_;                   // of all paths without one of their own
  bool has_default_service_ = false;
  Router router_;
  std::vector<std::unique_ptr<Path>> paths_;  // by the router's numbers
  std::unique_ptr<Path> unreachable_path_;    // of a pattern that cannot be
  std::shared_ptr<Admission> admission_;
  std::vector<std::unique_ptr<Door>> doors_;
  KeptRequest recent_request_;
  Slab<ProxyPreface> prefaces_;
  Slab<WaitingUpgrade> pending_;
  HttpDate date_text_{};
  std::int64_t date_seconds_ = -1;  // what it says
  Slab<HttpConnection> http_connections_;
  Slab<Connection::Engine> connections_;
  std::unique_ptr<Drain> drain_;
  Destination dock_;  // null until somebody asks for it
  Farewell farewell_;
  std::uint32_t turned_away_ = 0;  // being told so, and not counted by admission_
  bool stopping_ = false;
  bool draining_ = false;
  bool handed_over_ = false;
};

}  // namespace hilo::ws
