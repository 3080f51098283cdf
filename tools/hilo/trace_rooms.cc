// SPDX-License-Identifier: MIT

#include "tools/hilo/trace_rooms.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "net/base/guard.h"
#include "net/stream.h"
#include "tools/explain/wire_trace.h"
#include "tools/hilo/trace_window.h"
#include "tools/tap/breaker.h"
#include "ws/core/percent.h"

namespace hilo::tools {
namespace {

constexpr std::size_t shown_bytes_max = 1024;  // of one part
constexpr net::Duration tick = net::Duration::milliseconds(100);
constexpr std::int64_t ticks_per_second = 10;

}  // namespace

// --- a window ---

// What a window and the connections that it shows have in common.
class TraceRooms::Room {
 public:
  Room(ws::Sender sender, const net::PeerAddress& at) : window(std::move(sender)), peer(at) {}

  TraceWindow window;
  const net::PeerAddress peer;             // of the window
  std::atomic<std::uint32_t> numbers = 0;  // of connections that were ever shown
  std::atomic<std::uint32_t> slow = 0;     // bytes a second; 0: not slowed down
  std::atomic<tap::Break> next_break = tap::Break::nothing;
};

// --- a connection ---

class TraceRooms::Observer final : public net::WireObserver, private net::Timer {
 public:
  Observer(std::shared_ptr<Room> room, std::shared_ptr<std::atomic<int>> connections)
      : room_(std::move(room)),
        connections_(std::move(connections)),
        name_("#" + std::to_string(++room_->numbers)),
        trace_(trace::Direction::to_server,
               {.json = true, .hex_bytes_max = shown_bytes_max, .kept_bytes = kept_bytes},
               [this](std::string_view line) { trace_.mute(!call_.add(line)); }) {
    ++*connections_;
  }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  ~Observer() override { --*connections_; }

  bool is_for(const Room& room) const noexcept { return room_.get() == &room; }

  void on_begin(net::ObservedTransport& transport) noexcept override {
    transport_ = &transport;
    trace_.on_begin(transport);
  }
  void on_leave() noexcept override {
    stop_ticking();
    transport_ = nullptr;
  }
  void on_read(const net::Io& io, MutableBytes bytes) noexcept override {
    if (is_alone()) return;
    if (io.kind == net::Io::Kind::done) spoil(bytes);
    trace_.on_read(io, bytes);
    show();
  }
  void on_write(const net::Io& io, std::span<const Bytes> slices) noexcept override {
    if (is_alone()) return;
    if (io.kind == net::Io::Kind::done) allowed_ -= std::min(allowed_, io.bytes);
    trace_.on_write(io, slices);
    show();
  }
  // Shown with the read or the write that it belongs to.
  void on_tls(const net::TlsNote& note) noexcept override {
    if (!is_alone()) trace_.on_tls(note);
  }
  void on_shutdown() noexcept override {
    if (is_alone()) return;
    trace_.on_shutdown();
    show();
  }
  void on_overflow(std::size_t message, std::size_t waiting,
                   std::string_view consequence) noexcept override {
    if (is_alone()) return;
    trace_.on_overflow(message, waiting, consequence);
    show();
  }
  void on_deadline(net::Duration from_now) noexcept override {
    if (is_alone()) return;
    trace_.on_deadline(from_now);
    show();
  }
  void on_deadline_passed() noexcept override {
    if (is_alone()) return;
    trace_.on_deadline_passed();
    show();
  }
  std::size_t may_write(std::size_t bytes) noexcept override;
  void on_gone() noexcept override {
    stop_ticking();
    if (is_alone()) return;
    trace_.on_gone();
    show();
  }

 private:
  net::Loop& loop() const noexcept { return transport_->stream().loop(); }
  void on_timer(net::Time now) override;
  void stop_ticking() noexcept {
    if (armed()) loop().timers().cancel(*this);
  }
  void spoil(MutableBytes bytes) noexcept;
  void show() noexcept;

  // Nobody looks any more: the connection goes on as if nobody ever had.
  bool is_alone() const noexcept { return room_->window.is_gone(); }

