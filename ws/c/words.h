// SPDX-License-Identifier: MIT
//
// What the files behind hilo.h share beside core_words.h: the one place where exceptions end,
// errors of all layers as ints, and limits and options as the C++ side has them. Not for programs.

#pragma once

#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

#include "net/base/result.h"
#include "net/loop.h"
#include "ws/c/core_words.h"
#include "ws/c/hilo.h"
#include "ws/connection.h"
#include "ws/limits.h"
#include "ws/log.h"

struct hilo_loop {
  explicit hilo_loop(hilo::net::Loop::Options options) noexcept : loop(options) {}
  hilo::net::Loop loop;
};

namespace hilo::ws::c {

int code_of(std::error_code error) noexcept;
inline int code_of(const Status& status) noexcept {
  return code_of(status.error());
}

// Calls `call()`, which returns a code. What it throws becomes one. Without exceptions, as in
// base/guard.h, it is a plain call.
template <class Call>
int guarded_code(Call&& call) noexcept {
#if defined(__cpp_exceptions)
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  } catch (const std::length_error&) {
    return -ENOMEM;
  } catch (...) {
    return HILO_ERROR_HANDLER_THREW;
  }
#else
  return call();
#endif
}

// A connection's handle is its address: it has nothing of its own.
inline hilo_connection* handle_of(Connection* connection) noexcept {
  return reinterpret_cast<hilo_connection*>(connection);
}
inline Connection& connection_of(hilo_connection* handle) noexcept {
  return *reinterpret_cast<Connection*>(handle);
}
inline const Connection& connection_of(const hilo_connection* handle) noexcept {
  return *reinterpret_cast<const Connection*>(handle);
}

inline std::string string_of(hilo_text text) {
  return std::string{view(text)};
}
inline bool is_message_opcode(int opcode) noexcept {
  return opcode == HILO_OPCODE_TEXT || opcode == HILO_OPCODE_BINARY;
}
inline bool is_close_code(int code) noexcept {
  return code >= 0 && code <= 0xFFFF;
}
inline int answer(const std::optional<std::string_view>& found, hilo_text* value) noexcept {
  *value = text_of(found.value_or(std::string_view{}));
  return found.has_value();
}

// Null stands for the defaults. -EINVAL or -E2BIG for what cannot be.
int read_limits(const hilo_limits* given, Limits& limits) noexcept;

// The sink of a log, or none.
LogSink log_sink(hilo_log log, void* user);

}  // namespace hilo::ws::c
