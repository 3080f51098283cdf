// SPDX-License-Identifier: MIT

#include "ws/client.h"

#include <array>
#include <new>
#include <utility>

#include "net/clock.h"
#include "net/entropy.h"
#include "net/socket.h"
#include "ws/guard.h"
#include "ws/tls_errors.h"

namespace hilo::ws {

// One way from a URL to an open connection, or to the error that ended it.
struct Client::Attempt {
  explicit Attempt(net::Loop& loop) : resolver(loop), connector(loop), wire(loop.pool()) {}

  std::string url_text;  // what the views of `url` and `request` refer to
  Url url;
  Key key;
  std::vector<std::string> subprotocol_texts;
  std::vector<std::string_view> subprotocols;
  UpgradeRequest request;
  DeflateOptions deflate;
  DeflateText deflate_text;

  std::shared_ptr<const net::tls::ClientContext> tls;  // null: plain
  std::string tls_server_name;

  net::Resolver resolver;
  net::Connector connector;
  Buffer wire;  // the request, until the socket is connected
  std::unique_ptr<net::Stream> stream;
  net::PeerAddress peer;
  ResponseReader reader;

  std::error_code error;      // set: this attempt is over and waits to be reported
  std::string response_text;  // of an answer that was refused
  ResponseHead response;
  bool has_response = false;
};

Client::Client(net::Loop& loop, const Limits& limits)
    : Client(loop, ClientOptions{.limits = limits}) {}

Client::Client(net::Loop& loop, ClientOptions options)
    : loop_(&loop),
      limits_(options.limits),
      log_(metrics_, std::move(options.log), options.log_rejects_per_second_max) {
  shared_.loop = loop_;
  shared_.limits = &limits_;
  shared_.message_limits = limits_.message();
  shared_.queue_bytes_limit = limits_.queue_bytes_limit();
  shared_.metrics = &metrics_;
  shared_.log = &log_;
  shared_.mask_keys = &mask_keys_;
  shared_.owner = this;
  shared_.measure_round_trips = true;
}

Client::~Client() {
  if (connection_) connection_->end_now();
  // on_close may have begun to connect anew.
  loop_->timers().cancel(*this);
}

Connection* Client::connection() noexcept {
  return connection_ && !connection_->is_gone() ? connection_.get() : nullptr;
}

const ResponseHead* Client::response() const noexcept {
  return reported_ != nullptr && reported_->has_response ? &reported_->response : nullptr;
}

std::string_view Client::tls_failure() const noexcept {
  if (reported_ == nullptr || !reported_->stream) return {};
  const net::Transport* const transport = reported_->stream->transport();
  return transport != nullptr ? transport->tls()->failure_text() : std::string_view{};
}

// --- connecting ----------------------------------------------------------------------------------

Status Client::connect(const ConnectOptions& options) {
  if (attempt_ || connection() != nullptr) {
    return std::make_error_code(std::errc::already_connected);
  }
  auto attempt = std::make_unique<Attempt>(*loop_);
  if (Status status = prepare(*attempt, options); !status) return status;
  attempt_ = std::move(attempt);
  if (limits_.connect_timeout.nanoseconds != 0) {
    // Not now(): the loop may not have run for long.
    loop_->timers().arm(*this, net::clock_now() + limits_.connect_timeout);
  }

  const Url& url = attempt_->url;
  if (url.scheme == Url::Scheme::ws_unix) {
    const Result<net::Address> address = net::Address::from_unix_path(url.socket_path);
    if (address) {
      connect_to({&*address, 1});
    } else {
      fail(address.error());
    }
    return {};
  }
  attempt_->resolver.resolve(url.host, url.port,
                             [this](const Result<std::span<const net::Address>>& addresses) {
                               if (addresses) return connect_to(*addresses);
                               fail(addresses.error());
                             });
  return {};
}

// Everything that can be wrong with the arguments shows here, before anything is started.
Status Client::prepare(Attempt& attempt, const ConnectOptions& options) {
  attempt.url_text = options.url;
  const Result<Url> url = parse_url(attempt.url_text);
  if (!url) return url.error();
  attempt.url = *url;
  if (url->scheme == Url::Scheme::wss) {
    if (Status ready = prepare_tls(attempt, options); !ready) return ready;
  }

  std::array<std::uint8_t, key_bytes> nonce;
  if (Status status = net::entropy_fill(nonce); !status) return status;
  attempt.key = encode_key(nonce);
  attempt.subprotocol_texts.assign(options.subprotocols.begin(), options.subprotocols.end());
  attempt.subprotocols.assign(attempt.subprotocol_texts.begin(), attempt.subprotocol_texts.end());

  UpgradeRequest& request = attempt.request;
  request.authority = url->authority;
  request.path = url->path;
  request.query = url->query;
  request.key = {attempt.key.data(), attempt.key.size()};
  request.subprotocols = attempt.subprotocols;
  attempt.deflate = options.deflate;
  attempt.deflate_text = deflate_offer(options.deflate);
  request.extensions = attempt.deflate_text.view();
  request.origin = options.origin;
  request.fields = options.fields;
  Status written = write_upgrade_request(attempt.wire, request);
  // The caller's texts are needed no longer; the answer is judged without them.
  request.origin = {};
  request.fields = {};
  return written;
}

Status Client::prepare_tls(Attempt& attempt, const ConnectOptions& options) {
  attempt.tls = options.tls ? options.tls : default_tls_;
  attempt.tls_server_name =
      options.tls_server_name.empty() ? attempt.url.host : options.tls_server_name;
  if (attempt.tls) return {};
  auto made = net::tls::ClientContext::create({});
  if (!made) return made.error();
  attempt.tls = default_tls_ = std::move(*made);
  return {};
}

void Client::connect_to(std::span<const net::Address> addresses) {
  // Ours is the deadline, if there is one; else the kernel's.
  constexpr net::Duration longer_than_the_kernel = net::Duration::seconds(3600);
  attempt_->connector.connect(addresses, {.timeout = longer_than_the_kernel},
                              [this](Result<net::Fd> fd) { on_connected(std::move(fd)); });
}

void Client::on_connected(Result<net::Fd> fd) {
  if (!fd) return fail(fd.error());
  if (const Result<net::Address> peer = net::socket::peer_address(fd->value())) {
    attempt_->peer = net::PeerAddress{*peer};
  }
  // A Unix socket has neither.
  static_cast<void>(net::socket::set_no_delay(fd->value()));
  if (limits_.tcp_user_timeout.nanoseconds != 0) {
    static_cast<void>(net::socket::set_user_timeout(fd->value(), limits_.tcp_user_timeout));
  }
  net::Stream::Handler& handler = *this;
  std::unique_ptr<net::Transport> transport;
  if (attempt_->tls) {
    transport = attempt_->tls->connect(fd->value(), attempt_->tls_server_name);
    if (!transport) return fail(out_of_memory());
  }
  attempt_->stream.reset(new (std::nothrow)
                             net::Stream(*loop_, std::move(transport), std::move(*fd), handler));
  if (!attempt_->stream) return fail(out_of_memory());
  if (Status started = attempt_->stream->start(); !started) {
    attempt_->stream.reset();
    return fail(started.error());
  }
  Status sent = attempt_->stream->write(Bytes{attempt_->wire.readable()});
  attempt_->wire.release();
  if (!sent) fail(sent.error());
}

// --- the handshake -------------------------------------------------------------------------------

net::Stream::Want Client::on_input(MutableBytes& input) {
  if (!attempt_ || attempt_->error) {
    input = {};
    return net::Stream::Want::more;
  }
  const HeadProgress progress = attempt_->reader.parse(input);
  switch (progress.kind) {
    case HeadProgress::Kind::need_input: break;
    case HeadProgress::Kind::failed: fail(progress.error); break;
    case HeadProgress::Kind::complete: {
      const ResponseHead head = attempt_->reader.head(input);
      ResponseCheck check = check_response(head, attempt_->request);
      DeflateCheck deflate;
      if (check.error == Errc::none) {
        deflate = check_deflate_answer(head.fields, attempt_->deflate);
        check.error = deflate.error;
      }
      if (check.error == Errc::none) {
        input = input.subspan(progress.head_bytes);
        open(check.subprotocol, deflate);
        break;
      }
      attempt_->response_text = as_text(input.first(progress.head_bytes));
      attempt_->response = attempt_->reader.head(as_bytes(attempt_->response_text));
      attempt_->has_response = true;
      fail(check.error);
      break;
    }
  }
  return net::Stream::Want::more;
}

void Client::open(std::string_view subprotocol, const DeflateCheck& deflate) {
  RequestHead asked;
  asked.path = attempt_->url.path;
  asked.query = attempt_->url.query;
  Result<KeptRequest> kept = KeptRequest::copy(asked, subprotocol, false);
  if (!kept) return fail(kept.error());
  std::unique_ptr<DeflateContexts> contexts;
  CompressionPointer compression;
  if (deflate.is_agreed) {
    contexts = std::make_unique<DeflateContexts>(attempt_->deflate,
                                                 limits_.deflate_memory_bytes_max, metrics_);
    compression = contexts->make(Role::client, deflate.agreed);
    if (!compression) return fail(out_of_memory());
  }
  loop_->timers().cancel(*this);
  const std::unique_ptr<Attempt> attempt = std::move(attempt_);
  // What an earlier connection compressed with goes after it.
  connection_.reset();
  deflate_ = std::move(contexts);
  connection_ =
      std::make_unique<Connection>(SlabHandle{}, Role::client, shared_, handlers_, attempt->peer);
  connection_->compress_with(std::move(compression));
  connection_->open(std::move(attempt->stream), std::move(*kept));
}

void Client::on_end() {
  if (attempt_) fail(std::make_error_code(std::errc::connection_aborted));
}

void Client::on_broken(std::error_code error) {
  const Errc tls = tls_errc(error);
  if (attempt_) fail(tls != Errc::none ? make_error_code(tls) : error);
}

void Client::on_reap() {
  report();
}

// --- the end -------------------------------------------------------------------------------------

// The report comes later and from the loop: this may run deep inside the stream or the connector,
// and the application may start anew in on_failed.
void Client::fail(std::error_code error) {
  if (attempt_->error) return;
  attempt_->error = error;
  if (error.category() == make_error_code(Errc::none).category())
    log_reject(static_cast<Errc>(error.value()));
  if (attempt_->stream) {
    loop_->timers().cancel(*this);
    attempt_->stream->abort();
  } else {
    attempt_->connector.cancel();
    loop_->timers().arm(*this, loop_->now());
  }
}

// What the server did is told like what a server's peers do; nothing is said to the server itself.
void Client::log_reject(Errc error) {
  log_.reject({.error = error,
               .peer = attempt_->peer,
               .bytes_in = attempt_->stream ? attempt_->stream->received_bytes() : 0,
               .code = attempt_->has_response ? attempt_->response.status : std::uint16_t{}},
              loop_->now());
}

void Client::on_timer(net::Time now) {
  static_cast<void>(now);
  if (!attempt_) return;
  if (attempt_->error) return report();
  fail(Errc::response_timeout);
}

void Client::report() {
  const std::unique_ptr<Attempt> attempt = std::move(attempt_);
  reported_ = attempt.get();
  if (on_failed_) static_cast<void>(guarded([&] { on_failed_(attempt->error); }));
  reported_ = nullptr;
}

void Client::abort() {
  if (attempt_) fail(std::make_error_code(std::errc::operation_canceled));
  if (connection_) connection_->abort();
}

void Client::on_connection_gone(Connection& connection) {
  static_cast<void>(connection);
  connection_.reset();
}

}  // namespace hilo::ws
