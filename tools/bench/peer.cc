// SPDX-License-Identifier: MIT

#include "tools/bench/peer.h"

#include <algorithm>
#include <utility>

#include "net/clock.h"
#include "net/socket.h"
#include "ws/core/frame.h"
#include "ws/core/handshake.h"
#include "ws/core/http_head.h"
#include "ws/dialer.h"

namespace hilo::tools::bench {

Peer::~Peer() {
  stream_.reset();
  shared_->loop.unwatch(token_);
}

void Peer::connect(const net::Address* source) {
  state_ = State::connecting;
  asked_ = in_payload_ = false;
  send_times.clear();
  why_.clear();
  began_ = net::clock_now();
  Result<net::Fd> fd = net::socket::open_stream(shared_->plan.address.family());
  if (fd) fd_ = std::move(*fd);
  // Without a descriptor the slot serves to be told of the end.
  const Result<net::Token> token =
      shared_->loop.watch(fd_.value(), fd ? net::Interest::write : net::Interest::none, *this);
  if (token) token_ = *token;
  if (!fd) return end(fd.error().message());
  if (source != nullptr) {
    if (const Status bound = net::socket::bind_source(fd_.value(), *source); !bound) {
      return end("no port to connect from: " + bound.error().message());
    }
  }
  if (shared_->plan.address.family() != net::Family::unix_path) {
    static_cast<void>(net::socket::set_no_delay(fd_.value()));
  }
  const net::Io io = net::socket::connect(fd_.value(), shared_->plan.address);
  if (io.kind == net::Io::Kind::failed) end(std::error_code{io.error}.message());
}

void Peer::on_ready(net::Ready ready) {
  if (state_ != State::connecting) return;
  if (ready.error != 0) return end(std::generic_category().message(ready.error));
  if (const Status connected = net::socket::finish_connect(fd_.value()); !connected) {
    if (connected.error() != std::errc::not_connected) end(connected.error().message());
    return;
  }
  connected_ = net::clock_now();
  shared_->loop.unwatch(std::exchange(token_, {}));
  start_stream();
}

void Peer::start_stream() {
  state_ = State::upgrading;
  auto stream = ws::start_stream(shared_->loop, std::move(fd_), shared_->plan.tls.get(),
                                 shared_->plan.host, *this);
  if (!stream) {
    const Result<net::Token> token = shared_->loop.watch(-1, net::Interest::none, *this);
    if (token) token_ = *token;
    return end(stream.error().message());
  }
  stream_ = std::move(*stream);
  if (shared_->plan.protocol == Protocol::raw) return open();
  write(as_bytes(shared_->request));
}

void Peer::open() {
  state_ = State::open;
  opened_ = net::clock_now();
  owner_->on_open(*this);
}

void Peer::write(Bytes bytes) {
  shared_->sent_bytes += bytes.size();
  if (const Status written = stream_->write(bytes); !written) end(written.error().message());
}

void Peer::send(std::size_t count) {
  while (count > 0 && state_ == State::open) {
    const std::size_t some = std::min(count, shared_->messages.most());
    write(shared_->messages.frames(some));
    count -= some;
  }
}

void Peer::close() {
  if (state_ == State::ended || state_ == State::idle) return;
  asked_ = true;
  if (state_ != State::open || shared_->plan.resets) return end({});
  if (shared_->plan.protocol == Protocol::raw) return stream_->shutdown_write();
  write(as_bytes(client_frame(ws::Opcode::close, "\x03\xe8")));
}

void Peer::end(std::string_view why) {
  if (state_ == State::ended || state_ == State::idle) return;
  state_ = State::ended;
  if (!asked_) why_ = why;
  if (!stream_) return shared_->loop.schedule(token_, net::Phase::reap);
  // A reset leaves no TIME_WAIT behind, of which there is one for each port.
  stream_->abort();
}

void Peer::on_reap() {
  stream_.reset();
  shared_->loop.unwatch(std::exchange(token_, {}));
  fd_.reset();
  state_ = State::idle;
  owner_->on_end(*this, why_);
}

net::Stream::Want Peer::on_input(MutableBytes& input) {
  const std::size_t size = input.size();
  if (state_ == State::upgrading && !take_head(input)) return net::Stream::Want::more;
  const std::size_t messages =
      shared_->plan.protocol == Protocol::raw ? take_raw(input) : take_frames(input);
  shared_->received_bytes += size - input.size();
  if (messages > 0 && state_ == State::open) {
    owner_->on_messages(*this, messages);
  }
  if (state_ == State::ended) input = {};
  return net::Stream::Want::more;
}

bool Peer::take_head(MutableBytes& input) {
  ws::ResponseReader reader;
  const ws::HeadProgress progress = reader.parse(input);
  if (progress.kind == ws::HeadProgress::Kind::need_input) {
    if (input.size() > head_bytes_max) end("the answer to the handshake has no end");
    return false;
  }
  if (progress.kind == ws::HeadProgress::Kind::failed) {
    end("the answer to the handshake is no HTTP");
    return false;
  }
  const ws::ResponseHead head = reader.head(input);
  if (head.status != 101) {
    end("the handshake was answered with " + std::to_string(head.status));
    return false;
  }
  if (head.fields.find("Sec-WebSocket-Accept") != expected_accept) {
    end("the answer to the handshake is not for us");
    return false;
  }
  if (shared_->plan.deflate && !head.fields.contains("Sec-WebSocket-Extensions")) {
    end("the server does not compress");
    return false;
  }
  input = input.subspan(progress.head_bytes);
  if (shared_->plan.protocol == Protocol::socketio) {
    state_ = State::opening;
  } else {
    open();
  }
  return state_ != State::ended;
}

std::size_t Peer::take_raw(MutableBytes& input) {
  const std::uint64_t size = shared_->messages.frame_bytes();
  left_ += input.size();
  input = {};
  const std::uint64_t messages = left_ / size;
  left_ %= size;
  return static_cast<std::size_t>(messages);
}

std::size_t Peer::take_frames(MutableBytes& input) {
  std::size_t messages = 0;
  while (!input.empty() && state_ != State::ended) {
    if (!in_payload_) {
      if (!take_frame_head(input)) break;
    }
    const auto some = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
    left_ -= some;
    input = input.subspan(some);
    if (left_ > 0) break;
    in_payload_ = false;
    messages += counts_ ? 1 : 0;
  }
  return messages;
}

// False if it is not all there. A packet or a control frame is taken whole, and then nothing of its
// payload is left.
bool Peer::take_frame_head(MutableBytes& input) {
  const ws::FrameHeader header = ws::parse_header(input);
  if (header.progress != ws::HeaderProgress::complete) return false;
  const bool is_control = ws::is_control(header.opcode);
  const bool is_packet = shared_->plan.protocol == Protocol::socketio;
  if (is_control && header.payload_bytes > ws::control_payload_bytes_max) {
    end("a control frame is longer than there may be");
    return false;
  }
  if (is_control || is_packet) {
    if (header.payload_bytes > packet_bytes_max) {
      end("a packet is too long to be looked at");
      return false;
    }
    const std::size_t size = header.header_bytes + static_cast<std::size_t>(header.payload_bytes);
    if (input.size() < size) return false;
    const Bytes payload = input.first(size).subspan(header.header_bytes);
    input = input.subspan(size);
    left_ = 0;
    counts_ = false;
    if (is_control) {
      take_control(static_cast<std::uint8_t>(header.opcode), payload);
    } else {
      counts_ = take_packet(as_text(payload));
    }
    in_payload_ = true;
    return true;
  }
  input = input.subspan(header.header_bytes);
  left_ = header.payload_bytes;
  in_payload_ = true;
  counts_ = header.final;
  // What was compressed, or comes in fragments, has a size of its own.
  const bool is_whole = header.final && header.opcode != ws::Opcode::continuation;
  if (is_whole && (header.rsv & ws::rsv1) == 0 &&
      (header.payload_bytes != shared_->messages.payload_bytes() ||
       header.opcode != shared_->messages.opcode())) {
    ++shared_->odd_messages;
  }
  return true;
}

void Peer::take_control(std::uint8_t opcode, Bytes payload) {
  if (opcode == static_cast<std::uint8_t>(ws::Opcode::ping)) {
    write(as_bytes(client_frame(ws::Opcode::pong, as_text(payload))));
  } else if (opcode == static_cast<std::uint8_t>(ws::Opcode::close)) {
    std::string why = "the server said Close";
    if (payload.size() >= 2) {
      why += " " + std::to_string(load_be16(payload.data())) + " ";
      why += as_text(payload.subspan(2));
    }
    end(why);
  }
}

// True for a packet that counts.
bool Peer::take_packet(std::string_view text) {
  if (text == "2") {
    write(as_bytes(client_frame(ws::Opcode::text, "3")));
  } else if (state_ == State::opening && text.starts_with("0{")) {
    state_ = State::joining;
    write(as_bytes(client_frame(ws::Opcode::text, "40")));
  } else if (state_ == State::joining && text.starts_with("40{")) {
    if (shared_->plan.join.empty()) {
      open();
    } else {
      write(as_bytes(client_frame(ws::Opcode::text, "420" + shared_->plan.join)));
    }
  } else if (state_ == State::joining && text.starts_with("430")) {
    open();
  } else if (state_ == State::open) {
    return text.starts_with(shared_->answered);
  } else if (text.starts_with("44")) {
    end("the server refused the namespace");
  }
  return false;
}

}  // namespace hilo::tools::bench
