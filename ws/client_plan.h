// SPDX-License-Identifier: MIT
//
// ClientPlan: what a client was asked to do, in texts of its own, so that it can be done again: for
// a redirection, or after the connection was lost.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ws/client.h"
#include "ws/credentials.h"

namespace hilo::ws {

struct ClientPlan {
  ClientPlan() = default;
  explicit ClientPlan(const ConnectOptions& options);

  // Goes on to another URL, which has no user information. If that is another origin, whatever
  // could be a secret stays behind.
  void go_to(std::string url_text, bool same_origin);

  std::string url;
  std::vector<std::string> subprotocols;
  std::string origin;
  std::vector<std::pair<std::string, std::string>> fields;
  Credentials credentials;  // of the options or, once the URL was read, of that
  std::string proxy;
  std::shared_ptr<const net::tls::ClientContext> tls;
  std::string tls_server_name;
  DeflateOptions deflate;
  std::shared_ptr<net::WireObservers> observers;
  std::uint32_t redirects_left = 0;
  bool follows_redirects = false;
};

}  // namespace hilo::ws
