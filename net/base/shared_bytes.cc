// SPDX-License-Identifier: MIT

#include "net/base/shared_bytes.h"

#include <cstdint>
#include <cstring>

namespace hilo {

SharedBytes SharedBytes::copy_of(Pool& pool, std::span<const Bytes> slices) noexcept {
  std::size_t bytes = 0;
  for (const Bytes slice : slices) bytes += slice.size();
  SharedBytes made;
  made.pool_ = &pool;
  made.block_ = pool.take_closely(bytes);
  if (made.block_ == nullptr) return made;
  made.block_->begin = 1;
  made.block_->end = 0;
  for (const Bytes slice : slices) {
    if (!slice.empty())
      std::memcpy(made.block_->data() + made.block_->end, slice.data(), slice.size());
    made.block_->end += static_cast<std::uint32_t>(slice.size());
  }
  pool.count_copied(bytes);
  return made;
}

}  // namespace hilo
