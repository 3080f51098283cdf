// SPDX-License-Identifier: MIT
//
// A listening socket of a Server, and how those who come in by it are received. For the files of
// Server alone.

#pragma once

#include <memory>

#include "net/listener.h"
#include "net/tls.h"
#include "ws/server_engine.h"

namespace hilo::ws {

struct Server::Engine::Door {
  Door(net::Loop& loop, const ListenOptions& options)
      : listener(loop), tls(options.tls), proxy_protocol(options.proxy_protocol) {}

  net::Listener listener;
  std::shared_ptr<const net::tls::ServerContext> tls;
  bool proxy_protocol;
};

}  // namespace hilo::ws
