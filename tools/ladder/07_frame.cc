// SPDX-License-Identifier: MIT
//
// Chapter 7: the frame.
//
// After the handshake the connection carries frames: a small header, then the payload. The header
// says whether this is the last frame of its message (FIN), what it is (the opcode: text, binary,
// close, ping, pong), whether the payload is masked, and how long it is. Short frames have short
// headers: two bytes are enough up to a length of 125.
//
// Clients mask what they send: each byte is XORed with one of four key bytes, in turn. That hides
// nothing from anybody, for the key stands in front of it. It keeps a page from choosing the bytes
// on the wire, and so from making an old proxy believe that it sees an HTTP request.
//
//   to read   ws/core/frame.h, ws/core/mask.h; RFC 6455 §5.2, §5.3, the examples of §5.7
//   exercise  make exercise N=07: read the head of a frame, and unmask what follows
//   next      08_session.cc: from frames to messages

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "tools/ladder/expect.h"
#include "ws/core/frame.h"

using namespace hilo;
using ladder::expect;

namespace {

// The very frame of RFC 6455 §5.7: "a single-frame masked text message".
constexpr std::array<std::uint8_t, 11> from_the_rfc = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                                       0x7f, 0x9f, 0x4d, 0x51, 0x58};

void print(const char* name, Bytes bytes) {
  std::printf("      %-8s", name);
  for (const std::uint8_t byte : bytes) std::printf(" %02x", byte);
  std::puts("");
}

std::size_t header_bytes(std::uint64_t payload_bytes) {
  std::array<std::uint8_t, ws::frame_header_bytes_max> space{};
  return ws::write_header(space.data(), ws::Opcode::binary, true, payload_bytes, nullptr);
}

}  // namespace

int main() {
  // Write it.
  const ws::MaskKey key = {0x37, 0xfa, 0x21, 0x3d};
  const Bytes hello = as_bytes("Hello");
  std::vector<std::uint8_t> frame(ws::frame_header_bytes_max + hello.size());
  const std::size_t head =
      ws::write_header(frame.data(), ws::Opcode::text, true, hello.size(), &key);
  ws::mask_copy(frame.data() + head, hello, key);
  frame.resize(head + hello.size());
  print("header", Bytes{frame}.first(head));
  print("payload", Bytes{frame}.subspan(head));
  expect(std::equal(frame.begin(), frame.end(), from_the_rfc.begin(), from_the_rfc.end()),
         "this is the example of the RFC, byte by byte");

  // Read it, and judge it.
  const ws::FrameHeader header = ws::parse_header(frame);
  std::printf("      FIN %d  opcode %x  MASK %d  length %d\n", header.final,
              static_cast<unsigned>(header.opcode), header.masked, header.length7);
  const ws::FrameRules rules = {.role = ws::Role::server, .payload_bytes_max = 125};
  expect(ws::check_header(header, rules) == ws::Errc::none, "a server has nothing against it");
  const MutableBytes payload = MutableBytes{frame}.subspan(header.header_bytes);
  ws::mask(payload, header.key);
  expect(as_text(payload) == "Hello", "masking twice gives the text back");

  // The same frame without a mask is a breach when it comes from a client.
  const std::array<std::uint8_t, 2> unmasked = {0x81, 0x05};
  expect(ws::check_header(ws::parse_header(unmasked), rules) == ws::Errc::frame_unmasked,
         "a client that does not mask is refused");

  expect(header_bytes(125) == 2, "up to 125 bytes: 2 bytes of header");
  expect(header_bytes(126) == 4, "up to 65,535 bytes: 4");
  expect(header_bytes(65'536) == 10, "above: 10, and 4 more for a mask");
  return 0;
}
