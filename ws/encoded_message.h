// SPDX-License-Identifier: MIT
//
// EncodedMessage: one message made ready for many connections. What is the same for all of them,
// the header and the compressed payload, is made once; Connection::send() takes it from here.
// And what has to wait for slow readers waits in one copy for all of them, if it is large.
//
//   views   the payload is the caller's own bytes and must outlive this
//   thread  one

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "net/base/shared_bytes.h"
#include "ws/core/frame.h"
#include "ws/core/session.h"
#include "ws/sending.h"

namespace hilo::ws {

class EncodedMessage {
 public:
  // Less than that is copied to whom it waits for: many such messages then leave in one piece.
  static constexpr std::size_t shared_bytes_min = 4096;

  EncodedMessage(Opcode opcode, Bytes payload, SendOptions options) noexcept
      : payload_(payload),
        opcode_(opcode),
        options_(options),
        header_bytes_(write_header(header_.data(), opcode, true, payload.size(), nullptr)) {}
  EncodedMessage(const EncodedMessage&) = delete;
  EncodedMessage& operator=(const EncodedMessage&) = delete;

  Opcode opcode() const noexcept { return opcode_; }
  Bytes payload() const noexcept { return payload_; }
  SendOptions options() const noexcept { return options_; }
  // As this session of a server sends it. Where connections share a compression context, it is
  // compressed once for all of them; else into `scratch`, which is empty and must outlive the
  // Outgoing.
  Outgoing outgoing(Session& session, Buffer& scratch) noexcept {
    Compression* compression = session.compression();
    if (compression == nullptr || !options_.compress) return plain();
    if (!compression->is_shared()) return session.send_compressed(opcode_, payload_, scratch);
    if (compression != compression_) {
      compression_ = compression;
      shrunk_.emplace(scratch.pool());
      is_shrunk_ = compression->shrink(payload_, *shrunk_);
      kept_shrunk_ = {};
    }
    if (!is_shrunk_) return plain();
    return session.send_shrunk(opcode_, std::as_const(*shrunk_).readable());
  }
  // What outgoing() made, to be kept while it waits. None if it is few bytes, or this connection's
  // alone, or there is no memory for it.
  SharedBytes keep(const Outgoing& outgoing, Pool& pool) noexcept {
    const Bytes payload = outgoing.slices.back();
    if (payload.size() < shared_bytes_min) return {};
    const bool is_plain = payload.data() == payload_.data();
    const bool is_shrunk =
        is_shrunk_ && payload.data() == std::as_const(*shrunk_).readable().data();
    if (!is_plain && !is_shrunk) return {};
    SharedBytes& kept = is_plain ? kept_plain_ : kept_shrunk_;
    if (!kept) kept = SharedBytes::copy_of(pool, outgoing.slices);
    return kept;
  }

 private:
  Outgoing plain() const noexcept { return {{Bytes{header_}.first(header_bytes_), payload_}}; }

  Bytes payload_;
  Opcode opcode_;
  SendOptions options_;
  std::array<std::uint8_t, frame_header_bytes_max> header_;
  std::size_t header_bytes_;  // behind header_, which it fills
  // The compressed form, and whose it is. Looked at only to be compared.
  Compression* compression_ = nullptr;
  std::optional<Buffer> shrunk_;
  bool is_shrunk_ = false;
  SharedBytes kept_plain_;
  SharedBytes kept_shrunk_;
};

}  // namespace hilo::ws
