// SPDX-License-Identifier: MIT

#include "tests/sim/torture.h"

#include <span>

namespace hilo::sim::torture {
namespace {

struct State {
  std::uint64_t number = 0;  // 0: none is to fail
  std::size_t error = 0;
  Length length = Length::once;
  std::uint64_t calls = 0;
  std::uint64_t failed = 0;
};
constinit State state;

using enum std::errc;
using Errors = std::span<const std::errc>;

constexpr std::errc open_errors[] = {too_many_files_open, too_many_files_open_in_system,
                                     no_buffer_space, not_enough_memory, permission_denied};
constexpr std::errc listen_errors[] = {address_in_use, permission_denied, too_many_files_open,
                                       not_enough_memory};
constexpr std::errc accept_errors[] = {connection_aborted, too_many_files_open,
                                       too_many_files_open_in_system, no_buffer_space,
                                       not_enough_memory};
constexpr std::errc connect_errors[] = {connection_refused,    timed_out,
                                        network_unreachable,   permission_denied,
                                        address_not_available, not_enough_memory};
constexpr std::errc finish_connect_errors[] = {connection_refused, timed_out, host_unreachable,
                                               connection_reset};
constexpr std::errc receive_errors[] = {connection_reset, timed_out, host_unreachable,
                                        not_enough_memory};
constexpr std::errc send_errors[] = {broken_pipe,     connection_reset,  timed_out,
                                     no_buffer_space, not_enough_memory, host_unreachable};
constexpr std::errc shutdown_errors[] = {not_connected};
constexpr std::errc option_errors[] = {invalid_argument, no_buffer_space};
constexpr std::errc address_errors[] = {no_buffer_space, not_connected};
constexpr std::errc reserve_errors[] = {too_many_files_open, too_many_files_open_in_system,
                                        not_enough_memory};
constexpr std::errc watch_errors[] = {not_enough_memory, no_space_on_device};
constexpr std::errc wait_errors[] = {interrupted};
constexpr std::errc wakeup_errors[] = {too_many_files_open, too_many_files_open_in_system,
                                       not_enough_memory};
constexpr std::errc entropy_errors[] = {function_not_supported, io_error};
constexpr std::errc look_up_errors[] = {not_enough_memory, resource_unavailable_try_again,
                                        no_such_device_or_address};

Errors errors_of(Call call) noexcept {
  switch (call) {
    case Call::open: return open_errors;
    case Call::listen: return listen_errors;
    case Call::accept: return accept_errors;
    case Call::connect: return connect_errors;
    case Call::finish_connect: return finish_connect_errors;
    case Call::receive: return receive_errors;
    case Call::send: return send_errors;
    case Call::shutdown: return shutdown_errors;
    case Call::option: return option_errors;
    case Call::address: return address_errors;
    case Call::reserve: return reserve_errors;
    case Call::watch: return watch_errors;
    case Call::wait: return wait_errors;
    case Call::wakeup: return wakeup_errors;
    case Call::entropy: return entropy_errors;
    case Call::look_up: return look_up_errors;
  }
  return {};
}

bool strikes(Call call) noexcept {
  if (state.number == 0 || !in_product()) return false;
  const std::uint64_t current = ++state.calls;
  if (state.length == Length::once) return current == state.number;
  // A wait that is interrupted without end is no failure that a kernel has.
  return current >= state.number && call != Call::wait;
}

}  // namespace

void fail_calls(std::uint64_t number, std::size_t error, Length length) noexcept {
  state = {.number = number, .error = error, .length = length};
}

void stop_failing_calls() noexcept {
  state.number = 0;
}

std::uint64_t calls() noexcept {
  return state.calls;
}

std::uint64_t failed_calls() noexcept {
  return state.failed;
}

std::error_code next_error(Call which) noexcept {
  if (!strikes(which)) return {};
  ++state.failed;
  const Errors errors = errors_of(which);
  return std::make_error_code(errors[state.error % errors.size()]);
}

}  // namespace hilo::sim::torture
