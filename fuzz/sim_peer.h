// SPDX-License-Identifier: MIT
//
// A peer on the simulated network that says what a program tells it, and what is known of what it
// hears: what our endpoints send is never malformed, whatever they were sent.
//
//   life  must not outlive the Network

#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/base/check.h"
#include "net/loop.h"
#include "tests/sim/peer.h"
#include "tests/sim/world.h"
#include "ws/core/frame.h"

namespace hilo::fuzz {

// Of the loop: larger ones take longer to make than most programs run.
inline constexpr net::Loop::Options small_buffers{.receive_bytes = std::size_t{16} << 10,
                                                  .send_bytes = std::size_t{8} << 10};

// Frames as far as they came, of whoever is the other side of `role`: each is legal, and behind a
// Close there is nothing but Pongs.
inline void check_frames(ws::Role role, std::string_view frames) {
  bool in_message = false;
  bool closed = false;
  while (!frames.empty()) {
    const ws::FrameHeader header = ws::parse_header(as_bytes(frames));
    const ws::FrameRules rules{.role = role,
                               .in_message = in_message,
                               .payload_bytes_max = ~std::uint64_t{0},
                               .may_compress = true,
                               .compressed_bytes_max = ~std::uint64_t{0}};
    HILO_CHECK(ws::check_header(header, rules) == ws::Errc::none);
    if (header.progress != ws::HeaderProgress::complete) return;
    HILO_CHECK(!closed || header.opcode == ws::Opcode::pong);
    closed = closed || header.opcode == ws::Opcode::close;
    if (!ws::is_control(header.opcode)) in_message = !header.final;
    frames.remove_prefix(std::min<std::size_t>(frames.size(), header.header_bytes));
    frames.remove_prefix(std::min<std::size_t>(frames.size(), header.payload_bytes));
  }
}

class RawPeer {
 public:
  bool is_open() const noexcept { return peer_ != nullptr; }
  void take(std::shared_ptr<sim::Socket> socket) {
    close();
    socket_ = socket;
    peer_ = std::make_unique<sim::Peer>(std::move(socket));
    reads_ = true;
  }
  // What does not fit is lost, as if it had never been said.
  void send(std::string_view bytes) {
    if (!is_open() || bytes.empty()) return;
    static_cast<void>(sim::Network::current().send(*socket_, as_bytes(bytes)));
  }
  void finish_sending() {
    if (is_open()) peer_->finish_sending();
  }
  // The window is full sooner or later.
  void stop_reading(std::size_t capacity) {
    reads_ = false;
    if (is_open()) peer_->set_capacity(capacity);
  }
  void read_on() noexcept { reads_ = true; }
  // All that was ever heard.
  const std::string& heard() {
    if (is_open() && reads_) heard_ += peer_->take();
    return heard_;
  }
  void close() { end(false); }
  void reset() { end(true); }

  // What was heard on the connection that ended. Empty: nobody wants to know.
  std::string take_heard() { return std::exchange(heard_, {}); }

 private:
  void end(bool abruptly) {
    if (!is_open()) return;
    static_cast<void>(heard());
    if (abruptly) peer_->reset();
    peer_ = nullptr;
    socket_ = nullptr;
  }

  std::shared_ptr<sim::Socket> socket_;
  std::unique_ptr<sim::Peer> peer_;
  std::string heard_;
  bool reads_ = true;
};

}  // namespace hilo::fuzz
