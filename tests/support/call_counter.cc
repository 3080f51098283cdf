// SPDX-License-Identifier: MIT

#include "tests/support/call_counter.h"

namespace {

constinit thread_local hilo::test::call_counter::Calls calls;

}  // namespace

namespace hilo::test::call_counter {

Calls now() noexcept {
  return calls;
}

}  // namespace hilo::test::call_counter

#if HILO_INTERPOSES

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>

// Counts one more, and goes on in libc.
#define HILO_COUNTED(counter, name, ...)                                                   \
  ++calls.counter;                                                                         \
  static const auto real = reinterpret_cast<decltype(&::name)>(::dlsym(RTLD_NEXT, #name)); \
  return real(__VA_ARGS__)

extern "C" {

int epoll_wait(int fd, epoll_event* events, int count, int timeout) {
  HILO_COUNTED(waits, epoll_wait, fd, events, count, timeout);
}
int poll(pollfd* fds, nfds_t count, int timeout) {
  HILO_COUNTED(waits, poll, fds, count, timeout);
}

ssize_t recv(int fd, void* into, std::size_t bytes, int flags) {
  HILO_COUNTED(receives, recv, fd, into, bytes, flags);
}
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  HILO_COUNTED(receives, recvmsg, fd, message, flags);
}
ssize_t read(int fd, void* into, std::size_t bytes) {
  HILO_COUNTED(receives, read, fd, into, bytes);
}
ssize_t readv(int fd, const iovec* vectors, int count) {
  HILO_COUNTED(receives, readv, fd, vectors, count);
}

ssize_t send(int fd, const void* from, std::size_t bytes, int flags) {
  HILO_COUNTED(sends, send, fd, from, bytes, flags);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  HILO_COUNTED(sends, sendmsg, fd, message, flags);
}
ssize_t write(int fd, const void* from, std::size_t bytes) {
  HILO_COUNTED(sends, write, fd, from, bytes);
}
ssize_t writev(int fd, const iovec* vectors, int count) {
  HILO_COUNTED(sends, writev, fd, vectors, count);
}

int accept(int fd, sockaddr* peer, socklen_t* bytes) {
  HILO_COUNTED(accepts, accept, fd, peer, bytes);
}
int accept4(int fd, sockaddr* peer, socklen_t* bytes, int flags) {
  HILO_COUNTED(accepts, accept4, fd, peer, bytes, flags);
}
int epoll_ctl(int fd, int operation, int subject, epoll_event* event) noexcept {
  HILO_COUNTED(watches, epoll_ctl, fd, operation, subject, event);
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t bytes) noexcept {
  HILO_COUNTED(others, setsockopt, fd, level, name, value, bytes);
}
int getsockopt(int fd, int level, int name, void* value, socklen_t* bytes) noexcept {
  HILO_COUNTED(others, getsockopt, fd, level, name, value, bytes);
}
int getsockname(int fd, sockaddr* address, socklen_t* bytes) noexcept {
  HILO_COUNTED(others, getsockname, fd, address, bytes);
}
int getpeername(int fd, sockaddr* address, socklen_t* bytes) noexcept {
  HILO_COUNTED(others, getpeername, fd, address, bytes);
}
int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  HILO_COUNTED(others, fcntl, fd, command, argument);
}
int shutdown(int fd, int direction) noexcept {
  HILO_COUNTED(others, shutdown, fd, direction);
}
int close(int fd) {
  HILO_COUNTED(others, close, fd);
}

}  // extern "C"

#endif
