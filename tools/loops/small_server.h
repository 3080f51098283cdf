// SPDX-License-Identifier: MIT
//
// SmallServer: an echo server of net/ and ws/core, without ws::Server, for a program that has no
// room for what that knows besides: paths, pages, proxies, threads, limits for each address, logs
// and metrics. `make size` says how large both are.
//
//   Listener --> Guest: RequestParser, check_upgrade, check_origin, and then a Session
//
// What nobody may be without who serves strangers is here: a deadline for whatever is waited for, a
// most of connections, no input from a peer that does not take its echoes, and no foreign pages. A
// message has the limits of ws::MessageLimits.
//
//   thread  the loop's; the loop must outlive it
//   owns    the listening socket, and the guests
//   limits  the constants below; beyond guests_max a connection is ended as it comes
//   errors  listen(): those of net::Listener::open(); of a peer: the answer of the error's row in
//           ws/core/error.cc, or the Close that the session owes (RFC 6455 §4.2, §7.1.7)

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>

#include "net/base/buffer.h"
#include "net/base/intrusive_list.h"
#include "net/listener.h"
#include "net/stream.h"
#include "ws/core/handshake.h"
#include "ws/core/http_response.h"
#include "ws/core/origin.h"
#include "ws/core/session.h"

namespace hilo::loops {

class SmallServer {
 public:
  explicit SmallServer(net::Loop& loop)
      : loop_(&loop), listener_(loop), shared_{.pool = &loop.pool()} {}
  SmallServer(const SmallServer&) = delete;
  SmallServer& operator=(const SmallServer&) = delete;
  // Not within a callback of the loop's.
  ~SmallServer() {
    while (Guest* guest = guests_.pop_front()) delete guest;
  }

  Status listen(const net::Address& address) {
    return listener_.open(address, {},
                          [this](net::Fd fd, const net::Address&) { receive(std::move(fd)); });
  }
  // With the port that the kernel chose if 0 was asked for.
  const net::Address& address() const { return listener_.address(); }

 private:
  static constexpr std::size_t guests_max = 1000;
  static constexpr net::Duration head_timeout = net::Duration::seconds(10);
  static constexpr net::Duration message_timeout = net::Duration::seconds(60);
  static constexpr net::Duration ping_interval = net::Duration::seconds(30);
  static constexpr net::Duration pong_timeout = net::Duration::seconds(20);
  static constexpr net::Duration stall_timeout = net::Duration::seconds(30);
  static constexpr net::Duration linger_timeout = net::Duration::seconds(5);

  // One connection; it destroys itself when its stream is over.
  class Guest final : public net::Stream::Handler, public ListNode<> {
   public:
    Guest(SmallServer& server, net::Fd fd)
        : server_(&server),
          stream_(*server.loop_, std::move(fd), *this),
          session_(ws::Role::server, server.shared_) {
      ++server.guest_count_;
    }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;
    ~Guest() {
      --server_->guest_count_;
      server_->loop_->timers().cancel(*this);
    }

    // False: there is nothing to do with it but to destroy it.
    bool start() {
      await(Awaited::head, head_timeout);
      return static_cast<bool>(stream_.start());
    }

   private:
    enum class Awaited : std::uint8_t { head, input, message, pong, room, end };

    net::Stream::Want on_input(MutableBytes& input) override {
      if (awaited_ != Awaited::end && (open_ || shake_hands(input))) converse(input);
      if (awaited_ == Awaited::end) input = {};  // whatever it says now nobody hears
      return net::Stream::Want::more;
    }
    // Its last words have been heard, but it may still listen to ours.
    void on_end() override {
      ended_ = true;
      stream_.flush_collected();
      if (stream_.queued_bytes() == 0) return stream_.close();
      finish();
    }
    void on_broken(std::error_code) override { stream_.close(); }
    void on_reap() override { delete this; }

    void on_blocked() override {
      if (awaited_ == Awaited::end) return await(Awaited::end, stall_timeout);
      stream_.pause();
      await(Awaited::room, stall_timeout);
    }
    void on_taken() override { await(awaited_, stall_timeout); }
    void on_drained() override {
      if (ended_) return stream_.close();
      if (awaited_ == Awaited::end) return await(Awaited::end, linger_timeout);
      if (awaited_ != Awaited::room) return;
      await(Awaited::input, ping_interval);
      stream_.resume();
    }

