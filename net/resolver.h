// SPDX-License-Identifier: MIT
//
// Resolver: from a host name to addresses, off the loop's thread (a seam).
//
// getaddrinfo(3) blocks, so it runs in a thread of its own, which starts with the first name that
// needs it; while one look-up hangs, others get threads too, up to four. Numeric addresses
// ("127.0.0.1", "::1", "[::1]") and Unix paths ("unix:/run/hilo.sock") are answered without it,
// still through the loop and never from within resolve() (but for the lack of memory to begin).
//
//   thread   the loop's; callbacks run there, and may ask again, cancel, or destroy the Resolver
//   errors   those of getaddrinfo(3) in a category of their own; errc::invalid_argument for what
//            cannot be a name
//   limits   `timeout` per name (5 s): then errc::timed_out, and a late answer is thrown away
//   cancel   safe at any time; the callback is destroyed uncalled
//   life     the destructor does not wait for a look-up in progress: the thread keeps what it needs

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "net/address.h"
#include "net/base/callback.h"
#include "net/base/result.h"
#include "net/loop.h"

namespace hilo::net {

class Resolver {
 public:
  // The addresses are valid during the call only. Never empty on success.
  using OnResolved = Callback<void(const Result<std::span<const Address>>&)>;
  using Id = std::uint64_t;

  // Throws std::bad_alloc where there is no memory for it.
  explicit Resolver(Loop& loop, Duration timeout = Duration::seconds(5));
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  ~Resolver();

  // Without memory `on_resolved` hears that within the call.
  Id resolve(std::string_view host, std::uint16_t port, OnResolved on_resolved);
  void cancel(Id id) noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hilo::net
