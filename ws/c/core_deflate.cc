// SPDX-License-Identifier: MIT

#include <cerrno>

#include "ws/c/core_words.h"
#include "ws/core/deflate_negotiation.h"

using namespace hilo::ws;

namespace hilo::ws::c {
namespace {

hilo_deflate_options deflate_defaults() noexcept {
  const DeflateOptions defaults;
  return {.size = sizeof(hilo_deflate_options),
          .enabled = defaults.enabled,
          .level = defaults.level,
          .memory_level = defaults.memory_level,
          .server_context_takeover = !defaults.server_no_context_takeover,
          .client_context_takeover = !defaults.client_no_context_takeover,
          .server_max_window_bits = defaults.server_max_window_bits,
          .client_max_window_bits = defaults.client_max_window_bits,
          .reserved = 0,
          .threshold_bytes = defaults.threshold_bytes};
}

constexpr bool is_within(int value, int least, int most) noexcept {
  return value >= least && value <= most;
}

}  // namespace

int read_deflate(const hilo_deflate_options* given, DeflateOptions& options) noexcept {
  hilo_deflate_options all = deflate_defaults();
  if (const int error = read_options(given, all); error != HILO_OK) return error;
  if (!is_within(all.level, 1, 9) || !is_within(all.memory_level, 1, 9) ||
      !is_within(all.server_max_window_bits, 8, 15) ||
      !is_within(all.client_max_window_bits, 8, 15)) {
    return -EINVAL;
  }
  options = {.enabled = all.enabled != 0,
             .threshold_bytes = static_cast<std::size_t>(all.threshold_bytes),
             .server_no_context_takeover = all.server_context_takeover == 0,
             .client_no_context_takeover = all.client_context_takeover == 0,
             .server_max_window_bits = static_cast<std::uint8_t>(all.server_max_window_bits),
             .client_max_window_bits = static_cast<std::uint8_t>(all.client_max_window_bits),
             .level = static_cast<std::uint8_t>(all.level),
             .memory_level = static_cast<std::uint8_t>(all.memory_level)};
  return HILO_OK;
}

}  // namespace hilo::ws::c

void hilo_deflate_options_init(hilo_deflate_options* options, size_t size) noexcept {
  c::write_defaults(options, size, c::deflate_defaults());
}
