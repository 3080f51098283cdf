// SPDX-License-Identifier: MIT
//
// Peer: one connection of a generator, from connect() to its end. It opens (TCP, TLS, the
// WebSocket, Socket.IO), then sends frames that were made before and counts the messages that come
// back.
//
//   idle -> connecting -> upgrading [-> opening -> joining] -> open -> ended -> (idle)
//
// It is no client: answers are counted by their headers and their payloads are thrown away, so that
// a generator costs less than any server. What a client would check in the handshake is checked.
//
//   thread  its loop's
//   owns    the socket and its stream
//   errors  on_end() says in words why a connection ended
//   limits  a head of `head_bytes_max`; what has to be read as a whole (control frames, packets of
//           Socket.IO) `packet_bytes_max`

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/fd.h"
#include "net/loop.h"
#include "net/stream.h"
#include "tools/bench/plan.h"
#include "tools/bench/send_times.h"
#include "tools/bench/wire.h"

namespace hilo::tools::bench {

class Peer;

// Who has the peers. Each function is called from the loop, never from within a function of Peer.
class PeerOwner {
 public:
  // It may send now.
  virtual void on_open(Peer& peer) = 0;
  // So many messages came, all that one read had.
  virtual void on_messages(Peer& peer, std::size_t count) = 0;
  // It never opened, or is over; `why` is empty where that was asked for. connect() may be called.
  virtual void on_end(Peer& peer, std::string_view why) = 0;

 protected:
  ~PeerOwner() = default;
};

// What all peers of a thread share.
struct PeerShared {
  PeerShared(net::Loop& on, const Plan& what)
      : loop(on), plan(what), messages(what), request(make_request(what)) {}

  net::Loop& loop;
  const Plan& plan;
  const Messages messages;
  const std::string request;
  std::string answered;  // Socket.IO: how a packet that counts begins
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t odd_messages = 0;  // of another kind or size than what was sent
};

class Peer final : private net::Watcher, private net::Stream::Handler {
 public:
  static constexpr std::size_t head_bytes_max = 16384;
  static constexpr std::size_t packet_bytes_max = std::size_t{256} << 10;

  // Both outlive it.
  Peer(PeerShared& shared, PeerOwner& owner) noexcept : shared_(&shared), owner_(&owner) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  // While idle. `source` is null where the kernel chooses.
  void connect(const net::Address* source);
  bool is_open() const noexcept { return state_ == State::open; }
  bool is_idle() const noexcept { return state_ == State::idle; }

  // So many of the messages of the plan.
  void send(std::size_t count);
  // Ends it: by a Close, or by a reset if the plan says so.
  void close();
  // Ends it at once, with a reason of the caller's.
  void give_up(std::string_view why) { end(why); }

  // When it was told to connect, when TCP was there, when it was open.
  net::Time began() const noexcept { return began_; }
  net::Time connected() const noexcept { return connected_; }
  net::Time opened() const noexcept { return opened_; }

  // For the load: of the messages that are not answered yet.
  SendTimes send_times;

 private:
  enum class State : std::uint8_t { idle, connecting, upgrading, opening, joining, open, ended };

  void on_ready(net::Ready ready) override;
  net::Stream::Want on_input(MutableBytes& input) override;
  void on_end() override { end("the server closed the connection"); }
  void on_broken(std::error_code error) override { end(error.message()); }
  void on_reap() override;

  void start_stream();
  void open();
  void write(Bytes bytes);
  bool take_head(MutableBytes& input);
  std::size_t take_frames(MutableBytes& input);
  std::size_t take_raw(MutableBytes& input);
  bool take_frame_head(MutableBytes& input);
  bool take_packet(std::string_view text);
  void take_control(std::uint8_t opcode, Bytes payload);
  void end(std::string_view why);

  PeerShared* shared_;
  PeerOwner* owner_;
  net::Fd fd_;  // until the stream has it
  net::Token token_{};
  std::unique_ptr<net::Stream> stream_;
  State state_ = State::idle;
  bool asked_ = false;  // for its end
  bool in_payload_ = false;
  bool counts_ = false;     // the frame that is being read ends a message
  std::uint64_t left_ = 0;  // of its payload
  std::string why_;
  net::Time began_;
  net::Time connected_;
  net::Time opened_;
};

}  // namespace hilo::tools::bench
