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
// same paths if need be. The patterns are those of router.h: of those that have the method, the one
// that fits best is asked. A path with nothing is 404, with other methods 405; a plain GET of a
// WebSocket's path is 426.
//
//   threads   One loop, one thread, one Server; for more cores run several, each with its own Loop,
//             listening on the same port with reuse_port. Nothing here may be called from another
//             thread: go through Loop::post. What must be served in one thread has transfer().
//   lifetime  Loop first, Server after it. Set services, routes and callbacks before listen().
//             Destroying the server resets what is still open, and calls on_close for it, and
//             on_gone for requests and handshakes that wait. Not within a callback: see
//             destroy_later().
//   limits    Limits, given once
//   errors    values; nothing throws

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "net/address.h"
#include "net/address_range.h"
#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "net/base/owner.h"
#include "net/base/result.h"
#include "net/duration.h"
#include "net/fd.h"
#include "net/loop.h"
#include "ws/connection.h"
#include "ws/connection_id.h"
#include "ws/core/deflate_options.h"
#include "ws/core/http_method.h"
#include "ws/core/origin_policy.h"
#include "ws/forwarded_by.h"
#include "ws/handlers.h"
#include "ws/http.h"
#include "ws/limits.h"
#include "ws/log_sink.h"
#include "ws/metrics.h"
#include "ws/sending.h"
#include "ws/static_files.h"
#include "ws/transfer.h"
#include "ws/upgrade.h"

namespace hilo::net {
class WireObserver;
namespace tls {
class ServerContext;
}
}  // namespace hilo::net

namespace hilo::ws {

class Admission;
class Hub;
class Log;
class MemoryHolder;

// What is done with the WebSockets of one path: on_open, on_message ... of HandlerSetters.
class Service final : public HandlerSetters<Service> {
 public:
  // Without these two every well-formed handshake of an allowed Origin is accepted. See upgrade.h.
  Service& on_upgrade(Callback<Decision(const Request&)> callback);
  // Instead of it: the answer may come later, by Server::accept() or reject().
  Service& on_upgrade_later(Callback<void(PendingUpgrade&)> callback);

 private:
  friend class HandlerSetters<Service>;
  friend class Server;
  Handlers& handlers() noexcept { return handlers_; }

