// SPDX-License-Identifier: MIT

#include "net/base/allocator.h"

#include <cstdlib>
#include <cstring>

namespace hilo {
namespace {

constexpr Allocator standard{
    .allocate = [](void*, std::size_t bytes) noexcept { return std::malloc(bytes); },
    .release = [](void*, void* memory) noexcept { std::free(memory); }};

constinit Allocator allocator_in_use = standard;

}  // namespace

void use_allocator(const Allocator& allocator) noexcept {
  allocator_in_use = allocator;
}

void use_standard_allocator() noexcept {
  allocator_in_use = standard;
}

void* allocate_memory(std::size_t bytes) noexcept {
  return allocator_in_use.allocate(allocator_in_use.context, bytes);
}

void* grow_memory(void* memory, std::size_t used, std::size_t bytes) noexcept {
  void* const grown = allocate_memory(bytes);
  if (grown == nullptr) return nullptr;
  if (used != 0) std::memcpy(grown, memory, used);
  release_memory(memory);
  return grown;
}

void release_memory(void* memory) noexcept {
  if (memory != nullptr) allocator_in_use.release(allocator_in_use.context, memory);
}

}  // namespace hilo
