// SPDX-License-Identifier: MIT

#include "tests/sim/torture/memory.h"

#include <execinfo.h>
#include <openssl/crypto.h>

#include <array>
#include <cstdlib>
#include <new>

#include "net/base/allocator.h"
#include "net/base/check.h"

namespace hilo::sim::torture {
namespace {

struct State {
  std::uint64_t number = 0;  // 0: none is to fail
  Length length = Length::once;
  std::uint64_t allocations = 0;
  std::uint64_t failed = 0;
  bool shows_where = false;
};
constinit State state;

void print_stack() noexcept {
  const Outside test;
  std::array<void*, 40> frames;
  ::backtrace_symbols_fd(frames.data(), ::backtrace(frames.data(), frames.size()), 2);
}

bool fails() noexcept {
  if (state.number == 0 || !in_product()) return false;
  const std::uint64_t current = ++state.allocations;
  if (current < state.number) return false;
  if (current > state.number && state.length == Length::once) return false;
  if (++state.failed == 1 && state.shows_where) print_stack();
  return true;
}

void* allocate(std::size_t bytes) noexcept {
  return fails() ? nullptr : std::malloc(bytes != 0 ? bytes : 1);
}

void* allocate(std::size_t bytes, std::align_val_t alignment) noexcept {
  const auto align = static_cast<std::size_t>(alignment);
  return fails() ? nullptr : std::aligned_alloc(align, (bytes + align - 1) / align * align);
}

void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Before OpenSSL allocates anything.
const bool is_hooked = [] {
  use_allocator({.allocate = [](void*, std::size_t bytes) noexcept { return allocate(bytes); },
                 .release = [](void*, void* memory) noexcept { std::free(memory); }});
  return CRYPTO_set_mem_functions(
             [](std::size_t bytes, const char*, int) { return allocate(bytes); },
             [](void* old, std::size_t bytes, const char*, int) {
               return fails() ? nullptr : std::realloc(old, bytes);
             },
             [](void* memory, const char*, int) { std::free(memory); }) == 1;
}();

}  // namespace

void fail_allocations(std::uint64_t number, Length length) noexcept {
  HILO_CHECK(is_hooked);
  state = {.number = number, .length = length, .shows_where = state.shows_where};
}

void stop_failing_allocations() noexcept {
  state.number = 0;
}

std::uint64_t allocations() noexcept {
  return state.allocations;
}

std::uint64_t failed_allocations() noexcept {
  return state.failed;
}

void show_where() noexcept {
  state.shows_where = true;
}

}  // namespace hilo::sim::torture

using hilo::sim::torture::allocate;
using hilo::sim::torture::or_throw;

void* operator new(std::size_t bytes) {
  return or_throw(allocate(bytes));
}
void* operator new[](std::size_t bytes) {
  return or_throw(allocate(bytes));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return allocate(bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return allocate(bytes);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return or_throw(allocate(bytes, alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return or_throw(allocate(bytes, alignment));
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(bytes, alignment);
}
void* operator new[](std::size_t bytes, std::align_val_t alignment,
                     const std::nothrow_t&) noexcept {
  return allocate(bytes, alignment);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
