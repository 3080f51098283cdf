// SPDX-License-Identifier: MIT
//
// The half of Server that speaks over WebSockets: sessions that begin there, and sessions that move
// there.

#include <string>
#include <utility>

#include "ws/core/handshake.h"
#include "ws/engineio/server.h"

namespace hilo::engineio {

using ws::Connection;

void Server::mount_websocket(std::string_view pattern) {
  ws::Service& service = http_->at(pattern);
  service.on_upgrade([gate = gate_](const ws::Request& request) -> ws::Decision {
    if (gate->server != nullptr) return gate->server->decide(request);
    return ws::Reject{.status = 404, .reason = "not found\n"};
  });
  service.on_open([gate = gate_](Connection& connection) {
    if (gate->server != nullptr) gate->server->open_websocket(connection);
  });
  service.on_message([gate = gate_](Connection& connection, ws::Message message) {
    if (gate->server != nullptr) gate->server->receive_message(connection, message);
  });
  service.on_drained([gate = gate_](Connection& connection) {
    if (gate->server != nullptr) gate->server->drained(connection);
  });
  service.on_close([gate = gate_](Connection& connection, ws::CloseInfo info) {
    if (gate->server != nullptr) gate->server->gone(connection, info);
  });
}

// --- the handshake -------------------------------------------------------------------------------

ws::Decision Server::refuse(const ws::Request& request, Errc error) {
  reject(error, request.peer());
  return ws::Reject{.status = rule(error).status,
                    .reason = error_json(error, rule(error).message),
                    .is_told = true};
}

// Whether there is a session to begin or to move. What an upgrade itself may break is answered over
// the WebSocket.
ws::Decision Server::decide(const ws::Request& request) {
  const Query query = read_query(request.query(), options_);
  if (query.is_repeated) return refuse(request, Errc::query_repeated);
  if (!query.sid.empty()) {
    if (query.transport != Transport::websocket) return refuse(request, Errc::transport_unknown);
    Socket* const socket = find_sid(query.sid);
    if (socket == nullptr) return refuse(request, unknown_sid(request.peer()));
    if (query.revision != socket->revision()) return refuse(request, Errc::version_mismatch);
    return ws::Accept{.subprotocol = subprotocol_of(request), .fields = {}};
  }
  const Errc error = may_open(query, {.is_get = true, .is_websocket = true}, request);
  if (error != Errc::none) return refuse(request, error);
  return ws::Accept{.subprotocol = subprotocol_of(request), .fields = own_fields(request)};
}

// One that the server has named or else, as in the reference, the client's first: a browser that
// has offered some takes none for an answer badly.
std::string Server::subprotocol_of(const ws::Request& request) const {
  const std::string_view named =
      ws::choose_subprotocol(request.subprotocols(), http_->options().subprotocols);
  if (!named.empty()) return std::string(named);
  return std::string(request.subprotocols().next().value_or(std::string_view{}));
}

void Server::open_websocket(Connection& connection) {
  const Query query = read_query(connection.request().query(), options_);
  if (!query.sid.empty()) {
    Socket* const socket = find_sid(query.sid);
    // It was there a moment ago, when the handshake was answered.
    if (socket == nullptr) return static_cast<void>(connection.close(ws::CloseCode::none));
    return open_probe(connection, *socket);
  }
  const Made made = make(query, connection.request().share(), connection.peer());
  if (made.socket == nullptr) {
    reject(made.error, connection.peer(), connection.id().value);
    return static_cast<void>(connection.close(ws::CloseCode::try_again_later));
  }
  Socket& socket = *made.socket;
  if (!ws::guarded([&] { connection.emplace_data<Link>(Link{socket.id()}); })) {
    fail(socket, Errc::server_full);
    return static_cast<void>(connection.close(ws::CloseCode::try_again_later));
  }
  socket.connection_ = &connection;
  socket.secure_ = connection.tls() != nullptr;
  Buffer open{loop().pool()};
  if (!socket.session_.write_open(open) ||
      !socket.session_.queue().push(PacketType::open, false, open.readable())) {
    return fail(socket, Errc::server_full);
  }
  if (options_.message_spacing.nanoseconds != 0) {
    flush_later(socket);
  } else {
    socket.write_queue();
  }
  if (socket.is_open()) opened(socket);
}

// --- messages ------------------------------------------------------------------------------------

Socket* Server::linked(Connection& connection) noexcept {
  const Link* const link = connection.data<Link>();
  return link != nullptr ? find_slot(link->socket) : nullptr;
}

void Server::receive_message(Connection& connection, ws::Message message) {
  Socket* const socket = linked(connection);
  if (socket == nullptr) return;
  const bool probes = socket->polling_ != nullptr && socket->polling_->probe == &connection;
  if (!probes && socket->connection_ != &connection) return;
  Errc error = Errc::packet_too_big;
  Packet packet;
  if (message.payload.size() <= options_.payload_bytes_max) {
    error = message.is_text() ? decode_text(socket->revision(), message.payload, packet)
                              : decode_binary(socket->revision(), message.payload, packet);
  }
  if (probes) {
    if (error != Errc::none) return end_probe(*socket, error);
    return receive_probe(connection, *socket, packet);
  }
  if (error == Errc::none) error = receive(*socket, packet);
  if (error == Errc::none) return;
  reject(error, connection.peer(), connection.id().value,
         {.bytes_in = message.payload.size(), .is_websocket = true});
  if (error == Errc::packet_too_big) {
    static_cast<void>(connection.close(ws::CloseCode::message_too_big));
  }
  fail(*socket, error);
}

void Server::drained(Connection& connection) {
  Socket* const socket = linked(connection);
  if (socket == nullptr || socket->connection_ != &connection || !socket->is_open()) return;
  call(*socket, on_drained_);
}

void Server::gone(Connection& connection, ws::CloseInfo info) {
  Socket* const socket = linked(connection);
  if (socket == nullptr) return;
  if (socket->polling_ != nullptr && socket->polling_->probe == &connection) {
    socket->polling_->probe = nullptr;
    socket->session_.end_probe();
    return socket->arm();
  }
  if (socket->connection_ != &connection) return;
  socket->connection_ = nullptr;
  // A peer that hangs up has broken nothing: the reference calls that a close, too.
  const bool is_broken = info.error != ws::Errc::none && info.error != ws::Errc::end_without_close;
  end(*socket, is_broken ? CloseReason::transport_error : CloseReason::transport_close,
      PacketType::close);
}

// --- upgrades ------------------------------------------------------------------------------------

void Server::open_probe(Connection& connection, Socket& socket) {
  const Errc error = socket.session_.begin_probe(loop().now());
  if (error != Errc::none) {
    reject(error, connection.peer(), connection.id().value, {.is_websocket = true});
    return static_cast<void>(connection.close(ws::CloseCode::none));
  }
  connection.emplace_data<Link>(Link{socket.id()});
  socket.polling_->probe = &connection;
  socket.arm();
}

void Server::receive_probe(Connection& connection, Socket& socket, const Packet& packet) {
  const Reaction reaction = socket.session_.receive_probe(packet, loop().now());
  switch (reaction.kind) {
    case Reaction::Kind::answer:
      static_cast<void>(connection.send_text("3probe"));
      // A poll that waits is let go in its time, so that the client can say "5".
      socket.arm();
      break;
    case Reaction::Kind::wait: connection.pause(); break;
    case Reaction::Kind::upgraded: upgraded(socket); break;
    case Reaction::Kind::failed: end_probe(socket, reaction.error); break;
    case Reaction::Kind::nothing:
    case Reaction::Kind::message:
    case Reaction::Kind::ended: break;
  }
}

// The upgrade is refused; polling goes on.
void Server::end_probe(Socket& socket, Errc error) {
  Connection* const probe =
      socket.polling_ != nullptr ? std::exchange(socket.polling_->probe, nullptr) : nullptr;
  reject(error, socket.peer(), probe != nullptr ? probe->id().value : 0, {.is_websocket = true});
  if (probe != nullptr) static_cast<void>(probe->close(ws::CloseCode::none));
  socket.session_.end_probe();
  socket.arm();
}

void Server::upgraded(Socket& socket) {
  socket.connection_ = std::exchange(socket.polling_->probe, nullptr);
  // A client that did not wait for its poll to be let go still has it answered.
  if (socket.session_.poll_waits()) answer_poll(socket);
  socket.polling_.reset();
  if (socket.counted_) admission_->release(socket.peer());
  socket.counted_ = false;
  ++metrics_.upgraded;
  check_told();
  if (socket.session_.state() == Session::State::closing)
    return socket.close_websocket(socket.reason_);
  if (!socket.is_open()) return;
  socket.arm();
  socket.connection_->resume();
  mark_dirty(socket);
  call(socket, on_upgraded_);
}

}  // namespace hilo::engineio
