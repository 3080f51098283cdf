// SPDX-License-Identifier: MIT
//
// Assertions about hilo's own logic, never about what a peer sent: peer input is answered with an
// error value, so that no byte from the network can reach an abort.
//
//   HILO_CHECK(condition)   in every build: prints file, line and condition, then aborts
//   HILO_DCHECK(condition)  only where NDEBUG is not defined; nothing is evaluated elsewhere

#pragma once

namespace hilo {

[[noreturn]] void check_failed(const char* file, int line, const char* condition) noexcept;

}  // namespace hilo

#define HILO_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::hilo::check_failed(__FILE__, __LINE__, #condition))

#ifdef NDEBUG
#define HILO_DCHECK(condition) static_cast<void>(sizeof((condition) ? 1 : 0))
#else
#define HILO_DCHECK(condition) HILO_CHECK(condition)
#endif
