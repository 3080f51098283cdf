// SPDX-License-Identifier: MIT
//
// How `hilo connect` shows what a peer sent.
//
// A terminal obeys certain bytes, and the peer is not to give it orders: there, control characters
// are shown as \x1b and the like. Into pipes and files everything goes as it came.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ws/connection.h"

namespace hilo::tools {

// The text with its control characters spelled out, C1 (U+0080 to U+009F) among them.
std::string printable(std::string_view text);

struct Display {
  bool terminal = false;    // spell out control characters, and binary messages in hexadecimal
  bool hex = false;         // binary messages in hexadecimal
  bool raw = false;         // the bytes alone, no line feeds
  bool timestamps = false;  // the wall clock in front of each message
};

// What is printed for one message, its line feed included.
std::string show(const ws::Message& message, const Display& display);

// `closed 1000 "reason"`, and why if a rule was broken or the connection lost.
std::string describe(const ws::CloseInfo& info);

}  // namespace hilo::tools
