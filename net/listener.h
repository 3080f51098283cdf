// SPDX-License-Identifier: MIT
//
// Listener: accepts connections, in batches, and survives the lack of descriptors.
//
// When accept fails with EMFILE or ENFILE the connection stays in the kernel's queue and the
// listening socket stays readable: a naive loop then spins at full load and serves nobody. This one
// holds a descriptor in reserve. It gives it up to accept and drop what waits (the peer sees a
// close, not a hang), takes it back, and pauses for 10 ms, doubled up to 1 s while the lack lasts.
// ENOBUFS and ENOMEM pause the same way; errors of the arriving connection (ECONNABORTED, EPROTO
// and their kin) are skipped.
//
//   thread  the loop's
//   owns    the listening socket and the reserve
//   limits  accepts_per_turn_max, so that a storm of connects does not starve open connections

#pragma once

#include <cstdint>
#include <system_error>

#include "net/address.h"
#include "net/base/callback.h"
#include "net/fd.h"
#include "net/loop.h"
#include "net/socket.h"

namespace hilo::net {

class Listener final : private Watcher, private Timer {
 public:
  struct Options {
    socket::ListenOptions socket = {};
    int accepts_per_turn_max = 64;
    Duration pause_min = Duration::milliseconds(10);
    Duration pause_max = Duration::seconds(1);
  };
  using OnAccept = Callback<void(Fd, const Address& peer)>;
  using OnExhausted = Callback<void(std::error_code)>;

  explicit Listener(Loop& loop) noexcept : loop_(&loop) {}
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  // Binds and listens. `on_accept` gets every connection; `on_exhausted` hears each time that
  // descriptors or memory were lacking, before the pause. A callback that throws costs the
  // connection that it was about. Not to be called inside a callback.
  Status open(const Address& address, const Options& options, OnAccept on_accept,
              OnExhausted on_exhausted = nullptr);
  // Takes over a socket that listens already (inherited, or handed over).
  Status adopt(Fd listening, const Options& options, OnAccept on_accept,
               OnExhausted on_exhausted = nullptr);
  // Accepts all who wait at this moment, and not only a turn's worth: before close(), when nobody
  // is to be refused who got as far as the kernel's queue. Not to be called inside a callback.
  void accept_waiting();
  // Stops listening. What waits in the kernel's queue is reset. Safe inside a callback; destroying
  // the listener there is not.
  void close() noexcept;

  bool is_open() const noexcept { return static_cast<bool>(fd_); }
  int fd() const noexcept { return fd_.value(); }
  // With the port that the kernel chose if 0 was asked for.
  const Address& address() const noexcept { return address_; }
  std::uint64_t accepted_count() const noexcept { return accepted_count_; }
  std::uint64_t shed_count() const noexcept { return shed_count_; }

 private:
  void on_ready(Ready ready) override;
  void on_timer(Time now) override;
  int batch_size() const noexcept;
  void accept_batch();
  void shed() noexcept;
  void restock() noexcept;
  void pause(std::error_code why);

  Loop* loop_;
  Fd fd_;
  Fd reserve_;
  Token token_;
  Address address_;
  Options options_;
  OnAccept on_accept_;
  OnExhausted on_exhausted_;
  Duration pause_;
  std::uint64_t accepted_count_ = 0;
  std::uint64_t shed_count_ = 0;
  bool calling_ = false;  // a callback may be running
};

}  // namespace hilo::net
