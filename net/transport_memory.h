// SPDX-License-Identifier: MIT
//
// MemoryTransport: two ends of a connection that never leaves the process.
//
//     end a  --write-->  [ pipe, at most `capacity` bytes ]  --read-->  end b
//            <--read---  [ pipe, at most `capacity` bytes ]  <--write--
//
// For tests, and for a client and a server in one process. It behaves like a socket: a full pipe
// says would_block and tells when there is room again, shutdown_write() is seen by the other side
// after all that was written before, and destroying an end with input unread resets the connection,
// as closing a socket does.
//
//   thread  both ends belong to one thread, though not necessarily to one loop
//   owns    the pipes together with the other end; either end may be destroyed first
//   ready   told through Stream::transport_ready, hence in a later phase and never re-entrantly
//   errors  pair() reports out_of_memory(); so does a write for which no memory can be had

#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "net/base/bytes.h"
#include "net/base/result.h"
#include "net/socket.h"
#include "net/transport.h"

namespace hilo::net {

class MemoryTransport final : public Transport {
 public:
  struct Pair;
  static constexpr std::size_t capacity_default = std::size_t{64} << 10;

  static Result<Pair> pair(std::size_t capacity = capacity_default) noexcept;

  MemoryTransport(const MemoryTransport&) = delete;
  MemoryTransport& operator=(const MemoryTransport&) = delete;
  ~MemoryTransport() override;

  void attach(Stream& stream) noexcept override;
  Io read(MutableBytes into) noexcept override;
  Io write(std::span<const Bytes> slices) noexcept override;
  Status shutdown_write() noexcept override;
  bool has_buffered_input() const noexcept override;
  void set_abortive_close() noexcept override { abortive_ = true; }

  // Both ends fail from now on with errc::connection_reset, and what is in the pipes is lost.
  void reset() noexcept;

 private:
  struct Link;
  MemoryTransport(std::shared_ptr<Link> link, std::size_t side) noexcept;

  void tell_peer(Ready ready) noexcept;

  std::shared_ptr<Link> link_;
  std::size_t side_;
  bool abortive_ = false;
};

struct MemoryTransport::Pair {
  std::unique_ptr<MemoryTransport> a;
  std::unique_ptr<MemoryTransport> b;
};

}  // namespace hilo::net
