// SPDX-License-Identifier: MIT
//
// The Nth allocation of the product's fails: operator new throws or gives null, what
// net/base/allocator.h asks for is null, and so is what OpenSSL does. A test that is linked with
// this has all three replaced.

#pragma once

#include <cstdint>

#include "tests/sim/torture.h"

namespace hilo::sim::torture {

// Numbers begin with 1.
void fail_allocations(std::uint64_t number, Length length) noexcept;
void stop_failing_allocations() noexcept;
// Allocations since fail_allocations(), and how many of them failed.
std::uint64_t allocations() noexcept;
std::uint64_t failed_allocations() noexcept;
// The first that fails prints where it is, for who looks for the cause.
void show_where() noexcept;

}  // namespace hilo::sim::torture
