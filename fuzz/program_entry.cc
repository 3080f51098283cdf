// SPDX-License-Identifier: MIT
//
// What libFuzzer calls in the targets whose inputs are programs.

#include "fuzz/program.h"

using namespace hilo::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  run_program(read_program({reinterpret_cast<const char*>(data), size}));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned seed) {
  return mutate_program(data, size, size_max, seed, draw_step);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* one, std::size_t one_size,
                                                 const std::uint8_t* other, std::size_t other_size,
                                                 std::uint8_t* out, std::size_t size_max,
                                                 unsigned seed) {
  return cross_programs({reinterpret_cast<const char*>(one), one_size},
                        {reinterpret_cast<const char*>(other), other_size}, out, size_max, seed);
}
