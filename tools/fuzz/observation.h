// SPDX-License-Identifier: MIT
//
// What came back while a case was played, for the oracle.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/conform/deflate.h"
#include "tools/conform/head.h"
#include "tools/conform/peer_reader.h"

namespace hilo::tools::fuzz {

struct Answer {
  conform::Head head;
  std::string body;
};

enum class End : std::uint8_t {
  none,   // the server did not end it
  fin,    // its FIN
  reset,  // its RST, or another failure
};

// Of one connection.
struct Seen {
  bool connected = false;
  std::vector<Answer> answers;
  bool upgraded = false;
  std::string head_wrong;  // what is wrong with the 101
  bool deflate = false;    // permessage-deflate was agreed on
  std::vector<conform::Event> events;
  End end = End::none;
  bool end_in_frame = false;  // the server's FIN stands inside a frame of its own

  // The server's Close, or null.
  const conform::Event* close() const {
    for (const conform::Event& event : events) {
      if (event.kind == conform::Event::Kind::close) return &event;
    }
    return nullptr;
  }
};

struct Observation {
  std::vector<Seen> lines = std::vector<Seen>(2);
  bool refused = false;                // nobody listened
  std::string trouble;                 // why there was no connection
  bool not_applicable = false;         // the server lacks what the case needs
  std::size_t out_of_time = SIZE_MAX;  // the step that was waited for in vain
};

}  // namespace hilo::tools::fuzz
