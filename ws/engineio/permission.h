// SPDX-License-Identifier: MIT
//
// Permission: the application's answer to whether a session may begin, now or later.
//
//   engine.allow_later([&](const ws::Request& request, Permission permission) {
//     ask(request.cookie("session"), [permission = std::move(permission)](bool yes) mutable {
//       yes ? permission() : permission("who are you?");      // in the loop's thread
//     });
//   });
//
// Move-only. The first answer counts; a second one, and one to a peer that is gone, to a server
// that is gone, or behind Options::allow_timeout, does nothing. Whoever lets go of it without an
// answer has refused. Nothing of the application's is called from within an answer.

#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "net/base/slab.h"

namespace hilo::engineio {

class Server;

namespace detail {
// Through which callbacks find the server, or that it is gone.
struct Gate {
  Server* server;
};
}  // namespace detail

class Permission {
 public:
  // The server's own.
  Permission(std::shared_ptr<detail::Gate> gate, SlabHandle asked) noexcept
      : gate_(std::move(gate)), asked_(asked) {}
  Permission(Permission&& other) noexcept = default;
  Permission& operator=(Permission&&) = delete;
  ~Permission() { (*this)("Forbidden"); }

  void operator()();
  // 403, code 4, with this message in place of the protocol's own.
  void operator()(std::string_view refusal);

 private:
  std::shared_ptr<detail::Gate> gate_;  // null: it was answered
  SlabHandle asked_;
};

}  // namespace hilo::engineio
