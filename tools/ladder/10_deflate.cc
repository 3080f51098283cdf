// SPDX-License-Identifier: MIT
//
// Chapter 10: compression.
//
// Messages of one program resemble each other. permessage-deflate, which both sides have to want
// in the handshake, compresses each message with DEFLATE and says so with the first reserved bit of
// its first frame. What makes it worth the trouble is the window: both sides remember the last
// 32 KiB, so the second message of a kind costs a few bytes. What it costs is that memory, for each
// connection, and the danger of a small frame that grows to gigabytes: whoever inflates needs a
// limit inside the loop.
//
//   to read   ws/core/deflate.h, ws/core/deflate_negotiation.h; RFC 7692, RFC 1951
//   exercise  make exercise N=10: inflate the messages of a connection, and refuse a bomb
//   next      11_engineio.cc: what if there is no WebSocket to be had?

#include <cstdio>
#include <string>

#include "net/base/buffer.h"
#include "tools/ladder/expect.h"
#include "ws/core/deflate.h"

using namespace hilo;
using ladder::expect;

namespace {

std::string quote(int number) {
  return R"({"symbol":"HILO","bid":)" + std::to_string(100 + number) + R"(,"ask":)" +
         std::to_string(101 + number) + R"(,"currency":"EUR"})";
}

}  // namespace

int main() {
  Pool pool;
  ws::DeflateMemory memory;
  ws::Deflater deflater{memory, {}};
  ws::Inflater inflater{memory, ws::window_bits_max};

  for (int i = 0; i < 3; ++i) {
    const std::string message = quote(i);
    Buffer wire{pool};
    expect(deflater.deflate(as_bytes(message), message.size(), wire), "it becomes shorter");
    std::printf("    %zu bytes went as %zu\n", message.size(), wire.size());
    if (i > 0) expect(wire.size() < 20, "the window has seen one of these before");
    Buffer again{pool};
    expect(inflater.inflate(wire.readable(), {}, again) == ws::Errc::none,
           "the other side inflates");
    expect(as_text(again.readable()) == message, "and has the message back");
  }

  // What cannot become shorter is sent as it is: that is decided message by message.
  Buffer nothing{pool};
  expect(!deflater.deflate(as_bytes("x"), 1, nothing), "one letter is not worth a block");

  // A megabyte of one letter goes into a frame of a kilobyte. The limit holds while it inflates.
  const std::string bomb(1 << 20, 'a');
  Buffer wire{pool};
  expect(deflater.deflate(as_bytes(bomb), bomb.size(), wire), "a bomb is short");
  std::printf("    %zu bytes went as %zu\n", bomb.size(), wire.size());
  ws::Inflater fresh{memory, ws::window_bits_max};
  ws::MessageLimits limits;
  limits.message_bytes_max = 64 << 10;
  Buffer exploded{pool};
  expect(fresh.inflate(wire.readable(), limits, exploded) != ws::Errc::none, "it is stopped");
  expect(exploded.size() <= limits.message_bytes_max, "within the limit, not behind it");
  return 0;
}
