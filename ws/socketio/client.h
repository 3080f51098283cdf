// SPDX-License-Identifier: MIT
//
// Client: one Engine.IO session, and the sockets that it has in namespaces. It takes the packets
// apart and looks at who may say what when.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "ws/engineio/server.h"
#include "ws/socketio/decoder.h"
#include "ws/socketio/encoded_packet.h"
#include "ws/socketio/targets.h"

namespace hilo::socketio {

class Namespace;
class Server;
class SharedPacket;
struct SocketState;

class Client final : public engineio::Attachment, private net::Timer {
 public:
  Client(Server& server, engineio::Socket& engine) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() override;

  void open();
  void receive(engineio::Message message);
  // The session is over: so are all sockets.
  void gone(std::string_view reason);

  engineio::Socket* engine() const noexcept;
  engineio::Revision revision() const noexcept { return revision_; }
  bool send(const EncodedPacket& packet, const Flags& flags);
  bool send(SharedPacket& packet, const Flags& flags);
  // A packet without attachments, as EncodedPacket::text() writes it for this revision.
  bool send_text(std::string_view packet, const Flags& flags);
  // DISCONNECT, if the server is who ends it.
  void send_disconnect(std::string_view nsp);
  void remove(const SocketState& socket) noexcept;
  // The application's wish: the client is told, and does not come back by itself.
  void disconnect();
  // Ends every socket, and the session behind what was sent.
  void close(std::string_view reason);

  // A namespace has let it in: nobody waits for that any more.
  void came_in() noexcept;

 private:
  using Place = std::pair<Namespace*, SocketState*>;

  // net::Timer
  void on_timer(net::Time now) override;
  void arm(net::Duration after) noexcept;

  void fail(Errc error);
  void read(engineio::Message message);
  bool receive_raw(std::string_view text);
  Errc dispatch(Packet& packet);
  Errc connect(const PacketHead& head, OwnedJson auth);
  void refuse(std::string_view nsp, Errc error, std::string_view message);
  const Place* find(std::string_view nsp) const noexcept;
  bool has_left(std::string_view nsp) const noexcept;

  Server* server_;
  engineio::SocketId engine_;
  engineio::Revision revision_;
  Decoder decoder_;
  std::vector<Place> sockets_;
  std::vector<std::string> left_;  // what comes for these may have been sent before the end
  bool ended_ = false;
};

}  // namespace hilo::socketio
