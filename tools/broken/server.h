// SPDX-License-Identifier: MIT
//
// BrokenServer: a WebSocket echo with one fault planted, on net/'s sockets and loop. It has nothing
// of ws::Server: no limits on connections, no deadlines, no log. For testing testers, on a machine
// of one's own.
//
//   thread  the loop's
//   life    the loop must outlive it

#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "net/address.h"
#include "net/base/result.h"
#include "net/listener.h"
#include "net/loop.h"
#include "tools/broken/fault.h"

namespace hilo::tools::broken {

class BrokenServer {
 public:
  BrokenServer(net::Loop& loop, Fault fault);
  BrokenServer(const BrokenServer&) = delete;
  BrokenServer& operator=(const BrokenServer&) = delete;
  ~BrokenServer();

  // The address that it is bound to, with the port that the kernel chose if 0 was asked for.
  Result<net::Address> listen(const net::Address& address);

 private:
  class Connection;

  void accepted(net::Fd fd);

  net::Loop* loop_;
  Fault fault_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
};

}  // namespace hilo::tools::broken
