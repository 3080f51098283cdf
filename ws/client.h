// SPDX-License-Identifier: MIT
//
// Client: one WebSocket connection to a server, with the same callbacks as the server side.
//
//   ws::Client client{loop};
//   client.on_open   ([](ws::Connection& c)                 { c.send_text("hello"); })
//         .on_message([](ws::Connection& c, ws::Message m)  { print(m.text()); })
//         .on_close  ([](ws::Connection& c, ws::CloseInfo)  { })
//         .on_failed ([](std::error_code why)               { });
//   if (Status status = client.connect({.url = "ws://127.0.0.1:9001/echo"}); !status) return
//   fail();
//
// connect() ends in exactly one of on_open (and later on_close) and on_failed, never from within
// the call. After either end the client may connect again, from within that callback too. With
// ConnectOptions::reconnect it does so by itself: on_reconnecting then comes instead of on_failed,
// and behind on_close, and whoever has enough calls abort() there.
//
//   limits    Limits: connect_timeout covers the look-up of the name, TCP, proxies, redirections
//   and
//             the handshake
//   errors    on_failed gets a ws::Errc (response_*, redirect_*, proxy_*, tls_*) or an error of the
//             system; response() has the status and the head of an answer that was no 101, or of a
//             proxy that said no
//   secrets   credentials and fields are in no log line and in no error
//   log       each Errc of on_failed is a rejection: a line, with the status of the answer or the
//             proxy's reply as its code, and one more in metrics().rejects; so is no_entropy where
//             connect() itself fails by it
//   thread    the loop's
//   lifetime  Loop first. The destructor waits for nothing and nobody: it resets the connection and
//             calls on_close, if one is owed, and nothing after that. It may be called from within
//             any callback of the client's, the log's too: that callback runs to its end with all
//             that it captured, and its Connection& can be asked and used (what it sends is
//             refused), but for data(), which is gone. What is left of the client goes in the
//             loop's next posted phase, or with the loop.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "net/base/owner.h"
#include "net/loop.h"
#include "ws/backoff.h"
#include "ws/connection.h"
#include "ws/core/deflate_options.h"
#include "ws/core/field_view.h"
#include "ws/handlers.h"
#include "ws/limits.h"
#include "ws/log_sink.h"
#include "ws/metrics.h"

namespace hilo::net {
class WireObservers;
namespace tls {
class ClientContext;
}
}  // namespace hilo::net

namespace hilo::ws {

struct ResponseHead;

// What holds for all connections of a client; see also ServerOptions.
struct ClientOptions {
  Limits limits = {};
  LogSink log = {};
  std::uint32_t log_rejects_per_second_max = 20;
};

// Whether a client comes back when its connection is lost or could not be opened. It does so after
// every failure but abort(), and after every end but its own: close(), abort(), a lifetime that is
// over, and a Close of the server's with 1000, which says that all is done (RFC 6455 §7.4.1).
struct ReconnectOptions {
  bool enabled = false;
  // How long it waits: a random part of base, 2 * base, 4 * base ... up to cap (backoff.h).
  BackoffOptions backoff = {};
  // A connection that lived so long was a success: the next wait begins with base again.
  net::Duration stable_after = net::Duration::seconds(10);
  // Attempts in a row that may fail before on_failed. 0: no limit.
  std::uint32_t failures_max = 0;
};

struct ConnectOptions {
  // ws:// or wss://[user[:password]@]host[:port]/path?query, or ws+unix:///path/of/socket:/path
  std::string_view url = {};
  // Offered in this order. Text of an option is copied.
  std::vector<std::string_view> subprotocols = {};
  std::string_view origin = {};
  std::vector<FieldView> fields = {};
  // Basic credentials (RFC 7617), instead of those of the URL. Neither is sent where `fields` has
  // an Authorization.
  std::string_view user = {};
  std::string_view password = {};
  // Through this proxy: http://[user[:password]@]host[:port], which is asked to CONNECT (RFC 9110
  // §9.3.6), or socks5:// (RFC 1928, RFC 1929). It looks the name of the server up. wss speaks TLS
  // with the server, through the proxy, which sees nothing of it.
  std::string_view proxy = {};
  // How many redirections in a row are followed, up to redirects_followed_max (redirect.h); 0:
  // none. From wss only to wss. To another origin (scheme, host or port) go neither credentials nor
  // any of `fields` but User-Agent.
  std::uint32_t redirects_max = 0;
  ReconnectOptions reconnect = {};
  // For wss. Null: a context that trusts the authorities of the system.
  std::shared_ptr<const net::tls::ClientContext> tls = {};
  // Whom the certificate must name, and SNI asks for, if not the host of the URL.
  std::string_view tls_server_name = {};
  // permessage-deflate (RFC 7692): offered if enabled, used if the server agrees.
  DeflateOptions deflate = {};
  // Who is shown what passes (net/observed_transport.h): asked for each connection. Behind a proxy
  // it is shown from the tunnel on. Null: nobody.
  std::shared_ptr<net::WireObservers> observers = {};
};

// What on_reconnecting is told.
struct Reconnecting {
  // Why the last attempt failed; none after a connection was lost, which on_close has told.
  std::error_code error;
  net::Duration delay;         // from now to the next attempt
  std::uint32_t failures = 0;  // attempts in a row that failed
};

class Client final : public HandlerSetters<Client> {
 public:
  explicit Client(net::Loop& loop, const Limits& limits = {});
  Client(net::Loop& loop, ClientOptions options);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // The connection could not be opened. The rest is HandlerSetters'. Neither of these two may put
  // another callback in its own place.
  Client& on_failed(Callback<void(std::error_code)> callback);
  // It will be tried again, by ConnectOptions::reconnect. response() and tls_failure() are there as
  // in on_failed.
  Client& on_reconnecting(Callback<void(Reconnecting)> callback);

  // Starts to connect. Errors of the arguments come back at once and nothing is started: a bad URL,
  // a header that could not be sent, errc::already_connected while a connection is there or waited
  // for, errc::operation_canceled in an on_close that the destructor calls; and out_of_memory().
  Status connect(const ConnectOptions& options);
  // Gives up connecting, or waiting for the time to do so (on_failed: errc::operation_canceled at
  // the end of the turn), or resets. Ends reconnecting.
  void abort();

  // The open connection, or null.
  Connection* connection() noexcept;
  // What the server answered if it was no 101: valid during on_failed.
  const ResponseHead* response() const noexcept;
  // What OpenSSL says of a tls_* failure ("certificate has expired"): valid during on_failed.
  std::string_view tls_failure() const noexcept;
  const Metrics& metrics() const noexcept;

 private:
  friend class HandlerSetters<Client>;
  class Engine;

  Handlers& handlers() noexcept;

  // All there is to a client. It outlives this where the client is destroyed in a callback.
  Owner<Engine> engine_;
};

}  // namespace hilo::ws
