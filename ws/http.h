// SPDX-License-Identifier: MIT
//
// The little plain HTTP/1.1 that a WebSocket server needs beside the upgrade: routes, pages, HEAD,
// keep-alive and pipelining, answers now or later.
//
//   server.get("/health", [](ws::http::Exchange& x) { x.respond(200, "text/plain", "ok\n"); });
//
//   later   server.get("/wait", [&](ws::http::Exchange& x) { waiting = x.later(); });
//           ...
//           if (auto* x = server.exchange(waiting)) x->respond(200, "text/plain", "now");
//
// One request at a time: the next one of a pipeline is read when the answer to this one was
// written. Refusals close the connection, and nothing behind a refused head is read as HTTP again.
//
//   thread   the loop's
//   bodies   A route is called when the body is there, whole: Exchange::body(). With
//            RouteOptions::streamed it is called before, and hears the pieces (on_body). What is
//            answered before its body was read is the last answer of its connection.
//   life     an Exchange& is good within the callback; what is kept is an ExchangeId

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "net/address.h"
#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "net/base/result.h"
#include "net/base/slab.h"
#include "ws/core/field_view.h"
#include "ws/request.h"

namespace hilo::ws {

class HttpConnection;

namespace http {

// Names a request that waits for its answer.
struct ExchangeId {
  SlabHandle connection;
  std::uint64_t number = 0;  // of the request on that connection
};

// What a route wants of request bodies.
struct RouteOptions {
  std::size_t body_bytes_max = 0;  // 0: Limits::body_bytes_max. More is refused (413).
  // The route is called when the head is there and hears the body by Exchange::on_body. Its time,
  // Limits::body_timeout, begins anew with each Limits::body_bytes_max of it.
  bool streamed = false;
};

// A piece of a streamed body, valid during the call. The last call is `final` and brings none.
class Exchange;
using BodyHandler = Callback<void(Exchange& exchange, Bytes piece, bool final)>;

// A body that is read as it leaves, so that it need not lie in memory.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // Fills `into` from the front; how many bytes. None, or an error, before all were there that were
  // announced: the connection is reset, so that the peer cannot take a part for the whole.
  virtual Result<std::size_t> read(MutableBytes into) = 0;
};

// One request and its answer.
class Exchange {
 public:
  // Valid within the route's call only, not after later(): take what you need before that.
  const Request& request() const noexcept { return *request_; }
  // Who asks, also later.
  const net::PeerAddress& peer() const noexcept;
  // Whether the connection is TLS's. What a proxy in front of us speaks is in the request's fields.
  bool is_tls() const noexcept;
  // The body, without its framing. Valid until the answer is given, or the peer is gone.
  Bytes body() const noexcept;
  // For streamed routes, within the route's call: who hears the body. Without it the body is read
  // and thrown away. The handler may put another one in its own place.
  void on_body(BodyHandler handler);

  // Answers. The body is copied or sent before this returns. A second answer, and one to a peer
  // that is gone, is ignored. Errc::argument for a field that could not be sent.
  Status respond(std::uint16_t status, std::string_view content_type, std::string_view body,
                 std::span<const FieldView> fields = {});

  // The same with a body of `length` bytes that is read piece by piece, as fast as the peer takes
  // them. For HEAD `source` is not asked. Limits::stall_timeout is for a peer that takes nothing.
  Status respond_from(std::uint16_t status, std::string_view content_type, std::uint64_t length,
                      std::unique_ptr<BodySource> source, std::span<const FieldView> fields = {});

  // The answer will come from elsewhere, by Server::exchange(id). There is no deadline on it but
  // the application's own.
  ExchangeId later() noexcept;
  // Hears if the peer goes away before the answer, or if the server that stops waits no longer for
  // it. The end of the peer's sending counts as going.
  void on_gone(Callback<void()> callback);
  // There is no memory for an answer: 503, or the end of the connection if there is none for that.
  void lack_memory();

 private:
  friend class ws::HttpConnection;
  explicit Exchange(HttpConnection& connection) noexcept : connection_(&connection) {}

  HttpConnection* connection_;
  const Request* request_ = nullptr;
  Callback<void()> on_gone_;
  bool later_ = false;
};

using Route = Callback<void(Exchange&)>;

}  // namespace http

}  // namespace hilo::ws
