// SPDX-License-Identifier: MIT
//
// Exercise 8: make messages of fragments, with pings between them.
//
// The heads were read, the payloads unmasked. What is left is the order of things:
//
//     text "Hel"           not final     a message begins
//     ping "still there?"  final         control frames may stand in between, and are no part of it
//     continuation "lo"    final         the message is "Hello"
//
// Hand out the messages in the order in which they end. Stop at the first frame that breaks a rule,
// keep the messages before it, and say which Close code answers it:
//
//   1002  a continuation where no message is unfinished
//   1002  a text or binary frame where one is
//   1002  a control frame that is not final, or has more than 125 bytes
//   1002  an opcode that means nothing: 3 to 7, 11 to 15
//   1009  a message of more than `message_bytes_max` bytes, as soon as it has too many
//
// If none is broken the code is 0. A frame that breaks a rule of the order breaks that one, however
// long it is. Texts are ASCII here; that others have to be UTF-8 (1007) the engine sees to.
//
//   to know   opcodes: 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong; those
//             with the bit 8 are control frames. No Close frame comes
//   RFC       6455 §5.4, §5.5, §7.4.1
//   stuck?    ws/core/frame.cc, check_header(); ws/core/message.cc

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hilo::exercise {

struct Frame {
  bool final = true;
  std::uint8_t opcode = 1;
  std::string payload;
};

struct Heard {
  std::vector<std::string> messages;
  int close_code = 0;
};

Heard assemble(std::span<const Frame> frames, std::size_t message_bytes_max);

}  // namespace hilo::exercise
