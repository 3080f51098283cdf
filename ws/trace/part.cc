// SPDX-License-Identifier: MIT

#include "ws/trace/part.h"

namespace hilo::trace {

std::string_view to_string(Layer layer) noexcept {
  switch (layer) {
    case Layer::tcp: return "tcp";
    case Layer::tls: return "tls";
    case Layer::http: return "http";
    case Layer::handshake: return "handshake";
    case Layer::frame: return "frame";
    case Layer::message: return "message";
    case Layer::deflate: return "deflate";
    case Layer::engineio: return "engineio";
    case Layer::socketio: return "socketio";
    case Layer::engine: return "engine";
  }
  return {};
}

std::string_view to_string(Direction direction) noexcept {
  return direction == Direction::to_server ? "client -> server" : "server -> client";
}

}  // namespace hilo::trace
