// SPDX-License-Identifier: MIT
//
// Client: one Engine.IO session with a server, by polling, over a WebSocket, or from one to the
// other.
//
//   engineio::Client client{loop};
//   client.on_open   ([](engineio::Client& c)                      { c.send_text("hello"); })
//         .on_message([](engineio::Client& c, engineio::Message m) { print(m.text()); })
//         .on_close  ([](engineio::Client& c, CloseReason)         { })
//         .on_failed ([](engineio::Client& c, std::error_code why) { });
//   if (Status status = client.connect({.url = "http://127.0.0.1:3000"}); !status) return fail();
//
// connect() ends in exactly one of on_open (and later on_close) and on_failed, never from within
// the call. After either end the client may connect again, from within that callback too.
//
//   upgrade    A session that polls moves to a WebSocket where the server offers one: nothing is
//              lost, doubled or reordered. If the WebSocket cannot be had, polling goes on.
//   heartbeat  Revision 4: the server's pings are answered, and one that does not come within both
//              of the times that it named ends the session. Revision 3: the other way round.
//   limits     those of ws::ClientOptions; open_timeout from connect() to the open packet; by
//              polling those of ClientOptions, and what the server can take (maxPayload)
//   errors     on_failed gets an Errc, a ws::Errc (response_* of an answer too) or an error of the
//              system. Redirections of polling are not followed.
//   thread     the loop's
//   lifetime   Loop first. The destructor waits for nothing and calls nothing; it may be called
//              from within any callback of the client's, which then runs to its end.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "net/base/callback.h"
#include "net/loop.h"
#include "ws/client.h"
#include "ws/engineio/error.h"
#include "ws/engineio/handshake.h"
#include "ws/engineio/packet.h"
#include "ws/engineio/socket.h"

namespace hilo::engineio {

struct ClientOptions {
  ws::ClientOptions websocket = {};
  net::Duration open_timeout = net::Duration::seconds(20);
  // By polling: the answer to a GET, and to a POST how long it may take.
  std::size_t poll_bytes_max = std::size_t{4} << 20;
  net::Duration post_timeout = net::Duration::seconds(30);
  // Packets in one POST: Python's server takes no more than 16 unless it is told to.
  std::uint32_t packets_per_post_max = 16;
  // From the open packet to the end of the upgrade, or polling goes on.
  net::Duration upgrade_timeout = net::Duration::seconds(10);
};

enum class Transports : std::uint8_t {
  polling_first,    // and from there to a WebSocket (ConnectOptions::upgrade), as the reference
  websocket_first,  // by polling if that cannot be had
  websocket,
  polling,
};

struct ConnectOptions {
  // http://, https://, ws:// or wss://host[:port]. What stands behind that is not looked at.
  std::string_view url = {};
  std::string_view path = "/engine.io/";
  std::string_view query = {};  // more parameters: "token=x&a=b"
  Revision revision = Revision::v4;
  Transports transports = Transports::polling_first;
  bool upgrade = true;
  // Revision 3: asks for text alone (b64=1), and sends nothing else by polling.
  bool base64 = false;
  // Sends the cookies of the answer that opens the session with each later request of it, for load
  // balancers. Their attributes are not looked at; 16 cookies and 4 KiB at most. Not where the
  // fields have a Cookie of their own.
  bool cookies = false;
  // Fields, credentials, proxy, TLS and so on, for polling too; its url is not looked at, nor is
  // reconnect.
  ws::ConnectOptions websocket = {};
};

class Client final {
 public:
  explicit Client(net::Loop& loop, ClientOptions options = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // None of these may put another callback in its own place.
  Client& on_open(Callback<void(Client&)> callback);
  Client& on_message(Callback<void(Client&, Message)> callback);
  // The server's heartbeat (revision 4).
  Client& on_ping(Callback<void(Client&)> callback);
  // The session goes on over a WebSocket.
  Client& on_upgraded(Callback<void(Client&)> callback);
  // As of ws::Connection; by polling when the last POST was answered.
  Client& on_drained(Callback<void(Client&)> callback);
  // Exactly once for every on_open.
  Client& on_close(Callback<void(Client&, CloseReason)> callback);
  // There was no open packet: an Errc, a ws::Errc, or an error of the system.
  Client& on_failed(Callback<void(Client&, std::error_code)> callback);

  // Errors of the arguments come back at once and nothing is started, as does out_of_memory(): see
  // ws::Client::connect().
  Status connect(const ConnectOptions& options);
  // Ends the session behind what was sent, or gives up connecting. By polling it waits for each
  // POST that this takes (post_timeout), then for the server's word (Limits::close_timeout).
  void close();

  // By polling: refused is a message of more than the server's maxPayload or one that does not fit
  // into the queue (Limits::queue_bytes_max); nothing was sent then. The options are for a
  // WebSocket.
  ws::Sent send_text(std::string_view text, ws::SendOptions options = {});
  ws::Sent send_binary(Bytes data, ws::SendOptions options = {});
  // The same as send_text, for a text that stands behind the digit '4' already.
  ws::Sent send_packet(std::string_view packet, ws::SendOptions options = {});

  bool is_open() const noexcept;
  Revision revision() const noexcept;
  Transport transport() const noexcept;
  // What the server said in its open packet.
  const Handshake& handshake() const noexcept;
  std::size_t buffered_bytes() noexcept;

 private:
  class Engine;
  // All there is to a client. It outlives this where the client is destroyed in a callback.
  std::unique_ptr<Engine> engine_;
};

}  // namespace hilo::engineio
