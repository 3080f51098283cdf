// SPDX-License-Identifier: MIT
//
// Client::Engine: all there is to a client but its name, so that it can outlive it.
//
//   connecting --- open packet, by polling ---> open --- the upgrade: 2probe, 3probe, nothing under
//        |                                       |        way by polling, 5 ---> the WebSocket
//        alone
//        +--- open packet, over a WebSocket -----+
//
// By polling, on_close and on_failed come from the timer: the links that a session ends with are
// not to be destroyed in a call of theirs.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "net/timers.h"
#include "ws/engineio/client.h"
#include "ws/engineio/client_polling.h"
#include "ws/guard.h"

namespace hilo::engineio {

class Client::Engine final : public net::Doomed, private net::Timer, private ClientPolling::Owner {
 public:
  Engine(Client& client, net::Loop& loop, ClientOptions options);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() override;

  // The client goes. True if one of its callbacks is running, which is going to return into this:
  // then it is to be destroyed later.
  bool retire();
  net::Loop& loop() const noexcept { return *loop_; }

  Status connect(const ConnectOptions& options);
  void close();
  ws::Sent send(PacketType type, bool binary, Bytes data, ws::SendOptions options = {});
  ws::Sent send_packet(std::string_view packet, ws::SendOptions options);
  bool is_open() const noexcept { return state_ == State::open; }
  Revision revision() const noexcept { return revision_; }
  Transport transport() const noexcept { return transport_; }
  const Handshake& handshake() const noexcept { return handshake_; }
  std::size_t buffered_bytes() noexcept;

  Callback<void(Client&)> on_open;
  Callback<void(Client&, Message)> on_message;
  Callback<void(Client&)> on_ping;
  Callback<void(Client&)> on_upgraded;
  Callback<void(Client&)> on_drained;
  Callback<void(Client&, CloseReason)> on_close;
  Callback<void(Client&, std::error_code)> on_failed;

 private:
  enum class State : std::uint8_t {
    idle,
    connecting,  // until the open packet
    open,
    closing,  // on_close or on_failed is owed
  };
  enum class Upgrade : std::uint8_t {
    none,
    connecting,
    probing,  // "2probe" was sent
    pausing,  // "3probe" came: "5" follows once nothing is under way by polling
  };
  struct UpgradeTimer final : net::Timer {
    explicit UpgradeTimer(Engine& whose) noexcept : engine(&whose) {}
    void on_timer(net::Time now) override;
    Engine* engine;
  };

  // Calls the application. One that throws loses its session.
  template <class Target, class... Arguments>
  void call(Target& target, Arguments&&... arguments) {
    if (!target || retired_) return;
    ++calls_;
    const bool done = ws::guarded([&] { target(*client_, std::forward<Arguments>(arguments)...); });
    --calls_;
    if (!done) end(CloseReason::transport_error, std::make_error_code(std::errc::interrupted));
  }

  // net::Timer
  void on_timer(net::Time now) override;
  // ClientPolling::Owner
  void polled(const Packet& packet) override;
  void polled_first(const ws::ResponseHead& head) override;
  void polling_paused() override;
  void polling_drained() override;
  void polling_advanced() override;
  void polling_failed(CloseReason reason, std::error_code error) override;

  net::Duration post_patience() const noexcept;
  Status begin_polling();
  Status begin_websocket(std::string_view sid);
  void receive_message(ws::Message message);
  void take(const Packet& packet);
  Errc open(const Packet& packet);
  Errc receive_packet(const Packet& packet);
  void arm_heartbeat();
  void end(CloseReason reason, std::error_code error);
  void finish_later();
  void finish();
  void websocket_closed(const ws::CloseInfo& info);
  void websocket_failed(std::error_code error);
  ws::Sent queue(PacketType type, bool binary, Bytes data);
  ws::Sent write(PacketType type, bool binary, Bytes data, ws::SendOptions options = {});

  void begin_upgrade();
  void receive_probe(ws::Message message);
  void end_upgrade();

  Client* client_;
  net::Loop* loop_;
  ClientOptions options_;
  UpgradeTimer upgrade_timer_;
  HttpOrigin origin_;
  std::string address_;  // "ws://host:port/path?EIO=4&transport="
  std::string query_;    // "&token=x", or empty
  Transports transports_ = Transports::polling_first;
  PacketQueue queue_;
  Handshake handshake_;
  std::error_code error_;  // of what ended it
  CloseReason reason_ = CloseReason::transport_close;
  Revision revision_ = Revision::v4;
  State state_ = State::idle;
  Transport transport_ = Transport::polling;
  Upgrade upgrade_ = Upgrade::none;
  std::uint32_t calls_ = 0;  // of the application that have not returned
  bool upgrades_ = true;
  bool base64_ = false;
  bool cookies_ = false;
  bool was_open_ = false;
  bool awaiting_pong_ = false;
  bool retired_ = false;
  // Behind all that their last words touch.
  std::unique_ptr<ClientPolling> polling_;
  std::unique_ptr<ws::Client> websocket_;
};

}  // namespace hilo::engineio
