// SPDX-License-Identifier: MIT
//
// Connection: one open WebSocket, on either side. The protocol is Session's, the bytes are
// Stream's; this class brings the two together and adds what needs a clock: pings, time-outs,
// budgets, and the patience of the closing handshake.
//
//   server.on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
//
//   sending   send() accepts a message whole or not at all. What was accepted reaches the peer
//             whole and in order, or the connection dies (`on_close` tells).
//   closing   close() starts the closing handshake, abort() resets. Neither calls anything of the
//             application's nor frees anything: on_close comes at the end of the turn in which the
//             connection ended, exactly once, after which the object is gone.
//   memory    an idle connection owns no buffer
//   thread    its loop's. From elsewhere: Loop::post and ConnectionId.
//   lifetime  a Connection& is good within the callback that shows it. What is kept is its id():
//             Server::find(id) returns null once it is gone.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "net/address.h"
#include "net/base/bytes.h"
#include "net/base/result.h"
#include "net/duration.h"
#include "ws/connection_id.h"
#include "ws/core/rfc6455.h"
#include "ws/handlers.h"
#include "ws/request.h"
#include "ws/round_trip.h"
#include "ws/sender.h"
#include "ws/sending.h"

namespace hilo::net {
class Loop;
namespace tls {
class TlsTransport;
}
}  // namespace hilo::net

namespace hilo::ws {

class EncodedMessage;

class Connection {
 public:
  class Engine;  // all there is to it, for those who make one: connection_engine.h

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // --- sending ---

  Sent send(Opcode opcode, Bytes payload, SendOptions options = {}) {
    return send_bytes(opcode, payload.data(), payload.size(), options);
  }
  Sent send(const Message& message, SendOptions options = {}) {
    return send_bytes(message.opcode, message.payload.data(), message.payload.size(), options);
  }
  Sent send_text(std::string_view text, SendOptions options = {}) {
    const auto* const data = reinterpret_cast<const std::uint8_t*>(text.data());
    return send_bytes(Opcode::text, data, text.size(), options);
  }
  Sent send_binary(Bytes payload, SendOptions options = {}) {
    return send_bytes(Opcode::binary, payload.data(), payload.size(), options);
  }
  // One that was made ready for many (encoded_message.h): hub.h and ws/engineio send such.
  Sent send(EncodedMessage& message);
  // A message in pieces, whose length need not be known when it begins: the opcode is that of the
  // first, `final` ends it. They leave uncompressed. Until then other messages are refused, control
  // frames are not. Half a message cannot be dropped: where Overflow::drop would, this is refused,
  // and the same fragment may be sent again after on_drained.
  Sent send_fragment(Opcode opcode, Bytes payload, bool final);
  // For all who cannot hear an answer: what is not accepted is told to on_dropped, under every
  // policy, unless the connection is closing.
  void deliver(Opcode opcode, Bytes payload, SendOptions options);
  void deliver(EncodedMessage& message);
  // At most 125 bytes of payload, else errc::message_size.
  Status ping(Bytes payload = {});

  // Starts the closing handshake (RFC 6455 §7.1.2). With CloseCode::none the Close carries no code.
  // errc::invalid_argument for a code that must not be on the wire, as 1005 and 1006, or a reason
  // over 123 bytes or not UTF-8; errc::not_connected if it was started already.
  Status close(CloseCode code = CloseCode::normal, std::string_view reason = {});
  // Resets the connection; the peer sees no Close.
  void abort();

  // Stops and restarts the reading of messages. While stopped the peer's Close is not seen either.
  void pause();
  void resume();

  // Sends from other threads (sender.h). One that refers to nothing once the connection is gone, or
  // if there is no memory.
  Sender sender() noexcept;

  // --- topics (hub.h) ---

  // Twice is as good as once. errc::message_size for a name over Limits::topic_bytes_max,
  // errc::no_buffer_space beyond topics_per_connection_max, errc::not_connected once it is closing,
  // errc::operation_not_supported on a client's connection, out_of_memory().
  Status subscribe(std::string_view topic) noexcept;
  // False: it was not subscribed. All of it ends with the connection, before on_close.
  bool unsubscribe(std::string_view topic) noexcept;
  std::size_t subscription_count() const noexcept;

  // --- facts ---

  ConnectionId id() const noexcept;
  Role role() const noexcept;
  bool is_open() const noexcept;
  // Only on_close follows, or is running.
  bool is_gone() const noexcept;
  // How it ended, as on_close is told; once it is gone, and until the owner destroys it.
  CloseInfo close_info() const noexcept;
  // As accept(2) or connect(2) gave it.
  const net::PeerAddress& peer() const noexcept;
  // The request that opened the connection, without its Sec-WebSocket-Key. Fields only by
  // ServerOptions::keep_request_fields.
  const KeptRequest& request() const noexcept;
  std::string_view path() const noexcept;
  std::string_view subprotocol() const noexcept;
  // Whether permessage-deflate was negotiated (RFC 7692).
  bool compresses() const noexcept;
  // Accepted by send() and not yet taken by the kernel.
  std::size_t buffered_bytes() const noexcept;
  std::uint64_t received_bytes() const noexcept;
  // How long the peer's pongs to our keep-alive pings took, smoothed too; all zero before the
  // first, and on a server without ServerOptions::measure_round_trips.
  RoundTrips round_trips() const noexcept;
  net::Duration round_trip() const noexcept { return round_trips().latest; }
  // Memory of the loop's pool that unfinished input and waiting output lie in. Messages that were
  // published wait in one place for many: held_share() has of each no more than its share.
  std::size_t held_bytes() const noexcept;
  std::size_t held_share() const noexcept;
  // Bytes held of a message that has not ended.
  std::size_t assembled_bytes() const noexcept;
  net::Loop& loop() const noexcept;
  // What was agreed upon; null for a plain connection.
  const net::tls::TlsTransport* tls() const noexcept;

  // For layers on top (memory_holder.h), when all together hold too much: the end with
  // Errc::memory_pressure.
  void give_up_memory();

  // --- the application's own data ---

  // Makes a T that lives as long as the connection; replaces what was there.
  template <class T, class... Arguments>
  T& emplace_data(Arguments&&... arguments) {
    auto holder = std::make_unique<DataOf<T>>(std::forward<Arguments>(arguments)...);
    T& value = holder->value;
    keep_data(std::move(holder));
    return value;
  }
  // Null if there is none, or if it is not a T.
  template <class T>
  T* data() noexcept {
    Data* const data = kept_data();
    if (data == nullptr || data->type != &type_tag<T>) return nullptr;
    return &static_cast<DataOf<T>*>(data)->value;
  }

 private:
  Connection() noexcept = default;
  ~Connection() = default;

  struct Data {
    explicit Data(const char* t) noexcept : type(t) {}
    virtual ~Data() = default;
    const char* type;
  };
  template <class T>
  static constexpr char type_tag = 0;
  template <class T>
  struct DataOf final : Data {
    template <class... Arguments>
    explicit DataOf(Arguments&&... arguments)
        : Data(&type_tag<T>), value(std::forward<Arguments>(arguments)...) {}
    T value;
  };

  // Bytes in two parts, which are cheaper to compile (net/base/bytes.h).
  Sent send_bytes(Opcode opcode, const std::uint8_t* data, std::size_t size, SendOptions options);

  Engine& engine() noexcept;
  const Engine& engine() const noexcept;
  void keep_data(std::unique_ptr<Data> data) noexcept;
  Data* kept_data() noexcept;
};

}  // namespace hilo::ws
