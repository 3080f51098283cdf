// SPDX-License-Identifier: MIT
//
// Line: one connection of a case: what is sent on it, as it is, and what the server says, read
// strictly: responses of HTTP with their bodies, and after a 101 frames and messages (by
// conform::PeerReader, which shares nothing with the engine).
//
//   thread  the loop's
//   limits  bytes_max from the server, which is then cut off
//   life    close() ends it; it must outlive the turn after that, and then be destroyed

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/loop.h"
#include "net/stream.h"
#include "net/transport.h"
#include "tools/conform/peer_reader.h"
#include "tools/fuzz/observation.h"

namespace hilo::tools::fuzz {

class Line final : private net::Stream::Handler {
 public:
  // More of a body is not waited for.
  static constexpr std::size_t body_bytes_max = std::size_t{4} << 20;

  using OnBytes = std::function<void(std::string_view received)>;

  // `on_change` is called when something came.
  Line(net::Loop& loop, net::Fd fd, std::unique_ptr<net::Transport> transport,
       std::function<void()> on_change, OnBytes on_bytes);
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() = default;

  Status start();
  void write(std::string_view bytes);
  // Between the two pieces are written: a Close of the server's is answered behind the last one,
  // and not at all if ours is among them.
  void begin_pieces(bool has_close) {
    in_pieces_ = true;
    close_sent_ = close_sent_ || has_close;
  }
  void end_pieces();
  void half_close();
  void reset();
  void close();

  // Nobody is told any more.
  void detach() {
    on_change_ = [] {};
    on_bytes_ = nullptr;
  }

  const Seen& seen() const { return seen_; }
  bool ended() const { return seen_.end != End::none || over_; }
  bool reaped() const { return reaped_; }

 private:
  static constexpr std::size_t head_bytes_max = std::size_t{64} << 10;
  static constexpr std::size_t bytes_max = std::size_t{64} << 20;

  net::Stream::Want on_input(MutableBytes& input) override;
  void on_end() override;
  void on_broken(std::error_code error) override;
  void on_reap() override { reaped_ = true; }

  bool take_answer();
  void take_upgrade(const conform::Head& head);
  void take_frames();
  void answer_close();

  net::Stream stream_;
  Seen seen_;
  std::function<void()> on_change_;
  OnBytes on_bytes_;
  conform::PeerReader reader_{false};
  std::string sent_;      // up to the 101: the request is in it
  std::string received_;  // up to the 101
  bool close_sent_ = false;
  bool in_pieces_ = false;
  bool half_closed_ = false;
  bool over_ = false;
  bool reaped_ = false;
};

}  // namespace hilo::tools::fuzz
