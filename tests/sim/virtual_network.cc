// SPDX-License-Identifier: MIT

#include "tests/sim/virtual_network.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "net/base/check.h"

namespace hilo::sim {
namespace {

Network* current_network = nullptr;

// 0 to 2 are somebody else's everywhere.
constexpr std::size_t first_descriptor = 3;

net::Io done(std::size_t bytes) noexcept {
  return {.bytes = bytes, .error = {}};
}
net::Io blocked() noexcept {
  return {.kind = net::Io::Kind::would_block, .error = {}};
}
net::Io failed(std::errc error) noexcept {
  return {.kind = net::Io::Kind::failed, .error = std::make_error_code(error)};
}

// Takes eight bytes at a time; what matters is that every bit counts.
std::uint64_t mixed(std::uint64_t state, std::uint64_t with) noexcept {
  state = (state ^ with) * 0x9E3779B97F4A7C15;
  return state ^ (state >> 29);
}

net::Address ip_address(const char* ip, std::uint16_t port) {
  return *net::Address::from_ip(ip, port);
}

}  // namespace

// The clock starts between two milliseconds, as clocks do.
Network::Network(std::uint64_t seed) : random_(seed), now_{1'000'000'500'000} {
  HILO_CHECK(current_network == nullptr);
  current_network = this;
}

Network::~Network() {
  HILO_CHECK(open_descriptors() == 0);
  current_network = nullptr;
}

Network& Network::current() noexcept {
  HILO_CHECK(current_network != nullptr);
  return *current_network;
}

// --- time and chance ----------------------------------------------------------------------------

void Network::call_at(net::Time at, std::function<void()> action) {
  agenda_.emplace(at.nanoseconds, std::move(action));
}

net::Duration Network::until_next_call() const noexcept {
  if (agenda_.empty()) return {-1};
  return {std::max<std::int64_t>(agenda_.begin()->first - now_.nanoseconds, 0)};
}

void Network::advance(net::Duration by) {
  const net::Time end = now_ + by;
  while (!agenda_.empty() && agenda_.begin()->first <= end.nanoseconds) {
    const auto next = agenda_.extract(agenda_.begin());
    now_.nanoseconds = std::max(now_.nanoseconds, next.key());
    next.mapped()();
  }
  now_ = end;
}

bool Network::strikes(Fault fault, unsigned percent) noexcept {
  if (!random_.chance(percent)) return false;
  count(fault);
  return true;
}

void Network::heal() noexcept {
  faults = {};
  const auto spare = [](Socket& socket) {
    socket.bytes_to_reset = socket.bytes_to_silence = Socket::never;
  };
  for (const std::shared_ptr<Socket>& socket : table_) {
    if (socket == nullptr) continue;
    spare(*socket);
    for (const std::shared_ptr<Socket>& waiting : socket->waiting) spare(*waiting);
  }
}

void Network::write_log(const Socket& socket, Event event, Bytes bytes) const {
  std::fprintf(log, "%lld.%09lld  %s  %s", static_cast<long long>(now_.nanoseconds / 1'000'000'000),
               static_cast<long long>(now_.nanoseconds % 1'000'000'000),
               socket.remote.to_string().c_str(), event == Event::reset ? "reset" : "->");
  for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(bytes.size(), 60))) {
    std::fprintf(log, byte >= 0x20 && byte < 0x7F ? "%c" : "\\x%02x", byte);
  }
  std::fprintf(log, "  (%zu)\n", bytes.size());
}

void Network::note(const Socket& socket, Event event, Bytes bytes) noexcept {
  if (log != nullptr) write_log(socket, event, bytes);
  trace_ = mixed(mixed(trace_, socket.serial), static_cast<std::uint64_t>(event));
  trace_ = mixed(mixed(trace_, static_cast<std::uint64_t>(now_.nanoseconds)), bytes.size());
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(bytes.size(), sizeof(word));
    std::memcpy(&word, bytes.data(), size);
    trace_ = mixed(trace_, word);
    bytes = bytes.subspan(size);
  }
}

// Its poller is a part of it.
bool Network::would_wake(const net::Loop& loop) const {
  const auto found = pollers.lower_bound(reinterpret_cast<const net::Poller*>(&loop));
  HILO_CHECK(found != pollers.end() &&
             reinterpret_cast<const net::Loop*>(found->first) < &loop + 1);
  return found->second();
}

