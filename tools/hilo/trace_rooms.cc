// SPDX-License-Identifier: MIT

#include "tools/hilo/trace_rooms.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "net/base/guard.h"
#include "tools/explain/wire_trace.h"
#include "tools/tap/breaker.h"
#include "ws/core/percent.h"
#include "ws/sender.h"

namespace hilo::tools {
namespace {

constexpr std::size_t shown_bytes_max = 1024;  // of one part
constexpr net::Duration tick = net::Duration::milliseconds(100);
constexpr std::int64_t ticks_per_second = 10;

}  // namespace

// --- a window
// --------------------------------------------------------------------------------------

// What a window and the connections that it shows have in common.
class TraceRooms::Room {
 public:
  explicit Room(ws::Sender sender) : window(std::move(sender)) {}

  const ws::Sender window;
  std::atomic<std::uint32_t> numbers = 0;  // of connections that were ever shown
  std::atomic<std::uint32_t> slow = 0;     // bytes a second; 0: not slowed down
  std::atomic<tap::Break> next_break = tap::Break::nothing;
};

// --- a connection
// ----------------------------------------------------------------------------------

class TraceRooms::Observer final : public net::WireObserver, private net::Timer {
 public:
  Observer(std::shared_ptr<Room> room, std::shared_ptr<std::atomic<int>> connections,
           bool is_websocket)
      : room_(std::move(room)),
        connections_(std::move(connections)),
        may_spoil_(is_websocket),
        name_("#" + std::to_string(++room_->numbers)),
        trace_(trace::Direction::to_server,
               {.json = true, .hex_bytes_max = shown_bytes_max, .kept_bytes = kept_bytes},
               [this](std::string_view line) { collect(line); }) {
    ++*connections_;
  }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  ~Observer() override { --*connections_; }

  void on_begin(net::ObservedTransport& transport) noexcept override { transport_ = &transport; }
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
  void on_shutdown() noexcept override {
    trace_.on_shutdown();
    show();
  }
  std::size_t may_write(std::size_t bytes) noexcept override;
  void on_gone() noexcept override {
    stop_ticking();
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
  void collect(std::string_view line);
  void show() noexcept;
  void send(const std::string& fields);

  // Nobody looks any more: the connection goes on as if nobody ever had.
  bool is_alone() const noexcept { return room_->window.is_gone(); }

  std::shared_ptr<Room> room_;
  std::shared_ptr<std::atomic<int>> connections_;  // of all rooms
  bool may_spoil_;
  bool has_read_ = false;  // its request
  std::string name_;
  net::ObservedTransport* transport_ = nullptr;
  std::string parts_;        // of one call, as JSON
  std::size_t count_ = 0;    // of them
  std::size_t lost_ = 0;     // that the window did not take
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
    send(",\"queue\":" + std::to_string(queue) + ",\"most\":" + std::to_string(queue_most_));
  }));
  const std::uint32_t slow = room_->slow;
  allowed_ = slow / ticks_per_second + 1;
  if (!is_alone() && (slow != 0 || queue != 0)) loop().timers().arm(*this, now + tick);
  transport_->release();
}

// The request is what the server was shown already.
void TraceRooms::Observer::spoil(MutableBytes bytes) noexcept {
  if (!std::exchange(has_read_, true) || !may_spoil_) return;
  const tap::Break what = room_->next_break.exchange(tap::Break::nothing);
  if (what != tap::Break::nothing) tap::Breaker(what, tap::Breaker::Begin::frame).pass(bytes);
}

void TraceRooms::Observer::collect(std::string_view line) {
  if (!parts_.empty()) parts_ += ',';
  parts_ += line.substr(0, line.size() - 1);  // without its line feed
  ++count_;
}

// What was collected in one call of the stream is one message.
void TraceRooms::Observer::show() noexcept {
  if (count_ == 0) return;
  if (!guarded([this] { send(",\"parts\":[" + parts_ + ']'); })) lost_ += count_;
  parts_.clear();
  count_ = 0;
}

void TraceRooms::Observer::send(const std::string& fields) {
  std::string message = "{\"connection\":\"" + name_ + '"';
  if (lost_ != 0) message += ",\"lost\":" + std::to_string(lost_);
  const bool is_taken = room_->window.send_text(message + fields + '}') == ws::Posted::queued;
  lost_ = is_taken ? 0 : lost_ + count_;
}

// --- the rooms
// -------------------------------------------------------------------------------------

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
  const auto room = std::make_shared<Room>(window.sender());
  window.emplace_data<std::shared_ptr<Room>>(room);
  const std::lock_guard lock(mutex_);
  if (!rooms_.emplace(id, room).second) window.abort();
}

void TraceRooms::leave(ws::Connection& window) {
  const auto* const room = window.data<std::shared_ptr<Room>>();
  const std::lock_guard lock(mutex_);
  std::erase_if(rooms_, [room](const auto& each) { return room && each.second == *room; });
}

// What it does not understand it leaves alone.
void TraceRooms::obey(ws::Connection& window, const ws::Message& message) {
  Room& room = **window.data<std::shared_ptr<Room>>();
  const auto wish = nlohmann::json::parse(message.text(), nullptr, false);
  if (!wish.is_object()) return;
  if (const auto slow = wish.find("slow"); slow != wish.end() && slow->is_number_unsigned()) {
    const auto most = std::uint64_t{1} << 30;
    room.slow = static_cast<std::uint32_t>(std::min(slow->get<std::uint64_t>(), most));
  }
  if (const auto what = wish.find("break"); what != wish.end() && what->is_string()) {
    room.next_break = tap::find_break(what->get<std::string>()).value_or(tap::Break::nothing);
  }
}

std::shared_ptr<net::WireObserver> TraceRooms::observe(const ws::Request& request) {
  const std::optional<std::string_view> id = ws::find_query(request.query(), "trace");
  if (!id) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto room = rooms_.find(*id);
  if (room == rooms_.end()) return nullptr;
  if (*connections_ >= connections_max) return nullptr;
  return std::make_shared<Observer>(room->second, connections_,
                                    ws::wants_websocket(request.head()));
}

}  // namespace hilo::tools
