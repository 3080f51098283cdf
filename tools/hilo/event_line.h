// SPDX-License-Identifier: MIT
//
// The lines of `hilo connect --socketio`: what is typed, and what is printed.
//
//   emit NAME [JSON...]          [/nsp] in front of any of them: if there are several namespaces
//   ack NAME [JSON...]
//   answer NUMBER [JSON...]
//
// A name with blanks in it is written as JSON ("chat message"). Bytes are {"$base64":"AQI="}, both
// ways.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/hilo/command.h"
#include "ws/socketio/values.h"

namespace hilo::tools {

struct EventLine {
  enum class Verb : std::uint8_t { emit, ack, answer };
  Verb verb = Verb::emit;
  std::string nsp;           // empty: none was named
  std::string name;          // of the event; of an answer nothing
  std::uint64_t number = 0;  // of the question that is answered
  socketio::Json values = socketio::Json::array();
};

// What is wrong with the line, if something is.
Complaint parse_event_line(std::string_view line, EventLine& into);

// As one line of JSON, without a line feed.
std::string show_json(socketio::Json value);

}  // namespace hilo::tools
