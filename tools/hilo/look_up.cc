// SPDX-License-Identifier: MIT

#include "tools/hilo/look_up.h"

#include "net/loop.h"
#include "net/resolver.h"

namespace hilo::tools {

Result<std::vector<net::Address>> look_up(const ws::Url& url) {
  std::vector<net::Address> addresses;
  if (url.scheme == ws::Url::Scheme::ws_unix) {
    const Result<net::Address> address = net::Address::from_unix_path(url.socket_path);
    if (!address) return address.error();
    addresses.push_back(*address);
    return addresses;
  }
  net::Loop loop;
  net::Resolver resolver{loop};
  std::error_code error;
  resolver.resolve(url.host, url.port, [&](const Result<std::span<const net::Address>>& found) {
    if (found) addresses.assign(found->begin(), found->end());
    error = found.error();
    loop.stop();
  });
  if (const Status status = loop.run(); !status) return status.error();
  if (addresses.empty()) return error;
  return addresses;
}

}  // namespace hilo::tools
