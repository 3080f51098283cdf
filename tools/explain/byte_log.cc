// SPDX-License-Identifier: MIT

#include "tools/explain/byte_log.h"

namespace hilo::tools::explain {

void ByteLog::add(trace::Direction direction, Bytes bytes) {
  Stream& stream = streams_[static_cast<std::size_t>(direction)];
  stream.bytes.insert(stream.bytes.end(), bytes.begin(), bytes.end());
  // Twice as much may lie here, so that what is kept is not moved at each call.
  if (stream.bytes.size() <= 2 * bytes_max_) return;
  const std::size_t old = stream.bytes.size() - bytes_max_;
  stream.bytes.erase(stream.bytes.begin(), stream.bytes.begin() + static_cast<std::ptrdiff_t>(old));
  stream.begin += old;
}

Bytes ByteLog::at(trace::Direction direction, trace::Place place) const {
  const Stream& stream = streams_[static_cast<std::size_t>(direction)];
  if (place.bits == 0) return {};
  const std::uint64_t first = place.bit / 8;
  const std::uint64_t behind = (place.bit + place.bits + 7) / 8;
  if (first < stream.begin || behind > stream.begin + stream.bytes.size()) return {};
  return Bytes(stream.bytes).subspan(first - stream.begin, behind - first);
}

}  // namespace hilo::tools::explain
