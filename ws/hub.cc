// SPDX-License-Identifier: MIT

#include "ws/hub.h"

#include <mutex>
#include <new>
#include <utility>

#include "net/loop.h"
#include "ws/connection.h"
#include "ws/encoded_message.h"
#include "ws/guard.h"

namespace hilo::ws {

// One connection's place in one topic.
struct Hub::Subscription {
  Hub* hub;
  Topics::iterator topic;
  std::size_t place;   // in the topic's members
  Subscription* next;  // of the same connection
};

// Where a hub can be found by other threads, as long as it is there; and what it has on its way.
class Hub::Address final : public Transit {
 public:
  Address(Hub& hub, net::Loop& loop, std::size_t bytes_max) noexcept
      : Transit(bytes_max), hub_(&hub), loop_(&loop) {}

  template <class Deliver>
  Posted post(Deliver&& deliver) {
    const std::lock_guard lock(mutex_);
    if (loop_ == nullptr) return Posted::gone;
    loop_->post(std::forward<Deliver>(deliver));
    return Posted::queued;
  }
  // In the loop's thread only. Null once the hub is gone.
  Hub* hub() const noexcept { return hub_; }
  void end() noexcept {
    hub_ = nullptr;
    const std::lock_guard lock(mutex_);
    loop_ = nullptr;
    waiting_ = nullptr;
  }

  // Whoever sees backed_up() hears of the room that follows.
  bool backed_up(const std::shared_ptr<Address>& self) noexcept {
    if (bytes() <= bytes_max() / 2) return false;
    {
      const std::lock_guard lock(mutex_);
      waiting_ = self;
    }
    // The last parcel may have left before it could see that somebody waits.
    on_left(bytes());
    return true;
  }

 protected:
  void on_left(std::size_t remaining) noexcept override {
    if (remaining > bytes_max() / 4) return;
    const std::lock_guard lock(mutex_);
    if (waiting_ == nullptr || loop_ == nullptr) return;
    // Without memory it is told when the next parcel leaves.
    const bool is_told = guarded([this] {
      loop_->post([self = waiting_] {
        if (Hub* hub = self->hub()) hub->room_again();
      });
    });
    if (is_told) waiting_ = nullptr;
  }

