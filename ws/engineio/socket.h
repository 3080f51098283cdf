// SPDX-License-Identifier: MIT
//
// Socket: one Engine.IO session on a server, as its application sees it.
//
//   sending   What send() accepts reaches the client whole, in order and once, or the session ends.
//             Over a WebSocket it leaves at once; by polling it waits for the client's next GET.
//   closing   close() sends what was accepted before and then ends the session. It calls nothing of
//             the application's: on_close comes later in the same turn, exactly once.
//   thread    its loop's
//   lifetime  A Socket& is good within the callback that shows it. What is kept is its id():
//             Server::find(id) returns null once it is gone.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/address.h"
#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "net/base/intrusive_list.h"
#include "net/base/slab.h"
#include "net/timers.h"
#include "ws/connection.h"
#include "ws/connection_id.h"
#include "ws/engineio/packet.h"
#include "ws/engineio/session.h"
#include "ws/http.h"
#include "ws/request.h"
#include "ws/sending.h"

namespace hilo::engineio {

class Server;

// Names a session for as long as one likes, long after it is gone.
struct SocketId : ws::ConnectionId {
  using ws::ConnectionId::ConnectionId;
};

// What the client sent with one packet. The bytes may be changed in place and are valid during the
// callback only. Text is valid UTF-8.
struct Message {
  bool binary = false;
  MutableBytes payload = {};

  std::string_view text() const noexcept { return as_text(payload); }
};

enum class CloseReason : std::uint8_t {
  transport_close,  // the client said so, or its WebSocket closed
  transport_error,  // it broke a rule of the transport, or its connection broke
  parse_error,      // it sent what is no packet
  ping_timeout,     // its heartbeat did not come
  forced_close,     // close()
  server_shutdown,  // Server::close_all()
};
// "transport close" and so on, as the reference names them.
std::string_view to_string(CloseReason reason) noexcept;

// What an application hangs on a socket; it dies with it, behind on_close.
struct Attachment {
  virtual ~Attachment() = default;
};

namespace detail {
struct Dirty;
struct Ended;
}  // namespace detail

class Socket final : private net::Timer,
                     private ListNode<detail::Dirty>,
                     private ListNode<detail::Ended> {
 public:
  // The server's own; `random` makes the sid.
  Socket(SlabHandle handle, Server& server, const Session::Start& start, const SidRandom& random,
         const net::PeerAddress& peer, ws::KeptRequest request) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  // --- sending ---

  // One message. Accepted or closed; there is no third, for a queue that is full ends the session.
  ws::Sent send_text(std::string_view text, ws::SendOptions options = {});
  ws::Sent send_binary(Bytes data, ws::SendOptions options = {});
  ws::Sent send(const Message& message, ws::SendOptions options = {}) {
    return message.binary ? send_binary(message.payload, options)
                          : send_text(message.text(), options);
  }
  // The same as send_text, for a text that stands behind the digit '4' already: it needs no copy on
  // its way to a WebSocket. For whoever encodes once and sends to many.
  ws::Sent send_packet(std::string_view packet, ws::SendOptions options = {});
  // The same, of text or bytes, for what is framed and compressed once for many.
  ws::Sent send_packet(ws::EncodedMessage& packet);

  // Ends the session behind what was sent.
  void close(CloseReason reason = CloseReason::forced_close);

  // --- facts ---

  SocketId id() const noexcept { return id_; }
  // Whoever knows it is the client: not for logs. Valid as long as the socket is.
  std::string_view sid() const noexcept { return session_.sid().view(); }
  Revision revision() const noexcept { return session_.revision(); }
  Transport transport() const noexcept { return session_.transport(); }
  bool is_open() const noexcept { return session_.is_open(); }
  // Whether what is sent now leaves now: a poll waits, or a WebSocket takes it.
  bool is_writable() const noexcept;
  // Accepted by send() and not yet on its way.
  std::size_t buffered_bytes() const noexcept;
  // The request that opened the session: path, query, and fields as far as the ws::Server keeps
  // them (ServerOptions::keep_request_fields); in on_open they are always there.
  const ws::KeptRequest& request() const noexcept { return request_; }
  // In on_message, with Options::keep_post_fields: the POST that brought the message. Null over a
  // WebSocket.
  const ws::KeptRequest* post_request() const noexcept {
    return polling_ != nullptr ? &polling_->post : nullptr;
  }
  const net::PeerAddress& peer() const noexcept { return peer_; }
  // Whether that request came over TLS. What a proxy in front of us speaks is in its fields.
  bool is_secure() const noexcept { return secure_; }

  // --- the application's own data ---

  void attach(std::unique_ptr<Attachment> attachment) noexcept {
    attachment_ = std::move(attachment);
  }
  Attachment* attachment() const noexcept { return attachment_.get(); }
  // What the protocol above has of it (Server::set_layer).
  void attach_layer(std::unique_ptr<Attachment> layer) noexcept { layer_ = std::move(layer); }
  Attachment* layer() const noexcept { return layer_.get(); }

 private:
  friend class Server;
  template <class T, class U>
  friend class hilo::IntrusiveList;

  // What only polling needs: given back at the upgrade.
  struct Polling {
    explicit Polling(Pool& pool) noexcept : body(pool) {}
    ws::http::ExchangeId poll;   // the GET that waits
    std::string origin;          // the page that may read its answer, where that is not any
    bool is_jsonp = false;       // its answers are scripts, and its POSTs forms
    std::string j;               // of the latest GET
    Buffer body;                 // of the POST that comes in
    bool is_octets = false;      // its type
    bool is_plain_utf8 = false;  // it has sent text that cannot be UTF-8 of UTF-8
    ws::KeptRequest post;        // the last one, if they are kept
    ws::Connection* probe = nullptr;
  };

  // net::Timer
  void on_timer(net::Time now) override;
  void arm() noexcept;

  bool must_wait() const noexcept;
  ws::Sent queue(bool binary, Bytes data);
  // Over the WebSocket.
  ws::Sent write(const Packet& packet, ws::SendOptions options);
  ws::Sent write_text(std::string_view mark, Bytes data, ws::SendOptions options);
  ws::Sent judge(ws::Sent sent);
  std::size_t held_bytes() const noexcept;
  void write_queue();
  void close_websocket(CloseReason reason);

  Server* server_;
  SocketId id_;
  Session session_;
  ws::Connection* connection_ = nullptr;  // the WebSocket, once it is the transport
  std::unique_ptr<Polling> polling_;
  std::unique_ptr<Attachment> attachment_;
  std::unique_ptr<Attachment> layer_;
  ws::KeptRequest request_;
  net::PeerAddress peer_;
  CloseReason reason_ = CloseReason::transport_close;
  bool opened_ : 1 = false;   // on_open was called, so on_close is owed
  bool ended_ : 1 = false;    // reason_ is final
  bool told_ : 1 = false;     // on_close was called
  bool waited_ : 1 = false;   // a message had to wait, so on_drained is owed
  bool spaced_ : 1 = false;   // Server::flush_later() was called
  bool counted_ : 1 = false;  // by the server's admission
  bool secure_ : 1 = false;
};

}  // namespace hilo::engineio
