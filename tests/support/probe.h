// SPDX-License-Identifier: MIT
//
// A Watcher made of callbacks, and what else the tests of a Loop have in common.

#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "net/socket.h"

namespace hilo::test {

constexpr net::Duration no_wait{0};
constexpr net::Duration for_ever{-1};

// A Watcher made of callbacks, which writes what happens into a log.
class Probe final : public net::Watcher {
 public:
  explicit Probe(std::string name = {}, std::vector<std::string>* log = nullptr)
      : name_(std::move(name)), log_(log) {}

  Callback<void(net::Ready)> ready;
  Callback<void()> resume;
  Callback<void()> reap;
  Callback<void()> flush;
  int ready_count = 0;
  int resume_count = 0;
  int reap_count = 0;
  int flush_count = 0;

  void on_ready(net::Ready state) override {
    ++ready_count;
    note("ready");
    if (ready) ready(state);
  }
  void on_resume() override {
    ++resume_count;
    note("resume");
    if (resume) resume();
  }
  void on_reap() override {
    ++reap_count;
    note("reap");
    if (reap) reap();
  }
  void on_flush() override {
    ++flush_count;
    note("flush");
    if (flush) flush();
  }

 private:
  void note(const char* what) {
    if (log_ != nullptr) log_->push_back(name_ + what);
  }
  std::string name_;
  std::vector<std::string>* log_;
};

// kqueue as a library on top of epoll: its descriptor never becomes readable, and it allocates.
inline bool is_emulated_kqueue() {
#ifdef __linux__
  return std::string_view(net::Poller::name()) == "kqueue";
#else
  return false;
#endif
}

inline void send_byte(const net::Fd& fd) {
  const Bytes slice = as_bytes("x");
  REQUIRE(net::socket::send(fd.value(), {&slice, 1}).kind == net::Io::Kind::done);
}
inline void take_byte(const net::Fd& fd) {
  std::uint8_t byte[1];
  REQUIRE(net::socket::receive(fd.value(), byte).kind == net::Io::Kind::done);
}

inline net::Token must_watch(net::Loop& loop, int fd, net::Interest interest,
                             net::Watcher& watcher) {
  const Result<net::Token> token = loop.watch(fd, interest, watcher);
  REQUIRE(token);
  return *token;
}

}  // namespace hilo::test
