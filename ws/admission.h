// SPDX-License-Identifier: MIT
//
// Admission: how many may be connected, in all and from one address, and how fast one address may
// come back. One object serves a server, or all servers of a process together.
//
//   in all       Limits::connections_max
//   per address  connections_per_ip_max open at a time, and handshakes_per_second_max per second;
//                a burst of one second's worth is free. An IPv6 address stands for its /64, since
//                whoever has one address of it has them all.
//   exempt       from what counts per address: 127.0.0.0/8, ::1 and Unix sockets, unless
//   count_local
//                is set, and those whom `trusted` names, as behind a proxy all have its address
//
//   thread  any
//   cost    one look-up in a table, whatever its size
//   memory  64 bytes for each address that is connected, and for at most remembered_max that were
//           here within the last second; the table's hash is seeded, so that nobody can choose
//           addresses that collide

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "net/address.h"
#include "net/address_range.h"
#include "net/base/intrusive_list.h"
#include "net/base/slab.h"
#include "net/duration.h"
#include "ws/core/error.h"
#include "ws/limits.h"

namespace hilo::ws {

struct AdmissionOptions {
  // Count what comes from this machine like everything else: for tests.
  bool count_local = false;
  std::vector<net::AddressRange> trusted = {};
};

class Admission {
 public:
  static constexpr std::size_t remembered_max = 4096;

  explicit Admission(const Limits& limits, AdmissionOptions options = {});
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;
  ~Admission() = default;

  // Lets a connection in, for which release() is owed then; or says why not: ip_connections,
  // ip_rate, connections_full or no_memory.
  Errc admit(const net::PeerAddress& peer, net::Time now) noexcept;
  // A connection that was let in turns out to be somebody else's (a proxy told whose). With an
  // error nothing has changed.
  Errc move(const net::PeerAddress& from, const net::PeerAddress& to, net::Time now) noexcept;
  void release(const net::PeerAddress& peer) noexcept;

  // Not counted per address; see above.
  bool is_exempt(const net::PeerAddress& peer) const noexcept;
  std::size_t open_count() const noexcept;
  std::size_t connections_max() const noexcept { return connections_max_; }
  // Addresses in the table, for tests.
  std::size_t remembered_count() const noexcept;

 private:
  struct Key {
    std::uint64_t bits = 0;
    bool is_ipv4 = false;
    friend bool operator==(const Key&, const Key&) = default;
  };
  // One address, or one /64. In the list of the idle while nobody is connected from it.
  struct Entry : ListNode<> {
    Key key;
    Entry* next = nullptr;  // of the same bucket
    SlabHandle handle;
    std::uint32_t open = 0;
    net::Time busy_until;  // when all that it asked for will have been paid off
  };

  Errc enter(const net::PeerAddress& peer, net::Time now) noexcept;
  void leave(const net::PeerAddress& peer) noexcept;
  Entry** place_of(const Key& key) noexcept;
  Entry* find_or_make(const Key& key) noexcept;
  bool prepare() noexcept;
  void grow() noexcept;
  void forget_idle(net::Time now) noexcept;
  void erase(Entry& entry) noexcept;
  std::size_t bucket_of(const Key& key) const noexcept;

  const std::size_t connections_max_;
  const std::uint32_t per_ip_max_;
  const net::Duration interval_;  // between two handshakes, on average; 0: no limit
  const AdmissionOptions options_;

  mutable std::mutex mutex_;  // guards all below
  std::size_t open_ = 0;
  Slab<Entry> entries_;
  IntrusiveList<Entry> idle_;  // the oldest first
  std::size_t idle_count_ = 0;
  std::unique_ptr<Entry*[]> buckets_;
  unsigned bucket_bits_ = 0;
  std::uint64_t seed_ = 0;  // odd once there are buckets
};

// A place that admit() gave, with whom it belongs to now: given back when this goes. Any thread.
class AdmittedPlace {
 public:
  AdmittedPlace() noexcept = default;
  AdmittedPlace(const AdmittedPlace&) = delete;
  AdmittedPlace& operator=(const AdmittedPlace&) = delete;
  ~AdmittedPlace() {
    if (admission_ != nullptr) admission_->release(peer_);
  }

  // Once. What admit() is owed is this one's business from here on.
  void take_over(std::shared_ptr<Admission> admission, const net::PeerAddress& peer) noexcept {
    admission_ = std::move(admission);
    peer_ = peer;
  }

 private:
  std::shared_ptr<Admission> admission_;  // null: it holds none
  net::PeerAddress peer_;
};

}  // namespace hilo::ws
