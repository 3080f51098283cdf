// SPDX-License-Identifier: MIT
//
// errno as a std::error_code, for the files that make system calls.

#pragma once

#include <cerrno>
#include <system_error>

namespace hilo::net {

// The generic category, so that a code compares equal to std::make_error_code(std::errc::...).
inline std::error_code last_error() noexcept {
  return {errno, std::generic_category()};
}

}  // namespace hilo::net
