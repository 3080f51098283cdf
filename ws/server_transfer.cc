// SPDX-License-Identifier: MIT
//
// The part of Server that sends connections to other servers of the process, and takes theirs
// (dock.h).

#include <cstring>
#include <new>
#include <utility>

#include "ws/guard.h"
#include "ws/server_engine.h"

namespace hilo::ws {

void Server::Engine::transfer(std::string_view pattern, Destination destination) {
  path_entry(pattern).destination = std::move(destination);
}

void Server::Engine::transfer_by(std::string_view pattern,
                                 Callback<Destination(const Request&)> destination_of) {
  path_entry(pattern).destination_of = std::move(destination_of);
}

Destination Server::Engine::destination() {
  Dock::Host& host = *this;
  if (dock_ == nullptr) dock_ = std::make_shared<Dock>(host, *loop_);
  return dock_;
}

// --- going ---------------------------------------------------------------------------------------

// True if the request is another server's, and the connection goes there or was refused.
bool Server::Engine::leaves(HttpConnection& connection, Path& path, const Request& request) {
  Destination destination = path.destination;
  if (path.destination_of) {
    // A handler that throws is one that has no say.
    static_cast<void>(guarded([&] { destination = path.destination_of(request); }));
  }
  if (destination == nullptr || destination == dock_) return false;
  if (connection.may_leave()) {
    connection.leave(std::move(destination));
  } else {
    log_.line(LogLevel::error, "transfer_loop", {});
    connection.refuse(500, "no server has this\n");
  }
  return true;
}

void Server::Engine::on_http_leaving(HttpConnection& connection) {
  const Destination destination = connection.destination();
  if (!destination->is_open()) return connection.refuse(Errc::draining);
  const Bytes input = connection.stream().unread_input();
  std::unique_ptr<TransferredConnection> sent(new (std::nothrow) TransferredConnection);
  std::unique_ptr<std::uint8_t[]> bytes(new (std::nothrow) std::uint8_t[input.size() + 1]);
  if (sent == nullptr || bytes == nullptr) return connection.refuse(Errc::no_memory);
  std::memcpy(bytes.get(), input.data(), input.size());
  sent->input = std::move(bytes);
  sent->input_bytes = input.size();
  sent->peer = connection.socket_peer();
  sent->past = connection.past();
  sent->admission = admission_;
  const std::unique_ptr<net::Stream> stream = connection.release_stream();
  net::Stream::Parts parts = stream->take_apart();
  sent->fd = std::move(parts.fd);
  sent->transport = std::move(parts.transport);
  Dock::send(destination, std::move(sent));
  on_http_gone(connection);
}

// --- coming --------------------------------------------------------------------------------------

void Server::Engine::arrive(std::unique_ptr<TransferredConnection> coming) {
  ++metrics_.transfers;
  Errc refusal = Errc::none;
  // Servers that do not count together: it is this one's from now on.
  if (coming->admission != admission_) {
    refusal = admission_->admit(coming->peer, loop_->now());
    if (refusal == Errc::none) {
      coming->admission->release(coming->peer);
      coming->admission = admission_;
    }
  }
  if (is_draining()) coming->past.keep_alive = false;
  if (refusal == Errc::none && !go_on(*coming)) refusal = Errc::no_memory;
  if (refusal != Errc::none) log_.reject({.error = refusal, .peer = coming->peer}, loop_->now());
  coming.reset();
  check_stopped();
}

bool Server::Engine::go_on(TransferredConnection& coming) {
  HttpConnection::Host& host = *this;
  const auto entry = http_connections_.emplace(*loop_, host, limits_, coming.peer);
  if (entry.object == nullptr) return false;
  std::unique_ptr<net::Stream> stream(new (std::nothrow) net::Stream(
      *loop_, std::move(coming.transport), std::move(coming.fd), entry.object->stream_handler()));
  const Bytes input{coming.input.get(), coming.input_bytes};
  if (stream != nullptr && stream->restore_input(input) &&
      entry.object->start(std::move(stream), &coming.past)) {
    coming.admission = nullptr;  // the connection owes it now
    memory_.look();
    return true;
  }
  http_connections_.erase(entry.handle);
  return false;
}

}  // namespace hilo::ws
