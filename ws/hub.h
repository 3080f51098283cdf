// SPDX-License-Identifier: MIT
//
// Hub: topics. Connections subscribe to names; what is published under a name goes to all of them,
// encoded once.
//
//   server.on_open   ([](ws::Connection& c)                { (void)c.subscribe("news"); })
//         .on_message([&](ws::Connection& c, ws::Message m) {
//           server.publish("news", m.opcode, m.payload, {.except = c.id()});
//         });
//
// A topic is there while somebody is subscribed to it. A connection leaves all its topics when it
// ends. Each receiver's own queue limit and Overflow policy decide what becomes of a publication
// there; what is not accepted is told to its on_dropped, and concerns nobody else. A connection
// that is sending a message in fragments cannot take a publication in between: on_dropped again.
//
// Several servers of one process, each on its own loop, meet() once; then what is published on one
// reaches the subscribers of all:
//
//   thread 0   [hub] --- one shared copy of the message, Loop::post ---> [hub]   thread 1
//                |                                                         |
//              its own subscribers, at once                        its own subscribers
//
//   order     Publications of one thread reach each receiver in that order, and behind what the
//             same callback sent to it before.
//   thread    publish() from any; all else in the loop's. Outside of the loop's thread, and from
//             within a publication (an on_dropped that publishes), publish() copies the message and
//             hands it to the loop; it must not run while the hub is being destroyed.
//   limits    Limits::topics_per_connection_max, topic_bytes_max; what one hub has on its way to
//             loops is bounded by Limits::publish_bytes_max: see publish()
//   lifetime  the loop first, then the hub, then the connections. Hubs that have met may go in any
//             order, each in its own thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "net/base/result.h"
#include "ws/core/rfc6455.h"
#include "ws/limits.h"
#include "ws/parcel.h"
#include "ws/sending.h"

namespace hilo::net {
class Loop;
}

namespace hilo::ws {

class Connection;
class EncodedMessage;

class Hub {
 public:
  // `limits` must outlive the hub.
  Hub(net::Loop& loop, const Limits& limits);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub();

  // `queued` also if nobody is subscribed. Posted::full, and then nobody gets it, when the message
  // has to be handed to a loop and Limits::publish_bytes_max does not allow that.
  Posted publish(std::string_view topic, Opcode opcode, Bytes payload,
                 PublishOptions options = {}) noexcept;

  // Subscribers of this hub alone.
  std::size_t subscriber_count(std::string_view topic) const noexcept;
  std::size_t topic_count() const noexcept { return topics_.size(); }
  // visit(name, subscriber count) for each topic that has subscribers; it changes nothing.
  template <class Visit>
  void for_each_topic(Visit&& visit) const {
    for (const auto& [name, topic] : topics_) {
      if (topic.count != 0) visit(std::string_view{name}, topic.count);
    }
  }

  // More than half of publish_bytes_max is on its way: whoever publishes what it receives should
  // pause() the source until on_room, which follows when a quarter is left.
  bool backed_up() const noexcept;
  // It may put another one, or none, in its own place.
  void on_room(Callback<void()> callback) { on_room_ = std::move(callback); }

  // What is published on one of these reaches the subscribers of all. Once, before their loops run.
  static void meet(std::span<Hub* const> hubs);

 private:
  friend class Subscriptions;
  class Address;
  struct Subscription;
  struct Member {
    Connection* connection;  // null: it left while a publication went through
    Subscription* subscription;
  };
  struct Topic {
    std::vector<Member> members;  // in no order
    std::size_t count = 0;        // of those who did not leave
  };
  using Topics = std::map<std::string, Topic, std::less<>>;

  Posted publish_here(std::string_view topic, Opcode opcode, Bytes payload,
                      const PublishOptions& options);
  void forward(const ParcelRef& parcel);
  void take(const Parcel& parcel);
  void deliver(std::string_view topic, EncodedMessage& message, ConnectionId except);
  void room_again();
  void leave(Subscription& subscription) noexcept;
  void tidy(Topics::iterator topic) noexcept;

  net::Loop* loop_;
  const Limits* limits_;
  Topics topics_;
  const Topic* publishing_ = nullptr;  // a publication is going through its members
  std::shared_ptr<Address> address_;
  std::vector<std::shared_ptr<Address>> others_;
  Callback<void()> on_room_;
};

// What one connection is subscribed to; leaves it all when destroyed.
class Subscriptions {
 public:
  Subscriptions() noexcept = default;
  Subscriptions(const Subscriptions&) = delete;
  Subscriptions& operator=(const Subscriptions&) = delete;
  ~Subscriptions() { clear(); }

  // Twice is as good as once. errc::message_size for a name over topic_bytes_max,
  // errc::no_buffer_space beyond topics_per_connection_max, out_of_memory().
  Status subscribe(Hub& hub, Connection& connection, std::string_view topic) noexcept;
  // False: it was not subscribed.
  bool unsubscribe(std::string_view topic) noexcept;
  void clear() noexcept;
  std::size_t size() const noexcept { return size_; }

 private:
  Hub::Subscription* find(std::string_view topic) const noexcept;

  Hub::Subscription* first_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace hilo::ws
