// SPDX-License-Identifier: MIT

#include "ws/core/utf8.h"

#include <array>
#include <atomic>

#include "ws/core/processor.h"
#include "ws/core/utf8_kernels.h"

namespace hilo::ws {

namespace {

using utf8_detail::State;

// clang-format off
constexpr std::array known_checks{
    Utf8Kernel{"words", utf8_words::check, processor::does_all},
#if defined(__x86_64__)
    Utf8Kernel{"ssse3", utf8_ssse3::check, processor::has_ssse3},
    Utf8Kernel{"avx2", utf8_avx2::check, processor::has_avx2},
#elif defined(__aarch64__)
    Utf8Kernel{"neon", utf8_neon::check, processor::does_all},
#endif
};
// clang-format on

std::size_t choose_and_check(const std::uint8_t* data, std::size_t size) noexcept;

// Begins as the function that puts the best kernel in its own place. Relaxed is enough: every value
// that a thread can see here is a right one, and the kernels keep no data.
constinit std::atomic<Utf8Function> chosen_check{choose_and_check};

std::size_t choose_and_check(const std::uint8_t* data, std::size_t size) noexcept {
  Utf8Function best = utf8_words::check;
  for (const Utf8Kernel& kernel : known_checks) {
    if (kernel.available()) best = kernel.check;
  }
  chosen_check.store(best, std::memory_order_relaxed);
  return best(data, size);
}

// The state behind the first byte of a character. RFC 3629 §4: the bounds of the second byte keep
// out the overlong forms (E0, F0), the surrogates (ED) and what lies above U+10FFFF (F4).
constexpr State after_first(std::uint8_t byte) noexcept {
  if (byte < 0x80) return {};
  if (byte < 0xC2 || byte > 0xF4) return utf8_detail::failed_state;
  if (byte < 0xE0) return {.missing = 1};
  if (byte == 0xE0) return {.missing = 2, .low = 0xA0};
  if (byte == 0xED) return {.missing = 2, .high = 0x9F};
  if (byte < 0xF0) return {.missing = 2};
  if (byte == 0xF0) return {.missing = 3, .low = 0x90};
  if (byte == 0xF4) return {.missing = 3, .high = 0x8F};
  return {.missing = 3};
}

constexpr std::array<State, 256> states_after_first = [] {
  std::array<State, 256> states{};
  for (std::size_t byte = 0; byte < states.size(); ++byte) {
    states[byte] = after_first(static_cast<std::uint8_t>(byte));
  }
  return states;
}();

}  // namespace

bool utf8_detail::advance(State& state, Bytes data) noexcept {
  return utf8_advance(chosen_check.load(std::memory_order_relaxed), state, data);
}

std::span<const Utf8Kernel> utf8_kernels() noexcept {
  return known_checks;
}

bool utf8_advance(Utf8Function check, State& state, Bytes data) noexcept {
  // A character that was cut has at most three bytes to come, or fails before.
  std::size_t sure = 0;
  while (sure < data.size() && state.missing != 0) {
    if (!utf8_scalar::advance(state, data.subspan(sure++, 1))) return false;
  }
  const std::size_t more = check(data.data() + sure, data.size() - sure);
  if (more == utf8_wrong) {
    state = utf8_detail::failed_state;
    return false;
  }
  return utf8_scalar::advance(state, data.subspan(sure + more));
}

bool utf8_scalar::advance(State& state, Bytes data) noexcept {
  if (state.failed()) return false;
  // Apart and wide, because that stays in registers.
  unsigned missing = state.missing;
  unsigned low = state.low;
  unsigned high = state.high;
  for (const std::uint8_t byte : data) {
    if (missing == 0) {
      const State& next = states_after_first[byte];
      missing = next.missing;
      low = next.low;
      high = next.high;
      if (low > high) break;
    } else if (byte < low || byte > high) {
      state = utf8_detail::failed_state;
      return false;
    } else {
      --missing;
      low = 0x80;
      high = 0xBF;
    }
  }
  state = {.missing = static_cast<std::uint8_t>(missing),
           .low = static_cast<std::uint8_t>(low),
           .high = static_cast<std::uint8_t>(high)};
  return !state.failed();
}

std::size_t utf8_words::check(const std::uint8_t* data, std::size_t size) noexcept {
  constexpr std::size_t step = 4 * sizeof(std::uint64_t);
  std::size_t i = 0;
  while (i + step <= size && utf8_detail::is_ascii({data + i, step})) i += step;
  return i;
}

}  // namespace hilo::ws
