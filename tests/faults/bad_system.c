// SPDX-License-Identifier: MIT
//
// bad_system: a system that fails when it is told to, for a program that is started with
// LD_PRELOAD. BAD_SYSTEM names a file of 32-bit numbers (struct Orders) that the test maps, too:
// what it writes there holds from the next call on, and what happened can be read there.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct Orders {
  // Of a hundred calls that move bytes:
  int32_t short_io;     // move one byte to seven
  int32_t would_block;  // EAGAIN
  int32_t interrupted;  // EINTR
  int32_t no_buffers;   // of a hundred accepts: ENOBUFS
  // The so-and-so-many'th call from now on fails, and all behind it if `persistent`; 0: none.
  int32_t allocation;
  int32_t epoll_add;
  int32_t persistent;
  int32_t clock_seconds;  // CLOCK_REALTIME is so much later
  // What happened.
  int32_t moved_short;
  int32_t blocked;
  int32_t was_interrupted;
  int32_t failed_accepts;
  int32_t allocations;  // since `allocation` was set
  int32_t failed_allocations;
  int32_t failed_epoll_adds;
  int32_t clock_reads;
};

static struct Orders none;
static struct Orders* orders = &none;
static uint32_t chance = 1;

#define REAL(name)               \
  static __typeof__(name)* real; \
  if (!real) real = (__typeof__(name)*)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("BAD_SYSTEM");
  const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* mapped = mmap(0, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) orders = mapped;
}

static uint32_t draw(uint32_t below) {
  chance = chance * 1664525 + 1013904223;
  return (chance >> 8) % below;
}

static int happens(int32_t percent, int32_t* count) {
  if (percent == 0 || (int32_t)draw(100) >= percent) return 0;
  ++*count;
  return 1;
}

// Counts down to the one that fails.
static int is_due(int32_t* left, int32_t* count) {
  if (*left == 0) return 0;
  if (*left > 1) {
    --*left;
    return 0;
  }
  if (orders->persistent == 0) *left = 0;
  ++*count;
  return 1;
}

static int refused(void) {
  if (happens(orders->interrupted, &orders->was_interrupted)) return errno = EINTR, 1;
  if (happens(orders->would_block, &orders->blocked)) return errno = EAGAIN, 1;
  return 0;
}

static size_t shortened(size_t bytes) {
  if (bytes < 2 || !happens(orders->short_io, &orders->moved_short)) return bytes;
  const size_t some = 1 + draw(7);
  return some < bytes ? some : bytes;
}

ssize_t recv(int fd, void* into, size_t bytes, int flags) {
  REAL(recv);
  return refused() ? -1 : real(fd, into, shortened(bytes), flags);
}

ssize_t send(int fd, const void* from, size_t bytes, int flags) {
  REAL(send);
  return refused() ? -1 : real(fd, from, shortened(bytes), flags);
}

ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  REAL(sendmsg);
  if (refused()) return -1;
  if (message->msg_iovlen == 0 || message->msg_controllen != 0) return real(fd, message, flags);
  const size_t first = message->msg_iov[0].iov_len;
  const size_t some = shortened(first);
  if (some == first) return real(fd, message, flags);
  struct iovec slice = {message->msg_iov[0].iov_base, some};
  struct msghdr less = *message;
  less.msg_iov = &slice;
  less.msg_iovlen = 1;
  return real(fd, &less, flags);
}

int accept4(int fd, struct sockaddr* peer, socklen_t* bytes, int flags) {
  REAL(accept4);
  if (happens(orders->no_buffers, &orders->failed_accepts)) return errno = ENOBUFS, -1;
  return real(fd, peer, bytes, flags);
}

int epoll_ctl(int poller, int operation, int fd, struct epoll_event* event) {
  REAL(epoll_ctl);
  if (operation == EPOLL_CTL_ADD && is_due(&orders->epoll_add, &orders->failed_epoll_adds)) {
    return errno = ENOSPC, -1;
  }
  return real(poller, operation, fd, event);
}

int epoll_wait(int poller, struct epoll_event* events, int count, int timeout) {
  REAL(epoll_wait);
  if (happens(orders->interrupted, &orders->was_interrupted)) return errno = EINTR, -1;
  return real(poller, events, count, timeout);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  REAL(clock_gettime);
  const int code = real(clock, now);
  if (code == 0 && clock == CLOCK_REALTIME) {
    ++orders->clock_reads;
    now->tv_sec += orders->clock_seconds;
  }
  return code;
}

extern void* __libc_malloc(size_t bytes);
extern void* __libc_realloc(void* memory, size_t bytes);
extern void* __libc_calloc(size_t count, size_t bytes);

static int allocation_fails(void) {
  if (orders->allocation == 0) return 0;
  ++orders->allocations;
  return is_due(&orders->allocation, &orders->failed_allocations);
}

void* malloc(size_t bytes) {
  return allocation_fails() ? (errno = ENOMEM, (void*)0) : __libc_malloc(bytes);
}

void* calloc(size_t count, size_t bytes) {
  return allocation_fails() ? (errno = ENOMEM, (void*)0) : __libc_calloc(count, bytes);
}

void* realloc(void* memory, size_t bytes) {
  return allocation_fails() ? (errno = ENOMEM, (void*)0) : __libc_realloc(memory, bytes);
}
