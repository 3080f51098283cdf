// SPDX-License-Identifier: MIT

#include "net/entropy.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <climits>

namespace hilo::net {

namespace {

std::atomic<unsigned> fork_generation{1};
std::atomic<bool> fork_is_noticed{false};
pthread_once_t fork_watch_once = PTHREAD_ONCE_INIT;

void count_fork() {
  fork_generation.fetch_add(1, std::memory_order_relaxed);
}
void watch_forks() {
  fork_is_noticed.store(pthread_atfork(nullptr, nullptr, &count_fork) == 0);
}

}  // namespace

Status entropy_fill(MutableBytes out) noexcept {
  while (!out.empty()) {
    const std::size_t bytes = std::min(out.size(), std::size_t{INT_MAX});
    // A failure must not stay in the thread's error queue, where the next TLS call would find it.
    ERR_set_mark();
    const int outcome = RAND_bytes(out.data(), static_cast<int>(bytes));
    ERR_pop_to_mark();
    if (outcome != 1) return std::make_error_code(std::errc::io_error);
    out = out.subspan(bytes);
  }
  return {};
}

unsigned entropy_fork_generation() noexcept {
  pthread_once(&fork_watch_once, &watch_forks);
  // Where forks go unnoticed every look is a new generation, and nothing in store is ever used.
  if (!fork_is_noticed.load(std::memory_order_relaxed)) count_fork();
  return fork_generation.load(std::memory_order_relaxed);
}

}  // namespace hilo::net
