// SPDX-License-Identifier: MIT
//
// The one-fault cases: each breaks one rule of RFC 6455, RFC 7692, the upgrade over HTTP,
// Engine.IO or Socket.IO, and says which answers to that are right. A fault has the number that it
// has among the bad inputs that hilo's own tests are made of (`test_*_catalogue`).
//
// A fault is as in its table; what is drawn is what surrounds it: values out of a range that is
// wrong throughout, masks, where it is cut, and what was said before it.

#pragma once

#include <string_view>
#include <vector>

#include "tools/fuzz/draft.h"

namespace hilo::tools::fuzz {

struct Fault {
  std::string_view name;
  std::string_view catalogue;
  std::string_view rule;             // in a few words, with the section
  void (*write)(Draft& draft);       // the steps, from the first request on
  Protocol protocol = Protocol::ws;  // a fault of WebSockets can be had of the layers above, too
};

std::vector<Fault> http_faults();
std::vector<Fault> frame_faults();
std::vector<Fault> deflate_faults();
std::vector<Fault> engineio_faults();
std::vector<Fault> socketio_faults();

// Those that a server of this protocol can be sent, in an order that stays.
std::vector<Fault> faults_of(Protocol protocol);

// A few messages that are right, in front of a fault. They can be left out.
void say_something(Draft& draft);

}  // namespace hilo::tools::fuzz
