// SPDX-License-Identifier: MIT
//
// HttpConnection: an accepted connection while it speaks HTTP, from its first byte until it closes,
// becomes a WebSocket or goes to another server. Server's own; applications see http::Exchange.
//
//   http_connection.cc         requests, one after the other
//   http_connection_body.cc    their bodies
//   http_connection_output.cc  the answers
//   http_connection_end.cc     the end, and the deadlines
//
//   thread  the loop's
//   life    a slot of the server's; dies in Stream's reap phase, or when its stream was taken

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "net/address.h"
#include "net/base/buffer.h"
#include "net/base/slab.h"
#include "net/stream.h"
#include "net/timers.h"
#include "net/transport_tls.h"
#include "ws/core/http_body.h"
#include "ws/core/http_head.h"
#include "ws/core/http_response.h"
#include "ws/http.h"
#include "ws/limits.h"
#include "ws/request.h"

namespace hilo::ws {

class PathParameters;

class Dock;

// What a connection has behind it that came from another server (transfer.h).
struct HttpPast {
  std::uint64_t requests = 0;
  net::Time asking_since;
  bool keep_alive = true;
};

class HttpConnection final : private net::Stream::Handler {
 public:
  // What the server decides and does for it.
  class Host {
   public:
    // A request head stands at the front of `input`, and what came with it behind; nothing was
    // decided yet.
    virtual void on_head(HttpConnection& connection, const RequestHead& head,
                         MutableBytes input) = 0;
    // A request head is complete. Answers through `exchange`, or refuses, or upgrades; else the
    // exchange waits. `parameters` is where the request looks for its parameters.
    virtual void on_request(HttpConnection& connection, http::Exchange& exchange,
                            const Request& request, PathParameters& parameters) = 0;
    // Who asks: the one who connected, unless that is a proxy that speaks for another.
    virtual net::PeerAddress asked_by(const HttpConnection& connection,
                                      const RequestHead& head) = 0;
    // What Date says now; empty for no such field.
    virtual std::string_view http_date() noexcept = 0;
    virtual void on_http_reject(HttpConnection& connection, Errc error) = 0;
    // More is held for a connection than before.
    virtual void on_http_held() = 0;
    virtual void on_http_gone(HttpConnection& connection) = 0;
    // It was told to leave(), and all that was answered has left. Takes its stream, or refuses.
    virtual void on_http_leaving(HttpConnection& connection) = 0;

   protected:
    ~Host() = default;
  };

  HttpConnection(SlabHandle handle, net::Loop& loop, Host& host, const Limits& limits,
                 const net::PeerAddress& peer) noexcept;
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  ~HttpConnection();

  Status start(std::unique_ptr<net::Stream> stream, const HttpPast* past = nullptr) noexcept;

  SlabHandle handle() const noexcept { return handle_; }
  net::Stream::Handler& stream_handler() noexcept { return *this; }
  // For log lines.
  std::uint64_t number() const noexcept {
    return std::uint64_t{handle_.generation} << 32 | handle_.index;
  }
  // Who asked last: see Host::asked_by().
  const net::PeerAddress& peer() const noexcept { return peer_; }
  // Who connected.
  const net::PeerAddress& socket_peer() const noexcept { return socket_peer_; }
  // When this request began; a first one begins when its connection is accepted.
  net::Time asking_since() const noexcept { return asking_since_; }
  // Not counted among the connections that were let in.
  void turn_away() noexcept { turned_away_ = true; }
  bool turned_away() const noexcept { return turned_away_; }
  bool released() const noexcept { return state_ == State::released; }
  net::Stream& stream() noexcept { return *stream_; }
  // Null for a plain connection.
  const net::tls::TlsTransport* tls() const noexcept;
  // The exchange of that number if it still waits for its answer.
  http::Exchange* waiting_exchange(std::uint64_t number) noexcept;

  // Answers with the error's response, or closes silently where the error has none. `allow` are the
  // methods to name in a 405.
  void refuse(Errc error, std::string_view allow = "GET");
  // The same with a status of the application's.
  void refuse(std::uint16_t status, std::string_view reason,
              std::span<const FieldView> fields = {});
  // Within Host::on_request: whether this request has a body that was not read yet, and reading it.
  // on_request is called again with the same head when it is there, unless the route is to hear it
  // in pieces. A false return: it was refused.
  bool has_unread_body() const noexcept;
  bool read_body(const http::RouteOptions& options);
  // Gives the stream to a WebSocket. This object dies at the end of the turn.
  std::unique_ptr<net::Stream> release_stream() noexcept;
  // Within Host::on_request: the connection goes to another server together with this request, as
  // if it had not been read. on_http_leaving follows. Not what came that way with this very
  // request, or servers that point at each other would pass it on for ever; nor what has begun here
  // already.
  bool may_leave() const noexcept { return announced_ != nullptr && !came_with_request_; }
  void leave(std::shared_ptr<Dock> destination) noexcept;
  const std::shared_ptr<Dock>& destination() const noexcept { return destination_; }
  HttpPast past() const noexcept { return {request_number_, asking_since_, keep_alive_}; }
  // No further request is served; what is being answered still is, within Limits::close_timeout.
  void close_when_idle();
  // The same, but a request that is on its way, or a first one that may be, is still waited for as
  // long as that, and an answer that the application owes without end.
  void finish();
  // Closes without an answer, and without telling Exchange::on_gone, or with.
  void drop() noexcept { end(); }
  void abandon();
  // Memory was lacking for what was asked: 503, or the end.
  void lack_memory();
  // Memory of the loop's pool that input and waiting output lie in.
  std::size_t held_bytes() const noexcept;
  // What of it waits to be sent.
  std::size_t queued_bytes() const noexcept { return stream_ ? stream_->queued_bytes() : 0; }
  // Ends it because all connections together hold too much: 503, if that can still be said.
  void give_up_memory();

