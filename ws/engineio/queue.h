// SPDX-License-Identifier: MIT
//
// PacketQueue: packets that wait for their transport, in no transport's form.
//
//     | 1 byte: type, binary | 4 bytes: length | data |  ...one behind the other in one Buffer
//
// An empty queue owns no memory. Its owner sets the limit.

#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/buffer.h"
#include "net/base/result.h"
#include "ws/engineio/packet.h"

namespace hilo::engineio {

class PacketQueue {
 public:
  explicit PacketQueue(Pool& pool) noexcept : bytes_(pool) {}

  bool empty() const noexcept { return bytes_.empty(); }
  // With what stands in front of each packet.
  std::size_t size_bytes() const noexcept { return bytes_.size(); }
  // Of the pool.
  std::size_t held_bytes() const noexcept { return bytes_.capacity(); }
  Pool& pool() const noexcept { return bytes_.pool(); }

  // errc::message_size for 4 GiB or more; out_of_memory().
  Status push(PacketType type, bool binary, Bytes data) noexcept;
  // The oldest packet, which has to be there. Valid until the next call that is not const.
  Packet front() noexcept;
  void pop() noexcept;
  void clear() noexcept { bytes_.release(); }

  // Both look at every packet.
  bool has_binary() noexcept;
  std::size_t count() noexcept;

 private:
  static constexpr std::size_t header_bytes = 5;
  static Packet read(MutableBytes rest) noexcept;

  Buffer bytes_;
};

}  // namespace hilo::engineio
