// SPDX-License-Identifier: MIT
//
// SocketKey: where a socket is found, or found to be gone.

#pragma once

#include "net/base/slab.h"
#include "ws/socketio/weak.h"

namespace hilo::socketio {

class Namespace;

struct SocketKey {
  Weak<Namespace> nsp = {};
  SlabHandle handle = {};
  friend bool operator==(const SocketKey&, const SocketKey&) = default;
};

}  // namespace hilo::socketio