    void on_timer(net::Time) override {
      if (stream_.closed()) return;
      switch (awaited_) {
        case Awaited::head: return parser_.started() ? refuse(ws::Errc::head_timeout) : finish();
        case Awaited::input: say(session_.ping({})); return await(Awaited::pong, pong_timeout);
        case Awaited::message:
          static_cast<void>(session_.fail_with(ws::Errc::message_timeout));
          say(session_.take_replies());
          return finish();
        case Awaited::pong:
        case Awaited::room:
        case Awaited::end: return stream_.abort();
      }
    }

    // True once the request has been answered with a 101. Until it is complete all of it stays in
    // the stream, and comes again with what follows.
    bool shake_hands(MutableBytes& input) {
      const ws::HeadProgress progress = parser_.parse(input);
      if (progress.kind == ws::HeadProgress::Kind::failed) refuse(progress.error);
      if (progress.kind != ws::HeadProgress::Kind::complete) return false;
      const ws::RequestHead head = parser_.head(input);
      const ws::Errc error = welcome(head);
      if (error != ws::Errc::none) refuse(error, head.method == ws::Method::head);
      open_ = error == ws::Errc::none;
      input = input.subspan(progress.head_bytes);
      return open_;
    }

    // Says the 101, or returns why not.
    ws::Errc welcome(const ws::RequestHead& head) {
      if (!ws::wants_websocket(head)) return ws::Errc::http_upgrade_required;
      const ws::UpgradeCheck check = ws::check_upgrade(head);
      if (check.error != ws::Errc::none) return check.error;
      const ws::OriginRequest request{.fields = head.fields, .host = head.host};
      if (const ws::Errc error = ws::check_origin(request, {}); error != ws::Errc::none)
        return error;
      Buffer answer{server_->loop_->pool()};
      if (!ws::write_upgrade_response(answer, {.key = check.key})) return ws::Errc::no_memory;
      say(answer.readable());
      return ws::Errc::none;
    }

    void refuse(ws::Errc error, bool without_body = false) {
      Buffer answer{server_->loop_->pool()};
      const Status status = ws::write_error_response(answer, error, {.body_omitted = without_body});
      if (status && !answer.empty()) say(answer.readable());
      finish();
    }

    void converse(MutableBytes& input) {
      bool heard_all = false;  // of a message
      while (const ws::Event event = session_.next(input)) {
        if (event.kind == ws::Event::Kind::message) {
          say(session_.send(event.opcode, event.payload));
          heard_all = true;
        }
        say(session_.take_replies());  // the pong, the answer to a Close, or what was wrong
      }
      if (session_.wants_transport_close()) return finish();
      if (!session_.unfinished()) return await(Awaited::input, ping_interval);
      // However many of its bytes come meanwhile.
      if (heard_all || awaited_ != Awaited::message) await(Awaited::message, message_timeout);
    }

    void say(Bytes bytes) {
      if (!stream_.write(bytes)) stream_.abort();
    }
    void say(const ws::Outgoing& outgoing) {
      if (!outgoing.empty() && !stream_.write(outgoing.slices())) stream_.abort();
    }
    // Our FIN, and no close before the peer's: with input unread it would be a reset, and our last
    // words might be lost.
    void finish() {
      stream_.shutdown_write();
      await(Awaited::end, stream_.queued_bytes() == 0 ? linger_timeout : stall_timeout);
    }
    void await(Awaited what, net::Duration most) {
      awaited_ = what;
      server_->loop_->timers().arm(*this, server_->loop_->now() + most);
    }

    SmallServer* server_;
    net::Stream stream_;
    ws::RequestParser parser_;
    ws::Session session_;
    Awaited awaited_ = Awaited::head;
    bool open_ = false;
    bool ended_ = false;  // the peer has
  };

  // One guest too many finds the connection ended.
  void receive(net::Fd fd) {
    if (guest_count_ == guests_max) return;
    auto guest = std::make_unique<Guest>(*this, std::move(fd));
    if (guest->start()) guests_.push_back(*guest.release());
  }

  net::Loop* loop_;
  net::Listener listener_;
  ws::Session::Shared shared_;
  IntrusiveList<Guest> guests_;
  std::size_t guest_count_ = 0;
};

}  // namespace hilo::loops
