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
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include "net/address.h"
#include "net/base/bytes.h"
#include "net/stream.h"
#include "net/timers.h"
#include "net/transport_tls.h"
#include "ws/connection_id.h"
#include "ws/core/session.h"
#include "ws/guard.h"
#include "ws/handlers.h"
#include "ws/hub.h"
#include "ws/limits.h"
#include "ws/log.h"
#include "ws/mask_keys.h"
#include "ws/memory_watch.h"
#include "ws/metrics.h"
#include "ws/request.h"
#include "ws/round_trip.h"
#include "ws/sender.h"
#include "ws/sending.h"

namespace hilo::ws {

class Connection final : private net::Stream::Handler, private net::Timer {
 public:
  // Whoever made the connection; told when it may be destroyed.
  class Owner {
   public:
    virtual void on_connection_gone(Connection& connection) = 0;

   protected:
    ~Owner() = default;
  };

  // What all connections of one server or client share; must outlive them.
  struct Shared {
    net::Loop* loop = nullptr;
    const Limits* limits = nullptr;
    MessageLimits message_limits;
    std::size_t queue_bytes_limit = 0;
    Metrics* metrics = nullptr;
    Log* log = nullptr;
    MaskKeys* mask_keys = nullptr;  // clients only
    Owner* owner = nullptr;
    Hub* hub = nullptr;             // servers only
    MemoryWatch* memory = nullptr;  // servers only
    std::uint8_t loop_index = 0;
    bool measure_round_trips = false;
    std::uint32_t calls = 0;  // of the application's that have not returned
  };

  // `handle` is where the owner keeps it.
  Connection(SlabHandle handle, Role role, Shared& shared, Handlers& handlers,
             const net::PeerAddress& peer) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // permessage-deflate was negotiated; before open().
  void compress_with(CompressionPointer compression) noexcept {
    session_.compress_with(std::move(compression));
  }
  // Takes the stream over after the opening handshake and calls on_open. Input that the handshake
  // left is handled after that.
  void open(std::unique_ptr<net::Stream> stream, KeptRequest request);

  // The owner's, when it goes itself: resets the connection and ends it here and now, on_close too.
  void end_now();
  // The owner's, when all together hold too much: the end with Errc::memory_pressure.
  void give_up_memory();

  // --- sending ---

