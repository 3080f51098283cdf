// SPDX-License-Identifier: MIT

#include "ws/core/session.h"

#include <algorithm>
#include <new>
#include <utility>

#include "ws/core/utf8.h"

namespace hilo::ws {
namespace {

constexpr std::size_t close_code_bytes = 2;
// Masked without a call.
constexpr std::size_t short_message_bytes_max = mask_detail::inline_bytes_max;

// Neither is ever on the wire: the one is said by us, the other heard of the peer.
constexpr bool has_wire_form(CloseCode code) noexcept {
  return code != CloseCode::none && code != CloseCode::no_status;
}

Event need_input() noexcept {
  return {};
}

}  // namespace

Session::Session(Role role, const Shared& shared) noexcept
    : shared_(&shared), course_{.role = role} {
  if (limits().message_bytes_max < short_payload_bytes_max) course_.unplain = short_limit;
}

Session::~Session() {
  if (unfinished_ != nullptr) end_unfinished();
}

// --- what is under way ---------------------------------------------------------------------------

bool Session::begin_unfinished() noexcept {
  Pool& pool = *shared_->pool;
  Pool::Block* const block = pool.take(sizeof(Unfinished));
  if (block != nullptr) unfinished_ = ::new (static_cast<void*>(block->data())) Unfinished(pool);
  return block != nullptr;
}

void Session::end_unfinished() noexcept {
  unfinished_->~Unfinished();
  shared_->pool->give(reinterpret_cast<Pool::Block*>(unfinished_) - 1);
  unfinished_ = nullptr;
}

// What the last event showed has been used.
void Session::release_delivered() noexcept {
  if (std::exchange(unfinished_->delivered, false)) unfinished_->message.release();
  // The Pong that was not taken would carry bytes that are gone; §5.5.3 lets a later one stand for
  // it.
  if (course_.reply == Reply::pong) course_.reply = Reply::none;
  if (unfinished_->is_idle()) end_unfinished();
}

// --- receiving -----------------------------------------------------------------------------------

// The common case, alone: a whole, unfragmented message of less than 64 KiB, and nothing pending.
// Everything else takes the long way, which would answer the same. Plain pointers, because the
// checked span costs as much here as all the rest.
Event Session::next_event(MutableBytes& input) noexcept {
  const bool masked = course_.role == Role::server;
  const std::size_t mask_bytes = masked ? sizeof(MaskKey) : 0;
  const bool between_messages = unfinished_ == nullptr && !in_chunks();
  if (input.size() < 4 + mask_bytes || course_.state != State::open || !between_messages) {
    return next_slow(input);
  }
  std::uint8_t* const header = input.data();
  const bool text = header[0] == whole_text;
  // Above 126 a length of eight bytes, or a mask bit that is not as it must be.
  const std::size_t length7 = header[1] ^ (masked ? 0x80u : 0u);
  const bool extended = length7 == length_follows;
  const std::size_t length = extended ? load_be16(header + 2) : length7;
  const std::size_t header_bytes = (extended ? 4 : 2) + mask_bytes;
  const bool minimal = extended == (length > short_payload_bytes_max);
  if ((!text && header[0] != whole_binary) || !minimal || length > input.size() - header_bytes ||
      length > limits().message_bytes_max) {
    return next_slow(input);
  }
  const MutableBytes payload{header + header_bytes, length};
  input = {payload.data() + length, input.size() - header_bytes - length};
  if (text || length > short_message_bytes_max) return whole_message(text, payload);
  if (masked) mask_behind_key(payload);
  return {.kind = Event::Kind::message, .opcode = Opcode::binary, .payload = payload};
}

// Apart, so that a short one needs no call and no frame on the stack.
Event Session::whole_message(bool text, MutableBytes payload) noexcept {
  if (course_.role == Role::server) mask_behind_key(payload);
  if (text && !utf8_valid(payload)) return fail(Errc::text_not_utf8);
  return {.kind = Event::Kind::message,
          .opcode = text ? Opcode::text : Opcode::binary,
          .payload = payload};
}

// Or leaves it as it came, if it is none: masking twice is nothing.
bool Session::unmask_text(MutableBytes payload) noexcept {
  mask_behind_key(payload);
  if (utf8_valid(payload)) return true;
  mask_behind_key(payload);
  return false;
}

// next_plain() where the length has 16 bits of its own.
Session::Plain Session::next_longer(MutableBytes& input) noexcept {
  constexpr std::size_t header_bytes = 4 + sizeof(MaskKey);
  if (input.size() < header_bytes) return {};
  std::uint8_t* const header = input.data();
  const std::size_t length = load_be16(header + 2);
  const std::size_t behind = input.size() - header_bytes;
  const bool is_minimal = length > short_payload_bytes_max;
  if (!is_minimal || length > behind || length > limits().message_bytes_max) return {};
  const Plain message = unmask_plain(header[0], {header + header_bytes, length});
  if (message) input = {message.data + length, behind - length};
  return message;
}

Event Session::next_slow(MutableBytes& input) noexcept {
  if (!is_listening()) {
    input = {};
    return need_input();
  }
  if (unfinished_ == nullptr && !begin_unfinished()) return fail(Errc::no_memory);
  const Event event = next_in_parts(input);
  if (!event && unfinished_->is_idle()) end_unfinished();
  return event;
}

Event Session::next_in_parts(MutableBytes& input) noexcept {
  const Unfinished::Frame& frame = unfinished_->frame;
  while (true) {
    if (!frame.begun) {
      FrameHeader header;
      const bool complete = take_header(input, header);
      if (const Errc error = check_header(header, rules()); error != Errc::none) return fail(error);
      if (!complete) return need_input();
      if (const Errc error = begin_frame(header); error != Errc::none) return fail(error);
    }
    if (frame.bytes_left != 0 && input.empty()) return need_input();
    const Event event = is_control(frame.opcode) ? take_control(input) : take_data(input);
    if (event) return event;
  }
}

FrameRules Session::rules() const noexcept {
  const MessageAssembly& message = unfinished_->message;
  const std::uint64_t compressed_bytes_max = limits().compressed_bytes_max();
  std::uint64_t bytes_max = limits().message_bytes_max;
  if (message.active() && message.compressed()) {
    bytes_max = compressed_bytes_max;
  } else if (in_chunks()) {
    const std::uint64_t streamed = limits().streamed_bytes_max;
    bytes_max = streamed != 0 ? streamed : ~std::uint64_t{0};
  }
  return {.role = course_.role,
          .in_message = message.active(),
          .payload_bytes_max = bytes_max - std::min(message.arrived_bytes(), bytes_max),
          .may_compress = compression_ != nullptr,
          .compressed_bytes_max = compressed_bytes_max};
}

// Reads a header from what was carried over and the front of `input`. False: there is not enough of
// it; all of `input` was carried over, and `header` holds what is known.
bool Session::take_header(MutableBytes& input, FrameHeader& header) noexcept {
  Unfinished& kept = *unfinished_;
  if (kept.carried == 0) {
    header = parse_header(input);
    if (header.progress == HeaderProgress::complete) {
      input = input.subspan(header.header_bytes);
      return true;
    }
  }
  const std::size_t had = kept.carried;
  const std::size_t added = std::min(input.size(), kept.carry.size() - had);
  std::copy_n(input.begin(), added, kept.carry.begin() + static_cast<std::ptrdiff_t>(had));
  header = parse_header(Bytes{kept.carry}.first(had + added));
  if (header.progress == HeaderProgress::complete) {
    input = input.subspan(header.header_bytes - had);
    kept.carried = 0;
    return true;
  }
  // An incomplete header is shorter than what it is carried in, so all of the input went there.
  kept.carried = static_cast<std::uint8_t>(had + added);
  input = {};
  return false;
}

Errc Session::begin_frame(const FrameHeader& header) noexcept {
  unfinished_->frame = {.begun = true,
                        .final = header.final,
                        .compressed = header.rsv == rsv1,
                        .opcode = header.opcode,
                        .key = header.key,
                        .bytes_left = header.payload_bytes};
  // A message of one frame is assembled only if it turns out to arrive in pieces.
  const bool whole_message = header.final && header.opcode != Opcode::continuation;
  if (is_control(header.opcode) || whole_message) return Errc::none;
  const Errc error =
      unfinished_->message.begin_frame(header.opcode, limits(), unfinished_->frame.compressed);
  // After our Close the bytes that would earn a message its fragments are dropped, so their number
  // says nothing any more.
  return course_.state == State::open ? error : Errc::none;
}

Event Session::take_data(MutableBytes& input) noexcept {
  const Unfinished::Frame& frame = unfinished_->frame;
  MessageAssembly& message = unfinished_->message;
  const auto size =
      static_cast<std::size_t>(std::min<std::uint64_t>(frame.bytes_left, input.size()));
  const MutableBytes part = input.first(size);
  input = input.subspan(size);

  const bool compressed = message.active() ? message.compressed() : frame.compressed;
  if (course_.state == State::open && in_chunks() && !compressed) return take_chunk(part);
  if (course_.state == State::open) {
    const bool whole_frame = size == frame.bytes_left && message.size() == 0;
    if (whole_frame && frame.final && frame.opcode != Opcode::continuation) {
      return take_whole_frame(part);
    }
    if (!message.active()) {
      const Errc error = message.begin_frame(frame.opcode, limits(), frame.compressed);
      if (error != Errc::none) return fail(error);
    }
    const Errc error = message.append(part, frame.key, frame.key_offset);
    if (error != Errc::none) return fail(error);
  }
  return advance_data(size);
}

// A message of one frame that is all there: if it is not compressed, nothing is copied.
Event Session::take_whole_frame(MutableBytes payload) noexcept {
  Unfinished::Frame& frame = unfinished_->frame;
  MessageAssembly& message = unfinished_->message;
  frame.begun = false;
  if (course_.role == Role::server) mask(payload, frame.key);
  message.release();
  if (!frame.compressed) {
    if (frame.opcode == Opcode::text && !utf8_valid(payload)) return fail(Errc::text_not_utf8);
    return {.kind = whole_kind(), .opcode = frame.opcode, .payload = payload};
  }
  Errc error = message.begin_frame(frame.opcode, limits(), true);
  if (error == Errc::none) error = message.expand(payload, *compression_, limits());
  if (error != Errc::none) return fail(error);
  unfinished_->delivered = true;
  return {.kind = whole_kind(), .opcode = frame.opcode, .payload = message.whole()};
}

// What is there of a message that is handed on as it comes.
Event Session::take_chunk(MutableBytes part) noexcept {
  Unfinished::Frame& frame = unfinished_->frame;
  MessageAssembly& message = unfinished_->message;
  if (!message.active()) {
    const Errc error = message.begin_frame(frame.opcode, limits());
    if (error != Errc::none) return fail(error);
  }
  if (course_.role == Role::server) mask(part, frame.key, frame.key_offset);
  const Opcode opcode = message.opcode();
  const bool first = message.arrived_bytes() == 0;
  if (const Errc error = message.pass(part); error != Errc::none) return fail(error);
  frame.advance(part.size());
  frame.begun = frame.bytes_left != 0;
  const bool final = !frame.begun && frame.final;
  if (final) {
    if (const Errc error = message.finish(); error != Errc::none) return fail(error);
    message.release();
  }
  if (part.empty() && !final) return need_input();
  return {.kind = Event::Kind::chunk,
          .opcode = opcode,
          .payload = part,
          .first = first,
          .final = final};
}

Event Session::advance_data(std::size_t size) noexcept {
  unfinished_->frame.advance(size);
  return unfinished_->frame.bytes_left == 0 ? finish_data_frame() : need_input();
}

Event Session::finish_data_frame() noexcept {
  MessageAssembly& message = unfinished_->message;
  unfinished_->frame.begun = false;
  if (!unfinished_->frame.final) return need_input();
  if (course_.state != State::open) {
    message.release();
    return need_input();
  }
  const Errc error =
      message.compressed() ? message.expand(*compression_, limits()) : message.finish();
  if (error != Errc::none) return fail(error);
  unfinished_->delivered = true;
  return {.kind = whole_kind(), .opcode = message.opcode(), .payload = message.whole()};
}

Event Session::take_control(MutableBytes& input) noexcept {
  Unfinished& kept = *unfinished_;
  Unfinished::Frame& frame = kept.frame;
  const auto size =
      static_cast<std::size_t>(std::min<std::uint64_t>(frame.bytes_left, input.size()));
  const MutableBytes part = input.first(size);
  input = input.subspan(size);

  if (size == frame.bytes_left && kept.control_bytes == 0) {
    mask(part, frame.key);
    return finish_control_frame(part);
  }
  mask_copy(kept.control.data() + kept.control_bytes, part, frame.key, kept.control_bytes);
  kept.control_bytes = static_cast<std::uint8_t>(kept.control_bytes + size);
  frame.advance(size);
  if (frame.bytes_left != 0) return need_input();
  return finish_control_frame(MutableBytes{kept.control}.first(kept.control_bytes));
}

Event Session::finish_control_frame(MutableBytes payload) noexcept {
  Unfinished& kept = *unfinished_;
  kept.frame.begun = false;
  kept.control_bytes = 0;
  if (kept.frame.opcode == Opcode::close) return finish_close(payload);
  if (kept.frame.opcode == Opcode::pong) {
    if (course_.state != State::open) return need_input();
    return {.kind = Event::Kind::pong, .opcode = Opcode::pong, .payload = payload};
  }
  // §5.5.2: only the peer's Close excuses us; after ours it is data that may not be sent (§5.5.1).
  course_.reply = Reply::pong;
  kept.reply = payload;
  return {.kind = Event::Kind::ping, .opcode = Opcode::ping, .payload = payload};
}

Event Session::finish_close(MutableBytes payload) noexcept {
  auto code = CloseCode::no_status;
  if (!payload.empty()) {
    // §5.5.1: "If there is a body, the first two bytes of the body MUST be" the code.
    if (payload.size() < close_code_bytes) return fail(Errc::close_length);
    const std::uint16_t wire_code = load_be16(payload.data());
    if (!is_wire_close_code(wire_code)) return fail(Errc::close_code);
    code = static_cast<CloseCode>(wire_code);
    payload = payload.subspan(close_code_bytes);
    if (!utf8_valid(payload)) return fail(Errc::close_reason_not_utf8);
  }
  unfinished_->message.release();  // What was begun will not be finished.
  if (course_.state == State::open) {
    course_.state = State::answering;
    course_.reply = Reply::close;
    course_.reply_code = code;
  } else {
    course_.state = State::closed;
  }
  return {.kind = Event::Kind::close, .opcode = Opcode::close, .code = code, .payload = payload};
}

Event Session::fail(Errc error) noexcept {
  const CloseCode code = course_.state == State::open ? close_code_for(error) : CloseCode::abnormal;
  course_.state = State::failed;
  // §7.1.7: tell the peer why, if that was not said before.
  course_.reply = code == CloseCode::abnormal ? Reply::none : Reply::close;
  course_.reply_code = code;
  if (unfinished_ != nullptr) end_unfinished();
  return {.kind = Event::Kind::failure, .error = error, .code = code};
}

Event Session::fail_with(Errc error) noexcept {
  return is_listening() ? fail(error) : need_input();
}

Event Session::end_of_input() noexcept {
  return fail_with(Errc::end_without_close);
}

MutableBytes Session::receive_space(std::size_t hint) noexcept {
  if (unfinished_ != nullptr) release_delivered();
  if (unfinished_ == nullptr || course_.state != State::open) return {};
  const Unfinished::Frame& frame = unfinished_->frame;
  MessageAssembly& message = unfinished_->message;
  if (!frame.begun || is_control(frame.opcode) || !message.active()) return {};
  return message.space(static_cast<std::size_t>(std::min<std::uint64_t>(frame.bytes_left, hint)));
}

Event Session::commit(std::size_t bytes) noexcept {
  const bool had_space = unfinished_ != nullptr && unfinished_->frame.begun;
  if (!had_space) return need_input();
  const Unfinished::Frame& frame = unfinished_->frame;
  HILO_DCHECK(bytes <= frame.bytes_left);
  const Errc error = unfinished_->message.commit(bytes, frame.key, frame.key_offset);
  return error != Errc::none ? fail(error) : advance_data(bytes);
}

// --- sending -------------------------------------------------------------------------------------

Opcode Session::outgoing_opcode(Opcode opcode, bool final) noexcept {
  const Opcode result = course_.sending_fragments ? Opcode::continuation : opcode;
  course_.sending_fragments = !final;
  return result;
}

Outgoing Outgoing::frame(Opcode opcode, bool final, Bytes payload) noexcept {
  Outgoing outgoing;
  const std::size_t size =
      write_header(outgoing.header.data(), opcode, final, payload.size(), nullptr);
  outgoing.header_bytes = static_cast<std::uint8_t>(size);
  outgoing.payload = payload;
  return outgoing;
}

Outgoing Session::send(Opcode opcode, Bytes payload, bool final) noexcept {
  HILO_DCHECK(course_.role == Role::server);
  if (!is_open()) return {};
  return Outgoing::frame(outgoing_opcode(opcode, final), final, payload);
}

Status Session::send(Opcode opcode, Bytes payload, MaskKey key, Buffer& into, bool final) noexcept {
  if (!is_open()) return Status{};
  const Opcode wire_opcode = course_.sending_fragments ? Opcode::continuation : opcode;
  if (Status status = write_masked(wire_opcode, final, {}, payload, key, into); !status) {
    return status;
  }
  course_.sending_fragments = !final;
  return {};
}

Outgoing Session::send_compressed(Opcode opcode, Bytes payload, Buffer& scratch) noexcept {
  const bool may_shrink = compression_ != nullptr && is_open() && !course_.sending_fragments;
  if (!may_shrink || !compression_->shrink(payload, scratch)) return send(opcode, payload);
  return send_shrunk(opcode, std::as_const(scratch).readable());
}

Outgoing Session::send_shrunk(Opcode opcode, Bytes wire) noexcept {
  HILO_DCHECK(compression_ != nullptr && !course_.sending_fragments);
  Outgoing outgoing = send(opcode, wire);
  outgoing.header[0] |= rsv1_bit;
  return outgoing;
}

Status Session::send_compressed(Opcode opcode, Bytes payload, MaskKey key, Buffer& into) noexcept {
  Buffer shrunk{into.pool()};
  const bool may_shrink = compression_ != nullptr && is_open() && !course_.sending_fragments;
  if (!may_shrink || !compression_->shrink(payload, shrunk)) {
    return send(opcode, payload, key, into);
  }
  const std::size_t at = into.size();
  Status status = send(opcode, std::as_const(shrunk).readable(), key, into);
  if (status) into.readable()[at] |= rsv1_bit;
  return status;
}

Outgoing Session::ping(Bytes payload) noexcept {
  HILO_DCHECK(course_.role == Role::server);
  if (!is_open() || payload.size() > control_payload_bytes_max) return {};
  return Outgoing::frame(Opcode::ping, true, payload);
}

Status Session::ping(Bytes payload, MaskKey key, Buffer& into) noexcept {
  if (!is_open() || payload.size() > control_payload_bytes_max) return {};
  return write_masked(Opcode::ping, true, {}, payload, key, into);
}

// The code goes behind the header, and counts as payload there.
Outgoing Session::close_frame(CloseCode code, Bytes reason) noexcept {
  Outgoing outgoing = Outgoing::frame(Opcode::close, true, reason);
  if (!has_wire_form(code)) return outgoing;
  static_assert(close_reason_bytes_max + close_code_bytes <= short_payload_bytes_max);
  outgoing.header[1] = static_cast<std::uint8_t>(outgoing.header[1] + close_code_bytes);
  store_be16(outgoing.header.data() + outgoing.header_bytes, static_cast<std::uint16_t>(code));
  outgoing.header_bytes += close_code_bytes;
  return outgoing;
}

Status Session::write_masked_close(CloseCode code, Bytes reason, MaskKey key,
                                   Buffer& into) noexcept {
  std::array<std::uint8_t, close_code_bytes> wire_code;
  store_be16(wire_code.data(), static_cast<std::uint16_t>(code));
  const Bytes head = has_wire_form(code) ? Bytes{wire_code} : Bytes{};
  return write_masked(Opcode::close, true, head, reason, key, into);
}

Status Session::write_masked(Opcode opcode, bool final, Bytes head, Bytes payload, MaskKey key,
                             Buffer& into) noexcept {
  HILO_DCHECK(course_.role == Role::client);
  const std::size_t payload_bytes = head.size() + payload.size();
  if (Status status = into.reserve(frame_header_bytes_max + payload_bytes); !status) return status;
  std::uint8_t* to = into.writable().data();
  const std::size_t header_bytes = write_header(to, opcode, final, payload_bytes, &key);
  mask_copy(to + header_bytes, head, key);
  mask_copy(to + header_bytes + head.size(), payload, key, head.size());
  into.commit(header_bytes + payload_bytes);
  return {};
}

Status Session::check_close(CloseCode code, std::string_view reason) noexcept {
  // RFC 6455 §5.5.1: a Close may be empty; a reason stands behind a code only.
  const bool is_empty = code == CloseCode::none && reason.empty();
  const bool legal = (is_empty || is_wire_close_code(static_cast<std::uint16_t>(code))) &&
                     reason.size() <= close_reason_bytes_max && utf8_valid(as_bytes(reason));
  return legal ? Status{} : Status{std::make_error_code(std::errc::invalid_argument)};
}

Outgoing Session::close(CloseCode code, std::string_view reason) noexcept {
  HILO_DCHECK(course_.role == Role::server);
  if (!is_open() || !check_close(code, reason)) return {};
  begin_closing();
  return close_frame(code, as_bytes(reason));
}

Status Session::close(CloseCode code, std::string_view reason, MaskKey key, Buffer& into) noexcept {
  if (!is_open()) return {};
  if (Status status = check_close(code, reason); !status) return status;
  if (Status status = write_masked_close(code, as_bytes(reason), key, into); !status) return status;
  begin_closing();
  return {};
}

void Session::begin_closing() noexcept {
  course_.state = State::closing;
}

Outgoing Session::take_replies() noexcept {
  HILO_DCHECK(course_.role == Role::server);
  switch (course_.reply) {
    case Reply::none: return {};
    case Reply::pong: reply_taken(); return Outgoing::frame(Opcode::pong, true, unfinished_->reply);
    case Reply::close: reply_taken(); return close_frame(course_.reply_code, {});
  }
  return {};
}

Status Session::take_replies(MaskKey key, Buffer& into) noexcept {
  Status status;
  switch (course_.reply) {
    case Reply::none: return {};
    case Reply::pong:
      status = write_masked(Opcode::pong, true, {}, unfinished_->reply, key, into);
      break;
    case Reply::close: status = write_masked_close(course_.reply_code, {}, key, into); break;
  }
  if (status) reply_taken();
  return status;
}

void Session::reply_taken() noexcept {
  course_.reply = Reply::none;
  if (course_.state == State::answering) course_.state = State::closed;
}

}  // namespace hilo::ws
