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
#include "net/stream.h"
#include "ws/client_engine.h"
#include "ws/core/handshake.h"
#include "ws/core/url.h"
#include "ws/dialer.h"

namespace hilo::ws {

struct Client::Engine::Attempt {
  Attempt(net::Loop& loop, ClientPlan what)
      : plan(std::move(what)), dialer(loop), wire(loop.pool()) {}

  ClientPlan plan;  // what the views of `url` and `request` refer to
  Url url;
  Key key;
  std::vector<std::string_view> subprotocols;
  UpgradeRequest request;
  DeflateText deflate_text;

  std::shared_ptr<const net::tls::ClientContext> tls;  // null: plain
  std::string tls_server_name;

  Dialer dialer;
  Buffer wire;  // the request, until the socket is connected
  std::unique_ptr<net::Stream> stream;
  ResponseReader reader;

  std::string redirected_to;  // not empty: goes on there once the stream is gone
  std::error_code error;      // set: this attempt is over and waits to be reported
  std::string response_text;  // of an answer that was refused
  ResponseHead response;
  bool has_response = false;
};

}  // namespace hilo::ws
