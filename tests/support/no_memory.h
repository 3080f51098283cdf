// SPDX-License-Identifier: MIT
//
// NoMemory: as long as one lives, hilo's own rooms get no memory that they do not have yet. Made
// when none of it is held, or what is held could not be given back (net/base/allocator.h).

#pragma once

#include <cstdlib>

#include "net/base/allocator.h"

namespace hilo::test {

class NoMemory {
 public:
  // After so many blocks that are still given.
  explicit NoMemory(int blocks = 0) : left_(blocks) {
    use_allocator({.allocate =
                       [](void* self, std::size_t bytes) noexcept {
                         return static_cast<NoMemory*>(self)->left_-- > 0 ? std::malloc(bytes)
                                                                          : nullptr;
                       },
                   .release = [](void*, void* memory) noexcept { std::free(memory); },
                   .context = this});
  }
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
  ~NoMemory() { use_standard_allocator(); }

 private:
  int left_;
};

}  // namespace hilo::test
