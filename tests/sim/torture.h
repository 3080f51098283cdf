// SPDX-License-Identifier: MIT
//
// Torture, as curl and SQLite do it: a run is repeated with the first of its system calls failing,
// then the second, and so on, until one is through without reaching the number; and the same with
// its allocations (torture/memory.h). Here is what the seams ask: whose code is running, and
// whether the call that begins is to fail.
//
//   torture::fail_from(17, 0, torture::Length::once);   // the 17th call, by the first of its
//   errors { const torture::InProduct product; loop.run_once({}); } torture::stop();
//
// Only what the product does is counted: not what tests and the simulator itself do, which are
// outside of it unless an InProduct says otherwise.
//
//   thread  one, as all of the simulation

#pragma once

#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

#include "net/base/result.h"
#include "net/socket.h"

namespace hilo::sim::torture {

// What runs while one of these lives is the product, or is not.
class InProduct {
 public:
  InProduct() noexcept : before_(std::exchange(active, true)) {}
  InProduct(const InProduct&) = delete;
  InProduct& operator=(const InProduct&) = delete;
  ~InProduct() { active = before_; }

 private:
  friend class Outside;
  friend bool in_product() noexcept;
  static inline bool active = false;
  bool before_;
};

class Outside {
 public:
  Outside() noexcept : before_(std::exchange(InProduct::active, false)) {}
  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;
  ~Outside() { InProduct::active = before_; }

 private:
  bool before_;
};

inline bool in_product() noexcept {
  return InProduct::active;
}

// That one, or all from there on.
enum class Length : std::uint8_t { once, persistent };

// Numbers begin with 1. Of the errors that the call may give it gives that of this number, taken
// round.
void fail_calls(std::uint64_t number, std::size_t error, Length length) noexcept;
void stop_failing_calls() noexcept;
// Calls since fail_calls(), and how many of them failed.
std::uint64_t calls() noexcept;
std::uint64_t failed_calls() noexcept;

// The calls that can fail.
enum class Call : std::uint8_t {
  open,
  listen,
  accept,
  connect,
  finish_connect,
  receive,
  send,
  shutdown,
  option,
  address,
  reserve,
  watch,
  wait,
  wakeup,
  entropy,
  look_up,
};
// How many errors the one with most of them can give.
inline constexpr std::size_t errors_max = 6;
// Counts one more. None: it is not to fail.
std::error_code next_error(Call which) noexcept;

// Stands at the head of each call of a seam: from there to the end of the call the simulator runs.
class SystemCall {
 public:
  explicit SystemCall(Call which) noexcept : error_(next_error(which)) {}

  bool fails() const noexcept { return static_cast<bool>(error_); }
  std::error_code error() const noexcept { return error_; }
  net::Io io() const noexcept { return {.kind = net::Io::Kind::failed, .error = error_}; }

 private:
  std::error_code error_;  // decided while the product was still running
  Outside simulator_;
};

}  // namespace hilo::sim::torture
