// SPDX-License-Identifier: MIT
//
// Is this UTF-8? RFC 6455 §8.1 wants text checked, RFC 3629 §3 and §4 say what is right: no
// surrogates, nothing above U+10FFFF, no form longer than needed.
//
// A text may come in pieces cut anywhere, also inside a character: the validator keeps three bytes
// between pieces and fails at the first byte that no right text can have there, before the rest
// arrives. It owns nothing, keeps no view, and reads nothing outside the given bytes.
//
// Short ASCII, the common case, is decided right here; everything else goes to the fastest kernel
// of this machine (utf8_kernels.h).

#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"

namespace hilo::ws {

namespace utf8_detail {

// Up to here ASCII is recognised without a call.
constexpr std::size_t inline_bytes_max = 64;

// The builtin, because a hardened std::memcpy may become a call.
template <typename Word>
Word load(const std::uint8_t* from) noexcept {
  Word word = 0;
  __builtin_memcpy(&word, from, sizeof(word));
  return word;
}

// Whether no byte has its top bit set. Any size; the last word may overlap the one before.
inline bool is_ascii(Bytes data) noexcept {
  constexpr std::uint64_t top_bits = 0x8080808080808080;
  const std::uint8_t* bytes = data.data();
  const std::size_t size = data.size();
  std::uint64_t seen = 0;
  if (size >= sizeof(std::uint64_t)) {
    const std::size_t last = size - sizeof(std::uint64_t);
    for (std::size_t i = 0; i < last; i += sizeof(std::uint64_t)) {
      seen |= load<std::uint64_t>(bytes + i);
    }
    seen |= load<std::uint64_t>(bytes + last);
  } else if (size >= sizeof(std::uint32_t)) {
    seen = load<std::uint32_t>(bytes) | load<std::uint32_t>(bytes + size - sizeof(std::uint32_t));
  } else if (size > 0) {
    seen = bytes[0] | bytes[size / 2] | bytes[size - 1];
  }
  return (seen & top_bits) == 0;
}

// What is known between two bytes: how many continuation bytes the character begun still needs, and
// between which bounds the next one has to lie. The bounds carry all of RFC 3629's exceptions, for
// these concern the second byte only. Failed is a state that no byte can leave.
struct State {
  std::uint8_t missing = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;

  constexpr bool failed() const noexcept { return low > high; }
};
constexpr State failed_state{.missing = 1, .low = 1, .high = 0};

// Any size and any state. False when failed, now or before.
bool advance(State& state, Bytes data) noexcept;

}  // namespace utf8_detail

class Utf8Validator {
 public:
  // Takes the next piece of the text, which may be empty. False as soon as it holds a byte that
  // cannot be right; from then on false until reset().
  [[nodiscard]] bool feed(Bytes data) noexcept {
    if (state_.missing == 0 && data.size() <= utf8_detail::inline_bytes_max &&
        utf8_detail::is_ascii(data)) {
      return true;
    }
    return utf8_detail::advance(state_, data);
  }

  // Whether the text may end here: nothing wrong so far and no character cut.
  bool complete() const noexcept { return state_.missing == 0; }

  // Ready for another text.
  void reset() noexcept { state_ = {}; }

 private:
  utf8_detail::State state_;
};
static_assert(sizeof(Utf8Validator) <= 4);

// One whole text.
[[nodiscard]] inline bool utf8_valid(Bytes whole) noexcept {
  Utf8Validator validator;
  return validator.feed(whole) && validator.complete();
}

}  // namespace hilo::ws
