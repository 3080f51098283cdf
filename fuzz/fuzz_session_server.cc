// SPDX-License-Identifier: MIT
//
// The session of a server: see session_target.h.

#include "fuzz/session_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hilo::fuzz::run_session(hilo::ws::Role::server, data, size);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned seed) {
  return hilo::fuzz::mutate_session(hilo::ws::Role::server, data, size, size_max, seed);
}
