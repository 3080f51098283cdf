// SPDX-License-Identifier: MIT
//
// Callback<R(Args...)>: a move-only function object with inline storage.
//
// Unlike std::function it needs no copy, so a lambda may own a socket or a unique_ptr; and its
// arguments travel by reference through the one indirect call, so that a 24-byte view costs no copy
// on the way. Captures of up to six pointers live inside; larger ones on the heap, allocated when
// the callback is made and never when it is called.
//
// Calling an empty Callback is a bug and aborts. Calls are as thread-safe as what was captured.

#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "net/base/check.h"

namespace hilo {

template <class Signature>
class Callback;

template <class R, class... Args>
class Callback<R(Args...)> {
 public:
  static constexpr std::size_t inline_bytes = 6 * sizeof(void*);

  // True if F needs no allocation here.
  template <class F>
  static constexpr bool fits =
      sizeof(F) <= inline_bytes &&
      alignof(F) <= alignof(void*) && std::is_nothrow_move_constructible_v<F>;

  Callback() noexcept = default;
  Callback(std::nullptr_t) noexcept {}

  template <class F>
  requires(!std::is_same_v<std::decay_t<F>, Callback> &&
           std::is_invocable_r_v<R, std::decay_t<F>&, Args...>) Callback(F&& f) {
    using Target = std::decay_t<F>;
    if constexpr (fits<Target>) {
      ::new (static_cast<void*>(storage_)) Target(std::forward<F>(f));
      operations_ = &inline_operations<Target>;
    } else {
      *reinterpret_cast<Target**>(storage_) = new Target(std::forward<F>(f));
      operations_ = &heap_operations<Target>;
    }
  }

  Callback(Callback&& other) noexcept { take(other); }
  Callback& operator=(Callback&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~Callback() { reset(); }

  explicit operator bool() const noexcept { return operations_ != nullptr; }

  R operator()(Args... args) { return call(args...); }
  // The same without a copy of what is passed by value, which may be moved from.
  R call(Args&... args) {
    HILO_DCHECK(operations_ != nullptr);
    return operations_->call(storage_, args...);
  }

 private:
  struct Operations {
    R (*call)(void*, Args&...);
    void (*move)(void* from, void* to) noexcept;
    void (*destroy)(void*) noexcept;
  };

  template <class Target>
  static R invoke(Target& target, Args&... args) {
    return static_cast<R>(target(std::forward<Args>(args)...));
  }

  template <class Target>
  static constexpr Operations inline_operations = {
      [](void* p, Args&... args) -> R { return invoke(*static_cast<Target*>(p), args...); },
      [](void* from, void* to) noexcept {
        ::new (to) Target(std::move(*static_cast<Target*>(from)));
        static_cast<Target*>(from)->~Target();
      },
      [](void* p) noexcept { static_cast<Target*>(p)->~Target(); }};

  template <class Target>
  static constexpr Operations heap_operations = {
      [](void* p, Args&... args) -> R { return invoke(**static_cast<Target**>(p), args...); },
      [](void* from, void* to) noexcept {
        *static_cast<Target**>(to) = *static_cast<Target**>(from);
      },
      [](void* p) noexcept { delete *static_cast<Target**>(p); }};

  void take(Callback& other) noexcept {
    if (other.operations_ == nullptr) return;
    other.operations_->move(other.storage_, storage_);
    operations_ = std::exchange(other.operations_, nullptr);
  }
  void reset() noexcept {
    if (operations_ != nullptr) std::exchange(operations_, nullptr)->destroy(storage_);
  }

  alignas(void*) unsigned char storage_[inline_bytes];
  const Operations* operations_ = nullptr;
};

// Calls what is in `target`, if anything is, by call(running). Meanwhile `target` may be given
// another one, be emptied, or be destroyed, also by what is being called, which lives until it
// returns. If none of that happens it is in its place again then. Called from within, `target` does
// nothing.
template <class... Args, class Call>
void call_replaceable(Callback<void(Args...)>& target, Call&& call) {
  // Stands in for what is called. Its end tells that the place was given to somebody else.
  class StandIn {
   public:
    explicit StandIn(bool& is_gone) noexcept : is_gone_(&is_gone) {}
    StandIn(StandIn&& other) noexcept : is_gone_(std::exchange(other.is_gone_, nullptr)) {}
    StandIn& operator=(StandIn&&) = delete;
    ~StandIn() {
      if (is_gone_ != nullptr) *is_gone_ = true;
    }
    void operator()(Args...) const noexcept {}

   private:
    bool* is_gone_;
  };
  if (!target) return;
  bool is_gone = false;
  Callback<void(Args...)> running = std::move(target);
  target = StandIn(is_gone);
  call(running);
  if (!is_gone) target = std::move(running);
}

}  // namespace hilo
