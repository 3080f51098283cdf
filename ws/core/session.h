// SPDX-License-Identifier: MIT
//
// Session: the WebSocket protocol after the opening handshake (RFC 6455 §5 to §7), for either role,
// without I/O. Bytes in, events out, bytes to send: no descriptor, clock, randomness, thread or
// callback. The whole embedding, in any event loop:
//
//     while (ws::Event event = session.next(input)) {
//       if (event.kind == ws::Event::Kind::message) {
//         write(session.send(event.opcode, event.payload));
//       }
//       write(session.take_replies());
//     }
//
// It is pulled, not called back: a handler can then never free the parser that is running.
//
//                      close()                         their Close
//            +--------------------> closing ------------------------------+
//            |                                                            v
//          open                                                         closed
//            |     their Close                       take_replies()       ^
//            +--------------------> answering --------------------------- +
//            |                                                            ^
//            |  a broken rule, or the end of the stream                   |
//            +--------------------> failed     (any state may fail; nothing is read after it)
//
// Rules of next():
//   - a whole unfragmented frame becomes a view of the input, unmasked in place; nothing is copied
//   - a frame that arrives in pieces, and fragments, are assembled in memory that grows with what
//     arrived, from the Pool, and is given back when the message has been used
//   - all input is consumed; at most 13 bytes of a partial header are kept aside
//   - all but messages of less than 64 KiB that come whole, in one frame and not compressed take a
//     small block of the Pool (unfinished.h), control frames too. It is given back by the next call
//     that reads and finds nothing under way; where there is none, that is the failure no_memory
//   - a compressed message (RFC 7692) is inflated when its last frame is complete; its memory is
//     the session's own, from the Pool
//   - after our Close messages are no longer delivered, only pings and the peer's Close are; after
//     the peer's Close or a failure everything is ignored (§5.5.1, §5.5.2, §7.1.7)
//
// What the caller must do, since the session cannot:
//   - take_replies() after every event, and send what it returns before the next call of next()
//   - as a client, pass an unpredictable MaskKey for every frame (§5.3, §10.3)
//   - when wants_transport_close() turns true: send what is queued, then end the TCP connection
//     (the server first, §7.1.1), and bound all of it by a timer
//
//   views    event payloads: until the next call of next(), next_plain(), receive_space(),
//            commit(), release_shown(), fail_with() or end_of_input(); an Outgoing: as long as its
//            payload, which is the caller's, or lies in the event that a Pong answers
//   thread   one at a time
//   errors   of the peer: an event `failure`; of the caller: see each function
//   life     what is Shared, which does not change, and its Pool must outlive the session, and what
//            is behind Compression

#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "net/base/pool.h"
#include "net/base/result.h"
#include "ws/core/compression.h"
#include "ws/core/error.h"
#include "ws/core/frame.h"
#include "ws/core/mask.h"
#include "ws/core/message_limits.h"
#include "ws/core/rfc6455.h"
#include "ws/core/unfinished.h"

namespace hilo::ws {

struct Event {
  enum class Kind : std::uint8_t {
    need_input,  // nothing more to say until more bytes come
    message,     // opcode text or binary; payload: the whole message
    chunk,       // the same, a part of it: only if receive_chunks() asked for that
    ping,        // payload; the Pong is in take_replies()
    pong,        // payload
    close,       // the peer's Close: code (no_status if it had none), payload: the reason, UTF-8
    failure,     // error; code: what the peer is told, abnormal if it cannot be told
  };
  Kind kind = Kind::need_input;
  Opcode opcode = Opcode::continuation;
  Errc error = Errc::none;
  CloseCode code = CloseCode::no_status;
  MutableBytes payload = {};
  bool first = true;  // of a chunk: the message begins with it
  bool final = true;  // of a chunk: the message ends with it, which may then be empty

  explicit operator bool() const noexcept { return kind != Kind::need_input; }
};

// A frame of a server's to be sent: its header, which lies here, and its payload, which does not.
struct Outgoing {
  static Outgoing frame(Opcode opcode, bool final, Bytes payload) noexcept;

  std::array<std::uint8_t, frame_header_bytes_max> header;  // of a Close: and its code
  std::uint8_t header_bytes = 0;
  Bytes payload;

