// SPDX-License-Identifier: MIT
//
// What happened in one case, for the judge and for the reader of the report.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/conform/deflate.h"
#include "tools/conform/head.h"
#include "tools/conform/octets.h"
#include "tools/conform/peer_reader.h"

namespace hilo::tools::conform {

struct Entry {
  enum class Kind : std::uint8_t { sent, received, frame, note };
  Kind kind = Kind::note;
  std::int64_t microseconds = 0;  // since the connection began
  Octets octets;                  // the first bytes of it
  std::size_t size = 0;           // all of it
  std::string text;               // decoded, in words
};

enum class End : std::uint8_t {
  none,   // the peer never ended it: we did, after waiting
  fin,    // the peer's FIN
  cut,    // over TLS: a FIN without close_notify
  reset,  // the peer's RST, or another failure of the connection
};

struct Transcript {
  static constexpr std::size_t entries_max = 400;
  static constexpr std::size_t octets_max = 256;

  std::vector<Entry> log;
  std::string trouble;       // why there was no conversation at all
  std::string unmet;         // what the case needs and the peer has not
  std::optional<Head> head;  // the peer's
  bool upgraded = false;     // the handshake went through, as far as we see
  std::string head_wrong;    // what is wrong with the peer's head
  Agreement agreement;       // on permessage-deflate
  std::vector<Event> events;
  std::size_t sends = 0;      // completed by us
  std::size_t end_sends = 0;  // completed when the peer's end came
  End end = End::none;
  bool end_in_frame = false;      // the peer's bytes end inside a frame or message
  bool we_closed_first = false;   // our Close left before the peer's came
  bool waited_in_vain = false;    // what was expected did not come in time
  std::int64_t microseconds = 0;  // from the beginning to the end

  // The peer's Close, if one came.
  const Event* close() const {
    for (const Event& event : events) {
      if (event.kind == Event::Kind::close) return &event;
    }
    return nullptr;
  }
};

}  // namespace hilo::tools::conform
