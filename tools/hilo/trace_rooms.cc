// SPDX-License-Identifier: MIT

#include "tools/hilo/trace_rooms.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
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

// Neither by way of a proxy, nor because of somebody else's page.
bool is_own(const ws::Request& request) noexcept {
  for (const std::string_view name : {"Via", "Forwarded", "X-Forwarded-For"}) {
    if (request.header(name)) return false;
  }
  return request.header("Sec-Fetch-Site").value_or("same-origin") == "same-origin";
}

}  // namespace

// --- a window ---

// What a window and the connections that it shows have in common.
class TraceRooms::Room {
 public:
  Room(ws::Sender sender, const net::PeerAddress& at) : window(std::move(sender)), peer(at) {}

  const ws::Sender window;
  const net::PeerAddress peer;             // of the window
  std::atomic<std::size_t> ahead = 0;      // bytes that it has not said it had
  std::uint64_t wishes = 0;                // the window's loop alone counts them
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
               [this](std::string_view line) { collect(line); }) {
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
    trace_.on_shutdown();
    show();
  }
  void on_overflow(std::size_t message, std::size_t waiting,
                   std::string_view consequence) noexcept override {
    trace_.on_overflow(message, waiting, consequence);
    show();
  }
  void on_deadline(net::Duration from_now) noexcept override {
    trace_.on_deadline(from_now);
    show();
  }
  void on_deadline_passed() noexcept override {
    trace_.on_deadline_passed();
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
  std::string name_;
  net::ObservedTransport* transport_ = nullptr;
  std::optional<tap::Breaker> breaker_;
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

// What began before the wish passes unharmed.
void TraceRooms::Observer::spoil(MutableBytes bytes) noexcept {
  if (trace_.reads_frame_next()) {
    const tap::Break what = room_->next_break.exchange(tap::Break::nothing);
    if (what != tap::Break::nothing) breaker_.emplace(what, tap::Breaker::Begin::frame);
  }
  if (breaker_) breaker_->pass(bytes);
}

void TraceRooms::Observer::collect(std::string_view line) {
  if (parts_.size() + line.size() > call_bytes_max) {
    trace_.mute(true);
    ++lost_;
    return;
  }
  if (!parts_.empty()) parts_ += ',';
  parts_ += line.substr(0, line.size() - 1);  // without its line feed
  ++count_;
}

// What was collected in one call of the stream is one message.
void TraceRooms::Observer::show() noexcept {
  trace_.mute(false);
  if (count_ == 0) return;
  if (!guarded([this] { send(",\"parts\":[" + parts_ + ']'); })) lost_ += count_;
  parts_.clear();
  count_ = 0;
}

void TraceRooms::Observer::send(const std::string& fields) {
  std::string message = "{\"connection\":\"" + name_ + '"';
  if (lost_ != 0) message += ",\"lost\":" + std::to_string(lost_);
  message.append(fields).append("}");
  const bool has_room = room_->ahead.load() + message.size() <= ahead_bytes_max;
  if (has_room && room_->window.send_text(message) == ws::Posted::queued) {
    room_->ahead += message.size();
    lost_ = 0;
  } else {
    lost_ += count_;
  }
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

// What it does not understand it leaves alone.
void TraceRooms::obey(ws::Connection& window, const ws::Message& message) {
  Room& room = **window.data<std::shared_ptr<Room>>();
  const auto wish = nlohmann::json::parse(message.text(), nullptr, false);
  if (!wish.is_object()) return;
  if (const auto had = wish.find("had"); had != wish.end() && had->is_number_unsigned()) {
    room.ahead -= std::min<std::uint64_t>(room.ahead.load(), had->get<std::uint64_t>());
    return;
  }
  if (const auto slow = wish.find("slow"); slow != wish.end() && slow->is_number_unsigned()) {
    const auto most = std::uint64_t{1} << 30;
    room.slow = static_cast<std::uint32_t>(std::min(slow->get<std::uint64_t>(), most));
  }
  if (const auto what = wish.find("break"); what != wish.end() && what->is_string()) {
    room.next_break = tap::find_break(what->get<std::string>()).value_or(tap::Break::nothing);
  }
  static_cast<void>(window.send_text("{\"done\":" + std::to_string(++room.wishes) + '}'));
}

std::shared_ptr<net::WireObserver> TraceRooms::observe(const ws::Request& request,
                                                       net::WireObserver* so_far) {
  const std::optional<std::string_view> id = ws::find_query(request.query(), "trace");
  if (!id || !is_own(request)) return nullptr;
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
