// SPDX-License-Identifier: MIT
//
// Session: the state machine of one Engine.IO session on a server. Packets and events in, packets
// and answers out; no socket, no clock, no randomness.
//
//            polling --- 2probe / 3probe ---> polling, probed --- 5 ---> websocket
//               |                                   |                        |
//               +----- close(): closing, until the client has fetched it ----+
//               +----- end(): closed -------------------------------------> (gone)
//
//   output    Packets wait in queue() for their transport. By polling, poll_is_due() says when the
//             waiting GET is to be answered, with write_poll(). Over a WebSocket the owner sends
//             and pops them; if the queue is empty it may send a message of its own past it.
//   time      deadline() is when the owner calls expire()
//   errors    a Reaction of kind failed: the owner answers by rule(error) and calls end()
//   upgrade   Until the client's "5" everything goes by polling. A tenth of a second behind the
//             "3probe" a GET that still waits is answered with a noop, so that the client has none
//             of them left when it says "5"; one that asks again meanwhile has its next noop a
//             tenth of a second later, and does not ask round and round. A POST that is still
//             coming in then is read before what comes over the WebSocket. So nothing is lost,
//             doubled or reordered.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/base/buffer.h"
#include "net/base/result.h"
#include "net/duration.h"
#include "ws/engineio/error.h"
#include "ws/engineio/options.h"
#include "ws/engineio/packet.h"
#include "ws/engineio/queue.h"
#include "ws/engineio/sid.h"

namespace hilo::engineio {

enum class Transport : std::uint8_t { polling, websocket };

// What became of a packet of the client's.
struct Reaction {
  enum class Kind : std::uint8_t {
    nothing,  // there may be output now
    message,  // the packet is for the application
    ended,    // the client closed the session
    failed,   // it broke a rule
    // Of a probe only:
    answer,    // "3probe" is to be sent over it; deadline() may be another one
    wait,      // nothing more is to be read from it until the POST has ended
    upgraded,  // it is the session's transport now
  };
  Kind kind = Kind::nothing;
  Errc error = Errc::none;  // of failed
};

class Session {
 public:
  enum class State : std::uint8_t {
    open,
    closing,  // the client is still to fetch what was sent to it
    closed,
  };

  struct Start {
    Revision revision = Revision::v4;
    Transport transport = Transport::polling;
    Sid sid = {};
    bool base64 = false;  // revision 3: the client cannot read binary bodies
    Framing3 framing3 = Framing3::text;
  };

  // The options must outlive it.
  Session(Pool& pool, const Options& options, const Start& start, net::Time now) noexcept;

  // The text of the open packet behind its digit: {"sid":"...","upgrades":["websocket"],...}
  Status write_open(Buffer& out) const noexcept;

  State state() const noexcept { return state_; }
  bool is_open() const noexcept { return state_ == State::open; }
  Revision revision() const noexcept { return revision_; }
  Transport transport() const noexcept { return transport_; }
  const Sid& sid() const noexcept { return sid_; }
  // Revision 3: the client cannot read binary frames either.
  bool wants_base64() const noexcept { return revision_ == Revision::v3 && base64_; }
  PacketQueue& queue() noexcept { return queue_; }
  const PacketQueue& queue() const noexcept { return queue_; }

  // Queues a message. errc::no_buffer_space beyond queue_bytes_max, errc::not_connected unless the
  // session is open, out_of_memory(). Nothing was queued then.
  Status send(bool binary, Bytes data) noexcept;

  // A packet that came by its transport: a POST or the WebSocket.
  Reaction receive(const Packet& packet, net::Time now) noexcept;

  // --- polling ---

  // A GET: none, poll_overlap or transport_mismatch. It waits from now on.
  [[nodiscard]] Errc begin_poll() noexcept;
  bool poll_waits() const noexcept { return poll_waits_; }
  bool poll_is_due() const noexcept;
  // The body of its answer, written to the empty `out`; it waits no longer. True in `is_binary`: of
  // type application/octet-stream. out_of_memory(): the session has lost packets and must end.
  // After it, and after begin_poll(), deadline() may be another one.
  Status write_poll(Buffer& out, bool& is_binary, net::Time now) noexcept;
  // The GET is gone without an answer.
  void drop_poll() noexcept { poll_waits_ = false; }

  // A POST: none, post_overlap or transport_mismatch. Between the two its packets are received.
  [[nodiscard]] Errc begin_post() noexcept;
  // True: the upgrade that has waited for it is done.
  bool end_post() noexcept;

  // --- the upgrade ---

  // A WebSocket with this session's id: none, upgrade_disabled or upgrade_overlap.
  [[nodiscard]] Errc begin_probe(net::Time now) noexcept;
  Reaction receive_probe(const Packet& packet, net::Time now) noexcept;
  // It is gone, or was refused. Polling goes on.
  void end_probe() noexcept;
  bool is_probing() const noexcept { return probe_ != Probe::none; }

  // --- time ---

  // When expire() has something to do; `never` if nothing is waited for.
  net::Time deadline() const noexcept;
  enum class Expired : std::uint8_t {
    nothing,
    output,   // a ping was queued, or a GET is due
    probe,    // the upgrade took too long: end it with end_probe()
    silence,  // the heartbeat did not come: the session must end
    closing,  // the client did not fetch the end: the session is closed
  };
  // One of the deadlines that have passed. Call it until it says nothing.
  Expired expire(net::Time now) noexcept;

  // --- the end ---

  // Sends what is queued, and then the end. By polling the session is closing until the client has
  // fetched it, or has moved to its WebSocket; over that until the owner calls end().
  void close(net::Time now) noexcept;
  // Closed, here and now. A GET that waits is answered with `last_word`, nothing else is.
  void end(PacketType last_word) noexcept;

 private:
  enum class Probe : std::uint8_t {
    none,
    begun,    // its WebSocket is there
    probed,   // "3probe" was answered
    waiting,  // "5" has come while a POST is coming in
  };

  Reaction receive_heartbeat(PacketType type, net::Time now) noexcept;
  void take_over() noexcept;
  bool holds_poll() const noexcept;
  void arm_heartbeat(net::Time now) noexcept;

  const Options* options_;
  PacketQueue queue_;
  net::Time heartbeat_at_;  // the next ping, or the end of patience with the client
  net::Time limit_at_;      // of the upgrade, or of closing
  net::Time release_at_;    // of a GET that is held back while the probe is answered
  Sid sid_;
  Revision revision_;
  Transport transport_;
  State state_ = State::open;
  Probe probe_ = Probe::none;
  Framing3 framing3_;
  std::uint16_t probes_ = 0;
  bool base64_ : 1;
  bool awaiting_pong_ : 1 = false;
  bool poll_waits_ : 1 = false;
  bool post_runs_ : 1 = false;
  bool holds_ : 1 = false;  // probed: a GET that has nothing to fetch waits for release_at_
};

}  // namespace hilo::engineio
