// SPDX-License-Identifier: MIT
//
// Errors are values. Result<T> holds a T or the std::error_code that says why there is none; Status
// is a Result without a value. Nothing in hilo throws.
//
//   Result<Fd> fd = socket::open_stream(Family::ipv4);
//   if (!fd) return fd.error();
//   use(*fd);

#pragma once

#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

#include "net/base/check.h"
#include "net/base/error_code.h"

namespace hilo {

// Success, or an error code. Test it; a Status that is dropped draws a warning.
class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  Status(std::error_code error) noexcept : error_(error) {}  // implicit: `return error;`
  Status(ErrorCode error) noexcept : error_(error) {}
  template <class Enum>
  requires std::is_error_code_enum<Enum>::value Status(Enum error)
  noexcept : error_(make_error_code(error)) {}

  explicit operator bool() const noexcept { return !error_; }
  std::error_code error() const noexcept { return error_; }

 private:
  ErrorCode error_;
};

// A T, or an error code that is not zero. Reading the value of a failed Result is a bug and aborts.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) noexcept : has_value_(true) { ::new (&storage_) T(std::move(value)); }
  Result(std::error_code error) noexcept : error_(error) { HILO_DCHECK(error_); }
  Result(ErrorCode error) noexcept : error_(error) { HILO_DCHECK(error_); }
  template <class Enum>
  requires std::is_error_code_enum<Enum>::value Result(Enum error)
  noexcept : Result(make_error_code(error)) {}
  Result(Result&& other) noexcept : error_(other.error_), has_value_(other.has_value_) {
    if (has_value_) ::new (&storage_) T(std::move(*other));
  }
  Result& operator=(Result&& other) noexcept {
    if (this != &other) {
      this->~Result();
      ::new (this) Result(std::move(other));
    }
    return *this;
  }
  ~Result() {
    if (has_value_) pointer()->~T();
  }

  explicit operator bool() const noexcept { return has_value_; }
  // Zero while there is a value.
  std::error_code error() const noexcept { return error_; }

  T& operator*() noexcept { return *checked(); }
  const T& operator*() const noexcept { return *const_cast<Result*>(this)->checked(); }
  T* operator->() noexcept { return checked(); }
  const T* operator->() const noexcept { return const_cast<Result*>(this)->checked(); }

 private:
  T* pointer() noexcept { return std::launder(reinterpret_cast<T*>(&storage_)); }
  T* checked() noexcept {
    HILO_CHECK(has_value_);
    return pointer();
  }

  alignas(T) unsigned char storage_[sizeof(T)];
  ErrorCode error_;
  bool has_value_ = false;
};

// The code for "memory could not be had", the one failure that net/base itself reports.
inline std::error_code out_of_memory() noexcept {
  return std::make_error_code(std::errc::not_enough_memory);
}

}  // namespace hilo
