// SPDX-License-Identifier: MIT
//
// Owner<T>: a pointer that destroys what it points to, for members of classes that everybody
// includes.
//
// It is what std::unique_ptr<T> is, and no more than such members need: that one costs every file
// that includes it some 20 million instructions of g++ for each T (`make size` counts them), this
// one next to nothing. T may be incomplete where the member is declared. Elsewhere std::unique_ptr
// is right.

#pragma once

#include <utility>

namespace hilo {

template <class T>
class Owner {
 public:
  Owner() noexcept = default;
  explicit Owner(T* object) noexcept : object_(object) {}
  Owner(Owner&& other) noexcept : object_(other.release()) {}
  Owner& operator=(Owner&& other) noexcept {
    reset(other.release());
    return *this;
  }
  // Whoever is destroyed can be asked meanwhile, by those whom it tells.
  ~Owner() { destroy(object_); }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

  T* release() noexcept { return std::exchange(object_, nullptr); }
  // It is not this one's any more while it is destroyed.
  void reset(T* object) noexcept { destroy(std::exchange(object_, object)); }

 private:
  static void destroy(T* object) noexcept {
    static_assert(sizeof(T) != 0, "T is incomplete where it is destroyed");
    delete object;
  }

  T* object_ = nullptr;
};

}  // namespace hilo
