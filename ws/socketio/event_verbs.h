// SPDX-License-Identifier: MIT
//
// EventVerbs: how an application listens and emits, the same words on a server and on a client.
//
// A base of handles (Socket, ClientSocket), which say what becomes of it: add_listener() and
// send(). An event by a name of the protocol's own (is_reserved_event(): "connect", "disconnect"
// and others) is not sent: emit() gives false, and who waits for the answer hears
// AckErrc::reserved.

#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "ws/socketio/arguments.h"
#include "ws/socketio/targets.h"

namespace hilo::socketio {

// socket.volatile_().emit(...), socket.timeout(5_s).emit(..., handler): how that one emit goes out.
// An immutable value: each of its verbs gives another one.
template <class Handle>
class Emitter {
 public:
  Emitter(const Handle& socket, const Flags& flags) noexcept : socket_(socket), flags_(flags) {}

  Emitter volatile_() const noexcept {
    return with([](Flags& f) { f.volatile_ = true; });
  }
  Emitter compress(bool on) const noexcept {
    return with([on](Flags& f) { f.compress = on; });
  }
  Emitter timeout(net::Duration duration) const noexcept {
    return with([duration](Flags& f) { f.timeout = duration; });
  }

  template <class... V>
  bool emit(std::string_view event, V&&... values) const {
    return socket_.send(make_emission(event, std::forward<V>(values)...), flags_);
  }
  bool emit(std::string_view event, Json::initializer_list_t value) const {
    return emit(event, std::move(*value_of(value)));
  }
  // The same with the values of an array.
  bool emit_values(std::string_view event, Json values, AckHandler ack = nullptr) const {
    OwnedJson named(std::move(values));
    named->insert(named->begin(), Json(event));
    return socket_.send({.values = std::move(named), .ack = std::move(ack)}, flags_);
  }

 private:
  template <class Change>
  Emitter with(Change&& change) const noexcept {
    Emitter changed = *this;
    change(changed.flags_);
    return changed;
  }

  Handle socket_;
  Flags flags_;
};

template <class Handle>
class EventVerbs {
 public:
  template <class F>
  const Handle& on(std::string_view event, F&& handler) const {
    self().add_listener(event, bind_event(std::forward<F>(handler)), false);
    return self();
  }
  template <class F>
  const Handle& once(std::string_view event, F&& handler) const {
    self().add_listener(event, bind_event(std::forward<F>(handler)), true);
    return self();
  }

  template <class... V>
  bool emit(std::string_view event, V&&... values) const {
    return self().send(make_emission(event, std::forward<V>(values)...), {});
  }
  bool emit(std::string_view event, Json::initializer_list_t value) const {
    return emit(event, std::move(*value_of(value)));
  }
  // The same with the values of an array.
  bool emit_values(std::string_view event, Json values, AckHandler ack = nullptr) const {
    return with({}).emit_values(event, std::move(values), std::move(ack));
  }
  Emitter<Handle> volatile_() const noexcept { return with({.volatile_ = true}); }
  Emitter<Handle> compress(bool on) const noexcept { return with({.compress = on}); }
  Emitter<Handle> timeout(net::Duration duration) const noexcept {
    return with({.timeout = duration});
  }

  friend bool operator==(const EventVerbs&, const EventVerbs&) = default;

 protected:
  EventVerbs() noexcept = default;

 private:
  const Handle& self() const noexcept { return static_cast<const Handle&>(*this); }
  Emitter<Handle> with(const Flags& flags) const noexcept { return {self(), flags}; }
};

}  // namespace hilo::socketio