  bool empty() const noexcept { return header_bytes == 0; }
  // In the order of the wire; good as long as this object is, which needs a name therefore.
  std::array<Bytes, 2> slices() const& noexcept {
    return {Bytes{header}.first(header_bytes), payload};
  }
  std::array<Bytes, 2> slices() const&& = delete;
};

class Session {
 public:
  // What many sessions have in common; it outlives them.
  struct Shared {
    MessageLimits limits = {};
    Pool* pool = nullptr;  // to be given
  };

  Session(Role role, const Shared& shared) noexcept;
  Session(Role role, const Shared&& shared) = delete;  // would not outlive it
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // permessage-deflate was negotiated. Once, before anything is read or sent.
  void compress_with(CompressionPointer compression) noexcept {
    compression_ = std::move(compression);
    course_.compresses = compression_ != nullptr;
  }
  // Null: it was not negotiated.
  Compression* compression() const noexcept { return compression_.get(); }

  // The next event in `input`, which is consumed from the front.
  [[nodiscard]] Event next(MutableBytes& input) noexcept {
    if (unfinished_ != nullptr) release_delivered();
    if (input.empty()) return {};  // the end of most reads
    return next_event(input);
  }

  // The same for most of what a server hears: a message of less than 64 KiB, whole and in one
  // frame, while nothing else is going on. False: nothing was taken, and next() knows what there
  // is.
  struct Plain {
    std::uint8_t* data = nullptr;
    std::uint32_t size = 0;
    Opcode opcode = Opcode::binary;
    MutableBytes payload() const noexcept { return {data, size}; }
    explicit operator bool() const noexcept { return data != nullptr; }
  };
  [[nodiscard]] Plain next_plain(MutableBytes& input) noexcept;
  // A server without compression stands between two messages, and has shown nothing. Never true
  // where the limit is less than 125 bytes: next() looks at it then.
  bool expects_plain() const noexcept {
    return std::bit_cast<std::uint64_t>(course_) == 0 && unfinished_ == nullptr;
  }

  // From the next message on, each arrives as chunks: the bytes that are there, as they come,
  // whatever the frames. Nothing is assembled, and the limit is streamed_bytes_max in place of
  // message_bytes_max. A chunk of a text may end within a character; that the text is UTF-8 is
  // checked all the same, up to the last byte shown. A compressed message is one chunk: its limits
  // are those of a message.
  void receive_chunks(bool on) noexcept {
    course_.unplain = static_cast<std::uint8_t>((course_.unplain & ~chunks) | (on ? chunks : 0));
  }

  // The caller's own verdict on the peer (a deadline, a budget): fails the session as a broken rule
  // would, with the Close that answers `error` in take_replies().
  [[nodiscard]] Event fail_with(Errc error) noexcept;

  // The stream has ended. A failure unless the closing handshake was complete.
  [[nodiscard]] Event end_of_input() noexcept;

  // While a large frame is on its way: memory to read up to `hint` bytes of it into, which saves
  // the copy; else an empty span. What was read there is handed over with commit(), and next()
  // goes on with what follows. No other call may come between the two.
  MutableBytes receive_space(std::size_t hint) noexcept;
  [[nodiscard]] Event commit(std::size_t bytes) noexcept;

  // Gives back what the last event showed, for a caller who may not call next() for a while. A Pong
  // that was not taken is dropped.
  void release_shown() noexcept {
    if (unfinished_ != nullptr) release_delivered();
  }

  // A message, or a fragment of one: after a call with `final` false the following ones continue
  // that message, whatever their opcode, until one is final. Text must be UTF-8; that is not
  // checked. Empty once close() was called or the session failed.
  //   server: no copy, the payload slice is the caller's own bytes
  [[nodiscard]] Outgoing send(Opcode opcode, Bytes payload, bool final = true) noexcept;
  //   server, where a copy is cheaper than two slices: the frame of a whole message, written to
  //   `to`, which has room for frame_header_bytes_max and the payload; its size. Only while
  //   sends_plain_frames()
  [[nodiscard]] std::size_t send_into(std::uint8_t* to, Opcode opcode, Bytes payload) noexcept {
    HILO_DCHECK(sends_plain_frames());
    const std::size_t size = write_header(to, opcode, true, payload.size(), nullptr);
    if (!payload.empty()) std::memcpy(to + size, payload.data(), payload.size());
    return size + payload.size();
  }
  //   client: header and masked payload are appended to `into`; out_of_memory() changes nothing
  Status send(Opcode opcode, Bytes payload, MaskKey key, Buffer& into, bool final = true) noexcept;