  Sent send(Opcode opcode, Bytes payload, SendOptions options = {});
  Sent send(const Message& message, SendOptions options = {}) {
    return send(message.opcode, message.payload, options);
  }
  Sent send_text(std::string_view text, SendOptions options = {}) {
    return send(Opcode::text, as_bytes(text), options);
  }
  Sent send_binary(Bytes payload, SendOptions options = {}) {
    return send(Opcode::binary, payload, options);
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

  ConnectionId id() const noexcept { return id_; }
  Role role() const noexcept { return session_.role(); }
  bool is_open() const noexcept { return !ended_ && session_.is_open(); }
  // Only on_close follows, or is running.
  bool is_gone() const noexcept { return ended_; }
  // How it ended, as on_close is told; once it is gone, and until the owner destroys it.
  CloseInfo close_info() const noexcept {
    return {.code = close_code_,
            .reason = close_reason(),
            .by = closed_by_,
            .error = close_error_,
            .clean = peer_closed_ && close_error_ == Errc::none};
  }
  // As accept(2) or connect(2) gave it.
  const net::PeerAddress& peer() const noexcept { return peer_; }
  // The request that opened the connection, without its Sec-WebSocket-Key. Fields only by
  // ServerOptions::keep_request_fields.
  const KeptRequest& request() const noexcept { return request_; }
  std::string_view path() const noexcept { return request_.path(); }
  std::string_view subprotocol() const noexcept { return request_.subprotocol(); }
  // Whether permessage-deflate was negotiated (RFC 7692).
  bool compresses() const noexcept { return session_.compression() != nullptr; }
  // Accepted by send() and not yet taken by the kernel.
  std::size_t buffered_bytes() const noexcept { return stream_ ? stream_->unsent_bytes() : 0; }
  std::uint64_t received_bytes() const noexcept { return stream_ ? stream_->received_bytes() : 0; }
  // How long the peer's pongs to our keep-alive pings took, smoothed too; all zero before the
  // first, and on a server without ServerOptions::measure_round_trips.
  RoundTrips round_trips() const noexcept;
  net::Duration round_trip() const noexcept { return round_trips().latest; }
  // Memory of the loop's pool that unfinished input and waiting output lie in. Messages that were
  // published wait in one place for many: held_share() has of each no more than its share.
  std::size_t held_bytes() const noexcept {
    return session_.held_bytes() + (stream_ ? stream_->held_bytes() : 0);
  }
  std::size_t held_share() const noexcept {
    return session_.held_bytes() + (stream_ ? stream_->held_share() : 0);
  }
  // Bytes held of a message that has not ended.
  std::size_t assembled_bytes() const noexcept { return session_.assembled_bytes(); }
  net::Loop& loop() const noexcept { return *shared_->loop; }
  // What was agreed upon; null for a plain connection.
  const net::tls::TlsTransport* tls() const noexcept {
    const net::Transport* const transport = stream_ ? stream_->transport() : nullptr;
    return transport != nullptr ? transport->tls() : nullptr;
  }

  // --- the application's own data ---

  // Makes a T that lives as long as the connection; replaces what was there.
  template <class T, class... Arguments>
  T& emplace_data(Arguments&&... arguments) {
    auto holder = std::make_unique<DataOf<T>>(std::forward<Arguments>(arguments)...);
    T& value = holder->value;
    data_ = std::move(holder);
    return value;
  }
  // Null if there is none, or if it is not a T.
  template <class T>
  T* data() noexcept {
    if (!data_ || data_->type != &type_tag<T>) return nullptr;
    return &static_cast<DataOf<T>*>(data_.get())->value;
  }

 private:
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

  struct Extra;
  struct ExtraDeleter {
    void operator()(Extra* extra) const noexcept;
  };

  // net::Stream::Handler
  net::Stream::Want on_input(MutableBytes& input) override;
  MutableBytes receive_space() override;
  net::Stream::Want on_received(std::size_t bytes) override;
  std::size_t bytes_per_turn_max() const override { return shared_->limits->bytes_per_turn_max; }
  void on_end() override;
  void on_blocked() override;
  void on_taken() override;
  void on_drained() override;
  void on_broken(std::error_code error) override;
  void on_reap() override;

  // net::Timer
  void on_timer(net::Time now) override;

  net::Stream::Want take_events(MutableBytes& input, std::uint32_t budget, bool message_ended);
  bool is_done_with(MutableBytes& input);
  bool may_go_on(MutableBytes& input);
  void handle(const Event& event);
  void handle_message(const Event& event);
  void handle_chunk(const Event& event);
  void handle_ping();
  void handle_pong(const Event& event);
  void handle_close(const Event& event);
  void handle_failure(const Event& event);
  void fail(Errc error);
  void count_control_frame();
  void pause_if_backed_up() noexcept;
  void track_unfinished(bool message_ended) noexcept;
  void gather_crumbs() noexcept;
  bool stop_gathering() noexcept;
  void listen_again() noexcept;

  Extra* extra() noexcept;
  void leave_topics() noexcept;
  void end_sender() noexcept;

  Sent send_plain(Opcode opcode, Bytes payload, SendOptions options);
  Sent send_any(Opcode opcode, Bytes payload, SendOptions options);
  Sent sent(Errc lacking, std::size_t payload_bytes);
  void lose(Opcode opcode, Bytes payload);
  void look_at_memory() noexcept {
    if (shared_->memory != nullptr) shared_->memory->look();
  }
  bool make_room(std::size_t payload_bytes) noexcept;
  Sent refuse() noexcept;
  void tell_drained();
  net::Time end_of_life() const noexcept;
  // Each tells what was lacking, if anything was: no_memory or no_entropy.
  Errc write(std::span<const Bytes> slices) noexcept { return written(stream_->write(slices)); }
  Errc write(const Outgoing& outgoing) noexcept {
    return outgoing.empty() ? Errc::none : write(outgoing.slices);
  }
  Errc written(Status status) noexcept;
  template <class Mask>
  Errc write_masked(Mask&& mask) noexcept {
    const Result<MaskKey> key = shared_->mask_keys->next();
    // No randomness, no frame: a predictable key would be worse than a lost connection (§10.3).
    if (!key) return Errc::no_entropy;
    Buffer masked{loop().pool()};
    if (!mask(*key, masked)) return Errc::no_memory;
    const Bytes frame = masked.readable();
    return masked.empty() ? Errc::none : write(std::span(&frame, 1));
  }
  bool has_room(std::size_t payload_bytes) const noexcept;
  Sent overflow(Opcode opcode, Bytes payload);
  void log_reject(Errc error);
  void reset_for(Errc error);
  void send_replies();
  Errc write_ping(Bytes payload);

  void begin_closing() noexcept;
  void finish_closing();
  void end(CloseCode code, ClosedBy by, Errc error) noexcept;
  void keep_birth() noexcept;
  void keep_round_trip() noexcept;
  void keep_reason(Bytes reason) noexcept;
  std::string_view close_reason() const noexcept;

  // Nothing that the peer may still send is looked at.
  bool is_over() const noexcept { return ended_ || session_.wants_transport_close(); }
  bool in_chunks() const noexcept { return static_cast<bool>(handlers_->on_chunk); }
  bool may_ask() const noexcept;
  bool is_taking() const noexcept;
  void has_taken() noexcept;
  Errc send_keep_alive_ping();
  net::Time next_deadline() const noexcept;
  void arm_by(net::Time deadline) noexcept;
  void show_overflow(std::size_t bytes) noexcept;
  net::WireObserver* observer() const noexcept { return stream_ ? stream_->observer() : nullptr; }
  void check_closing_deadline(net::Time now);
  void check_open_deadlines(net::Time now);

  // The one way into the application; on_input() goes the same for many messages at once. It may
  // throw; whoever threw loses the connection, and nobody else notices. Where it was called within
  // another one, that waits for the end of the outer one, which may still be looking at its
  // message.
  template <class Target, class... Arguments>
  void call(Target& target, Arguments&&... arguments) {
    if (!target) return;
    const bool outermost = !in_call_;
    in_call_ = true;
    ++shared_->calls;
    if (!guarded([&] { target(std::forward<Arguments>(arguments)...); })) call_threw_ = true;
    --shared_->calls;
    if (!outermost) return;
    in_call_ = false;
    if (call_threw_) handler_failed();
  }
  void handler_failed();

  // The value of crumbs_ that says that the kernel waits for more than a byte.
  static constexpr std::uint8_t gathering = 7;

  // Small ones first: they lie where Timer ends.
  CloseCode close_code_ = CloseCode::abnormal;
  Errc close_error_ = Errc::none;
  ClosedBy closed_by_ = ClosedBy::network;
  Shared* shared_;
  Handlers* handlers_;
  std::unique_ptr<net::Stream> stream_;
  Session session_;
  KeptRequest request_;
  std::unique_ptr<Data> data_;
  std::unique_ptr<Extra, ExtraDeleter> extra_;
  ConnectionId id_;

  net::Time last_input_;
  net::Time ping_sent_;
  net::Time message_began_;
  net::Time blocked_since_;  // or since the last progress, while output is blocked
  net::Time closing_since_;
  net::Time control_window_;
  std::uint64_t progress_mark_ = 0;  // sent_bytes when last looked at
  std::uint32_t ping_number_ = 0;
  std::uint32_t control_frames_ = 0;

  net::PeerAddress peer_;
  bool in_call_ = false;     // a handler is being called; no bit, for it is written at each message
  bool call_threw_ = false;  // it has thrown, or one that was called meanwhile; likewise
  bool close_recorded_ : 1 = false;  // how it ended is final
  bool peer_closed_ : 1 = false;     // the peer's Close was seen
  bool opened_ : 1 = false;          // on_open was called, so on_close is owed
  bool closing_ : 1 = false;         // closing_since_ counts
  bool end_seen_ : 1 = false;        // the peer's FIN was seen
  bool ended_ : 1 = false;           // the stream is closed; only on_reap follows
  bool awaiting_pong_ : 1 = false;
  bool message_begun_ : 1 = false;  // message_began_ counts
  bool mid_frame_ : 1 = false;      // the last input ended within a frame
  bool blocked_ : 1 = false;        // blocked_since_ counts
  bool drained_told_ : 1 = false;   // on_drained was called, and nothing was refused since
  bool paused_by_user_ : 1 = false;
  bool paused_by_queue_ : 1 = false;
  std::uint8_t crumbs_ : 3 = 0;  // of the frame, seen one behind the other; or `gathering`
};
// What a quiet connection costs: this and 8 bytes of its slab, its Stream, and 32 bytes in the
// loop's table (bench/bench_idle_memory.cc).
static_assert(sizeof(void*) != 8 || sizeof(Connection) <= 320);

}  // namespace hilo::ws