// --- descriptors ---------------------------------------------------------------------------------

std::size_t Network::open_descriptors() const noexcept {
  return static_cast<std::size_t>(std::count_if(
      table_.begin(), table_.end(), [](const auto& entry) { return entry != nullptr; }));
}

std::shared_ptr<Socket> Network::make(Socket::Kind kind) {
  auto socket = std::make_shared<Socket>(kind, next_serial_++, pool_);
  socket->capacity = inbox_bytes;
  if (kind != Socket::Kind::stream) return socket;
  if (random_.chance(faults.reset)) {
    socket->bytes_to_reset = random_.between(1, faults.reset_byte_max);
  }
  if (random_.chance(faults.silent)) {
    socket->bytes_to_silence = random_.between(1, faults.reset_byte_max);
  }
  return socket;
}

Result<net::Fd> Network::open(std::shared_ptr<Socket> socket) {
  if (open_descriptors() >= descriptors_max) {
    return std::make_error_code(std::errc::too_many_files_open);
  }
  if (table_.size() < first_descriptor) table_.resize(first_descriptor);
  auto free = std::find(table_.begin() + first_descriptor, table_.end(), nullptr);
  if (free == table_.end()) free = table_.insert(free, nullptr);
  *free = std::move(socket);
  return net::Fd(static_cast<int>(free - table_.begin()));
}

const std::shared_ptr<Socket>& Network::at(int fd) noexcept {
  const auto index = static_cast<std::size_t>(fd);
  HILO_CHECK(fd >= 0 && index < table_.size() && table_[index] != nullptr);
  return table_[index];
}

void Network::close(int fd) noexcept {
  const std::shared_ptr<Socket> socket = at(fd);
  table_[static_cast<std::size_t>(fd)] = nullptr;
  hang_up(*socket);
}

// --- connections ---------------------------------------------------------------------------------

Status Network::listen(const std::shared_ptr<Socket>& socket, const net::Address& address,
                       const net::socket::ListenOptions& options) {
  socket->local = address;
  if (address.family() != net::Family::unix_path && address.port() == 0) {
    socket->local = ip_address(address.ip().c_str(), next_port_++);
  }
  for (const std::weak_ptr<Socket>& entry : listeners_) {
    const std::shared_ptr<Socket> taken = entry.lock();
    if (taken == nullptr || !(taken->local == socket->local)) continue;
    if (!taken->shared_port || !options.reuse_port) {
      return std::make_error_code(std::errc::address_in_use);
    }
  }
  socket->backlog = static_cast<std::size_t>(options.backlog);
  socket->shared_port = options.reuse_port;
  socket->ipv6_only = options.ipv6_only;
  listeners_.push_back(socket);
  return {};
}

Socket* Network::find_listener(const net::Address& address) {
  std::erase_if(listeners_, [](const auto& entry) { return entry.expired(); });
  std::vector<Socket*> found;
  for (const std::weak_ptr<Socket>& entry : listeners_) {
    Socket* socket = entry.lock().get();
    const bool all = (socket->local == ip_address("::", address.port()) &&
                      (address.family() == net::Family::ipv6 || !socket->ipv6_only)) ||
                     (socket->local == ip_address("0.0.0.0", address.port()) &&
                      address.family() == net::Family::ipv4);
    if (socket->local == address || all) found.push_back(socket);
  }
  if (found.empty()) return nullptr;
  return found[found.size() == 1 ? 0 : random_.below(found.size())];
}

net::Address Network::next_local_address(net::Family family) {
  switch (family) {
    case net::Family::ipv4: return ip_address("127.0.0.1", next_port_++);
    case net::Family::ipv6: return ip_address("::1", next_port_++);
    case net::Family::unix_path:
    case net::Family::none: break;
  }
  return {};
}

