// SPDX-License-Identifier: MIT
//
// Visitor: a client without hilo's knowledge, byte by byte, in the thread of the server's loop. It
// writes what it is told to, and the loop turns until the answer is there.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "net/loop.h"
#include "net/socket.h"
#include "tools/ladder/expect.h"
#include "ws/core/frame.h"
#include "ws/core/mask.h"

namespace hilo::chapters {

using ladder::must;

// As ladder::expect(), of which the reader of the output need not hear.
inline void demand(bool holds, const char* sentence) {
  if (!holds) ladder::expect(false, sentence);
}

// Of RFC 6455 §1.3 and §5.7. Real ones are drawn by chance, and a page should not change by itself.
inline constexpr std::string_view example_nonce = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr ws::MaskKey example_key = {0x37, 0xfa, 0x21, 0x3d};

inline std::string upgrade_request(std::string_view target, std::string_view more_fields = {}) {
  return "GET " + std::string(target) +
         " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: " +
         std::string(example_nonce) + "\r\nSec-WebSocket-Version: 13\r\n" +
         std::string(more_fields) + "\r\n";
}

// A whole message as a client sends it.
inline std::string client_frame(ws::Opcode opcode, std::string_view payload) {
  std::array<std::uint8_t, ws::frame_header_bytes_max> header{};
  const std::size_t size =
      ws::write_header(header.data(), opcode, true, payload.size(), &example_key);
  std::string frame(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(size));
  frame.resize(size + payload.size());
  ws::mask_copy(reinterpret_cast<std::uint8_t*>(frame.data()) + size, as_bytes(payload),
                example_key);
  return frame;
}

class Visitor {
 public:
  Visitor(net::Loop& loop, const net::Address& address)
      : loop_(&loop), fd_(must(net::socket::open_stream(address.family()))) {
    const net::Io io = net::socket::connect(fd_.value(), address);
    demand(io.kind != net::Io::Kind::failed, "the server is there");
  }

  void say(std::string_view bytes) {
    const net::Io io = net::socket::send(fd_.value(), as_bytes(bytes));
    demand(io.bytes == bytes.size(), "the kernel takes it");
  }
  void hang_up() { fd_.reset(); }

  // Turns the loop until `done()`.
  template <class Done>
  void turn_until(Done&& done) {
    for (int turns = 0; !done(); ++turns) {
      demand(turns < 1'000, "the loop comes to an end");
      must(loop_->run_once(net::Duration::milliseconds(10)));
    }
  }
  // What the server said since the last time, once `text` is in it.
  std::string hear(std::string_view text) {
    turn_until([&] { return hears(text); });
    return std::exchange(heard_, {});
  }
  // Without a turn of the loop: is `text` in what has come?
  bool hears(std::string_view text) {
    read();
    return heard_.find(text) != std::string::npos;
  }
  // All until the server ends the connection.
  std::string hear_end() {
    turn_until([&] { return !read(); });
    return std::exchange(heard_, {});
  }

 private:
  // False at the end.
  bool read() {
    std::array<std::uint8_t, 4096> space;
    while (true) {
      const net::Io io = net::socket::receive(fd_.value(), space);
      if (io.kind != net::Io::Kind::done) return io.kind == net::Io::Kind::would_block;
      heard_ += as_text(Bytes{space}.first(io.bytes));
    }
  }

  net::Loop* loop_;
  net::Fd fd_;
  std::string heard_;
};

}  // namespace hilo::chapters