  // A whole message, compressed where that was negotiated and pays, else as send() sends it.
  //   server: what was compressed lies in `scratch`, which is empty before and must outlive the
  //   Outgoing
  [[nodiscard]] Outgoing send_compressed(Opcode opcode, Bytes payload, Buffer& scratch) noexcept;
  //   client: as above
  Status send_compressed(Opcode opcode, Bytes payload, MaskKey key, Buffer& into) noexcept;
  // The same for a server whose `wire` is what compression()->shrink() has made of a message.
  [[nodiscard]] Outgoing send_shrunk(Opcode opcode, Bytes wire) noexcept;

  // Control frames of our own; at most control_payload_bytes_max bytes, else empty.
  [[nodiscard]] Outgoing ping(Bytes payload) noexcept;
  Status ping(Bytes payload, MaskKey key, Buffer& into) noexcept;

  // Our Close. Empty if close() was called before, if the session failed, or if check_close()
  // refuses the arguments.
  [[nodiscard]] Outgoing close(CloseCode code, std::string_view reason) noexcept;
  Status close(CloseCode code, std::string_view reason, MaskKey key, Buffer& into) noexcept;
  // May an application close with this? errc::invalid_argument for codes that must not be on the
  // wire (1005, too) and for reasons over close_reason_bytes_max bytes or not UTF-8.
  // CloseCode::none without a reason is a Close without a code.
  static Status check_close(CloseCode code, std::string_view reason) noexcept;

  // What the protocol owes the peer after the last event: a Pong, the echo of a Close, or the Close
  // that tells of a failure. Usually empty. A Pong that is not taken is dropped by the next call
  // that reads; out_of_memory() changes nothing.
  bool has_replies() const noexcept { return course_.reply != Reply::none; }
  [[nodiscard]] Outgoing take_replies() noexcept;
  Status take_replies(MaskKey key, Buffer& into) noexcept;

  Role role() const noexcept { return course_.role; }
  // Neither side has said Close and nothing has failed: messages may be sent.
  bool is_open() const noexcept { return course_.state == State::open; }
  // Both sides have said Close, or there is nothing left to say.
  bool wants_transport_close() const noexcept {
    const bool is_over = course_.state == State::closed || course_.state == State::failed;
    return is_over && course_.reply == Reply::none;
  }
  // send() was called with `final` false last: what follows continues that message.
  bool is_sending_fragments() const noexcept { return course_.sending_fragments; }
  // The next message is a frame of its own, as it comes: send_into() may write it.
  bool sends_plain_frames() const noexcept {
    return std::bit_cast<std::array<std::uint32_t, 2>>(course_)[0] == 0;
  }
  // A frame has begun and not ended: nothing else, not even a Pong, can come before its end.
  bool in_frame() const noexcept {
    return unfinished_ != nullptr && (unfinished_->carried != 0 || unfinished_->frame.begun);
  }
  // Bytes of its payload that are still to come.
  std::uint64_t frame_bytes_left() const noexcept {
    return unfinished_ != nullptr && unfinished_->frame.begun ? unfinished_->frame.bytes_left : 0;
  }
  // A frame or a fragmented message has begun and not ended.
  bool unfinished() const noexcept {
    const bool assembles = unfinished_ != nullptr && unfinished_->message.active();
    return in_frame() || (assembles && !unfinished_->delivered);
  }
  // Bytes held for an unfinished message.
  std::size_t assembled_bytes() const noexcept {
    return unfinished_ != nullptr ? unfinished_->message.size() : 0;
  }
  // The memory that it lies in, with what else is known of what is under way.
  std::size_t held_bytes() const noexcept {
    return unfinished_ != nullptr ? Pool::block_bytes_min + unfinished_->message.held_bytes() : 0;
  }

 private:
  enum class State : std::uint8_t { open, closing, answering, closed, failed };
  enum class Reply : std::uint8_t { none, pong, close };
  // What decides how the next message is sent, and then how the next frame is read; and what is
  // owed. All zeros are a server without compression that is open, owes nothing, hands on messages
  // as a whole, and may take every short one; and one comparison tells that.
  struct Course {
    Role role = Role::server;
    State state = State::open;
    bool sending_fragments = false;
    bool compresses = false;
    Reply reply = Reply::none;
    std::uint8_t unplain = 0;                // bits: `chunks`, `short_limit`
    CloseCode reply_code = CloseCode::none;  // of the Close that is owed
  };
  static_assert(sizeof(Course) == sizeof(std::uint64_t));
  static constexpr std::uint8_t chunks = 1;       // receive_chunks()
  static constexpr std::uint8_t short_limit = 2;  // a short message may be too large
  // The first bytes of messages of one frame (RFC 6455 §5.2), and what stands for a length that
  // follows in 16 bits.
  static constexpr std::uint8_t whole_text = 0x81;
  static constexpr std::uint8_t whole_binary = 0x82;
  static constexpr std::size_t length_follows = 126;

