// SPDX-License-Identifier: MIT
//
// Just enough of kqueue(2)'s interface to check on other systems that net/poller_kqueue.cc
// compiles:
//
//   c++ -std=c++20 -I. -isystem tests/support/kqueue_header -fsyntax-only net/poller_kqueue.cc
//
// The names and types are those of FreeBSD and macOS; the values mean nothing.

#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>

struct kevent {
  std::uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned int fflags;
  std::intptr_t data;
  void* udata;
};

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_CLEAR 0x0020
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

int kqueue();
int kevent(int kq, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const struct timespec* timeout);
