// SPDX-License-Identifier: MIT
//
// A peer that breaks rules: it connects to the server with raw bytes, says something that no
// protocol has, in pieces and with pauses, and goes in one of the ways in which peers go.
//
//   life  by the network's agenda alone; the Network must not outlive its last step

#pragma once

#include "net/address.h"

#include "tests/sim/virtual_network.h"

namespace hilo::sim {

void send_bad_peer(Network& network, const net::Address& to);

}  // namespace hilo::sim
