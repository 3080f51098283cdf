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
// the call. After either end the client may connect again, from within that callback too.
//
//   limits    Limits: connect_timeout covers the look-up of the name, TCP and the handshake
//   errors    on_failed gets a ws::Errc (response_*, tls_*) or an error of the system; response()
//             has the status and the head of an answer that was no 101
//   log       each Errc of on_failed is a rejection: a line, with the status of the answer as its
//             code, and one more in metrics().rejects
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

#include "net/loop.h"
#include "net/tls.h"
#include "ws/connection.h"
#include "ws/core/compression.h"
#include "ws/core/handshake.h"
#include "ws/handlers.h"
#include "ws/limits.h"
#include "ws/log.h"
#include "ws/metrics.h"

namespace hilo::ws {

// What holds for all connections of a client; see also ServerOptions.
struct ClientOptions {
  Limits limits = {};
  LogSink log = {};
  std::uint32_t log_rejects_per_second_max = 20;
};

struct ConnectOptions {
  // ws:// or wss://host[:port]/path?query, or ws+unix:///path/of/socket:/path
  std::string_view url = {};
  // Offered in this order. Text of an option is copied.
  std::vector<std::string_view> subprotocols = {};
  std::string_view origin = {};
  std::vector<FieldView> fields = {};
  // For wss. Null: a context that trusts the authorities of the system.
  std::shared_ptr<const net::tls::ClientContext> tls = {};
  // Whom the certificate must name, and SNI asks for, if not the host of the URL.
  std::string_view tls_server_name = {};
  // permessage-deflate (RFC 7692): offered if enabled, used if the server agrees.
  DeflateOptions deflate = {};
};

class Client final : public HandlerSetters<Client> {
 public:
  explicit Client(net::Loop& loop, const Limits& limits = {});
  Client(net::Loop& loop, ClientOptions options);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // The connection could not be opened. The rest is HandlerSetters'.
  Client& on_failed(Callback<void(std::error_code)> callback);

  // Starts to connect. Errors of the arguments come back at once and nothing is started: a bad URL,
  // a header that could not be sent, errc::already_connected while a connection is there,
  // errc::operation_canceled in an on_close that the destructor calls.
  Status connect(const ConnectOptions& options);
  // Gives up connecting (on_failed: errc::operation_canceled at the end of the turn), or resets.
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
  std::unique_ptr<Engine> engine_;
};

}  // namespace hilo::ws
