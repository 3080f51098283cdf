// SPDX-License-Identifier: MIT
//
// Every UTF-8 kernel of this machine against the byte-wise automaton: after each piece both have
// to say the same, however the text is cut. The first byte of the input chooses the cuts.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "net/base/bytes.h"
#include "net/base/check.h"
#include "ws/core/utf8.h"
#include "ws/core/utf8_kernels.h"

namespace {

using hilo::Bytes;
using hilo::ws::Utf8Function;
using hilo::ws::Utf8Validator;
using hilo::ws::utf8_detail::State;

// The pieces vary in length around the `cut` asked for, from one byte up.
std::size_t piece_of(std::size_t cut, std::size_t round, std::size_t rest) {
  return std::min(rest, 1 + (cut + round * 37) % (cut + 1));
}

void check_kernel(Utf8Function check, Bytes text, std::size_t cut) {
  State state;
  State twin;
  for (std::size_t round = 0; !text.empty(); ++round) {
    const Bytes piece = text.first(piece_of(cut, round, text.size()));
    text = text.subspan(piece.size());
    const bool is_right = hilo::ws::utf8_advance(check, state, piece);
    HILO_CHECK(is_right == hilo::ws::utf8_scalar::advance(twin, piece));
    HILO_CHECK(is_right == !state.failed());
    HILO_CHECK(state.missing == twin.missing);
    HILO_CHECK(state.low == twin.low);
    HILO_CHECK(state.high == twin.high);
  }
}

void check_validator(Bytes text, std::size_t cut) {
  State twin;
  const bool is_right = hilo::ws::utf8_scalar::advance(twin, text);
  HILO_CHECK(hilo::ws::utf8_valid(text) == (is_right && twin.missing == 0));

  Utf8Validator validator;
  bool fed = true;
  for (std::size_t round = 0; !text.empty(); ++round) {
    const Bytes piece = text.first(piece_of(cut, round, text.size()));
    text = text.subspan(piece.size());
    const bool was_fed = fed;
    fed = validator.feed(piece);
    HILO_CHECK(was_fed || !fed);
  }
  HILO_CHECK(fed == is_right);
  HILO_CHECK(validator.complete() == (is_right && twin.missing == 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t cut = data[0];
  // Once more in a block of exactly its size, so that a read beyond the end is seen.
  const std::unique_ptr<std::uint8_t[]> copy(new std::uint8_t[size - 1]);
  std::copy(data + 1, data + size, copy.get());
  const Bytes text(copy.get(), size - 1);

  check_validator(text, cut);
  for (const hilo::ws::Utf8Kernel& kernel : hilo::ws::utf8_kernels()) {
    if (!kernel.available()) continue;
    check_kernel(kernel.check, text, cut);
    check_kernel(kernel.check, text, text.size());
  }
  return 0;
}
