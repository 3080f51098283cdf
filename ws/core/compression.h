// SPDX-License-Identifier: MIT
//
// Compression: what a session asks of permessage-deflate (RFC 7692 §6). The session knows frames
// and RSV1; whoever is behind this interface knows the compressed bytes. A session without one
// speaks plain RFC 6455, and the library can be built without any.
//
//   implemented by  DeflateContexts (deflate_contexts.h), one object for all connections of a loop
//                   or one for a single connection; a session cannot tell
//   thread          the loop's
//   life            a session owns its CompressionPointer

#pragma once

#include <memory>

#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "ws/core/error.h"
#include "ws/core/message.h"

namespace hilo::ws {

class Compression {
 public:
  // Writes to `out`, which is empty, what `wire` stands for: the payloads of all frames of one
  // message (§6.2). The limits hold while it grows, not only afterwards. Whether text is UTF-8 is
  // for the caller to find out. After an error `out` is empty and the connection is lost:
  //   inflate_too_big, inflate_ratio, inflate_blocks, inflate_data, inflate_cut, no_memory
  [[nodiscard]] virtual Errc expand(Bytes wire, const MessageLimits& limits,
                                    Buffer& out) noexcept = 0;

  // Writes to `out`, which is empty, the compressed form of a whole message (§6.1). False, and
  // `out` is empty: it is to be sent as it is, because it is short, would not shrink, or there is
  // no memory to find that out. With context takeover (§7.1.1) what is written here has to be sent:
  // the next message refers to it.
  [[nodiscard]] virtual bool shrink(Bytes payload, Buffer& out) noexcept = 0;

  // What shrink() writes is good for every session that answers the same here. Null: for this one's
  // peer alone.
  virtual const Compression* shared() const noexcept = 0;
  // The session is gone.
  virtual void release() noexcept = 0;

 protected:
  ~Compression() = default;
};

struct CompressionRelease {
  void operator()(Compression* compression) const noexcept { compression->release(); }
};
using CompressionPointer = std::unique_ptr<Compression, CompressionRelease>;

}  // namespace hilo::ws