 private:
  Hub* hub_;  // for the loop's thread only
  std::mutex mutex_;
  net::Loop* loop_;                   // guarded by mutex_
  std::shared_ptr<Address> waiting_;  // guarded by mutex_; this, while on_room is owed
};

Hub::Hub(net::Loop& loop, const Limits& limits)
    : loop_(&loop),
      limits_(&limits),
      address_(std::make_shared<Address>(*this, loop, limits.publish_bytes_max)) {}

Hub::~Hub() {
  address_->end();
}

void Hub::meet(std::span<Hub* const> hubs) {
  for (Hub* hub : hubs) {
    for (const Hub* other : hubs) {
      if (other != hub) hub->others_.push_back(other->address_);
    }
  }
}

// --- publishing ----------------------------------------------------------------------------------

Posted Hub::publish(std::string_view topic, Opcode opcode, Bytes payload,
                    PublishOptions options) noexcept {
  auto result = Posted::full;
  static_cast<void>(guarded([&] { result = publish_here(topic, opcode, payload, options); }));
  return result;
}

Posted Hub::publish_here(std::string_view topic, Opcode opcode, Bytes payload,
                         const PublishOptions& options) {
  // publishing_ belongs to the loop's thread, so the thread is asked for first.
  const bool now = loop_->ran_here() && publishing_ == nullptr;
  ParcelRef parcel;
  if (!now || !others_.empty()) {
    const ParcelLabel label{
        .opcode = opcode, .compress = options.compress, .except = options.except};
    parcel = Parcel::make(address_, label, topic, payload);
    if (!parcel) return Posted::full;
  }
  if (!now) {
    // A copy: where there is no memory to post it, the last one leaves behind the lock.
    return address_->post([to = address_, parcel] {
      Hub* hub = to->hub();
      if (hub == nullptr) return;
      hub->forward(parcel);
      hub->take(*parcel);
    });
  }
  EncodedMessage message(opcode, payload, {.compress = options.compress});
  if (parcel) forward(parcel);
  deliver(topic, message, options.except);
  return Posted::queued;
}

// To the loops of all others.
void Hub::forward(const ParcelRef& parcel) {
  for (const std::shared_ptr<Address>& other : others_) {
    static_cast<void>(guarded([&] {
      static_cast<void>(other->post([to = other, parcel] {
        if (Hub* hub = to->hub()) hub->take(*parcel);
      }));
    }));
  }
}

void Hub::take(const Parcel& parcel) {
  const ParcelLabel& label = parcel.label();
  EncodedMessage message(label.opcode, parcel.payload(), {.compress = label.compress});
  deliver(parcel.topic(), message, label.except);
}

// A delivery calls on_dropped, which may subscribe, unsubscribe and close whom it likes: members
// are looked at by index, who joins stands behind the end and is not served, and who leaves becomes
// a gap that is closed when the last was served.
void Hub::deliver(std::string_view name, EncodedMessage& message, ConnectionId except) {
  const auto topic = topics_.find(name);
  if (topic == topics_.end()) return;
  publishing_ = &topic->second;
  const std::size_t count = topic->second.members.size();
  for (std::size_t i = 0; i < count; ++i) {
    Connection* connection = topic->second.members[i].connection;
    if (connection != nullptr && connection->id() != except) connection->deliver(message);
  }
  publishing_ = nullptr;
  tidy(topic);
}

bool Hub::backed_up() const noexcept {
  return address_->backed_up(address_);
}

void Hub::room_again() {
  call_replaceable(on_room_, [](auto& on_room) { static_cast<void>(guarded([&] { on_room(); })); });
}

// --- subscribing ---------------------------------------------------------------------------------

std::size_t Hub::subscriber_count(std::string_view topic) const noexcept {
  const auto found = topics_.find(topic);
  return found != topics_.end() ? found->second.count : 0;
}

void Hub::leave(Subscription& subscription) noexcept {
  const Topics::iterator topic = subscription.topic;
  std::vector<Member>& members = topic->second.members;
  --topic->second.count;
  if (publishing_ == &topic->second) {
    members[subscription.place] = {nullptr, nullptr};
    return;
  }
  members[subscription.place] = members.back();
  members[subscription.place].subscription->place = subscription.place;
  members.pop_back();
  if (members.empty()) topics_.erase(topic);
}

// Closes the gaps that members left while they could not move.
void Hub::tidy(Topics::iterator topic) noexcept {
  std::vector<Member>& members = topic->second.members;
  if (members.size() == topic->second.count) return;
  std::size_t kept = 0;
  for (const Member& member : members) {
    if (member.connection == nullptr) continue;
    member.subscription->place = kept;
    members[kept++] = member;
  }
  members.resize(kept);
  if (members.empty()) topics_.erase(topic);
}

Status Subscriptions::subscribe(Hub& hub, Connection& connection, std::string_view topic) noexcept {
  if (topic.size() > hub.limits_->topic_bytes_max) {
    return std::make_error_code(std::errc::message_size);
  }
  if (find(topic) != nullptr) return {};
  if (size_ >= hub.limits_->topics_per_connection_max) {
    return std::make_error_code(std::errc::no_buffer_space);
  }
  const bool done = guarded([&] {
    auto entry = hub.topics_.find(topic);
    if (entry == hub.topics_.end()) entry = hub.topics_.try_emplace(std::string(topic)).first;
    std::vector<Hub::Member>& members = entry->second.members;
    auto subscription =
        std::make_unique<Hub::Subscription>(Hub::Subscription{&hub, entry, members.size(), first_});
    members.push_back({&connection, subscription.get()});
    ++entry->second.count;
    first_ = subscription.release();
    ++size_;
  });
  if (done) return {};
  const auto begun = hub.topics_.find(topic);
  if (begun != hub.topics_.end() && begun->second.members.empty()) hub.topics_.erase(begun);
  return out_of_memory();
}

bool Subscriptions::unsubscribe(std::string_view topic) noexcept {
  for (Hub::Subscription** link = &first_; *link != nullptr; link = &(*link)->next) {
    if ((*link)->topic->first != topic) continue;
    const std::unique_ptr<Hub::Subscription> gone{std::exchange(*link, (*link)->next)};
    --size_;
    gone->hub->leave(*gone);
    return true;
  }
  return false;
}

void Subscriptions::clear() noexcept {
  while (first_ != nullptr) {
    const std::unique_ptr<Hub::Subscription> gone{std::exchange(first_, first_->next)};
    gone->hub->leave(*gone);
  }
  size_ = 0;
}

Hub::Subscription* Subscriptions::find(std::string_view topic) const noexcept {
  for (Hub::Subscription* one = first_; one != nullptr; one = one->next) {
    if (one->topic->first == topic) return one;
  }
  return nullptr;
}

}  // namespace hilo::ws
