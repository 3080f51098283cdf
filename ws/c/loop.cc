// SPDX-License-Identifier: MIT

#include <new>

#include "net/loop.h"
#include "ws/c/words.h"

using namespace hilo;
using namespace hilo::ws;

namespace hilo::ws::c {
namespace {

hilo_loop_options loop_defaults() noexcept {
  const net::Loop::Options defaults;
  return {.size = sizeof(hilo_loop_options),
          .receive_bytes = defaults.receive_bytes,
          .send_bytes = defaults.send_bytes,
          .busy_poll_us = defaults.busy_poll.to_microseconds()};
}

// An id of the loop's as one number; 0 is none.
std::uint64_t number_of(net::Loop::TimerId id) noexcept {
  return std::uint64_t{id.generation} << 32 | id.index;
}

}  // namespace
}  // namespace hilo::ws::c

void hilo_loop_options_init(hilo_loop_options* options, size_t size) noexcept {
  c::write_defaults(options, size, c::loop_defaults());
}

int hilo_loop_new(const hilo_loop_options* options, hilo_loop** loop) noexcept {
  *loop = nullptr;
  hilo_loop_options all = c::loop_defaults();
  if (const int error = c::read_options(options, all); error != HILO_OK) return error;
  constexpr std::uint64_t most = std::uint64_t{1} << 30;
  if (all.receive_bytes == 0 || all.receive_bytes > most) return -EINVAL;
  if (all.send_bytes == 0 || all.send_bytes > most) return -EINVAL;
  hilo_loop* const made = new (std::nothrow)
      hilo_loop({.receive_bytes = static_cast<std::size_t>(all.receive_bytes),
                 .send_bytes = static_cast<std::size_t>(all.send_bytes),
                 .busy_poll = net::Duration{net::bounded_product(all.busy_poll_us, 1'000)}});
  if (made == nullptr) return -ENOMEM;
  if (const int error = c::code_of(made->loop.status()); error != HILO_OK) {
    delete made;
    return error;
  }
  *loop = made;
  return HILO_OK;
}

void hilo_loop_free(hilo_loop* loop) noexcept {
  delete loop;
}

int hilo_loop_run(hilo_loop* loop) noexcept {
  return c::guarded_code([&] { return c::code_of(loop->loop.run()); });
}

void hilo_loop_stop(hilo_loop* loop) noexcept {
  loop->loop.stop();
}

int hilo_loop_run_once(hilo_loop* loop, int64_t timeout_ms) noexcept {
  return c::guarded_code(
      [&] { return c::code_of(loop->loop.run_once(net::Duration::milliseconds(timeout_ms))); });
}

int hilo_loop_fd(const hilo_loop* loop) noexcept {
  return loop->loop.fd();
}

int64_t hilo_loop_until_next_turn_ms(const hilo_loop* loop) noexcept {
  // Rounded up: whoever came a bit early would find nothing to do, and come again at once.
  const net::Duration left = loop->loop.until_next_turn();
  return left.nanoseconds < 0 ? -1 : (left + net::Duration{999'999}).to_milliseconds();
}

int hilo_loop_post(hilo_loop* loop, void (*call)(void* user), void* user) noexcept {
  return c::guarded_code([&] {
    loop->loop.post([call, user] { call(user); });
    return HILO_OK;
  });
}

int hilo_loop_call_after(hilo_loop* loop, int64_t delay_ms, void (*call)(void* user), void* user,
                         uint64_t* timer) noexcept {
  return c::guarded_code([&] {
    const net::Loop::TimerId id =
        loop->loop.call_after(net::Duration::milliseconds(delay_ms), [call, user] { call(user); });
    const std::uint64_t number = c::number_of(id);
    if (timer != nullptr) *timer = number;
    return number == c::number_of({}) ? -ENOMEM : HILO_OK;
  });
}

void hilo_loop_cancel(hilo_loop* loop, uint64_t timer) noexcept {
  loop->loop.cancel({static_cast<std::uint32_t>(timer), static_cast<std::uint32_t>(timer >> 32)});
}
