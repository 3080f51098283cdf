// SPDX-License-Identifier: MIT

#include "tools/fuzz/cutting.h"

#include <algorithm>

namespace hilo::tools::fuzz {
namespace {

constexpr std::size_t pieces_max = 400;  // each may be a segment, and a turn of the server's loop
constexpr std::size_t header_bytes = 14;

std::uint32_t narrow(std::size_t size) {
  return static_cast<std::uint32_t>(size);
}

}  // namespace

void cut(Step& step, Random& random) {
  const std::size_t size = step.bytes.size();
  if (size < 2 || random.chance(40)) return;
  const std::size_t style = random.below(10);
  if (style < 3 && size <= pieces_max) {
    step.pieces.assign(size - 1, 1);
  } else if (style < 6) {
    step.pieces = {narrow(random.between(1, std::min(size - 1, header_bytes)))};
  } else {
    std::size_t left = size;
    for (std::size_t cuts = random.between(1, 8); cuts != 0 && left > 1; --cuts) {
      const std::size_t piece = random.between(1, left - 1);
      step.pieces.push_back(narrow(piece));
      left -= piece;
    }
  }
  if (step.pieces.size() <= 12 && random.chance(30)) {
    step.milliseconds = narrow(random.between(1, 5));
  }
}

std::vector<std::size_t> writes_of(const Step& step, std::size_t bytes) {
  std::vector<std::size_t> writes;
  for (const std::size_t piece : step.pieces) {
    if (bytes == 0) break;
    writes.push_back(std::min(piece, bytes));
    bytes -= writes.back();
  }
  if (bytes != 0) writes.push_back(bytes);
  return writes;
}

}  // namespace hilo::tools::fuzz
