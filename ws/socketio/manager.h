// SPDX-License-Identifier: MIT
//
// Manager: one connection to a Socket.IO server, all the namespaces that talk over it, and how it
// comes back when it is lost. The other side is Server; what an application does is ClientSocket's.
//
//   socketio::Manager manager{loop, "https://example.com"};
//   socketio::ClientSocket main = manager.socket();
//   socketio::ClientSocket news = manager.socket("/news");    // over the same connection
//
//   connecting    with the first socket that wants to, until the last one wants no more
//   reconnecting  after every end that is not wanted, and every failure: after 1 s, 2 s, 4 s, 8 s
//                 and so on up to 30 s, each of it half as much more or less, for ever. A session
//                 in which no namespace was connected to counts as a failure.
//   servers       What breaks a rule (error.h) is closed: on_error, one counter, "parse error", and
//                 a reconnection.
//   protocol      5 over Engine.IO 4 (Socket.IO 3 and 4). 4 with engineio::Revision::v3 (Socket.IO
//   1
//                 and 2): there are no auth and no recovery, and "/" is connected to unasked.
//   thread        the loop's
//   lifetime      Loop first. Not to be destroyed in a callback of its own or of its sockets; what
//                 is connected then is gone without "disconnect".

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "ws/engineio/client.h"
#include "ws/guard.h"
#include "ws/socketio/client_socket.h"
#include "ws/socketio/decoder.h"
#include "ws/socketio/encoded_packet.h"
#include "ws/socketio/farewell.h"
#include "ws/socketio/listeners.h"
#include "ws/socketio/metrics.h"
#include "ws/socketio/reconnection.h"

namespace hilo::socketio {

// The values here are what ships.
struct ManagerOptions {
  // Limits, and the time that a connection may take to open
  // (engineio::ClientOptions::open_timeout).
  engineio::ClientOptions engine = {};
  // Query, revision, fields, TLS and so on; the url is not looked at. Its texts are copied.
  engineio::ConnectOptions connect = {.path = "/socket.io/"};
  ReconnectionOptions reconnection = {};

  Parser parser = Parser::json;  // as the server's
  PacketLimits packet = {};
  // From a packet to the last of its attachments.
  net::Duration attachment_timeout = net::Duration::seconds(10);
  // Answers that may be waited for, of one socket.
  std::size_t acks_max = 1000;
  // Events that may wait for the connection to come, or for their turn (retries), of one socket;
  // and of those that come before the server's answer.
  std::size_t waiting_events_max = 1000;
};

class Manager final : private net::Timer, private net::Watcher {
 public:
  // Nothing is started before the first socket. The url: http://, https://, ws:// or
  // wss://host[:port]; it is copied.
  Manager(net::Loop& loop, std::string_view url, ManagerOptions options = {});
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager();

  // The socket of this namespace, made if it is not there (for what is there the options are not
  // looked at), and connected. The slash in front may be left out.
  ClientSocket socket(std::string_view nsp = "/", ClientSocketOptions options = {});

  // Connects now, if there is no connection. Errors of the arguments come back at once, and nothing
  // is started: see engineio::Client::connect(). Sockets that connect do this by themselves, and
  // are told of such an error by "connect_error".
  Status open();
  // Ends all sockets ("forced close") and the connection behind what was sent, for good.
  void close();

  // The connection is open, be it that the first namespace still has to be connected to.
  Manager& on_open(Callback<void()> callback) { return set(on_open_, std::move(callback)); }
  // It could not be opened, or the server broke a rule: an Errc, or an error of what is below.
  Manager& on_error(Callback<void(std::error_code)> callback) {
    return set(on_error_, std::move(callback));
  }
  // It is over, for the reason that the sockets were told.
  Manager& on_close(Callback<void(std::string_view reason)> callback) {
    return set(on_close_, std::move(callback));
  }
  // What close() or the last disconnect() has ended is gone, and all that was sent has left.
  Manager& on_gone(Callback<void()> callback) { return set(on_gone_, std::move(callback)); }
  // The server's heartbeat (protocol 5).
  Manager& on_ping(Callback<void()> callback) { return set(on_ping_, std::move(callback)); }
  // Attempts count from one. After the last one that may fail comes on_reconnect_failed.
  Manager& on_reconnect_attempt(Callback<void(std::uint32_t attempt)> callback) {
    return set(on_reconnect_attempt_, std::move(callback));
  }
  Manager& on_reconnect(Callback<void(std::uint32_t attempt)> callback) {
    return set(on_reconnect_, std::move(callback));
  }
  Manager& on_reconnect_error(Callback<void(std::error_code)> callback) {
    return set(on_reconnect_error_, std::move(callback));
  }
  Manager& on_reconnect_failed(Callback<void()> callback) {
    return set(on_reconnect_failed_, std::move(callback));
  }
  // An event whose values do not fit its handler, which was not called.
  Manager& on_misfit(Callback<void(ClientSocket, std::string_view event)> callback) {
    return set(on_misfit_, std::move(callback));
  }

