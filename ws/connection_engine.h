// SPDX-License-Identifier: MIT
//
// All there is to a Connection (connection.h), which says what each of the public functions does:
// Session and Stream brought together, deadlines, queues, and the way into the application. In
// files of its own are
//
//   connection_output.cc     messages and control frames out, and peers that take them too slowly
//   connection_deadlines.cc  pings, time-outs, how long the closing handshake may take
//   connection_extra.cc      what only some connections need
//
//   thread    its loop's
//   life      the owner's, which is told when it may go

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "net/address.h"
#include "net/base/bytes.h"
#include "net/base/slab.h"
#include "net/moment.h"
#include "net/stream.h"
#include "net/transport_tls.h"
#include "ws/connection.h"
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

namespace hilo::ws {

class Connection::Engine final : public Connection, private net::Stream::Handler {
 public:
  // Whoever made the connection; told when it may be destroyed.
  class Owner {
   public:
    virtual void on_connection_gone(Engine& connection) = 0;

   protected:
    ~Owner() = default;
  };

  // What all connections of one service of a server, or of one client, share; must outlive them.
  struct Shared {
    net::Loop* loop = nullptr;
    const Limits* limits = nullptr;
    Handlers* handlers = nullptr;
    Session::Shared session;
    std::size_t queue_bytes_limit = 0;
    Metrics* metrics = nullptr;
    Log* log = nullptr;
    MaskKeys* mask_keys = nullptr;  // clients only
    Owner* owner = nullptr;
    Hub* hub = nullptr;             // servers only
    MemoryWatch* memory = nullptr;  // servers only
    std::uint8_t loop_index = 0;
    bool measure_round_trips = false;
    std::uint32_t calls = 0;  // of a client's application that have not returned
  };

  // A server's stand in a Slab.
  Engine(Role role, Shared& shared, const net::PeerAddress& peer) noexcept;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  // permessage-deflate was negotiated; before open().
  void compress_with(CompressionPointer compression) noexcept {
    session_.compress_with(std::move(compression));
  }
  // Takes the stream over after the opening handshake and calls on_open. Input that the handshake
  // left is handled after that.
  void open(std::unique_ptr<net::Stream> stream, KeptRequest request);

  // The owner's, when it goes itself: resets the connection and ends it here and now, on_close too.
  void end_now();

  // What Connection promises.
  Sent send(Opcode opcode, Bytes payload, SendOptions options);
  Sent send(EncodedMessage& message);
  Sent send_fragment(Opcode opcode, Bytes payload, bool final);
  void deliver(Opcode opcode, Bytes payload, SendOptions options);
  void deliver(EncodedMessage& message);
  Status ping(Bytes payload);

  Status close(CloseCode code, std::string_view reason);
  void abort();

  void pause();
  void resume();

  Sender sender() noexcept;

  Status subscribe(std::string_view topic) noexcept;
  bool unsubscribe(std::string_view topic) noexcept;
  std::size_t subscription_count() const noexcept;

  ConnectionId id() const noexcept {
    if (role() == Role::client) return {};
    return {Slab<Engine>::handle_of(*this), shared_->loop_index};
  }
  Role role() const noexcept { return session_.role(); }
  bool is_open() const noexcept { return !ended_ && session_.is_open(); }
  bool is_gone() const noexcept { return ended_; }
  CloseInfo close_info() const noexcept {
    return {.code = close_code_,
            .reason = close_reason(),
            .by = closed_by_,
            .error = close_error_,
            .clean = peer_closed_ && close_error_ == Errc::none};
  }
  const net::PeerAddress& peer() const noexcept { return peer_; }
  const KeptRequest& request() const noexcept { return request_; }
  bool compresses() const noexcept { return session_.compression() != nullptr; }
  std::size_t buffered_bytes() const noexcept { return stream_ ? stream_->unsent_bytes() : 0; }
  std::uint64_t received_bytes() const noexcept { return stream_ ? stream_->received_bytes() : 0; }
  RoundTrips round_trips() const noexcept;
  std::size_t held_bytes() const noexcept {
    return session_.held_bytes() + (stream_ ? stream_->held_bytes() : 0);
  }
  std::size_t held_share() const noexcept {
    return session_.held_bytes() + (stream_ ? stream_->held_share() : 0);
  }
  std::size_t assembled_bytes() const noexcept { return session_.assembled_bytes(); }
  net::Loop& loop() const noexcept { return *shared_->loop; }
  const net::tls::TlsTransport* tls() const noexcept {
    const net::Transport* const transport = stream_ ? stream_->transport() : nullptr;
    return transport != nullptr ? transport->tls() : nullptr;
  }

