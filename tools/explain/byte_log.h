// SPDX-License-Identifier: MIT
//
// ByteLog: the last bytes of both directions of a connection, so that a part can be shown with the
// bytes that say it.
//
//   memory  `bytes_max` for each direction; older ones are forgotten
//   views   valid until the next add()

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/base/bytes.h"
#include "ws/trace/part.h"

namespace hilo::tools::explain {

class ByteLog {
 public:
  explicit ByteLog(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  void add(trace::Direction direction, Bytes bytes);
  // The bytes that have a bit of that place. Empty where they are forgotten.
  Bytes at(trace::Direction direction, trace::Place place) const;

 private:
  struct Stream {
    std::uint64_t begin = 0;  // of the first byte that is kept
    std::vector<std::uint8_t> bytes;
  };
  std::size_t bytes_max_;
  std::array<Stream, 2> streams_;
};

}  // namespace hilo::tools::explain
