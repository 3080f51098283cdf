// SPDX-License-Identifier: MIT
//
// Speaker: one end of one connection, server's or client's, whatever the protocol. It sends the
// messages of its own flow, holds what comes against the other's, and is opened and closed once.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "tests/sim/random.h"
#include "tests/sim/system/ledger.h"
#include "ws/connection.h"
#include "ws/engineio/socket.h"
#include "ws/sending.h"

namespace hilo::sim {

// Mostly little, now and then more than a socket or a send buffer holds.
std::size_t draw_message_bytes(Random& random);

// How one goes out by whatever has hilo's two words of sending: as text, or the same as binary.
template <class Peer>
auto sending(Peer& peer) {
  return [&peer](std::string_view message, bool binary) {
    return (binary ? peer.send_binary(as_bytes(message)) : peer.send_text(message)) ==
           ws::Sent::accepted;
  };
}

// Nobody here who speaks breaks a rule, whatever becomes of the pieces on their way: who is blamed
// for that is misunderstood.
inline void check_blame(Ledger& ledger, const ws::CloseInfo& info, std::string_view where) {
  const bool is_blame = info.code == ws::CloseCode::protocol_error ||
                        info.code == ws::CloseCode::unsupported_data ||
                        info.code == ws::CloseCode::invalid_payload;
  if (!is_blame) return;
  ledger.violation(std::string(where) + ": blamed with " +
                   std::to_string(static_cast<unsigned>(info.code)));
}
inline void check_blame(Ledger& ledger, engineio::CloseReason reason, std::string_view where) {
  if (reason == engineio::CloseReason::parse_error) {
    ledger.violation(std::string(where) + ": blamed with a parse error");
  }
}

class Speaker {
 public:
  Speaker(Ledger& ledger, Random& random, std::string_view where)
      : ledger_(&ledger),
        random_(&random),
        where_(where),
        life_(ledger.opened()),
        out_(ledger.new_flow()) {}

  // Sends up to `count` messages; `send` says whether one was accepted.
  template <class Send>
  void speak(std::size_t count, Send&& send) {
    for (; count > 0; --count) {
      const std::string message = ledger_->next_message(out_, draw_message_bytes(*random_));
      if (!send(std::string_view{message}, random_->chance(30))) return;
      ledger_->accepted(out_);
    }
  }
  void hear(std::string_view message) {
    ledger_->told(life_, where_);
    in_ = ledger_->received(in_, message, where_);
    ++heard_;
  }
  // `last_word`: the peer's end was heard, which stands behind all that it sent.
  void end(bool last_word) {
    ledger_->closed(life_, where_);
    if (last_word && in_ != Ledger::no_flow) ledger_->said_last_word(in_, where_);
  }
  // Its process is gone, and nobody is told.
  void vanish() { ledger_->forget_life(life_); }
  bool is_open() const { return ledger_->is_open(life_); }
  // All that either side has sent was received.
  bool is_quiet() const {
    return in_ != Ledger::no_flow && ledger_->is_complete(in_) && ledger_->is_complete(out_);
  }
  std::string describe() const {
    return "out " + ledger_->describe(out_) + ", in " + ledger_->describe(in_);
  }
  std::size_t heard() const noexcept { return heard_; }

 private:
  Ledger* ledger_;
  Random* random_;
  std::string_view where_;
  std::size_t life_;
  std::size_t out_;
  std::size_t in_ = Ledger::no_flow;
  std::size_t heard_ = 0;
};

}  // namespace hilo::sim