  void give_up_memory();

  void keep_data(std::unique_ptr<Data> data) noexcept;
  Data* kept_data() noexcept;

 private:
  struct Extra;

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

  Extra* extra() const noexcept;
  Extra* make_extra() noexcept;
  void leave_topics() noexcept;
  void end_sender() noexcept;

  Sent send_plain(Opcode opcode, Bytes payload, SendOptions options);
  Sent send_any(Opcode opcode, Bytes payload, SendOptions options);
  Sent send_any(EncodedMessage& message);
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
    return outgoing.empty() ? Errc::none : write(outgoing.slices());
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
  void count_ping_from(net::Time now) noexcept;
  void keep_round_trip() noexcept;
  void keep_reason(Bytes reason) noexcept;
  std::string_view close_reason() const noexcept;

  // Nothing that the peer may still send is looked at.
  bool is_over() const noexcept { return ended_ || session_.wants_transport_close(); }
  bool in_chunks() const noexcept { return static_cast<bool>(shared_->handlers->on_chunk); }
  bool may_ask() const noexcept;
  bool is_taking() const noexcept;
  void forgive_silence(net::Time now) noexcept;
  void has_taken() noexcept;
  Errc send_keep_alive_ping();
  net::Time due_after(net::Moment since, net::Duration after) const noexcept;
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

  static constexpr std::size_t ping_number_bytes = 4;  // on the wire
  // Less than control_frames_ can count.
  static constexpr std::uint32_t control_frames_most = 65'534;
  // The value of crumbs_ that says that the kernel waits for more than a byte.
  static constexpr std::uint8_t gathering = 7;

  // A handler is being called; no bit, for it is written at each message. (It lies in the last byte
  // of Timer, and the others without a gap.)
  bool in_call_ = false;
  Shared* shared_;
  std::unique_ptr<net::Stream> stream_;
  Session session_;
  KeptRequest request_;
  // The application's data; or an Extra, which has them then.
  std::unique_ptr<Data> data_;

  net::Moment last_input_;
  net::Moment ping_sent_;
  net::Moment message_began_;
  // While output is blocked, and while it is closing: since then, or since a deadline found that
  // the peer had taken some.
  net::Moment output_since_;
  std::uint32_t control_window_ms_ = 0;  // when it began, of the loop's time
  std::uint16_t control_frames_ = 0;     // in it
  CloseCode close_code_ = CloseCode::abnormal;

  [[no_unique_address]] net::PeerAddress peer_;  // (It ends with room for another byte.)
  Errc close_error_ = Errc::none;
  std::uint32_t ping_number_ : 12 = 0;  // of the last one, as it is counted and sent
  std::uint8_t crumbs_ : 3 = 0;         // of the frame, seen one behind the other; or `gathering`
  ClosedBy closed_by_ : 2 = ClosedBy::network;
  bool call_threw_ : 1 = false;      // a handler has thrown, while in_call_
  bool close_recorded_ : 1 = false;  // how it ended is final
  bool peer_closed_ : 1 = false;     // the peer's Close was seen
  bool opened_ : 1 = false;          // on_open was called, so on_close is owed
  bool closing_ : 1 = false;         // output_since_ counts
  bool end_seen_ : 1 = false;        // the peer's FIN was seen
  bool ended_ : 1 = false;           // the stream is closed; only on_reap follows
  bool awaiting_pong_ : 1 = false;
  bool message_begun_ : 1 = false;  // message_began_ counts
  bool mid_frame_ : 1 = false;      // the last input ended within a frame
  bool blocked_ : 1 = false;        // the kernel takes no more: output_since_ counts
  bool drained_told_ : 1 = false;   // on_drained was called, and nothing was refused since
  bool paused_by_user_ : 1 = false;
  bool paused_by_queue_ : 1 = false;
};

inline Connection::Engine& Connection::engine() noexcept {
  return static_cast<Engine&>(*this);
}
inline const Connection::Engine& Connection::engine() const noexcept {
  return static_cast<const Engine&>(*this);
}

// What a quiet connection costs: this and 8 bytes of its slab, its Stream, and 16 bytes in the
// loop's table (bench/bench_idle_memory.cc).
static_assert(sizeof(void*) != 8 || sizeof(Connection::Engine) <= 144);

}  // namespace hilo::ws
