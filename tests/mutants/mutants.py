# SPDX-License-Identifier: MIT
"""Small faults of the engine, as somebody might make them: each a few words of one file.

A mutant has the file, the text that stands there once, what is put in its place, and the tests that
have to find it where the simulation of whole systems (tests/sim/system) does not.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    says: str
    file: str
    old: str
    new: str
    tests: tuple = ()


MUTANTS = [
    # --- net --------------------------------------------------------------------------------------
    Mutant(
        "an event of a closed descriptor reaches whoever has its slot now",
        "net/loop.cc",
        "return slot.generation == token.generation ? &slot : nullptr;",
        "return slot.generation != 0 ? &slot : nullptr;",
        ("net_loop", "sim_fd_reuse"),
    ),
    Mutant(
        "a post to another loop does not wake it",
        "net/loop.cc",
        "if (is_first && thread_.load(std::memory_order_relaxed) != this_thread()) wakeup_.signal();",
        "static_cast<void>(is_first);",
        ("net_loop",),
    ),
    Mutant(
        "what the kernel took of the queue is not what is dropped from it",
        "net/stream_output.cc",
        "queue_.consume(loop_->pool(), io.bytes);",
        "queue_.consume(loop_->pool(), offered);",
    ),
    Mutant(
        "what the kernel did not take is not kept",
        "net/stream_output.cc",
        "if (Status status = left.move_to(queue_, loop_->pool()); !status) lose_output(status.error());",
        "left.consume(0);",
    ),
    Mutant(
        "a stream that lost output ends in good order",
        "net/stream_output.cc",
        "  set(Flag::abortive);\n  if (!is(Flag::closed)) break_off(error);",
        "  if (!is(Flag::closed)) break_off(error);",
    ),
    Mutant(
        "a stream that is resumed does not look for what came meanwhile",
        "net/stream.cc",
        "  if (is(Flag::offering) || stash_ != nullptr) set(Flag::again);\n"
        "  loop_->schedule_slot(slot_, Phase::resume);\n}\n\nvoid Stream::close()",
        "}\n\nvoid Stream::close()",
        ("net_stream",),
    ),
    Mutant(
        "what is left of a turn's budget is not offered again",
        "net/stream.cc",
        "const bool stash_waits = is(Flag::again) && !is(Flag::paused) && !is(Flag::over);",
        "const bool stash_waits = false;",
        ("net_stream", "ws_server"),
    ),
    Mutant(
        "a receive that was interrupted is the end",
        "net/stream.cc",
        "result == -EINTR",
        "result == 1",
        ("sim_echo",),
    ),
    Mutant(
        "a send that was interrupted is the end",
        "net/stream_output.cc",
        "const bool again = result == -EINTR;",
        "const bool again = result == 1;",
    ),
    Mutant(
        "what the kernel refuses at the end of a plain dispatch is not queued",
        "net/stream.h",
        "      settle_buffer(result);\n      return finish_dispatch();",
        "      buffer.size = 0;\n      return finish_dispatch();",
        ("sim_echo", "sim_system", "sim_torture"),
    ),
    Mutant(
        "what the kernel refuses in a flush is dropped with the rest",
        "net/stream_output.cc",
        "  if (result != static_cast<std::ptrdiff_t>(all.size())) return flush_rest(result);\n",
        "",
        ("sim_echo", "sim_system"),
    ),
    Mutant(
        "a phase that somebody else waits for is thought to be empty",
        "net/loop.cc",
        "      waiting_ = static_cast<std::uint8_t>(waiting_ & ~bit);\n    }\n",
        "    }\n    waiting_ = static_cast<std::uint8_t>(waiting_ & ~bit);\n",
        ("net_loop",),
    ),
    Mutant(
        "who waits for a phase is forgotten when its queue has wandered to the end of its room",
        "net/loop.cc",
        "  std::copy(queue.slots + queue.begin, queue.slots + queue.end, queue.slots);\n",
        "",
        ("net_loop",),
    ),
    Mutant(
        "parts that wait for the kernel are not taken along into a larger block",
        "net/output_queue.cc",
        "    std::memcpy(block->data() + block->begin, before->data() + before->begin, bytes);\n",
        "",
        ("net_output_queue",),
    ),
    Mutant(
        "a moment is rounded down, so that deadlines come early",
        "net/moment.h",
        "static_cast<std::uint64_t>(time.nanoseconds + (nanoseconds_per_ms - 1))",
        "static_cast<std::uint64_t>(time.nanoseconds)",
        ("net_moment",),
    ),
    Mutant(
        "a reset is not noticed while nobody reads",
        "net/stream.cc",
        "  if (ready.broken) hang_up();\n",
        "",
        ("net_stream",),
    ),
    Mutant(
        "a listener that ran out of descriptors never looks again",
        "net/listener.cc",
        "loop_->timers().arm(*this, loop_->now() + pause_);",
        "",
    ),
    Mutant(
        "a timer of a coarser wheel is a slot late",
        "net/timers.cc",
        "std::countr_zero(std::rotr(occupied, static_cast<int>(present & digit_mask)));",
        "std::countr_zero(std::rotr(occupied, static_cast<int>(present & digit_mask))) + (wheel > 1);",
        ("net_timers",),
    ),
    Mutant(
        "the records of one write leave each in a segment of its own",
        "net/transport_tls.cc",
        "behind_record_ = socket::Behind::bytes;",
        "behind_record_ = socket::Behind::nothing;",
        ("net_tls",),
    ),
    # --- WebSockets -------------------------------------------------------------------------------
    Mutant(
        "a message slips in behind our Close",
        "ws/connection_output.cc",
        "Sent Connection::Engine::send_any(Opcode opcode, Bytes payload, SendOptions options) {\n"
        "  if (!is_open()) return Sent::closed;",
        "Sent Connection::Engine::send_any(Opcode opcode, Bytes payload, SendOptions options) {\n"
        "  if (ended_) return Sent::closed;",
    ),
    Mutant(
        "a connection that broke is not told to the application",
        "ws/connection_engine.cc",
        "  if (opened_) {\n    opened_ = false;",
        "  if (opened_ && close_code_ != CloseCode::abnormal) {\n    opened_ = false;",
    ),
    Mutant(
        "the queue of a slow reader has no limit",
        "ws/connection_output.cc",
        "return room >= frame_header_bytes_max && payload_bytes <= room - frame_header_bytes_max;",
        "return payload_bytes + room + 1 > 0;",
        ("ws_connection_output",),
    ),
    Mutant(
        "a peer that was made to wait is not read again",
        "ws/connection_output.cc",
        "if (!paused_by_user_) listen_again();",
        "",
        ("ws_connection_output",),
    ),
    Mutant(
        "a peer that answers no ping stays until it is idle for long",
        "ws/connection_deadlines.cc",
        "if (awaiting_pong_ && now >= due_after(ping_sent_, limits.pong_timeout)) {",
        "if (false) {",
        ("sim_deadlines", "sim_pings"),
    ),
    Mutant(
        "a time-out is waited for until the 32 bits of its beginning have come round",
        "ws/connection_deadlines.cc",
        "return std::min(limit, net::Moment::patience_max);",
        "return limit;",
        ("sim_deadlines",),
    ),
    Mutant(
        "the application's data go when a connection first needs more than most",
        "ws/connection_extra.cc",
        "  made->data = std::move(data_);\n",
        "",
        ("ws_connection",),
    ),
    Mutant(
        "a client that is let go does not close its connection",
        "ws/connection_engine.cc",
        "if (!polite) stream_->shutdown_write();",
        "",
        ("sim_close_anywhere", "ws_server"),
    ),
    Mutant(
        "a server that drains goes on listening",
        "ws/server_engine.cc",
        "    door->listener.close();\n  }\n  http_connections_.for_each([](HttpConnection& connection",
        "  }\n  http_connections_.for_each([](HttpConnection& connection",
        ("sim_drain",),
    ),
    Mutant(
        "a Pong that blocks puts off the end of a connection that is closing",
        "ws/connection_output.cc",
        "  if (!closing_) {\n    output_since_ = net::Moment(loop().now());",
        "  {\n    output_since_ = net::Moment(loop().now());",
        ("sim_deadlines",),
    ),
    Mutant(
        "a part of a header is memory that nobody looks at",
        "ws/connection_engine.cc",
        "if (session_.held_bytes() != 0) look_at_memory();",
        "if (session_.assembled_bytes() != 0) look_at_memory();",
        ("ws_memory_watch",),
    ),
    Mutant(
        "the mask of a frame begins anew with each read",
        "ws/core/session.cc",
        "if (course_.role == Role::server) mask(part, frame.key, frame.key_offset);",
        "if (course_.role == Role::server) mask(part, frame.key);",
        ("ws_connection_chunks", "core_session_frames",),
    ),
    Mutant(
        "a short message is handed on though the one before it has paused the connection",
        "ws/connection_engine.cc",
        "if (--left == 0 || call_threw_ || stream_->is_disturbed()) break;",
        "if (--left == 0 || call_threw_) break;",
        ("ws_connection",),
    ),
    Mutant(
        "a short text that is no UTF-8 is judged with its mask taken off twice",
        "ws/core/session.cc",
        "  if (utf8_valid(payload)) return true;\n  mask_behind_key(payload);\n",
        "  if (utf8_valid(payload)) return true;\n",
        ("core_session_text", "ws_catalogue_frames"),
    ),
    Mutant(
        "a whole message that is longer than its limit is handed on",
        "ws/core/session.cc",
        "if (!is_minimal || length > behind || length > limits().message_bytes_max) return {};",
        "if (!is_minimal || length > behind) return {};",
        ("core_session_frames",),
    ),
    Mutant(
        "a short message may exceed a limit that is shorter still",
        "ws/core/session.cc",
        "if (limits().message_bytes_max < short_payload_bytes_max) course_.unplain = short_limit;",
        "",
        ("core_session_frames",),
    ),
    # --- Engine.IO --------------------------------------------------------------------------------
    Mutant(
        "what waits in a client's queue is left behind at the upgrade",
        "ws/engineio/client_upgrade.cc",
        "  while (!queue_.empty()) {\n    const Packet packet = queue_.front();",
        "  while (false) {\n    const Packet packet = queue_.front();",
    ),
    Mutant(
        "what waits for a poll is not sent over the WebSocket that replaces it",
        "ws/engineio/server_websocket.cc",
        "  socket.connection_->resume();\n  mark_dirty(socket);",
        "  socket.connection_->resume();",
        ("engineio_server_websocket",),
    ),
    Mutant(
        "a client says \"5\" while its poll is under way",
        "ws/engineio/client_polling.cc",
        "if (state_ != State::pausing || get_.is_asking() || post_.is_asking()) return;",
        "if (state_ != State::pausing || post_.is_asking()) return;",
    ),
    Mutant(
        "what comes over a WebSocket overtakes the POST before it",
        "ws/engineio/session.cc",
        "  if (post_runs_) {\n    probe_ = Probe::waiting;",
        "  if (false) {\n    probe_ = Probe::waiting;",
        ("engineio_session",),
    ),
    Mutant(
        "a poll whose answer a reset took is asked for again",
        "ws/engineio/http_link.cc",
        "if (error == std::errc::broken_pipe && may_go_again()) return ask_anew();",
        "if (may_go_again()) return ask_anew();",
    ),
    Mutant(
        "a poll that waits is not let go at an upgrade",
        "ws/engineio/session.cc",
        "const bool is_released = (probe_ == Probe::probed && !holds_) || probe_ == Probe::waiting;",
        "const bool is_released = probe_ == Probe::waiting;",
        ("engineio_session",),
    ),
    Mutant(
        "a client that probes asks round and round",
        "ws/engineio/session.cc",
        "holds_ = probe_ == Probe::probed;",
        "holds_ = false;",
    ),
    Mutant(
        "a session whose client is silent is never given up",
        "ws/engineio/session.cc",
        "if (revision_ == Revision::v3 || awaiting_pong_) return Expired::silence;",
        "if (revision_ == Revision::v3) return Expired::silence;",
    ),
    Mutant(
        "a probe that is gone is still known",
        "ws/engineio/server_websocket.cc",
        "    socket->polling_->probe = nullptr;\n    socket->session_.end_probe();",
        "    socket->session_.end_probe();",
        ("engineio_server_websocket",),
    ),
    Mutant(
        "sessions that have moved to a WebSocket are counted as polling",
        "ws/engineio/server_websocket.cc",
        "if (socket.counted_) admission_->release(socket.peer());\n  socket.counted_ = false;\n  ++metrics_.upgraded;",
        "++metrics_.upgraded;",
        ("engineio_server_websocket", "engineio_catalogue",),
    ),
    # --- Socket.IO --------------------------------------------------------------------------------
    Mutant(
        "an answer is told twice",
        "ws/socketio/client_socket_state.cc",
        "  manager_->call([&] { ack.handler({}, *values); });",
        "  manager_->call([&] { ack.handler({}, *values); });\n  manager_->call([&] { ack.handler({}, *values); });",
    ),
    Mutant(
        "the timer of an answer that came is not cancelled",
        "ws/socketio/client_socket_state.cc",
        "  manager_->loop_->cancel(ack.timer);\n  manager_->call([&] { ack.handler({}, *values); });",
        "  manager_->call([&] { ack.handler({}, *values); });",
        ("socketio_client",),
    ),
    Mutant(
        "whoever waits for answers is not told that the connection is gone",
        "ws/socketio/client_socket_state.cc",
        "                    manager_->call([&] { handler(AckErrc::disconnected, none); });",
        "                    static_cast<void>(handler);",
    ),
    Mutant(
        "a room loses the place of its last member when another one leaves",
        "ws/socketio/rooms.cc",
        "if (of_last.room == &room) of_last.index = leaving.index;",
        "",
    ),
    Mutant(
        "the place of a recovered session is one event too far",
        "ws/socketio/recovery.cc",
        "return static_cast<std::size_t>(number + 1 - first);",
        "return std::min(static_cast<std::size_t>(number + 2 - first), events_.size());",
        ("socketio_recovery",),
    ),
    Mutant(
        "the end of a socket is not told",
        "ws/socketio/namespace.cc",
        "  socket.stage = SocketState::Stage::ended;\n  socket.reason = reason;\n  server_->tell_later(socket, *this);",
        "  socket.stage = SocketState::Stage::ended;\n  socket.reason = reason;",
        ("socketio_server", "socketio_verbs"),
    ),
]
