// SPDX-License-Identifier: MIT
//
// Server: WebSocket services and plain HTTP routes on any number of listening addresses, on one
// loop. The ten-line echo:
//
//   hilo::net::Loop loop;
//   hilo::ws::Server server{loop, {.idle_timeout = hilo::net::Duration::seconds(60)}};
//   server.on_message([](hilo::ws::Connection& c, hilo::ws::Message m) { c.send(m); });
//   if (auto bound = server.listen({.host = "127.0.0.1", .port = 9001}); !bound) return 1;
//   return loop.run() ? 0 : 1;
//
// The callbacks of Server itself serve every path; at("/chat") makes a service of its own for one
// path, which goes before; get("/rooms/:id", ...) and its like serve plain HTTP (http.h), on the
// same paths if need be. The patterns are those of router.h: the one that fits best decides, by the
// path alone. A path with nothing is 404, with other methods 405; a plain GET of a WebSocket's path
// is 426.
//
//   threads   One loop, one thread, one Server; for more cores run several, each with its own Loop,
//             listening on the same port with reuse_port. Nothing here may be called from another
//             thread: go through Loop::post.
//   lifetime  Loop first, Server after it. Set services, routes and callbacks before listen().
//             Destroying the server resets what is still open, and calls on_close for it.
//   limits    Limits, given once
//   errors    values; nothing throws

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "net/address.h"
#include "net/listener.h"
#include "net/tls.h"
#include "ws/connection.h"
#include "ws/core/deflate_contexts.h"
#include "ws/core/origin.h"
#include "ws/http.h"

namespace hilo::ws {

// The answer of on_upgrade: yes, with the subprotocol to speak and fields of your own. Both are
// views that are read after the handler has returned: they must not refer to its locals ...
struct Accept {
  std::string_view subprotocol = {};       // one that the client offered, or empty
  std::span<const FieldView> fields = {};  // for example Set-Cookie
};
// ... or no.
struct Reject {
  std::uint16_t status = 403;
  std::string reason = {};
};
using Decision = std::variant<Accept, Reject>;

// What is done with the WebSockets of one path: on_open, on_message ... of HandlerSetters.
class Service final : public HandlerSetters<Service> {
 public:
  // Without it every well-formed handshake of an allowed Origin is accepted.
  Service& on_upgrade(Callback<Decision(const Request&)> callback) {
    upgrade_ = std::move(callback);
    return *this;
  }

 private:
  friend class HandlerSetters<Service>;
  friend class Server;
  Handlers& handlers() noexcept { return handlers_; }

