// SPDX-License-Identifier: MIT
//
// HILO_INTERPOSES: 1 where a test program may define functions of libc over again to count their
// calls. That takes glibc, and no sanitizer beside it, which does the same.

#pragma once

#include <cstdlib>  // tells which libc it is

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define HILO_INTERPOSES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HILO_INTERPOSES 0
#endif
#endif
#ifndef HILO_INTERPOSES
#define HILO_INTERPOSES 1
#endif