  bool is_open() const noexcept { return state_ == State::open; }
  // There is no connection, and none is waited for.
  bool is_closed() const noexcept { return state_ == State::closed; }
  // Sent, and not yet on its way.
  std::size_t buffered_bytes() noexcept { return engine_.buffered_bytes(); }
  const ManagerOptions& options() const noexcept { return options_; }
  const Metrics& metrics() const noexcept { return metrics_; }
  const engineio::Client& engine() const noexcept { return engine_; }

 private:
  friend class ClientSocket;
  friend class ClientSocketState;
  enum class State : std::uint8_t {
    closed,
    waiting,  // for the time of the next attempt
    opening,
    open,
    closing,  // we have ended it, and its end is still to come
  };

  template <class Target>
  Manager& set(Target& target, Target callback) {
    target = std::move(callback);
    return *this;
  }
  // Calls the application. What throws ends the connection.
  template <class Call>
  void call(Call&& call) {
    if (!ws::guarded(std::forward<Call>(call))) fail(Errc::handler_threw);
  }
  template <class Target, class... Arguments>
  void tell(Target& target, Arguments&&... arguments) {
    call_replaceable(target, [&](Target& running) {
      call([&] { running(std::forward<Arguments>(arguments)...); });
    });
  }

  // net::Timer, net::Watcher
  void on_timer(net::Time now) override;
  void on_ready(net::Ready ready) override;
  void on_reap() override;

  void own_texts();

  // The connection.
  Status start();
  void opened();
  void failed(std::error_code error);
  void ended(std::string_view reason);
  void end(std::string_view reason, std::string_view why);
  void tell_closed_later(std::string_view reason) noexcept;
  void lose_sockets(std::string_view reason, std::string_view why) noexcept;
  void reconnect();
  net::Duration next_delay();

  // What comes in.
  void receive(engineio::Message message);
  bool receive_raw(std::string_view text);
  Errc dispatch(Packet& packet);
  ClientSocketState* find(std::string_view nsp) const noexcept;
  void reject(Errc error);
  void fail(Errc error);

  // For the sockets.
  EncodedPacket encoded(const PacketHead& head, OwnedJson data) const {
    return EncodedPacket(head, std::move(data), options_.parser);
  }
  bool send(const EncodedPacket& packet, const Flags& flags);
  bool is_v3() const noexcept { return engine_.revision() == engineio::Revision::v3; }
  void want(ClientSocketState& socket);
  void at_reap(Callback<void()> callback);
  void tell_ends_later(ClientSocketState& socket) noexcept;
  void close_if_unwanted();
  void close_later_if_unwanted();
  net::Loop::TimerId later(net::Duration after, Callback<void()> callback);

  net::Loop* loop_;
  std::string url_;
  ManagerOptions options_;
  std::deque<std::string> texts_;  // of options_.connect
  std::size_t volatile_bytes_max_;
  Metrics metrics_;
  Names names_;
  Callback<void()> on_open_;
  Callback<void(std::error_code)> on_error_;
  Callback<void(std::string_view)> on_close_;
  Callback<void()> on_gone_;
  Callback<void()> on_ping_;
  Callback<void(std::uint32_t)> on_reconnect_attempt_;
  Callback<void(std::uint32_t)> on_reconnect_;
  Callback<void(std::error_code)> on_reconnect_error_;
  Callback<void()> on_reconnect_failed_;
  Callback<void(ClientSocket, std::string_view)> on_misfit_;
  std::vector<std::unique_ptr<ClientSocketState>> sockets_;
  std::vector<Callback<void()>> at_reap_;
  Farewell farewell_;
  bool has_unlisted_ = false;       // some socket ended for which there was no memory there
  std::shared_ptr<Manager*> self_;  // by which later calls find it, or that it is gone
  net::Token token_{};
  Decoder decoder_;
  std::size_t packet_bytes_ = 0;  // of the packet that comes, its attachments among them
  std::uint64_t session_ = 0;     // how many there were
  std::uint32_t failures_ = 0;    // in a row
  State state_ = State::closed;
  bool wanted_ = false;      // to come back when it is lost
  bool reopens_ = false;     // at once, when it is closed
  bool retrying_ = false;    // this is an attempt to come back
  bool hears_raw_ = false;   // some socket does
  bool main_given_ = false;  // protocol 4: "/" was connected to, and nobody wanted it yet
  engineio::Client engine_;
};

}  // namespace hilo::socketio
