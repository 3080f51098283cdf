// SPDX-License-Identifier: MIT

#include "tests/support/allocation_counter.h"

namespace {

constinit thread_local std::uint64_t allocations = 0;

}  // namespace

namespace hilo::test::allocation_counter {

std::uint64_t count() noexcept {
  return allocations;
}

}  // namespace hilo::test::allocation_counter

#if HILO_INTERPOSES

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

extern "C" {

void* __libc_malloc(std::size_t) noexcept;
void* __libc_calloc(std::size_t, std::size_t) noexcept;
void* __libc_realloc(void*, std::size_t) noexcept;
void* __libc_memalign(std::size_t, std::size_t) noexcept;

void* malloc(std::size_t bytes) noexcept {
  ++allocations;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) noexcept {
  ++allocations;
  return __libc_calloc(count, bytes);
}
void* realloc(void* old, std::size_t bytes) noexcept {
  ++allocations;
  return __libc_realloc(old, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  return memalign(alignment, bytes);
}
int posix_memalign(void** result, std::size_t alignment, std::size_t bytes) noexcept {
  void* data = memalign(alignment, bytes);
  if (data == nullptr) return ENOMEM;
  *result = data;
  return 0;
}

void* mmap(void* address, std::size_t bytes, int protection, int flags, int fd,
           off_t offset) noexcept {
  ++allocations;
#if defined(SYS_mmap2)  // of a machine with 32 bits, which counts in pages
  const long result = syscall(SYS_mmap2, address, bytes, protection, flags, fd, offset / 4096);
#elif defined(__s390x__)  // which looks for its six words in memory
  const unsigned long words[] = {
      reinterpret_cast<unsigned long>(address), bytes,
      static_cast<unsigned long>(protection),   static_cast<unsigned long>(flags),
      static_cast<unsigned long>(fd),           static_cast<unsigned long>(offset)};
  const long result = syscall(SYS_mmap, words);
#else
  const long result = syscall(SYS_mmap, address, bytes, protection, flags, fd, offset);
#endif
  return reinterpret_cast<void*>(result);
}
#ifndef __USE_FILE_OFFSET64  // with which mmap is mmap64 already
void* mmap64(void* address, std::size_t bytes, int protection, int flags, int fd,
             off64_t offset) noexcept {
  return mmap(address, bytes, protection, flags, fd, static_cast<off_t>(offset));
}
#endif

}  // extern "C"

#endif
