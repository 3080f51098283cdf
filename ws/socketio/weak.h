// SPDX-License-Identifier: MIT
//
// Weak: how a value that an application keeps finds its object, or finds that it is gone. As large
// as a pointer, so that handles stay small.
//
//   thread   Copies may be made and dropped in any; get() is for the object's own.
//   lifetime An Anchor is a member of the object that it stands for. Its Weaks may outlive it.

#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace hilo::socketio {

template <class T>
class Anchor;

template <class T>
class Weak {
 public:
  Weak() noexcept = default;
  Weak(const Weak& other) noexcept : shared_(other.shared_) { hold(); }
  Weak(Weak&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  Weak& operator=(Weak other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~Weak() { release(); }

  // Null: it is gone, or there never was one.
  T* get() const noexcept { return shared_ != nullptr ? shared_->object : nullptr; }

  friend bool operator==(const Weak&, const Weak&) = default;

 private:
  friend class Anchor<T>;
  struct Shared {
    T* object;
    std::atomic<std::uint32_t> holders;
  };

  explicit Weak(T& object) : shared_(new Shared{&object, 1}) {}
  void hold() noexcept {
    if (shared_ != nullptr) shared_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept {
    if (shared_ == nullptr) return;
    if (shared_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete shared_;
  }

  Shared* shared_ = nullptr;
};

template <class T>
class Anchor {
 public:
  explicit Anchor(T& object) : weak_(object) {}
  Anchor(const Anchor&) = delete;
  Anchor& operator=(const Anchor&) = delete;
  ~Anchor() { raise(); }

  const Weak<T>& weak() const noexcept { return weak_; }
  // From now on it is not found any more.
  void raise() noexcept { weak_.shared_->object = nullptr; }

 private:
  Weak<T> weak_;
};

}  // namespace hilo::socketio