  std::shared_ptr<Room> room_;
  std::shared_ptr<std::atomic<int>> connections_;  // of all rooms
  std::string name_;
  net::ObservedTransport* transport_ = nullptr;
  std::optional<tap::Breaker> breaker_;
  TraceCall call_;
  std::size_t allowed_ = 0;  // bytes in this tick, where it is slowed down
  std::size_t queue_most_ = 0;
  explain::WireTrace trace_;
};

// A peer that reads slowly: what it would not take waits in the queue of the connection.
std::size_t TraceRooms::Observer::may_write(std::size_t bytes) noexcept {
  const std::uint32_t slow = room_->slow;
  if (slow == 0 || is_alone()) return bytes;
  if (!armed()) {
    allowed_ = slow / ticks_per_second + 1;
    loop().timers().arm(*this, loop().now() + tick);
  }
  return std::min(bytes, allowed_);
}

void TraceRooms::Observer::on_timer(net::Time now) {
  const std::size_t queue = transport_->stream().queued_bytes();
  queue_most_ = std::max(queue_most_, queue);
  static_cast<void>(guarded([&] {
    room_->window.tell(
        name_, "\"queue\":" + std::to_string(queue) + ",\"most\":" + std::to_string(queue_most_));
  }));
  const std::uint32_t slow = room_->slow;
  allowed_ = slow / ticks_per_second + 1;
  if (!is_alone() && (slow != 0 || queue != 0)) loop().timers().arm(*this, now + tick);
  transport_->release();
}

// What began before the wish passes unharmed.
void TraceRooms::Observer::spoil(MutableBytes bytes) noexcept {
  if (trace_.reads_frame_next()) {
    const tap::Break what = room_->next_break.exchange(tap::Break::nothing);
    if (what != tap::Break::nothing) breaker_.emplace(what);
  }
  if (breaker_) breaker_->pass(bytes);
}

// What was collected in one call of the stream is one message.
void TraceRooms::Observer::show() noexcept {
  trace_.mute(false);
  if (call_.empty()) return;
  room_->window.tell(name_, call_);
  call_.clear();
}

// --- the rooms ---

void TraceRooms::open(ws::Server& server) {
  server.at("/trace")
      .on_upgrade([this](const ws::Request& request) { return decide(request); })
      .on_open([this](ws::Connection& window) { enter(window); })
      .on_message([](ws::Connection& window, ws::Message message) { obey(window, message); })
      .on_close([this](ws::Connection& window, ws::CloseInfo) { leave(window); });
}

ws::Decision TraceRooms::decide(const ws::Request& request) {
  const std::string_view id = ws::find_query(request.query(), "id").value_or("");
  if (id.size() < id_bytes_min || id.size() > id_bytes_max) {
    return ws::Reject{.status = 400, .reason = "an id of 16 to 64 characters is wanted\n"};
  }
  const std::lock_guard lock(mutex_);
  if (rooms_.size() >= rooms_max) return ws::Reject{.status = 503, .reason = "too many\n"};
  if (rooms_.contains(id)) return ws::Reject{.status = 409, .reason = "this id is taken\n"};
  return ws::Accept{};
}

void TraceRooms::enter(ws::Connection& window) {
  const auto id = ws::find_query(window.request().query(), "id").value_or("");
  const auto room = std::make_shared<Room>(window.sender(), window.peer());
  window.emplace_data<std::shared_ptr<Room>>(room);
  const std::lock_guard lock(mutex_);
  if (!rooms_.emplace(id, room).second) window.abort();
}

void TraceRooms::leave(ws::Connection& window) {
  const auto* const room = window.data<std::shared_ptr<Room>>();
  const std::lock_guard lock(mutex_);
  std::erase_if(rooms_, [room](const auto& each) { return room && each.second == *room; });
}

void TraceRooms::obey(ws::Connection& window, const ws::Message& message) {
  Room& room = **window.data<std::shared_ptr<Room>>();
  const std::optional<TraceWindow::Wish> wish = room.window.hear(message.text());
  if (!wish) return;
  if (wish->slow) room.slow = *wish->slow;
  if (wish->next_break) room.next_break = *wish->next_break;
  room.window.done(window);
}

std::shared_ptr<net::WireObserver> TraceRooms::observe(const ws::Request& request,
                                                       net::WireObserver* so_far) {
  const std::optional<std::string_view> id = ws::find_query(request.query(), "trace");
  if (!id || !asks_for_own_page(request)) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto room = rooms_.find(*id);
  if (room == rooms_.end() || *connections_ >= connections_max) return nullptr;
  if (!std::ranges::equal(room->second->peer.ip_bytes(), request.peer().ip_bytes())) return nullptr;
  // Who looks at the whole process goes on, and so does who looked for this window.
  const auto* const looks = dynamic_cast<Observer*>(so_far);
  if (so_far != nullptr && (looks == nullptr || looks->is_for(*room->second))) return nullptr;
  return std::make_shared<Observer>(room->second, connections_);
}

}  // namespace hilo::tools
