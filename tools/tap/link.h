// SPDX-License-Identifier: MIT
//
// Link: one connection through a Tap, from the client that came to the server that was dialled.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/stream.h"
#include "tools/tap/tap.h"
#include "ws/dialer.h"

namespace hilo::tools::tap {

class Link {
 public:
  Link(Tap& tap, std::uint64_t number, net::Fd client, const net::Address& peer);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link();

  // Dials. What is wrong is told to the tap, and ends the link.
  void start();

  std::uint64_t number() const noexcept { return number_; }
  // The handshake is over, and the connection is not.
  bool speaks_frames() const noexcept;
  // See FrameEditor.
  bool inject(const Injection& injection);

 private:
  // The end of the link where one of the two is: what it sends is read here.
  class End final : public net::Stream::Handler {
   public:
    End(Link& link, trace::Direction sends) : link_(&link), sends_(sends) {}

    std::unique_ptr<net::Stream> stream;
    bool ended = false;  // it has finished sending

   private:
    net::Stream::Want on_input(MutableBytes& input) override;
    void on_end() override;
    // The other one's bytes have left.
    void on_taken() override { link_->match_pace(other(sends_)); }
    void on_drained() override {
      link_->match_pace(other(sends_));
      link_->end_if_done();
    }
    void on_broken(std::error_code error) override;
    void on_reap() override;

    Link* link_;
    trace::Direction sends_;
  };
  // Bytes that go on later, from `sent` on; none at all: the end of the stream.
  struct Late {
    net::Time due;
    std::vector<std::uint8_t> bytes;
    std::size_t sent = 0;
  };

  static trace::Direction other(trace::Direction direction) noexcept {
    return direction == trace::Direction::to_server ? trace::Direction::to_client
                                                    : trace::Direction::to_server;
  }
  End& from(trace::Direction direction) noexcept {
    return ends_[static_cast<std::size_t>(direction)];
  }
  End& to(trace::Direction direction) noexcept { return from(other(direction)); }
  bool is_late() const noexcept {
    return tap_->options_.split || tap_->options_.delay > net::Duration();
  }

  void dialed(Result<net::Fd> fd);
  void arrived(trace::Direction direction, MutableBytes bytes);
  void arrived_end(trace::Direction direction);
  void pass(trace::Direction direction, MutableBytes bytes);
  void pass_edited(trace::Direction direction, MutableBytes bytes);
  std::size_t before_frames(trace::Direction direction, Bytes bytes) noexcept;
  void begin_editors();
  void go_on(trace::Direction direction, Bytes bytes);
  FrameEditor make_editor(trace::Direction direction);
  bool edits() const noexcept {
    return !tap_->options_.changes.empty() || tap_->onlooker_ != nullptr;
  }
  void show_pause();
  void tell_pace();
  void pass_end(trace::Direction direction);
  void send_late(trace::Direction direction);
  void schedule_late(trace::Direction direction);
  void match_pace(trace::Direction direction);
  std::size_t waiting_bytes(trace::Direction direction) noexcept;
  void end_if_done();
  void await_progress();
  void end_all(bool politely);
  void fail(const std::string& why);

  Tap* tap_;
  std::uint64_t number_;
  std::string name_;
  ws::Dialer dialer_;
  net::Loop::TimerId dial_timer_;
  std::array<End, 2> ends_;
  std::array<std::deque<Late>, 2> late_;
  std::array<std::size_t, 2> late_bytes_{};
  std::array<std::optional<net::Loop::TimerId>, 2> late_timers_;
  std::array<std::size_t, 2> matched_{};  // of the empty line behind a head
  std::array<bool, 2> end_passed_{};      // the one behind all that was sent that way
  std::optional<net::Loop::TimerId> end_timer_;
  std::optional<CaptureWriter::Connection> capture_;
  explain::Explainer explainer_;
  Standings standings_;
  std::array<FrameEditor, 2> editors_;
  bool over_ = false;
};

}  // namespace hilo::tools::tap
