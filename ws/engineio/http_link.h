// SPDX-License-Identifier: MIT
//
// HttpLink: a client's HTTP/1.1 to one server, one request at a time, over one connection that is
// kept while the server keeps it.
//
//   input    The heads of answers are read by ws::ResponseReader, bodies by Content-Length, chunked
//            or up to the end of the connection (RFC 9112 §6.3), whole and up to a limit. Bytes
//            that nobody asked for cost the connection: no answer can be told from another then.
//   again    A request goes out once. The exception is a GET on a connection that was kept and
//            ends in good order without a byte: the server has closed it for being idle (RFC 9110
//            §9.2.2). Behind a reset it does not go again: an answer may have been lost by it.
//   thread   the loop's; the handler is called from the loop, never from within ask()
//   errors   a ws::Errc (response_*, http_*, proxy_*, tls_*) or what the network says
//   life     the origin and the handler must outlive it. Not to be destroyed in a call of its
//            handler.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "net/base/buffer.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/timers.h"
#include "ws/client_plan.h"
#include "ws/core/handshake.h"
#include "ws/core/http_body.h"
#include "ws/core/url.h"
#include "ws/dialer.h"
#include "ws/limits.h"

namespace hilo::engineio {

// Whom requests go to, and what they have in common.
struct HttpOrigin {
  // Reads the plan: Errc::url_*, Errc::argument, proxy_url, or what a TLS context needs.
  Status prepare(const ws::Limits& of_client);

  ws::ClientPlan plan;  // its url has no user information left to be told
  ws::Url url;
  std::string authorization;                                   // empty: none
  std::string cookie;                                          // empty: none
  std::shared_ptr<const net::tls::ClientContext> tls;          // null: plain
  std::shared_ptr<const net::tls::ClientContext> default_tls;  // made by the first that needs it
  std::string tls_server_name;
  ws::Limits limits;
};

struct HttpRequest {
  std::string_view target;     // path and query
  std::string_view type = {};  // of the body; empty: a GET without one
  Bytes body = {};
  net::Duration timeout = {};  // from ask() to the answer; zero: connect_timeout alone counts
};

class HttpLink final : private net::Stream::Handler {
 public:
  // One answer; all of it is valid during the call.
  struct Answer {
    ws::ResponseHead head;
    MutableBytes body;
  };
  class Handler {
   public:
    virtual void on_answer(HttpLink& link, const Answer& answer) = 0;
    // There is no answer. The link may be asked again.
    virtual void on_no_answer(HttpLink& link, std::error_code error) = 0;

   protected:
    ~Handler() = default;
  };

  HttpLink(net::Loop& loop, const HttpOrigin& origin, std::size_t body_bytes_max,
           Handler& handler) noexcept;
  HttpLink(const HttpLink&) = delete;
  HttpLink& operator=(const HttpLink&) = delete;
  ~HttpLink();

  // While is_asking() is false. Errc::argument: a field that cannot be sent.
  Status ask(const HttpRequest& request);
  bool is_asking() const noexcept { return asking_; }
  // Forgets the request and its connection; nobody is called any more until the next ask().
  void stop() noexcept;

 private:
  enum class Step : std::uint8_t { head, body, until_end };

  // net::Stream::Handler
  net::Stream::Want on_input(MutableBytes& input) override;
  void on_end() override;
  void on_broken(std::error_code error) override;
  void on_reap() override;
  void on_timer(net::Time now) override;

  Status write_request(const HttpRequest& request);
  void dial();
  void begin_dialing();
  void on_dialed(Result<net::Fd> fd);
  void send();
  void arm(net::Duration after);
  bool read_head(MutableBytes& input);
  void read_body(MutableBytes& input);
  void answer();
  bool may_go_again() const noexcept;
  void ask_anew();
  void fail(std::error_code error);

  net::Loop* loop_;
  const HttpOrigin* origin_;
  Handler* handler_;
  std::size_t body_bytes_max_;
  std::unique_ptr<ws::Dialer> dialer_;
  std::unique_ptr<net::Stream> stream_;
  Buffer request_;
  ws::ResponseReader reader_;
  std::string head_text_;
  ws::ResponseHead head_;
  std::optional<ws::BodyParser> parser_;
  Buffer body_;
  net::Time idle_since_;
  net::Duration timeout_;
  std::error_code error_;  // set: to be reported by the timer
  Step step_ = Step::head;
  bool asking_ = false;
  bool sent_ = false;  // the request was, over stream_
  bool is_get_ = false;
  bool is_kept_ = false;    // stream_ has brought an answer before
  bool has_heard_ = false;  // a byte of the answer
};

}  // namespace hilo::engineio
