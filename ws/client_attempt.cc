// SPDX-License-Identifier: MIT
//
// The way to an open connection: arguments, look-up, TCP, and the opening handshake.

#include "ws/client_attempt.h"

#include <array>
#include <new>
#include <utility>

#include "net/clock.h"
#include "net/entropy.h"
#include "net/socket.h"
#include "ws/tls_errors.h"

namespace hilo::ws {

// Everything that can be wrong with the arguments shows here, before anything is started.
Status Client::Engine::prepare(Attempt& attempt, const ConnectOptions& options) {
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

Status Client::Engine::prepare_tls(Attempt& attempt, const ConnectOptions& options) {
  attempt.tls = options.tls ? options.tls : default_tls_;
  attempt.tls_server_name =
      options.tls_server_name.empty() ? attempt.url.host : options.tls_server_name;
  if (attempt.tls) return {};
  auto made = net::tls::ClientContext::create({});
  if (!made) return made.error();
  attempt.tls = default_tls_ = std::move(*made);
  return {};
}

void Client::Engine::start() {
  const Url& url = attempt_->url;
  if (url.scheme == Url::Scheme::ws_unix) {
    const Result<net::Address> address = net::Address::from_unix_path(url.socket_path);
    if (address) {
      connect_to({&*address, 1});
    } else {
      fail(address.error());
    }
    return;
  }
  attempt_->resolver.resolve(url.host, url.port,
                             [this](const Result<std::span<const net::Address>>& addresses) {
                               if (attempt_->error) return;
                               if (addresses) return connect_to(*addresses);
                               fail(addresses.error());
                             });
}

void Client::Engine::connect_to(std::span<const net::Address> addresses) {
  // Ours is the deadline, if there is one; else the kernel's.
  constexpr net::Duration longer_than_the_kernel = net::Duration::seconds(3600);
  attempt_->connector.connect(addresses, {.timeout = longer_than_the_kernel},
                              [this](Result<net::Fd> fd) { on_connected(std::move(fd)); });
}

void Client::Engine::on_connected(Result<net::Fd> fd) {
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

net::Stream::Want Client::Engine::on_input(MutableBytes& input) {
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

void Client::Engine::open(std::string_view subprotocol, const DeflateCheck& deflate) {
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
      std::make_unique<Connection>(SlabHandle{}, Role::client, shared_, handlers, attempt->peer);
  connection_->compress_with(std::move(compression));
  connection_->open(std::move(attempt->stream), std::move(*kept));
}

void Client::Engine::on_end() {
  if (attempt_) fail(std::make_error_code(std::errc::connection_aborted));
}

void Client::Engine::on_broken(std::error_code error) {
  const Errc tls = tls_errc(error);
  if (attempt_) fail(tls != Errc::none ? make_error_code(tls) : error);
}

void Client::Engine::on_reap() {
  report();
}

// --- the end -------------------------------------------------------------------------------------

// The report comes later and from the loop: this may run deep inside the stream or the connector,
// and the application may start anew in on_failed.
void Client::Engine::fail(std::error_code error) {
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
void Client::Engine::log_reject(Errc error) {
  log_.reject({.error = error,
               .peer = attempt_->peer,
               .bytes_in = attempt_->stream ? attempt_->stream->received_bytes() : 0,
               .code = attempt_->has_response ? attempt_->response.status : std::uint16_t{}},
              loop_->now());
}

}  // namespace hilo::ws
