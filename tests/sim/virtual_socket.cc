// SPDX-License-Identifier: MIT
//
// The system calls of net/socket.h, and where the faults of one call are drawn.

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "net/base/check.h"
#include "net/socket.h"
#include "tests/sim/torture.h"
#include "tests/sim/virtual_network.h"

namespace hilo::net {

using sim::Fault;
using sim::Network;
using sim::Socket;
using sim::torture::Call;
using sim::torture::Outside;
using sim::torture::SystemCall;

void close_descriptor(int fd) noexcept {
  const Outside simulator;
  Network::current().close(fd);
}

namespace socket {
namespace {

bool lacks(Network& network, Family family) {
  return family == Family::none || (family == Family::ipv6 && !network.has_ipv6);
}

constexpr std::size_t slices_max = 16;

Io blocked() noexcept {
  return {.kind = Io::Kind::would_block, .error = {}};
}

// A kernel never says would_block about an end or an error, so neither does chance.
bool blocks_by_chance(Network& network, const Socket& at) noexcept {
  return !network.readiness(at).broken && !at.input_ended &&
         network.strikes(Fault::would_block, network.faults.would_block);
}

// How much of `bytes` this call may move.
std::size_t shorten(Network& network, std::size_t bytes) noexcept {
  if (bytes < 2 || !network.strikes(Fault::short_io, network.faults.short_io)) return bytes;
  return network.random().between(1, bytes - 1);
}

void drop_first(Network& network, Socket& listener) {
  network.hang_up(*listener.waiting.front());
  listener.waiting.pop_front();
}

// Whoever has gone away while it waited is nobody's any more.
std::error_code fail_accept(Network& network, Socket& listener) {
  constexpr std::array errors{std::errc::connection_aborted, std::errc::too_many_files_open,
                              std::errc::too_many_files_open_in_system, std::errc::no_buffer_space,
                              std::errc::not_enough_memory};
  const std::errc error = errors[network.random().below(errors.size())];
  if (error == std::errc::connection_aborted) drop_first(network, listener);
  return std::make_error_code(error);
}

}  // namespace

Result<Fd> open_stream(Family family) noexcept {
  const SystemCall call(Call::open);
  if (call.fails()) return call.error();
  Network& network = Network::current();
  if (lacks(network, family)) {
    return std::make_error_code(std::errc::address_family_not_supported);
  }
  if (network.strikes(Fault::no_descriptor, network.faults.no_descriptor)) {
    return std::make_error_code(std::errc::too_many_files_open);
  }
  return network.open(network.make(Socket::Kind::stream));
}

Result<Fd> listen(const Address& address, const ListenOptions& options) noexcept {
  const SystemCall call(Call::listen);
  if (call.fails()) return call.error();
  Network& network = Network::current();
  if (lacks(network, address.family())) {
    return std::make_error_code(std::errc::address_family_not_supported);
  }
  const std::shared_ptr<Socket> listener = network.make(Socket::Kind::listener);
  Result<Fd> opened = network.open(listener);
  if (!opened) return opened;
  if (Status status = network.listen(listener, address, options); !status) return status.error();
  return opened;
}

Status adopt_listening(int fd) noexcept {
  if (Network::current().at(fd)->kind == Socket::Kind::listener) return {};
  return std::make_error_code(std::errc::invalid_argument);
}

Result<Fd> accept(int fd, Address* peer) noexcept {
  const SystemCall call(Call::accept);
  Network& network = Network::current();
  Socket& listener = *network.at(fd);
  HILO_CHECK(listener.kind == Socket::Kind::listener);
  ++network.accept_calls;
  if (listener.waiting.empty()) return std::make_error_code(std::errc::operation_would_block);
  if (call.error() == std::errc::connection_aborted) drop_first(network, listener);
  if (call.fails()) return call.error();
  if (!network.accept_errors.empty()) {
    const std::errc error = network.accept_errors.front();
    network.accept_errors.pop_front();
    return std::make_error_code(error);
  }
  const std::shared_ptr<Socket> waiting = listener.waiting.front();
  if (network.strikes(Fault::accept_failed, network.faults.accept_failed)) {
    return fail_accept(network, listener);
  }
  Result<Fd> opened = network.open(waiting);
  if (!opened) return opened;
  listener.waiting.pop_front();
  if (peer != nullptr) *peer = waiting->remote;
  return opened;
}

int waiting_count(int fd) noexcept {
  return static_cast<int>(Network::current().at(fd)->waiting.size());
}

Io connect(int fd, const Address& address) noexcept {
  const SystemCall call(Call::connect);
  if (call.fails()) return call.io();
  Network& network = Network::current();
  return network.connect(network.at(fd), address);
}

Status take_error(int fd) noexcept {
  return std::exchange(Network::current().at(fd)->error, std::error_code{});
}

Status finish_connect(int fd) noexcept {
  const SystemCall call(Call::finish_connect);
  if (call.fails()) return call.error();
  const Socket& at = *Network::current().at(fd);
  if (Status status = take_error(fd); !status) return status;
  if (!at.connected) return std::make_error_code(std::errc::not_connected);
  return {};
}

Io receive(int fd, MutableBytes into) noexcept {
  const SystemCall call(Call::receive);
  if (call.fails()) return call.io();
  if (into.empty()) return {};
  Network& network = Network::current();
  Socket& at = *network.at(fd);
  if (blocks_by_chance(network, at)) return blocked();
  const std::size_t arrived = std::max<std::size_t>(at.inbox.size(), 1);
  return network.receive(at, into.first(shorten(network, std::min(into.size(), arrived))));
}

// As one number. Here a call may be interrupted, which receive() and send() settle.
namespace {

bool is_interrupted() noexcept {
  Network& network = Network::current();
  return network.strikes(Fault::interrupted, network.faults.interrupted);
}

std::ptrdiff_t number(const Io& io) noexcept {
  switch (io.kind) {
    case Io::Kind::done: return static_cast<std::ptrdiff_t>(io.bytes);
    case Io::Kind::would_block: return -EAGAIN;
    case Io::Kind::end: return 0;
    case Io::Kind::failed: return -std::error_code(io.error).value();
  }
  return 0;
}

}  // namespace

std::ptrdiff_t try_receive(int fd, MutableBytes into) noexcept {
  return is_interrupted() ? -EINTR : number(receive(fd, into));
}

std::ptrdiff_t try_send(int fd, Bytes bytes) noexcept {
  return is_interrupted() ? -EINTR : number(send(fd, bytes));
}

Io peek(int fd, MutableBytes into) noexcept {
  const SystemCall call(Call::receive);
  if (call.fails()) return call.io();
  Socket& at = *Network::current().at(fd);
  if (at.inbox.empty()) return receive(fd, into);
  const std::size_t size = std::min(into.size(), at.inbox.size());
  std::copy_n(at.inbox.readable().begin(), size, into.begin());
  return {.kind = Io::Kind::done, .bytes = size, .error = {}};
}

Io send(int fd, Bytes bytes, Behind behind) noexcept {
  return send(fd, std::span(&bytes, 1), behind);
}

Io send(int fd, std::span<const Bytes> slices, Behind) noexcept {
  const SystemCall call(Call::send);
  if (call.fails()) return call.io();
  Network& network = Network::current();
  Socket& at = *network.at(fd);
  std::size_t total = 0;
  for (const Bytes slice : slices) total += slice.size();
  if (total == 0) return {};
  if (blocks_by_chance(network, at)) return blocked();
  if (network.strikes(Fault::no_buffers, network.faults.no_buffers)) {
    return {.kind = Io::Kind::failed, .error = std::make_error_code(std::errc::no_buffer_space)};
  }

  std::size_t left = shorten(network, total);
  Io sum;
  for (Bytes slice : slices.first(std::min(slices.size(), slices_max))) {
    slice = slice.first(std::min(slice.size(), left));
    if (slice.empty()) continue;
    const Io io = network.send(at, slice);
    // What has moved counts first; the next call will hear of the error.
    if (io.kind != Io::Kind::done) {
      if (sum.bytes == 0) return io;
      if (io.error) at.error = io.error;
      return sum;
    }
    sum.bytes += io.bytes;
    left -= io.bytes;
    if (io.bytes < slice.size()) break;
  }
  return sum;
}

Status shutdown_write(int fd) noexcept {
  const SystemCall call(Call::shutdown);
  if (call.fails()) return call.error();
  Network& network = Network::current();
  Socket& at = *network.at(fd);
  if (!at.connected) return std::make_error_code(std::errc::not_connected);
  network.shutdown_write(at);
  return {};
}

void set_abortive_close(int fd) noexcept {
  Network::current().at(fd)->abortive = true;
}

Status bind_source(int fd, const Address&) noexcept {
  static_cast<void>(Network::current().at(fd));
  return {};
}

Status set_no_delay(int fd) noexcept {
  const SystemCall call(Call::option);
  if (call.fails()) return call.error();
  static_cast<void>(Network::current().at(fd));
  return {};
}

Status set_user_timeout(int fd, Duration timeout) noexcept {
  const SystemCall call(Call::option);
  if (call.fails()) return call.error();
  Network::current().at(fd)->user_timeout = timeout;
  return {};
}

// What waits to be sent lies in the receiver's queue, which has one limit.
Status set_send_buffer(int fd, int bytes) noexcept {
  static_cast<void>(bytes);
  return set_no_delay(fd);
}

Status set_receive_buffer(int fd, int bytes) noexcept {
  const SystemCall call(Call::option);
  if (call.fails()) return call.error();
  Network::current().at(fd)->capacity = static_cast<std::size_t>(bytes);
  return {};
}

Status set_receive_low_water(int fd, int bytes) noexcept {
  const SystemCall call(Call::option);
  if (call.fails()) return call.error();
  Network::current().at(fd)->low_water = static_cast<std::size_t>(bytes);
  return {};
}

Result<Address> local_address(int fd) noexcept {
  const SystemCall call(Call::address);
  if (call.fails()) return call.error();
  return Network::current().at(fd)->local;
}

Result<Address> peer_address(int fd) noexcept {
  const SystemCall call(Call::address);
  if (call.fails()) return call.error();
  const Socket& at = *Network::current().at(fd);
  if (!at.connected) return std::make_error_code(std::errc::not_connected);
  return at.remote;
}

Result<Fd> open_reserve() noexcept {
  const SystemCall call(Call::reserve);
  if (call.fails()) return call.error();
  Network& network = Network::current();
  return network.open(network.make(Socket::Kind::reserve));
}

std::uint64_t raise_descriptor_limit() noexcept {
  return descriptor_limit();
}

std::uint64_t descriptor_limit() noexcept {
  return Network::current().descriptors_max;
}

}  // namespace socket
}  // namespace hilo::net