  Event next_event(MutableBytes& input) noexcept;
  Event whole_message(bool text, MutableBytes payload) noexcept;
  static bool unmask_text(MutableBytes payload) noexcept;
  Plain next_longer(MutableBytes& input) noexcept;
  static Plain unmask_plain(std::uint8_t first_byte, MutableBytes payload) noexcept;
  Event next_slow(MutableBytes& input) noexcept;
  Event next_in_parts(MutableBytes& input) noexcept;
  bool take_header(MutableBytes& input, FrameHeader& header) noexcept;
  Errc begin_frame(const FrameHeader& header) noexcept;
  Event take_data(MutableBytes& input) noexcept;
  Event::Kind whole_kind() const noexcept {
    return in_chunks() ? Event::Kind::chunk : Event::Kind::message;
  }
  Event take_chunk(MutableBytes part) noexcept;
  Event take_control(MutableBytes& input) noexcept;
  Event advance_data(std::size_t size) noexcept;
  Event finish_data_frame() noexcept;
  Event take_whole_frame(MutableBytes payload) noexcept;
  Event finish_control_frame(MutableBytes payload) noexcept;
  Event finish_close(MutableBytes payload) noexcept;
  Event fail(Errc error) noexcept;
  FrameRules rules() const noexcept;
  // What the peer sends is still looked at.
  bool is_listening() const noexcept {
    return course_.state == State::open || course_.state == State::closing;
  }
  bool in_chunks() const noexcept { return (course_.unplain & chunks) != 0; }
  bool begin_unfinished() noexcept;
  void end_unfinished() noexcept;
  void release_delivered() noexcept;
  static Outgoing close_frame(CloseCode code, Bytes reason) noexcept;
  Status write_masked_close(CloseCode code, Bytes reason, MaskKey key, Buffer& into) noexcept;
  Status write_masked(Opcode opcode, bool final, Bytes head, Bytes payload, MaskKey key,
                      Buffer& into) noexcept;
  Opcode outgoing_opcode(Opcode opcode, bool final) noexcept;
  void begin_closing() noexcept;
  void reply_taken() noexcept;

  const MessageLimits& limits() const noexcept { return shared_->limits; }

  const Shared* shared_;
  CompressionPointer compression_;
  Unfinished* unfinished_ = nullptr;  // in a block of the pool
  Course course_;
};

// A whole message, whose key stands in front of it; or none, and it is left as it came.
[[gnu::always_inline]] inline Session::Plain Session::unmask_plain(std::uint8_t first_byte,
                                                                   MutableBytes payload) noexcept {
  if (first_byte == whole_binary) {
    mask_behind_key_here(payload);
  } else if (first_byte != whole_text || !unmask_text(payload)) {
    return {};
  }
  return {payload.data(), static_cast<std::uint32_t>(payload.size()),
          static_cast<Opcode>(first_byte & 0x0F)};
}

// A plain pointer, because a checked span costs as much here as all the rest.
[[gnu::always_inline]] inline Session::Plain Session::next_plain(MutableBytes& input) noexcept {
  constexpr std::size_t header_bytes = 2 + sizeof(MaskKey);
  if (input.size() < header_bytes || !expects_plain()) return {};
  std::uint8_t* const header = input.data();
  // Without the bit of the mask it is more than that of any short message.
  const std::size_t length = header[1] ^ 0x80u;
  const std::size_t behind = input.size() - header_bytes;
  // The limit is no less (expects_plain).
  if (length > short_payload_bytes_max || length > behind) {
    return length == length_follows ? next_longer(input) : Plain{};
  }
  const Plain message = unmask_plain(header[0], {header + header_bytes, length});
  if (message) input = {message.data + length, behind - length};
  return message;
}

// One for each idle connection.
static_assert(sizeof(void*) != 8 || sizeof(Session) <= 32);

}  // namespace hilo::ws
