// SPDX-License-Identifier: MIT
//
// DEFLATE=0: in place of deflate.cc, deflate_contexts.cc and deflate_negotiation.cc, and so of
// zlib. No offer is made and none accepted, whatever the options say, which RFC 7692 §5 allows at
// any time; so there is never anything to compress.

#include "ws/core/deflate_contexts.h"

namespace hilo::ws {

void DeflateText::add(std::string_view) noexcept {}
void DeflateText::add_bits(std::string_view, std::uint8_t) noexcept {}

std::optional<DeflateAnswer> accept_deflate(Fields, const DeflateOptions&) noexcept {
  return std::nullopt;
}
DeflateText deflate_offer(const DeflateOptions&) noexcept {
  return {};
}
DeflateCheck check_deflate_answer(Fields, const DeflateOptions&) noexcept {
  return {};
}

DeflateMemory::~DeflateMemory() = default;
void* DeflateMemory::take(std::size_t) noexcept {
  return nullptr;
}
void DeflateMemory::give(void*) noexcept {}

Inflater::~Inflater() = default;
Deflater::~Deflater() = default;

DeflateContexts::DeflateContexts(const DeflateOptions& options, std::size_t memory_bytes_max,
                                 DeflateCounters& counters) noexcept
    : options_(options),
      counters_(&counters),
      memory_(memory_bytes_max),
      inflater_(memory_, window_bits_max) {}

DeflateOptions DeflateContexts::agreeable() const noexcept {
  return {};
}
CompressionPointer DeflateContexts::make(Role, const DeflateParameters&) noexcept {
  return nullptr;
}

Errc DeflateContexts::Shared::expand(Bytes, const MessageLimits&, Buffer&) noexcept {
  return Errc::inflate_data;
}
bool DeflateContexts::Shared::shrink(Bytes, Buffer&) noexcept {
  return false;
}

}  // namespace hilo::ws
