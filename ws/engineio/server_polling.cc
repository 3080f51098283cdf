// SPDX-License-Identifier: MIT
//
// The half of Server that speaks plain HTTP: GETs that wait, POSTs that bring packets, and what
// pages of other origins may ask.

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "ws/core/http_body.h"
#include "ws/core/http_tokens.h"
#include "ws/core/origin.h"
#include "ws/engineio/jsonp.h"
#include "ws/engineio/server.h"
#include "ws/engineio/text_units.h"
#include "ws/log.h"

namespace hilo::engineio {

using ws::Method;
using ws::http::Exchange;

namespace {

constexpr std::string_view text_type = "text/plain; charset=UTF-8";
constexpr std::string_view octets_type = "application/octet-stream";
constexpr std::string_view ok_type = "text/html";
constexpr std::string_view script_type = "text/javascript; charset=UTF-8";
constexpr std::string_view json_type = "application/json";

// A media type without its parameters (RFC 9110 §8.3.1).
bool is_octets(const ws::Request& request) noexcept {
  std::string_view type = request.header("Content-Type").value_or(std::string_view{});
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return ws::equals_ignoring_case(type, octets_type);
}

std::string_view text_of(SameSite same_site) noexcept {
  switch (same_site) {
    case SameSite::lax: break;
    case SameSite::strict: return "Strict";
    case SameSite::none: return "None";
  }
  return "Lax";
}

ws::Field cookie_field(const Cookie& cookie, std::string_view sid) {
  std::string text = cookie.name;
  text.append("=").append(sid).append("; Path=").append(cookie.path);
  if (!cookie.domain.empty()) text.append("; Domain=").append(cookie.domain);
  const std::int64_t seconds = cookie.max_age.to_milliseconds() / 1000;
  if (seconds > 0) text.append("; Max-Age=").append(std::to_string(seconds));
  if (cookie.http_only) text.append("; HttpOnly");
  text.append("; SameSite=").append(text_of(cookie.same_site));
  if (cookie.secure) text.append("; Secure");
  return {"Set-Cookie", std::move(text)};
}

}  // namespace

struct Server::Answer {
  std::uint16_t status = 200;
  std::string_view type = text_type;
  std::string_view body = {};
  std::string_view readable_by = {};  // Access-Control-Allow-Origin
  std::span<const ws::Field> fields = {};
};

void Server::mount_polling(std::string_view pattern) {
  for (const Method method : {Method::get, Method::head, Method::post, Method::put, Method::patch,
                              Method::delete_, Method::options}) {
    // The limit of a POST is looked at here, as its answer is the protocol's.
    const bool is_post = method == Method::post;
    const ws::http::RouteOptions options{
        .body_bytes_max = is_post ? std::numeric_limits<std::size_t>::max() : 0,
        .streamed = is_post};
    http_->on(
        method, pattern,
        [gate = gate_](Exchange& exchange) {
          if (gate->server != nullptr) return gate->server->serve(exchange);
          static_cast<void>(exchange.respond(404, "text/plain; charset=utf-8", "not found\n"));
        },
        options);
  }
}

void Server::serve(Exchange& exchange) {
  const ws::Request& request = exchange.request();
  const Method method = request.head().method;
  if (method == Method::options) return serve_preflight(exchange);
  const Query query = read_query(request.query(), options_);
  if (query.is_repeated) return refuse(exchange, Errc::query_repeated);
  if (query.sid.empty()) return open_polling(exchange, query);
  if (!query.transport) return refuse(exchange, Errc::transport_unknown);
  Socket* const socket = find_sid(query.sid);
  if (socket == nullptr) return refuse(exchange, unknown_sid(request.peer()));
  if (query.revision != socket->revision()) return refuse(exchange, Errc::version_mismatch);
  if (query.transport == Transport::websocket) return refuse(exchange, Errc::transport_handshake);
  if (method == Method::get) {
    if (query.j && socket->polling_ != nullptr) socket->polling_->j = *query.j;
    return begin_poll(exchange, *socket);
  }
  if (method == Method::post) return begin_post(exchange, *socket);
  refuse(exchange, Errc::method_not_allowed);
}

void Server::open_polling(Exchange& exchange, const Query& query) {
  const ws::Request& request = exchange.request();
  const Arrival arrival{.is_get = request.head().method == Method::get};
  if (const Errc error = may_open(query, arrival, request); error != Errc::none) {
    return refuse(exchange, error);
  }
  Result<ws::KeptRequest> kept = ws::KeptRequest::copy(request.head(), {}, true);
  if (!kept) return refuse(exchange, Errc::server_full);
  Opening opening{.request = std::move(*kept),
                  .peer = request.peer(),
                  .origin = std::string(readable_by(request)),
                  .fields = own_fields(request)};
  if (allow_later_) return ask_for_polling(exchange, std::move(opening));
  begin_polling(exchange, std::move(opening));
}

void Server::begin_polling(Exchange& exchange, Opening opening) {
  const ws::KeptRequest asked = opening.request.share();
  const Query query = read_query(asked.query(), options_);
  const Made made = make(query, std::move(opening.request), opening.peer);
  if (made.socket == nullptr) return refuse(exchange, made.error, opening.origin);
  Socket& socket = *made.socket;
  // A session that nobody could be told of must not stay.
  if (ws::guarded([&] { greet(exchange, socket, query, std::move(opening)); })) return;
  exchange.lack_memory();
  fail(socket, Errc::server_full);
}

void Server::greet(Exchange& exchange, Socket& socket, const Query& query, Opening opening) {
  socket.secure_ = exchange.is_tls();
  Buffer open{loop().pool()};
  if (!socket.session_.write_open(open) ||
      !socket.session_.queue().push(PacketType::open, false, open.readable())) {
    refuse(exchange, Errc::server_full, opening.origin);
    return fail(socket, Errc::server_full);
  }
  socket.polling_->origin = std::move(opening.origin);
  socket.polling_->is_jsonp = query.is_jsonp();
  socket.polling_->j = query.j.value_or(std::string_view{});
  if (!options_.cookie.name.empty()) {
    opening.fields.insert(opening.fields.begin(), cookie_field(options_.cookie, socket.sid()));
  }
  write_answer(exchange, socket, opening.fields);
  // Fields that cannot be sent are the application's mistake, and nobody knows the sid.
  if (socket.is_open()) opened(socket);
}

// --- GET -----------------------------------------------------------------------------------------

void Server::begin_poll(Exchange& exchange, Socket& socket) {
  const Errc error = socket.session_.begin_poll();
  if (error != Errc::none) {
    refuse(exchange, error);
    // One over the wrong transport is nobody's but its sender's; two at once are a client that has
    // lost count, and packets with it.
    if (error != Errc::transport_mismatch) fail(socket, error);
    return;
  }
  Socket::Polling& polling = *socket.polling_;
  polling.origin = readable_by(exchange.request());
  if (socket.session_.poll_is_due()) return write_answer(exchange, socket);
  socket.arm();
  polling.poll = exchange.later();
  exchange.on_gone([gate = gate_, id = socket.id()] {
    if (gate->server != nullptr) gate->server->lose_poll(id);
  });
}

void Server::answer_poll(Socket& socket) {
  Exchange* const exchange = http_->exchange(socket.polling_->poll);
  if (exchange == nullptr) return socket.session_.drop_poll();
  write_answer(*exchange, socket);
}

void Server::write_answer(Exchange& exchange, Socket& socket, std::span<const ws::Field> fields) {
  bool is_written = false;
  if (!ws::guarded([&] { is_written = write_poll(exchange, socket, fields); })) {
    exchange.lack_memory();
  }
  if (!is_written) return fail(socket, Errc::server_full);
  ++metrics_.polls;
  if (socket.session_.state() == Session::State::closed) return leave(socket);
  tell_drained(socket);
}

// False: it was refused instead.
bool Server::write_poll(Exchange& exchange, Socket& socket, std::span<const ws::Field> fields) {
  Buffer body{loop().pool()};
  bool is_octets = false;
  bool is_written = static_cast<bool>(socket.session_.write_poll(body, is_octets, loop().now()));
  Answer answer{.type = is_octets ? octets_type : text_type,
                .readable_by = socket.polling_->origin,
                .fields = fields};
  Buffer script{loop().pool()};
  if (is_written && socket.polling_->is_jsonp) {
    is_written = static_cast<bool>(write_jsonp(socket.polling_->j, body.readable(), script));
    answer.type = script_type;
  }
  answer.body = as_text(Bytes{(script.empty() ? body : script).readable()});
  const Status done = is_written ? respond(exchange, answer) : out_of_memory();
  if (done) return true;
  if (done.error() == ws::Errc::argument) {
    http_->log().line(ws::LogLevel::error, "eio_field_unfit", {});
    static_cast<void>(exchange.respond(500, text_type, "a field could not be sent\n"));
  } else {
    refuse(exchange, Errc::server_full, socket.polling_->origin);
  }
  return false;
}

// Its peer is gone, and what the answer would have held with it.
void Server::lose_poll(SocketId id) {
  Socket* const socket = find_slot(id);
  if (socket == nullptr) return;
  socket->session_.drop_poll();
  end(*socket, CloseReason::transport_error, PacketType::close);
}

// --- POST ----------------------------------------------------------------------------------------

void Server::begin_post(Exchange& exchange, Socket& socket) {
  const ws::RequestHead& head = exchange.request().head();
  if (ws::body_framing(head).length > options_.payload_bytes_max) {
    return refuse(exchange, Errc::packet_too_big);
  }
  const bool octets = is_octets(exchange.request());
  Errc error = socket.session_.begin_post();
  if (error == Errc::transport_mismatch) return refuse(exchange, error);
  if (error == Errc::none && octets && socket.revision() == Revision::v4) {
    error = Errc::content_type;
  }
  if (error != Errc::none) {
    refuse(exchange, error);
    return fail(socket, error);
  }
  socket.polling_->is_octets = octets;
  if (options_.keep_post_fields) {
    if (auto kept = ws::KeptRequest::copy(head, {}, true)) socket.polling_->post = std::move(*kept);
  }
  exchange.on_gone([gate = gate_, id = socket.id()] {
    if (gate->server != nullptr) gate->server->lose_post(id);
  });
  exchange.on_body([gate = gate_, id = socket.id()](Exchange& each, Bytes piece, bool final) {
    if (gate->server != nullptr) return gate->server->take_piece(each, id, piece, final);
    static_cast<void>(each.respond(404, "text/plain; charset=utf-8", "not found\n"));
  });
}

// Its body ends early or is refused, which the HTTP layer answers and tells.
void Server::lose_post(SocketId id) {
  if (Socket* const socket = find_slot(id)) {
    end(*socket, CloseReason::transport_error, PacketType::close);
  }
}

void Server::take_piece(Exchange& exchange, SocketId id, Bytes piece, bool final) {
  if (ws::guarded([&] { append_piece(exchange, id, piece, final); })) return;
  exchange.lack_memory();
  if (Socket* const socket = find_slot(id)) fail(*socket, Errc::server_full);
}

void Server::append_piece(Exchange& exchange, SocketId id, Bytes piece, bool final) {
  Socket* const socket = find_slot(id);
  // It ended while the body came.
  if (socket == nullptr || socket->session_.state() == Session::State::closed) {
    return refuse(exchange, Errc::sid_unknown,
                  socket != nullptr && socket->polling_ != nullptr ? socket->polling_->origin
                                                                   : std::string_view{});
  }
  Buffer& body = socket->polling_->body;
  // The client hears of it and may go on; a body that announced its length was refused at once.
  if (body.size() + piece.size() > options_.payload_bytes_max) {
    refuse(exchange, {.error = Errc::packet_too_big,
                      .readable_by = socket->polling_->origin,
                      .bytes_in = body.size() + piece.size()});
    body.release();
    if (socket->session_.end_post()) upgraded(*socket);
    return;
  }
  if (!body.append(piece)) {
    refuse(exchange, Errc::server_full, socket->polling_->origin);
    return fail(*socket, Errc::server_full);
  }
  http_->look_at_memory();
  if (final) finish_post(exchange, *socket);
}

void Server::finish_post(Exchange& exchange, Socket& socket) {
  Buffer body = std::move(socket.polling_->body);
  Framing framing = Framing::v4;
  if (socket.revision() == Revision::v3) {
    framing = socket.polling_->is_octets ? Framing::v3_binary : Framing::v3_text;
  }
  std::optional<MutableBytes> payload = body.readable();
  if (socket.polling_->is_jsonp) {
    framing = Framing::v3_text;
    payload = read_jsonp(*payload);
  }
  ++metrics_.posts;
  const std::string origin = socket.polling_->origin;
  const std::size_t bytes = body.size();
  const Errc error = payload ? read_payload(socket, *payload, framing) : Errc::payload_form;
  if (error != Errc::none) {
    refuse(exchange, {.error = error, .readable_by = origin, .bytes_in = bytes});
    return fail(socket, error);
  }
  if (!respond(exchange, {.type = ok_type, .body = "ok", .readable_by = origin})) {
    exchange.lack_memory();
    return fail(socket, Errc::server_full);
  }
  if (socket.session_.end_post()) upgraded(socket);
}

// Text that cannot be UTF-8 of UTF-8 tells a client of Socket.IO 2, whose later texts are taken as
// they are even where they look so.
void Server::undo_double_utf8(Socket& socket, MutableBytes& text) {
  if (socket.polling_ == nullptr || socket.polling_->is_plain_utf8) return;
  const std::optional<std::size_t> size = engineio::undo_double_utf8(text);
  socket.polling_->is_plain_utf8 = !size;
  if (size) text = text.first(*size);
}

Errc Server::read_payload(Socket& socket, MutableBytes body, Framing framing) {
  const Errc error = check_payload(framing, body, options_.packets_per_payload_max);
  if (error != Errc::none) return error;
  PayloadReader reader{framing, body};
  Packet packet;
  while (socket.is_open() && reader.next(packet)) {
    if (framing == Framing::v3_text && options_.double_utf8 && !packet.binary) {
      undo_double_utf8(socket, packet.data);
    }
    if (const Errc broken = receive(socket, packet); broken != Errc::none) return broken;
  }
  return Errc::none;
}

// --- answers -------------------------------------------------------------------------------------

// The origin that may read the answer (Fetch §3.2); empty: no word about it.
std::string_view Server::readable_by(const ws::Request& request) const noexcept {
  const ws::OriginPolicy& policy = options_.cors.origin;
  const std::string_view origin = request.header("Origin").value_or(std::string_view{});
  if (policy.allow == ws::OriginPolicy::Allow::same_host || origin.empty()) return {};
  if (policy.allow == ws::OriginPolicy::Allow::any && !options_.cors.credentials) return "*";
  const ws::Errc error = ws::check_origin(
      {.fields = request.head().fields, .host = request.head().host, .is_tls = false}, policy);
  return error == ws::Errc::none ? origin : std::string_view{};
}

void Server::serve_preflight(Exchange& exchange) {
  const ws::Request& request = exchange.request();
  if (!request.header("Origin")) {
    const ws::FieldView allow{"Allow", "GET, POST, OPTIONS"};
    static_cast<void>(exchange.respond(204, {}, {}, {&allow, 1}));
    return;
  }
  const std::string_view origin = readable_by(request);
  if (origin.empty()) return refuse(exchange, Errc::origin);
  const std::int64_t seconds = options_.cors.max_age.to_milliseconds() / 1000;
  const std::array<ws::Field, 3> fields{{
      {"Access-Control-Allow-Methods", "GET, POST"},
      {"Access-Control-Allow-Headers", options_.cors.headers},
      {"Access-Control-Max-Age", std::to_string(seconds)},
  }};
  static_cast<void>(
      respond(exchange, {.status = 204, .type = {}, .readable_by = origin, .fields = fields}));
}

// What the protocol has a number for has a body of JSON.
std::string Server::error_json(Errc error, std::string_view message) {
  const std::int8_t code = rule(error).code;
  if (code < 0) return std::string(message);
  // The application's message may be anything. No array: its destructor would ask for memory.
  const nlohmann::json text(message);
  return "{\"code\":" + std::to_string(code) +
         ",\"message\":" + text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
         "}";
}

// Whoever may read the answers may read this one, too.
void Server::refuse(Exchange& exchange, Errc error) {
  refuse(exchange, error, readable_by(exchange.request()));
}

void Server::refuse(Exchange& exchange, Errc error, std::string_view readable_by) {
  refuse(exchange, {.error = error, .readable_by = readable_by});
}

void Server::refuse(Exchange& exchange, const Refusal& refusal) {
  if (ws::guarded([&] { write_refusal(exchange, refusal); })) return;
  exchange.lack_memory();
}

void Server::write_refusal(Exchange& exchange, const Refusal& refusal) {
  const Errc error = refusal.error;
  const Rule& broken = rule(error);
  const std::string origin(refusal.readable_by);  // it may be a field of the request
  const ws::http::ExchangeId id = exchange.later();
  reject(error, exchange.peer(),
         std::uint64_t{id.connection.generation} << 32 | id.connection.index,
         {.bytes_in = refusal.bytes_in});
  const std::string body =
      error_json(error, refusal.message.empty() ? broken.message : refusal.message);
  std::vector<ws::Field> fields;
  if (error == Errc::method_not_allowed) fields.push_back({"Allow", "GET, POST, OPTIONS"});
  if (broken.status == 503) fields.push_back({"Retry-After", "5"});
  const Answer answer{.status = broken.status,
                      .type = broken.code < 0 ? text_type : json_type,
                      .body = body,
                      .readable_by = origin,
                      .fields = fields};
  if (!respond(exchange, answer)) exchange.lack_memory();
}

Status Server::respond(Exchange& exchange, const Answer& answer) {
  std::vector<ws::FieldView> fields;
  fields.push_back({"Cache-Control", "no-store"});
  // What is no script must not run as one, and no answer is guessed to be a page.
  if (options_.jsonp) fields.push_back({"X-Content-Type-Options", "nosniff"});
  if (!answer.readable_by.empty()) {
    fields.push_back({"Access-Control-Allow-Origin", answer.readable_by});
    if (answer.readable_by != "*") fields.push_back({"Vary", "Origin"});
    if (options_.cors.credentials) fields.push_back({"Access-Control-Allow-Credentials", "true"});
  }
  for (const ws::Field& each : answer.fields) fields.push_back({each.name, each.value});
  return exchange.respond(answer.status, answer.type, answer.body, fields);
}

}  // namespace hilo::engineio
