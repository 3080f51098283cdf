// SPDX-License-Identifier: MIT
//
// What a server keeps of a handshake while the application makes up its mind (upgrade.h): the head,
// which must be read once more when the answer is there, the deadline, and the answer, until it is
// carried out.
//
//   thread  the loop's
//   life    the host's, which cancels the timer before it destroys one

#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "net/base/result.h"
#include "net/base/slab.h"
#include "net/timers.h"
#include "ws/core/http_head.h"
#include "ws/http.h"
#include "ws/upgrade.h"

namespace hilo::ws {

class Server;
class Service;

class WaitingUpgrade final : public PendingUpgrade, private net::Timer {
 public:
  class Host {
   public:
    // It was answered, or its time is over.
    virtual void settle(WaitingUpgrade& waiting) = 0;

   protected:
    ~Host() = default;
  };

  WaitingUpgrade(SlabHandle handle, Host& host, Service& service,
                 http::ExchangeId exchange) noexcept
      : PendingUpgrade(handle), host_(&host), service_(&service), exchange_(exchange) {}
  ~WaitingUpgrade() = default;

 private:
  friend class Server;
  void on_timer(net::Time now) override;
  // Writes the head down so that it can be read once more after the receive buffer has moved on.
  Status keep(const RequestHead& head) noexcept;

  Host* host_;
  Service* service_;
  http::ExchangeId exchange_;
  std::unique_ptr<char[]> head_;
  std::size_t head_bytes_ = 0;
  std::optional<Decision> decision_;  // carried out in the next timers phase
};

}  // namespace hilo::ws