net::Io Network::connect(const std::shared_ptr<Socket>& socket, const net::Address& to) {
  HILO_CHECK(!socket->connecting && !socket->connected);
  socket->connecting = true;
  socket->remote = to;
  if (std::find(blackholes_.begin(), blackholes_.end(), to) != blackholes_.end()) {
    return blocked();
  }
  if (strikes(Fault::connect_lost, faults.connect_lost)) return blocked();
  Socket* listener = find_listener(to);
  if (listener == nullptr) {
    count(Fault::connect_refused);
    // A Unix socket hears of it at once, TCP when the answer has come.
    if (to.family() == net::Family::unix_path) return failed(std::errc::connection_refused);
    reset(*socket, std::errc::connection_refused);
    return blocked();
  }
  // A full queue drops the request, and nobody answers.
  if (listener->waiting.size() >= listener->backlog) return blocked();

  const std::shared_ptr<Socket> server_end = make(Socket::Kind::stream);
  socket->local = next_local_address(to.family());
  server_end->local = to;
  server_end->remote = socket->local;
  server_end->other = socket;
  socket->other = server_end;
  socket->connecting = false;
  socket->connected = server_end->connected = true;
  listener->waiting.push_back(server_end);
  const bool at_once = to.family() == net::Family::unix_path ||
                       strikes(Fault::connected_at_once, faults.connected_at_once);
  return at_once ? done(0) : blocked();
}

net::Io Network::receive(Socket& socket, MutableBytes into) {
  if (!socket.inbox.empty()) {
    const std::size_t bytes = std::min(into.size(), socket.inbox.size());
    std::copy_n(socket.inbox.readable().begin(), bytes, into.begin());
    socket.inbox.consume(bytes);
    return done(bytes);
  }
  if (socket.error) {
    return {.kind = net::Io::Kind::failed, .error = std::exchange(socket.error, std::error_code{})};
  }
  if (socket.input_ended) return {.kind = net::Io::Kind::end, .error = {}};
  if (!socket.connected) return failed(std::errc::not_connected);
  return blocked();
}

std::size_t Network::room(const Socket& receiver) const noexcept {
  if (now_ < receiver.window_closed_until) return 0;
  const std::size_t taken = receiver.inbox.size() + receiver.bytes_on_way;
  return receiver.capacity - std::min(receiver.capacity, taken);
}

net::Io Network::send(Socket& socket, Bytes bytes) {
  if (socket.error) {
    return {.kind = net::Io::Kind::failed, .error = std::exchange(socket.error, std::error_code{})};
  }
  if (socket.output_ended) return failed(std::errc::broken_pipe);
  if (!socket.connected) return failed(std::errc::not_connected);
  if (socket.is_silent) return send_unheard(socket, bytes.size());
  const std::shared_ptr<Socket> other = socket.other.lock();
  if (other == nullptr) {
    // The kernel takes the bytes; the peer's has nobody to give them to and answers with RST.
    reset(socket, socket.input_ended ? std::errc::broken_pipe : std::errc::connection_reset);
    return done(bytes.size());
  }
  const std::size_t room_left = room(*other);
  if (room_left == 0) return blocked();
  const std::size_t taken =
      std::min({room_left, bytes.size(), socket.bytes_to_reset, socket.bytes_to_silence});
  deliver(other, bytes.first(taken));
  end_by_chance(socket, *other, taken);
  return done(taken);
}

// The kernel takes what its buffer holds and waits for an acknowledgement that never comes.
net::Io Network::send_unheard(Socket& socket, std::size_t bytes) {
  const std::size_t taken = std::min(bytes, socket.capacity - socket.bytes_unheard);
  if (taken == 0) return blocked();
  if (socket.bytes_unheard == 0 && socket.user_timeout > net::Duration{}) {
    call_at(now_ + socket.user_timeout, [this, silent = socket.weak_from_this()] {
      const std::shared_ptr<Socket> gone = silent.lock();
      if (gone != nullptr && gone->connected) reset(*gone, std::errc::timed_out);
    });
  }
  socket.bytes_unheard += taken;
  return done(taken);
}

