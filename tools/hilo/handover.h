// SPDX-License-Identifier: MIT
//
// Listening sockets from elsewhere: those of the server that runs already, and those of systemd.
//
//   successor                       predecessor (HandoverServer)
//     connect to PATH ------------->
//                     <------------- its listening sockets
//     listens on them, accepts
//     "ready" --------------------->  drains: no more accepts, Close 1012
//     listens on PATH itself
//
// Both listen on the very same sockets for a moment, so no connection is refused in between. A
// successor that dies before it is ready changes nothing.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/callback.h"
#include "net/base/result.h"
#include "net/fd.h"
#include "net/listener.h"
#include "net/loop.h"

namespace hilo::tools {

// What a predecessor offers.
class HandoverOffer {
 public:
  // Waits for at most five seconds. Nobody there is no error: the offer does not exist then.
  static Result<HandoverOffer> ask(std::string_view path);

  bool exists() const noexcept { return static_cast<bool>(predecessor_); }
  std::vector<net::Fd> take_sockets() noexcept { return std::move(sockets_); }
  // The files of Unix sockets among them were made by a server like us, and go with us.
  bool files_are_ours() const noexcept { return files_are_ours_; }
  // From now on it is us who serve.
  void accept() noexcept;

 private:
  net::Fd predecessor_;
  std::vector<net::Fd> sockets_;
  bool files_are_ours_ = true;
};

// Waits for a successor.
class HandoverServer final : private net::Watcher {
 public:
  // `sockets` stay their owner's. `on_taken` is called once, in the loop.
  HandoverServer(net::Loop& loop, std::vector<int> sockets, bool files_are_ours,
                 Callback<void()> on_taken);
  HandoverServer(const HandoverServer&) = delete;
  HandoverServer& operator=(const HandoverServer&) = delete;
  ~HandoverServer();

  // Replaces a socket that is at the path, which is a predecessor's and not to be found any more;
  // errc::file_exists for anything else that is there. errc::argument_list_too_long: there are more
  // sockets than can be handed over.
  Status listen(std::string_view path);
  // Offers nothing any more.
  void end() noexcept;

 private:
  void offer(net::Fd successor);
  void on_ready(net::Ready ready) override;
  void forget_successor() noexcept;

  net::Loop* loop_;
  std::vector<int> sockets_;
  std::string_view hello_;
  Callback<void()> on_taken_;
  net::Listener listener_;
  net::Fd successor_;
  net::Token token_;
};

// The sockets that systemd hands over (sd_listen_fds(3)), if they are meant for this process.
// errc::no_such_process if there are none.
Result<std::vector<net::Fd>> take_systemd_sockets();

}  // namespace hilo::tools
