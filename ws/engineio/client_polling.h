// SPDX-License-Identifier: MIT
//
// ClientPolling: a client's session over GETs and POSTs.
//
//   GET  ---> waits at the server ---> packets, and the next GET
//   POST ---> what is in the queue, as much as the server takes at once; the next one behind it
//
//   thread  the loop's; the owner is told of a failure or a pause from within its own call, too
//   life    the queue and the owner must outlive it. Not to be destroyed in a call of its owner.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "net/loop.h"
#include "ws/engineio/client.h"
#include "ws/engineio/http_link.h"
#include "ws/engineio/payload.h"
#include "ws/engineio/queue.h"

namespace hilo::engineio {

class ClientPolling final : private HttpLink::Handler {
 public:
  class Owner {
   public:
    // The answer that is to open the session: its head, and then its packets.
    virtual void polled_first(const ws::ResponseHead& head) = 0;
    virtual void polled(const Packet& packet) = 0;
    // Nothing is under way any more, and nothing will be until resume().
    virtual void polling_paused() = 0;
    // A POST was answered, and the next one begins.
    virtual void polling_advanced() = 0;
    // The queue is empty and the last POST was answered.
    virtual void polling_drained() = 0;
    // Nothing more can be fetched or sent.
    virtual void polling_failed(CloseReason reason, std::error_code error) = 0;

   protected:
    ~Owner() = default;
  };

  struct Settings {
    Revision revision = Revision::v4;
    bool base64 = false;
    std::size_t poll_bytes_max = 0;
    net::Duration post_timeout = {};
    std::uint32_t packets_per_post_max = 0;
  };

  ClientPolling(net::Loop& loop, const HttpOrigin& origin, const Settings& settings,
                PacketQueue& queue, Owner& owner);

  // `target` is the path with the query, without the sid. Errc::argument: a field cannot be sent.
  Status start(std::string_view target);
  // The session is open: what belongs to it says so. `post_bytes_max` 0: no limit.
  void opened(std::string_view sid, std::size_t post_bytes_max);
  // Something is in the queue.
  void flush();
  void pause();
  void resume();
  // The last word is in the queue: it is sent, and nothing more is fetched, since the server will
  // not know the session any longer.
  void finish();
  bool is_posting() const noexcept { return post_.is_asking(); }
  // Nobody is called any more.
  void stop() noexcept;

 private:
  enum class State : std::uint8_t { opening, running, pausing, paused, finishing, stopped };

  // HttpLink::Handler
  void on_answer(HttpLink& link, const HttpLink::Answer& answer) override;
  void on_no_answer(HttpLink& link, std::error_code error) override;

  bool may_post() const noexcept { return state_ == State::running || state_ == State::finishing; }
  bool is_stopped() const noexcept { return state_ == State::stopped; }
  void poll();
  void read(const HttpLink::Answer& answer);
  Status write_post(Buffer& body, Framing framing);
  void settle();
  void fail(CloseReason reason, std::error_code error);

  Settings settings_;
  PacketQueue* queue_;
  Owner* owner_;
  Pool* pool_;
  HttpLink get_;
  HttpLink post_;
  std::string target_;
  std::size_t post_bytes_max_ = 0;
  State state_ = State::stopped;
};

// How much of a body a packet takes at most: in revision 4 exactly, but for the separator.
std::size_t posted_bytes(Revision revision, const Packet& packet) noexcept;

// What a server says, as it may stand in a query (RFC 3986 §2.3).
std::string percent_encoded(std::string_view text);

}  // namespace hilo::engineio
