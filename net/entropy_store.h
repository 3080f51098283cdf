// SPDX-License-Identifier: MIT
//
// EntropyStore: unpredictable bytes a few at a time, drawn from net/entropy.h in batches, since a
// call of OpenSSL's generator costs microseconds. Bytes are handed out once and forgotten; a fork
// throws the batch away, so that parent and child never share any.
//
//   thread    one at a time
//   errors    what entropy_fill() says; never a weak byte

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/base/bytes.h"
#include "net/base/result.h"

namespace hilo::net {

class EntropyStore {
 public:
  static constexpr std::size_t batch_bytes = 1024;

  // Fills `out`. On failure its content must not be used.
  Status fill(MutableBytes out) noexcept;

 private:
  std::array<std::uint8_t, batch_bytes> batch_;
  std::size_t used_ = batch_bytes;
  unsigned fork_generation_ = 0;
};

}  // namespace hilo::net
