// SPDX-License-Identifier: MIT
//
// Conversation: one case, played on one connection, from the opening handshake to the end.
//
//   opening --> steps --> waiting --> closing --> over
//                |  the peer says Close or ends   ^
//                +--------------------------------+
//
//   opening  to a server: our request is sent, its answer awaited; a client's request is awaited,
//            and answered
//   steps    what the case sends, one after the other
//   waiting  for the replies, or for the peer to fail
//   closing  both Closes, then the end of TCP: a server is to end it, a client is ended
//
// It lives on a net::Stream, over TLS or not, and writes bytes as they are; nothing of ws/ is used.
// The heads are those of opening.h.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/fd.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/transport.h"
#include "tools/conform/case.h"
#include "tools/conform/peer_reader.h"
#include "tools/conform/transcript.h"

namespace hilo::tools::conform {

struct Settings {
  Side tested = Side::server;
  std::string host;  // of a server: the Host to name
  std::string path = "/echo";
  bool tls = false;
  net::Duration patience = net::Duration::seconds(5);
  std::uint64_t message_bytes = 0;  // what the peer accepts, if that is known
  bool performance = false;
};

// A connection that is there: a bare socket, or with a transport in front of it.
struct Wire {
  net::Fd fd;
  std::unique_ptr<net::Transport> transport = {};
};

class Conversation final : private net::Stream::Handler {
 public:
  // A client's request has come: the case to play, or null for none.
  using Choose = std::function<const Case*(const Head& request)>;
  // The last call; the conversation may be destroyed in it.
  using OnOver = std::function<void(Conversation&)>;

  // With a server `subject` is known; with a client `choose` tells it.
  Conversation(net::Loop& loop, const Settings& settings, Wire wire, const Case* subject,
               Choose choose, OnOver on_over);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation();

  void start();
  // Ends it, whatever it waits for.
  void give_up(std::string_view why);

  const Case* subject() const { return subject_; }
  Transcript& transcript() { return transcript_; }

 private:
  enum class Phase : std::uint8_t { opening, steps, waiting, closing, over };

  net::Stream::Want on_input(MutableBytes& input) override;
  void on_end() override;
  void on_broken(std::error_code error) override;
  void on_reap() override;

  void send_opening(std::string_view key);
  bool take_response();
  bool take_request();
  void agree(std::string_view offer, std::string_view answer);
  void agree_with_client(std::string_view offer);
  bool needs_met();
  void take_frames();
  void take_event(Event event);
  void ended(End end);
  const net::tls::TlsTransport* tls_handshake() const;

  void advance();
  void begin_step(const Step& step);
  void begin_send(const Step& step);
  Octets encode_parts(const std::vector<Part>& parts) const;
  void send_piece();
  bool replies_are_there() const;
  void wait();
  void out_of_patience();
  void send_fin();
  void begin_closing();
  void send_close(std::uint16_t code);
  void both_closed();
  void finish();

  void arm(net::Duration patience);
  void disarm();
  void write(std::string_view octets, std::string text);
  void note(Entry::Kind kind, std::string_view octets, std::string text);
  bool we_are_client() const { return settings_->tested == Side::server; }

  net::Loop* loop_;
  const Settings* settings_;
  const Case* subject_;
  Choose choose_;
  OnOver on_over_;
  net::Stream stream_;
  PeerReader reader_;
  Transcript transcript_;
  net::Time began_;

  Phase phase_ = Phase::opening;
  std::string key_;
  std::string answer_;  // to a client's Sec-WebSocket-Extensions
  Octets head_bytes_;   // of the peer, until they are a head
  std::size_t step_ = 0;
  std::size_t replies_ = 0;
  Octets pieces_;  // of the send that is under way
  std::size_t piece_bytes_ = 0;
  std::size_t first_piece_bytes_ = 0;
  bool sending_ = false;
  bool opening_sent_ = false;
  bool watching_ = false;
  bool close_sent_ = false;
  bool fin_sent_ = false;
  net::Loop::TimerId timer_{};
  net::Loop::TimerId piece_timer_{};
};

}  // namespace hilo::tools::conform