 private:
  friend class http::Exchange;

  enum class State : std::uint8_t {
    reading,    // a head, or nothing yet
    receiving,  // the body, whole, before the application hears of the request
    waiting,    // for the application's answer
    sending,    // an answer that is read piece by piece
    lingering,  // the last answer was written, the peer's bytes are thrown away
    leaving,    // for another server, when all that was answered has left
    released,   // the stream belongs to a WebSocket now, or to another server
    ended,
  };

  // net::Stream::Handler
  net::Stream::Want on_input(MutableBytes& input) override;
  std::size_t bytes_per_turn_max() const override { return limits_->bytes_per_turn_max; }
  void on_end() override;
  void on_blocked() override;
  void on_drained() override;
  void on_broken(std::error_code error) override;
  void on_reap() override;
  void on_timer(net::Time now) override;

  // What is due now waits for the next full millisecond; this for the next timers phase.
  static constexpr net::Time overdue{};

  struct Body;
  struct Sending;

  bool wants_input() const noexcept;
  bool serve_one(MutableBytes& input);
  bool accept_framing(const RequestHead& head, bool is_alone);
  void dispatch(const RequestHead& head);
  void receive_body(MutableBytes& input);
  void take_body_piece(Bytes piece);
  void finish_body();
  void fail_body(Errc error);
  void call_body_handler(Bytes piece, bool final);
  Bytes body() const noexcept;
  void hear_body(http::BodyHandler handler);
  bool is_body_unread() const noexcept;
  Status respond(std::uint16_t status, std::string_view content_type, std::string_view body,
                 std::span<const FieldView> fields);
  Status respond_from(std::uint16_t status, std::string_view content_type, std::uint64_t length,
                      std::unique_ptr<http::BodySource> source, std::span<const FieldView> fields);
  Result<Buffer> make_answer(Response response);
  void send_pieces();
  void abort_answer() noexcept;
  void answered();
  bool pause_if_backed_up() noexcept;
  void linger() noexcept;
  void end_if_sent() noexcept;
  void end() noexcept;
  void tell_gone();
  void arm(net::Duration patience) noexcept;
  void arm_or_stall(net::Duration patience) noexcept;
  void arm_for_handshake() noexcept;
  bool is_before_first_head_is_due(net::Time now) noexcept;

  SlabHandle handle_;
  net::Loop* loop_;
  Host* host_;
  const Limits* limits_;
  std::unique_ptr<net::Stream> stream_;
  net::PeerAddress socket_peer_;
  net::PeerAddress peer_;
  RequestParser parser_;
  http::Exchange exchange_;
  std::unique_ptr<Body> body_;  // of this request, once it is wanted
  std::unique_ptr<Sending> sending_;
  std::shared_ptr<Dock> destination_;       // while leaving
  const BodyFraming* announced_ = nullptr;  // the body of the request being dispatched
  std::uint64_t request_number_ = 0;
  net::Time asking_since_;
  std::size_t lingered_bytes_ = 0;
  State state_ = State::reading;
  bool head_only_ = false;  // the request is a HEAD
  bool keep_alive_ = true;
  bool dispatching_ = false;  // inside Host::on_request
  bool end_seen_ = false;
  bool continue_expected_ = false;  // the peer waits for 100 before it sends the body
  bool turned_away_ = false;
  bool came_with_request_ = false;  // from another server, and it was not served yet
};

// What is there of a body while it comes, and until its request is answered.
struct HttpConnection::Body {
  Body(const BodyFraming& framing, const BodyLimits& limits, Pool& pool) noexcept
      : parser(framing, limits), head(pool), content(pool) {}

  BodyParser parser;
  Buffer head;     // of its request, for a route that is called behind the body
  Buffer content;  // unless it is streamed
  http::BodyHandler handler;
  std::uint64_t deadline_mark = 0;  // content bytes when the deadline began
  bool streamed = false;
  bool is_delivered = false;  // all of it, to whoever wants it
};

// An answer that is on its way, and what of it was not read yet.
struct HttpConnection::Sending {
  std::unique_ptr<http::BodySource> source;
  std::uint64_t left;
  bool yielded = false;  // it goes on when others have had their turn
};

}  // namespace hilo::ws
