// SPDX-License-Identifier: MIT
//
// ErrorCode: what a std::error_code says, for free where there is nothing to say.
//
// Even a std::error_code that means success is made by a call into the library, which knows the
// address of its category, and so is everything that holds one in case something goes wrong. This
// one is two words, zero unless there is an error. It turns into a std::error_code, and is made of
// one, wherever one is wanted.

#pragma once

#include <system_error>

namespace hilo {

class ErrorCode {
 public:
  constexpr ErrorCode() noexcept = default;
  ErrorCode(const std::error_code& code) noexcept
      : category_(code ? &code.category() : nullptr), value_(code.value()) {}

  explicit operator bool() const noexcept { return category_ != nullptr; }
  operator std::error_code() const noexcept {
    return category_ == nullptr ? std::error_code{} : std::error_code{value_, *category_};
  }

 private:
  const std::error_category* category_ = nullptr;  // null: no error
  int value_ = 0;
};

}  // namespace hilo
