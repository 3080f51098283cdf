// SPDX-License-Identifier: MIT
//
// Client::Engine::Attempt: one way from a URL to an open connection, or to the error that ended it.
// What it holds is freed when the connection is open, or once on_failed has returned.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "net/base/buffer.h"
#include "net/connector.h"
#include "net/resolver.h"
#include "ws/client_engine.h"
#include "ws/core/handshake.h"
#include "ws/core/url.h"

namespace hilo::ws {

struct Client::Engine::Attempt {
  explicit Attempt(net::Loop& loop) : resolver(loop), connector(loop), wire(loop.pool()) {}

  std::string url_text;  // what the views of `url` and `request` refer to
  Url url;
  Key key;
  std::vector<std::string> subprotocol_texts;
  std::vector<std::string_view> subprotocols;
  UpgradeRequest request;
  DeflateOptions deflate;
  DeflateText deflate_text;

  std::shared_ptr<const net::tls::ClientContext> tls;  // null: plain
  std::string tls_server_name;

  net::Resolver resolver;
  net::Connector connector;
  Buffer wire;  // the request, until the socket is connected
  std::unique_ptr<net::Stream> stream;
  net::PeerAddress peer;
  ResponseReader reader;

  std::error_code error;      // set: this attempt is over and waits to be reported
  std::string response_text;  // of an answer that was refused
  ResponseHead response;
  bool has_response = false;
};

}  // namespace hilo::ws
