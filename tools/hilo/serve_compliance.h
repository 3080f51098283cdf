// SPDX-License-Identifier: MIT
//
// `hilo serve --compliance SUITE`: the servers that official test suites want.
//
//   engineio, engineio3   for the protocol suites of Engine.IO 4 and 3 (tests/interop/
//                         official_suites.py): short times, every message comes back
//   engineio-client       for the suites of npm's engine.io-client 6, with the answers they ask for
//   engineio3-client      and of engine.io-client 3
//   socketio              for the suite of Socket.IO's protocol
//   socketio-client       for the suites of npm's socket.io-client 4, with the handlers of their
//                         tests (compliance_socketio.h)
//   socketio-client2      and of socket.io-client 2.5
//   engineio-echo         both revisions with the settings that ship: every message comes back

#pragma once

#include <string>
#include <vector>

#include "net/address.h"
#include "tools/hilo/command.h"

namespace hilo::tools {

Complaint take_suite_name(std::string_view value, std::string& into);

// Serves until a signal ends it. Returns the exit code.
int serve_compliance(const std::string& suite, const std::vector<net::Address>& addresses);

}  // namespace hilo::tools
