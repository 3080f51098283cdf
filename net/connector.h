// SPDX-License-Identifier: MIT
//
// Connector: from addresses to one connected socket, by Happy Eyeballs (RFC 8305 §5).
//
// The families are interleaved, the first family of the list first. An attempt that has not
// succeeded after `attempt_delay` gets company; the first to connect wins and the others are
// dropped. A refused attempt starts the next one at once.
//
//   thread  the loop's; the callback runs there, never from within connect() (but for the lack of
//           memory to begin with); it may connect again, and may destroy the Connector
//   owns    the sockets of its attempts
//   errors  of the last attempt that failed; errc::timed_out after `timeout`
//   limits  `addresses_max` addresses are tried

#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "net/address.h"
#include "net/base/callback.h"
#include "net/base/result.h"
#include "net/fd.h"
#include "net/loop.h"

namespace hilo::net {

class Connector {
 public:
  struct Options {
    Duration attempt_delay = Duration::milliseconds(250);
    Duration timeout = Duration::seconds(10);
  };
  static constexpr std::size_t addresses_max = 16;
  using OnConnected = Callback<void(Result<Fd>)>;

  explicit Connector(Loop& loop) noexcept;
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;
  ~Connector();  // cancels

  // One at a time: a connect() that is under way is cancelled first.
  void connect(std::span<const Address> addresses, const Options& options,
               OnConnected on_connected);
  void cancel() noexcept;
  bool connecting() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hilo::net
