// SPDX-License-Identifier: MIT
//
// MessageAssembly: one message put together from the pieces in which it arrives: frames cut by
// reads, and fragments (RFC 6455 §5.4). A message that arrives whole never comes here.
//
// Memory grows with the bytes that have arrived, never with the length that a header promises, and
// is one contiguous block however many fragments there are. Text is validated as it comes, so that
// a byte that cannot be UTF-8 is found before the message ends (§8.1). A compressed message (RFC
// 7692) is held as it came until it is complete, and then inflated at once: so connections without
// context takeover need no inflater of their own.
//
//   owns    the block, from the Pool; none between messages
//   limits  MessageLimits; a frame that would exceed one is refused by its header
//   views   of the whole message: valid until release()

#pragma once

#include <cstddef>
#include <cstdint>

#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "ws/core/error.h"
#include "ws/core/mask.h"
#include "ws/core/message_limits.h"
#include "ws/core/rfc6455.h"
#include "ws/core/utf8.h"

namespace hilo::ws {

class Compression;

class MessageAssembly {
 public:
  explicit MessageAssembly(Pool& pool) noexcept : bytes_(pool) {}

  // True from the first fragment until release().
  bool active() const noexcept { return active_; }
  // text or binary, while active.
  Opcode opcode() const noexcept { return opcode_; }
  // Bytes of it that lie here, and the memory that they lie in.
  std::size_t size() const noexcept { return bytes_.size(); }
  std::size_t held_bytes() const noexcept { return bytes_.capacity(); }
  // Bytes of it that have arrived, held or passed on.
  std::uint64_t arrived_bytes() const noexcept { return bytes_.size() + passed_bytes_; }

  bool compressed() const noexcept { return compressed_; }

  // A data frame begins. A frame that is not a continuation begins the message, and says whether it
  // is compressed.
  [[nodiscard]] Errc begin_frame(Opcode opcode, const MessageLimits& limits,
                                 bool compressed = false) noexcept;

  // Masked payload that lies elsewhere: unmasked while it is copied here.
  [[nodiscard]] Errc append(Bytes masked, MaskKey key, std::size_t offset) noexcept;

  // The same for bytes that are handed on as they come, unmasked, and are not kept.
  [[nodiscard]] Errc pass(Bytes unmasked) noexcept;

  // Room to read payload into, so that it needs no copy: at most `wanted`, no more than doubles
  // what has arrived, and no more than a cache holds until commit() unmasks and validates it.
  MutableBytes space(std::size_t wanted) noexcept;
  [[nodiscard]] Errc commit(std::size_t bytes, MaskKey key, std::size_t offset) noexcept;

  // The last frame is complete: a cut character at the end is an error now.
  [[nodiscard]] Errc finish() const noexcept;
  // Of a compressed message instead: from here on whole() is what it inflates to.
  [[nodiscard]] Errc expand(Compression& compression, const MessageLimits& limits) noexcept;
  // The same for one that arrived whole, and still lies elsewhere.
  [[nodiscard]] Errc expand(Bytes wire, Compression& compression,
                            const MessageLimits& limits) noexcept;
  MutableBytes whole() noexcept { return bytes_.readable(); }

  // Gives the memory back and waits for the next message.
  void release() noexcept;

 private:
  [[nodiscard]] Errc validate(Bytes added) noexcept;

  Buffer bytes_;
  std::uint64_t passed_bytes_ = 0;
  std::uint32_t fragments_ = 0;
  Utf8Validator utf8_;
  Opcode opcode_ = Opcode::binary;
  bool active_ = false;
  bool compressed_ = false;
};

}  // namespace hilo::ws