  Callback<Decision(const Request&)> upgrade_;
  Callback<void(PendingUpgrade&)> upgrade_later_;
  Handlers handlers_;
  std::uint32_t path_ = 0;  // one more than the server's number of it; 0: it has none
};

struct ServerOptions {
  // Which web pages may connect; the texts of its list must outlive the server.
  OriginPolicy origin = {};
  // Subprotocols to choose from where on_upgrade is not set; the texts must outlive the server. An
  // engineio::Server prefers them, and takes what a client offers besides.
  std::vector<std::string_view> subprotocols = {};
  // Refuse a handshake that offers none of these (400).
  bool subprotocol_required = false;
  // Keep the fields of the request for the life of the connection, at the cost of their size; all
  // but Sec-WebSocket-Key, so that connections that asked for the same in a row share them.
  bool keep_request_fields = true;
  // Proxies in front of this server. What they say of who asks, for which host and whether over TLS
  // (forwarded.h) is believed: Request::peer(), Connection::peer() and the log show who asked, and
  // Origin is compared with the host that was asked for. Proxies are not limited per address; those
  // who ask through them are, once they open a WebSocket (429).
  std::vector<net::AddressRange> trusted_proxies = {};
  ForwardedBy forwarded_by = ForwardedBy::x_forwarded;
  // Shared by all servers of a process, so that they count together; null: a server's own.
  std::shared_ptr<Admission> admission = {};
  // Limit this machine's own connections per address like those of others: for tests.
  bool count_local = false;
  // permessage-deflate (RFC 7692), for clients that offer it.
  DeflateOptions deflate = {};
  // Which of those who offer it get it, where it is enabled; null: all of them. Asked while their
  // handshake is answered, with a request that has no parameter(); it calls nothing of the server.
  Callback<bool(const Request&)> may_compress = {};
  // Connection::round_trip(), at the cost of a few hundred bytes for each connection.
  bool measure_round_trips = false;
  // Date in the answers of plain HTTP, which RFC 9110 §6.6.1 wants of everyone with a clock.
  bool date = true;
  // Goes into every ConnectionId, so that ids of several loops differ.
  std::uint8_t loop_index = 0;
  // Shows what passes on connections (net/observed_transport.h): asked when one is accepted, and
  // with the head of each request, which is shown then with all behind it, in place of whom the
  // connection was shown to so far (null: nobody). Null, or a null answer: that stays as it is, and
  // costs nothing where it is nobody.
  Callback<std::shared_ptr<net::WireObserver>(const net::PeerAddress&)> observe_accepted = {};
  Callback<std::shared_ptr<net::WireObserver>(const Request&, net::WireObserver* so_far)>
      observe_request = {};
  // Takes connections that knock with the handshake of draft 76 out of the server; null: they get
  // 400. Outlives the server.
  Hixie76Taker* hixie76 = nullptr;
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
  int unix_mode = -1;       // the permissions of a Unix socket's file; -1: what umask leaves
  // Every connection begins with a header of the PROXY protocol, version 1 or 2 (proxy_protocol.h),
  // which says whose it is. Anybody who can connect can write one: let only the proxy, or name it
  // in trusted_proxies, and then nobody else may connect here.
  bool proxy_protocol = false;
  // Speak TLS there: wss and https. May be shared by several listeners and servers.
  std::shared_ptr<const net::tls::ServerContext> tls = {};
};

// How a server goes without hurting anybody; see Server::drain().
struct DrainOptions {
  net::Duration window = net::Duration::seconds(30);
  CloseCode code = CloseCode::going_away;  // or service_restart
  // Another process listens on the sockets already: whoever waits in the kernel's queue is left to
  // it, and whoever was accepted before may still shake hands, so that nobody is refused. Otherwise
  // the queue is served once more, and new handshakes get 503.
  bool handed_over = false;
};

// Who is there, and what waits to be sent to them: see Server::census().
struct Census {
  std::size_t http = 0;  // HTTP connections, those in their handshake among them
  std::size_t open = 0;  // WebSockets
  std::size_t closing = 0;
  std::size_t queued_bytes = 0;
  std::size_t queued_bytes_max = 0;  // of the one for whom most waits
};

class Server final : public HandlerSetters<Server>, private net::Doomed {
 public:
  explicit Server(net::Loop& loop, const Limits& limits = {}, ServerOptions options = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() override;

  // --- what is served ---

  // The service of one pattern ("/chat", "/rooms/:id"), made when first asked for.
  Service& at(std::string_view pattern);
  // The service of all other paths, together with on_open, on_message ... of HandlerSetters.
  Server& on_upgrade(Callback<Decision(const Request&)> callback);
  Server& on_upgrade_later(Callback<void(PendingUpgrade&)> callback);

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

  // The files below a directory, under `prefix` ("/web", or "/" for all paths): see static_files.h.
  // The error says why the directory could not be opened, or Errc::argument for the prefix.
  Status files(std::string_view prefix, std::string_view directory,
               const FilesOptions& options = {});

  // Connections that ask for `pattern`, by whatever method, move to another server of this process
  // and its thread (transfer.h). This goes before all that is served there.
  Server& transfer(std::string_view pattern, Destination destination);
  // The same where the request decides; null, or this server: it stays. It must say the same of the
  // same request.
  Server& transfer_by(std::string_view pattern,
                      Callback<Destination(const Request&)> destination_of);
  // This server for transfer() of others. In the loop's thread, or before it runs.
  Destination destination();

  // --- where ---

  // Starts to listen and returns the address, with the port that the kernel chose if it was 0.
  Result<net::Address> listen(const ListenOptions& options);
  Result<net::Address> listen(const net::Address& address, const ListenOptions& options);
  // Takes over a socket that listens already: inherited, or handed over by another process. Of the
  // options proxy_protocol and tls count. errc::invalid_argument if it does not listen.
  Result<net::Address> listen(net::Fd listening, const ListenOptions& options = {});
  // The listening sockets, to be handed over; they stay the server's.
  std::vector<int> listening_descriptors() const;
  // Takes one connected socket, which must not block, as if it had been accepted; to speak TLS if
  // there is a context, which is used in the call only.
  void adopt(net::Fd fd, const net::Address& peer, const net::tls::ServerContext* tls = nullptr);

  // --- handshakes that wait for their answer (upgrade.h) ---

  // False if there is nothing left to answer. What follows (on_open, the refusal) happens in the
  // loop's next timers phase, never within the call.
  bool accept(UpgradeId id, Accept accept = {});
  bool reject(UpgradeId id, Reject reject = {});
  std::size_t pending_upgrade_count() const noexcept;

  // --- who is there ---

  std::size_t connection_count() const noexcept;
  // Connections that speak HTTP: in their handshake, or asking for pages.
  std::size_t http_connection_count() const noexcept;
  // Asks each of them, so not for every message.
  Census census() noexcept;
  // Sends to all who are subscribed to the topic, from any thread: see hub.h.
  Posted publish(std::string_view topic, Opcode opcode, Bytes payload,
                 PublishOptions options = {}) noexcept;
  Posted publish(std::string_view topic, const Message& message,
                 PublishOptions options = {}) noexcept;
  // Counts, and what is asked of the topics of several servers together.
  Hub& hub() noexcept;  // ws/hub.h

  // Null once the connection is gone.
  Connection* find(ConnectionId id) noexcept;
  // Every open connection. The visit may close connections, not destroy the server; what it
  // captures by value is its own.
  void for_each(Callback<void(Connection&)> visit);
  // Null if it was answered, or if the peer is gone.
  http::Exchange* exchange(http::ExchangeId id) noexcept;

  // --- the end ---

  // Stops listening, sends `code` to all, and calls `on_stopped` when the last one has gone, which
  // takes no longer than Limits::close_timeout after its output has left. Once, from the loop and
  // never from within a call. Stopping again sends nothing to those that are closing already; it
  // replaces `on_stopped` if it brings another one.
  void stop(CloseCode code = CloseCode::going_away, Callback<void()> on_stopped = nullptr);

  // Stops in peace: accepts no more connections, answers new handshakes with 503 (but see
  // DrainOptions) and plain requests as ever but for the last time on their connection, and sends
  // `code` to WebSockets bit by bit, a few at once and the last of them Limits::close_timeout
  // before the window ends, so that not all come back to the next server at the same moment; until
  // its turn comes a connection works as before. What is left when the window ends is reset.
  // `on_drained` is called when the last one has gone, as in stop(), which may be called meanwhile
  // to make short work of it. Draining twice, or after stop(), only replaces `on_drained`.
  void drain(const DrainOptions& options = {}, Callback<void()> on_drained = nullptr);
  bool is_draining() const noexcept;
  // New handshakes get 503: it stops, or drains and has no successor.
  bool refuses_handshakes() const noexcept;

  // A server must not be destroyed in a callback of its own: whoever called that goes on to use it.
  // This destroys it in the loop's next posted phase, where none of them is running: on_close of
  // all who are there comes then. The loop must turn once more before it is destroyed itself. Needs
  // no memory.
  static void destroy_later(std::unique_ptr<Server> server);

  // For layers on top (memory_holder.h). Who has gone is asked no more; who holds more than before
  // has it looked at.
  void add_memory_holder(std::weak_ptr<MemoryHolder> holder);
  void look_at_memory() noexcept;

  const Metrics& metrics() const noexcept;
  Log& log() noexcept;  // ws/log.h
  net::Loop& loop() const noexcept;
  const Limits& limits() const noexcept;
  const ServerOptions& options() const noexcept;
  std::uint8_t loop_index() const noexcept;

 private:
  friend class HandlerSetters<Server>;
  class Engine;

  Handlers& handlers();

  Owner<Engine> engine_;  // all there is to a server: server_engine.h
};

}  // namespace hilo::ws