void Network::deliver(const std::shared_ptr<Socket>& to, Bytes bytes) {
  net::Time at = std::max(now_, to->last_arrival);
  if (strikes(Fault::delayed, faults.delayed)) {
    const auto most = static_cast<std::size_t>(faults.delay_max.nanoseconds);
    at = std::max(at, now_ + net::Duration{static_cast<std::int64_t>(random_.between(1, most))});
  }
  if (strikes(Fault::zero_window, faults.zero_window)) {
    const auto most = static_cast<std::size_t>(faults.zero_window_max.nanoseconds);
    to->window_closed_until =
        now_ + net::Duration{static_cast<std::int64_t>(random_.between(1, most))};
    call_at(to->window_closed_until, [] {});  // for somebody may wait for that
  }
  if (at == now_) return arrive(*to, bytes);
  to->last_arrival = at;
  to->bytes_on_way += bytes.size();
  call_at(at, [this, target = std::weak_ptr<Socket>(to), text = std::string(as_text(bytes))] {
    const std::shared_ptr<Socket> socket = target.lock();
    if (socket == nullptr) return;
    socket->bytes_on_way -= text.size();
    if (socket->connected) arrive(*socket, as_bytes(text));
  });
}

void Network::arrive(Socket& to, Bytes bytes) {
  note(to, Event::arrival, bytes);
  HILO_CHECK(to.inbox.append(bytes));
}

// Of a connection that was drawn to end, or to fall silent, at some byte.
void Network::end_by_chance(Socket& socket, Socket& other, std::size_t sent) {
  if (socket.bytes_to_reset != Socket::never) socket.bytes_to_reset -= sent;
  if (socket.bytes_to_silence != Socket::never) socket.bytes_to_silence -= sent;
  if (socket.bytes_to_reset == 0) {
    count(Fault::reset);
    reset(other, std::errc::connection_reset);
    reset(socket, std::errc::connection_reset);
  } else if (socket.bytes_to_silence == 0) {
    count(Fault::silent);
    socket.is_silent = other.is_silent = true;
    socket.bytes_to_silence = other.bytes_to_silence = Socket::never;
  }
}

void Network::shutdown_write(Socket& socket) {
  socket.output_ended = true;
  if (const std::shared_ptr<Socket> other = socket.other.lock()) finish_input(other);
}

// FIN, behind all that is on its way.
void Network::finish_input(const std::shared_ptr<Socket>& socket) {
  if (socket->is_silent) return;
  if (socket->last_arrival <= now_) {
    socket->input_ended = true;
    return;
  }
  call_at(socket->last_arrival, [target = std::weak_ptr<Socket>(socket)] {
    if (const std::shared_ptr<Socket> at = target.lock()) at->input_ended = true;
  });
}

// The connection is over for this end. What it has received can still be read.
void Network::reset(Socket& socket, std::errc error) noexcept {
  note(socket, Event::reset, {});
  socket.error = std::make_error_code(error);
  socket.connecting = socket.connected = false;
  socket.input_ended = socket.output_ended = true;
  socket.other.reset();
}

void Network::hang_up(Socket& socket) {
  for (const std::shared_ptr<Socket>& waiting : socket.waiting) {
    waiting->abortive = true;
    hang_up(*waiting);
  }
  socket.waiting.clear();
  if (const std::shared_ptr<Socket> other = socket.other.lock()) {
    if (socket.is_silent) {
      // The other one does not hear of it.
    } else if (socket.abortive || !socket.inbox.empty()) {
      reset(*other, std::errc::connection_reset);
    } else {
      finish_input(other);
    }
    other->other.reset();
  }
  socket.other.reset();
  socket.connected = false;
  socket.inbox.release();
}

net::Ready Network::readiness(const Socket& socket) const noexcept {
  switch (socket.kind) {
    case Socket::Kind::reserve: return {};
    case Socket::Kind::event: return {.readable = socket.signalled};
    case Socket::Kind::listener: return {.readable = !socket.waiting.empty()};
    case Socket::Kind::stream: break;
  }
  net::Ready ready;
  ready.readable = socket.input_ended || socket.inbox.size() >= socket.low_water ||
                   (!socket.inbox.empty() && room(socket) == 0);
  ready.writable = socket.output_ended;
  if (socket.connected && !socket.output_ended) {
    const std::shared_ptr<Socket> other = socket.other.lock();
    ready.writable = socket.is_silent ? socket.bytes_unheard < socket.capacity
                                      : other == nullptr || room(*other) != 0;
  }
  ready.broken = static_cast<bool>(socket.error) || (socket.input_ended && socket.output_ended);
  return ready;
}

}  // namespace hilo::sim
