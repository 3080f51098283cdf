// SPDX-License-Identifier: MIT

#include "ws/admission.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "net/base/bytes.h"
#include "net/entropy.h"
#include "net/socket.h"

namespace hilo::ws {
namespace {

constexpr unsigned bucket_bits_min = 6;
constexpr net::Duration burst = net::Duration::seconds(1);

// What is left for listeners, logs, files and the like.
constexpr std::uint64_t descriptors_spared = 64;

std::size_t most_connections(const Limits& limits) noexcept {
  if (limits.connections_max != 0) return limits.connections_max;
  const std::uint64_t descriptors = net::socket::descriptor_limit();
  return static_cast<std::size_t>(
      std::max(descriptors / 2, descriptors - std::min(descriptors, descriptors_spared)));
}

}  // namespace

Admission::Admission(const Limits& limits, AdmissionOptions options)
    : connections_max_(most_connections(limits)),
      per_ip_max_(limits.connections_per_ip_max),
      interval_{limits.handshakes_per_second_max == 0
                    ? 0
                    : burst.nanoseconds / limits.handshakes_per_second_max},
      options_(std::move(options)) {}

Errc Admission::admit(const net::PeerAddress& peer, net::Time now) noexcept {
  const std::lock_guard lock{mutex_};
  if (const Errc error = enter(peer, now); error != Errc::none) return error;
  if (open_ >= connections_max_) {
    leave(peer);
    return Errc::connections_full;
  }
  ++open_;
  return Errc::none;
}

Errc Admission::move(const net::PeerAddress& from, const net::PeerAddress& to,
                     net::Time now) noexcept {
  const std::lock_guard lock{mutex_};
  if (const Errc error = enter(to, now); error != Errc::none) return error;
  leave(from);
  return Errc::none;
}

void Admission::release(const net::PeerAddress& peer) noexcept {
  const std::lock_guard lock{mutex_};
  --open_;
  leave(peer);
}

std::size_t Admission::open_count() const noexcept {
  const std::lock_guard lock{mutex_};
  return open_;
}

std::size_t Admission::remembered_count() const noexcept {
  const std::lock_guard lock{mutex_};
  return entries_.size();
}

// --- one address ---------------------------------------------------------------------------------

bool Admission::is_exempt(const net::PeerAddress& peer) const noexcept {
  if (peer.family() == net::Family::unix_path || peer.family() == net::Family::none) return true;
  if (peer.is_loopback() && !options_.count_local) return true;
  return net::contains(options_.trusted, peer);
}

namespace {

template <class Key>
Key key_of(const net::PeerAddress& peer) noexcept {
  const net::PeerAddress plain = peer.unmapped();
  const Bytes ip = plain.ip_bytes();
  if (plain.family() == net::Family::ipv4) return {load_be32(ip.data()), true};
  return {load_be64(ip.data()), false};
}

}  // namespace

// The rate by its debt: each handshake adds an interval to the time until which the address is
// busy, and whoever is busy for more than the burst has to wait. No window, no counter to reset.
Errc Admission::enter(const net::PeerAddress& peer, net::Time now) noexcept {
  if (is_exempt(peer)) return Errc::none;
  forget_idle(now);
  Entry* entry = find_or_make(key_of<Key>(peer));
  if (entry == nullptr) return Errc::no_memory;
  if (per_ip_max_ != 0 && entry->open >= per_ip_max_) return Errc::ip_connections;
  const net::Time busy_until = std::max(entry->busy_until, now) + interval_;
  if (busy_until - now > burst) return Errc::ip_rate;
  entry->busy_until = busy_until;
  if (entry->open++ == 0) {
    entry->unlink();
    --idle_count_;
  }
  return Errc::none;
}

void Admission::leave(const net::PeerAddress& peer) noexcept {
  if (is_exempt(peer) || buckets_ == nullptr) return;
  Entry* entry = *place_of(key_of<Key>(peer));
  if (entry == nullptr || entry->open == 0 || --entry->open != 0) return;
  idle_.push_back(*entry);
  ++idle_count_;
}

// --- the table -----------------------------------------------------------------------------------

// Where the entry hangs, or where it would.
Admission::Entry** Admission::place_of(const Key& key) noexcept {
  Entry** place = &buckets_[bucket_of(key)];
  while (*place != nullptr && !((*place)->key == key)) place = &(*place)->next;
  return place;
}

Admission::Entry* Admission::find_or_make(const Key& key) noexcept {
  if (buckets_ == nullptr && !prepare()) return nullptr;
  if (Entry* entry = *place_of(key)) return entry;
  if (entries_.size() >= std::size_t{1} << bucket_bits_) grow();
  const auto made = entries_.emplace();
  if (made.object == nullptr) return nullptr;
  made.object->key = key;
  made.object->handle = made.handle;
  *place_of(key) = made.object;
  idle_.push_back(*made.object);
  ++idle_count_;
  return made.object;
}

// Without randomness nobody is let in who would be counted: the table must not be predictable.
bool Admission::prepare() noexcept {
  std::array<std::uint8_t, 8> random{};
  if (!net::entropy_fill(random)) return false;
  buckets_.reset(new (std::nothrow) Entry* [std::size_t{1} << bucket_bits_min] {});
  if (buckets_ == nullptr) return false;
  bucket_bits_ = bucket_bits_min;
  seed_ = load_be64(random.data()) | 1;
  return true;
}

// Without memory the table stays as it is, and chains get longer.
void Admission::grow() noexcept {
  const unsigned bits = bucket_bits_ + 1;
  std::unique_ptr<Entry*[]> larger(new (std::nothrow) Entry* [std::size_t{1} << bits] {});
  if (larger == nullptr) return;
  buckets_ = std::move(larger);
  bucket_bits_ = bits;
  entries_.for_each([this](Entry& entry, SlabHandle) {
    Entry*& head = buckets_[bucket_of(entry.key)];
    entry.next = std::exchange(head, &entry);
  });
}

// Two at a time, so that the list shrinks faster than it can grow.
void Admission::forget_idle(net::Time now) noexcept {
  for (int i = 0; i < 2; ++i) {
    Entry* oldest = idle_.front();
    if (oldest == nullptr) return;
    if (oldest->busy_until > now && idle_count_ < remembered_max) return;
    erase(*oldest);
  }
}

void Admission::erase(Entry& entry) noexcept {
  *place_of(entry.key) = entry.next;
  --idle_count_;
  entries_.erase(entry.handle);
}

// Multiply-shift: the upper bits of the product with a secret odd number.
std::size_t Admission::bucket_of(const Key& key) const noexcept {
  const std::uint64_t mixed = (key.bits + (key.is_ipv4 ? 1 : 0)) * seed_;
  return static_cast<std::size_t>(mixed >> (64 - bucket_bits_));
}

}  // namespace hilo::ws