  Callback<Decision(const Request&)> upgrade_;
  Handlers handlers_;
};

struct ServerOptions {
  // Which web pages may connect; the texts of its list must outlive the server.
  OriginPolicy origin = {};
  // Subprotocols to choose from where on_upgrade is not set; the texts must outlive the server.
  std::vector<std::string_view> subprotocols = {};
  // Refuse a handshake that offers none of these (400).
  bool subprotocol_required = false;
  // Keep the fields of the request for the life of the connection, at the cost of their size.
  bool keep_request_fields = true;
  // permessage-deflate (RFC 7692), for clients that offer it.
  DeflateOptions deflate = {};
  // Connection::round_trip(), at the cost of a few hundred bytes for each connection.
  bool measure_round_trips = false;
  // Goes into every ConnectionId, so that ids of several loops differ.
  std::uint8_t loop_index = 0;
  // Hears rejections and other events, one line each.
  LogSink log = {};
  std::uint32_t log_rejects_per_second_max = 20;
};

struct ListenOptions {
  std::string_view host = "127.0.0.1";  // a numeric address, "localhost", or empty for all
  std::uint16_t port = 0;               // 0: the kernel chooses
  std::string_view unix_path = {};      // instead of host and port
  int backlog = 4096;
  bool reuse_port = false;  // several servers of this process share the port
  // Speak TLS there: wss and https. May be shared by several listeners and servers.
  std::shared_ptr<const net::tls::ServerContext> tls = {};
};

class Server final : public HandlerSetters<Server>,
                     private HttpConnection::Host,
                     private Connection::Owner {
 public:
  explicit Server(net::Loop& loop, const Limits& limits = {}, ServerOptions options = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  // --- what is served ---

  // The service of one pattern ("/chat", "/rooms/:id"), made when first asked for.
  Service& at(std::string_view pattern);
  // The service of all other paths, together with on_open, on_message ... of HandlerSetters.
  Server& on_upgrade(Callback<Decision(const Request&)> callback);

  // Plain routes. GET brings HEAD along, and every pattern answers OPTIONS by itself if it has no
  // route for that; methods without a route get 405. CONNECT and TRACE have none. A pattern that
  // router.h does not take serves nothing, and is told to the log.
  Server& on(Method method, std::string_view pattern, http::Route route,
             const http::RouteOptions& options = {});
  Server& get(std::string_view pattern, http::Route route) {
    return on(Method::get, pattern, std::move(route));
  }
  Server& post(std::string_view pattern, http::Route route,
               const http::RouteOptions& options = {}) {
    return on(Method::post, pattern, std::move(route), options);
  }
  Server& put(std::string_view pattern, http::Route route, const http::RouteOptions& options = {}) {
    return on(Method::put, pattern, std::move(route), options);
  }
  Server& del(std::string_view pattern, http::Route route) {
    return on(Method::delete_, pattern, std::move(route));
  }

  // --- where ---

  // Starts to listen and returns the address, with the port that the kernel chose if it was 0.
  Result<net::Address> listen(const ListenOptions& options);
  Result<net::Address> listen(const net::Address& address, const ListenOptions& options);
  // Takes one connected socket, which must not block, as if it had been accepted; to speak TLS if
  // there is a context, which is used in the call only.
  void adopt(net::Fd fd, const net::Address& peer, const net::tls::ServerContext* tls = nullptr);

  // --- who is there ---

  std::size_t connection_count() const noexcept { return connections_.size(); }
  // Connections that speak HTTP: in their handshake, or asking for pages.
  std::size_t http_connection_count() const noexcept { return http_connections_.size(); }
  // Sends to all who are subscribed to the topic, from any thread: see hub.h.
  Posted publish(std::string_view topic, Opcode opcode, Bytes payload,
                 PublishOptions options = {}) noexcept {
    return hub_.publish(topic, opcode, payload, options);
  }
  Posted publish(std::string_view topic, const Message& message,
                 PublishOptions options = {}) noexcept {
    return hub_.publish(topic, message.opcode, message.payload, options);
  }
  // Counts, and what is asked of the topics of several servers together.
  Hub& hub() noexcept { return hub_; }

  // Null once the connection is gone.
  Connection* find(ConnectionId id) noexcept;
  // Every open connection. The visit may close connections, not destroy the server.
  template <class Visit>
  void for_each(Visit&& visit) {
    connections_.for_each([&](Connection& connection, SlabHandle) {
      if (connection.is_open()) visit(connection);
    });
  }
  // Null if it was answered, or if the peer is gone.
  http::Exchange* exchange(http::ExchangeId id) noexcept;

  // --- the end ---

  // Stops listening, sends `code` to all, and calls `on_stopped` when the last one has gone, which
  // takes no longer than Limits::close_timeout after its output has left. Once, from the loop and
  // never from within a call. Stopping again sends nothing to those that are closing already; it
  // replaces `on_stopped` if it brings another one.
  void stop(CloseCode code = CloseCode::going_away, Callback<void()> on_stopped = nullptr);

  const Metrics& metrics() const noexcept { return metrics_; }
  Log& log() noexcept { return log_; }
  net::Loop& loop() const noexcept { return *loop_; }
  const Limits& limits() const noexcept { return limits_; }

 private:
  friend class HandlerSetters<Server>;
  // What is served under one pattern.
  struct Path {
    struct MethodRoute {
      Method method;
      http::Route route;
      http::RouteOptions options;
    };
    MethodRoute* find(Method method) noexcept;

    Service service;
    bool has_service = false;
    std::vector<MethodRoute> routes;
  };

  Handlers& handlers();

  // HttpConnection::Host
  void on_request(HttpConnection& connection, http::Exchange& exchange, const Request& request,
                  PathParameters& parameters) override;
  void on_http_reject(HttpConnection& connection, Errc error) override;
  void on_http_gone(HttpConnection& connection) override;
  // Connection::Owner
  void on_connection_gone(Connection& connection) override;

  Path& path_entry(std::string_view pattern);
  Service* service_of(Path* path) noexcept;
  std::string_view allowed_methods(Path* path, std::span<char> into) noexcept;
  void refuse_method(HttpConnection& connection, Path* path);
  void answer_options(http::Exchange& exchange, Path* path);
  void serve_route(HttpConnection& connection, http::Exchange& exchange, Path::MethodRoute& found);
  void upgrade(HttpConnection& connection, Service& service, const Request& request);
  void open(HttpConnection& http, Service& service, const RequestHead& head,
            const UpgradeCheck& check, const Accept& accept);
  Result<KeptRequest> keep(const RequestHead& head, std::string_view subprotocol) noexcept;
  void check_stopped();

  net::Loop* loop_;
  Limits limits_;
  ServerOptions options_;
  Metrics metrics_;
  Log log_;
  Hub hub_;
  Connection::Shared shared_;
  std::unique_ptr<DeflateContexts> deflate_;  // null: not spoken here
  Service default_service_;
  bool has_default_service_ = false;
  Router router_;
  std::vector<std::unique_ptr<Path>> paths_;  // by the router's numbers
  std::unique_ptr<Path> unreachable_path_;    // of a pattern that cannot be
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  KeptRequest recent_request_;
  Slab<HttpConnection> http_connections_;
  Slab<Connection> connections_;
  Callback<void()> on_stopped_;
  bool stopping_ = false;
};

}  // namespace hilo::ws
