// SPDX-License-Identifier: MIT
//
// SocketKey: where a socket is found, or found to be gone.

#pragma once

#include "net/base/slab.h"

namespace hilo::socketio {

class Namespace;

struct SocketKey {
  Namespace* nsp = nullptr;  // lives as long as its server
  SlabHandle handle = {};
  friend bool operator==(const SocketKey&, const SocketKey&) = default;
};

}  // namespace hilo::socketio
