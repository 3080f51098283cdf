// SPDX-License-Identifier: MIT
//
// Exercise 11: take a body of several packets apart, in both revisions.
//
// Over polling, all that waits goes in one HTTP body. Since revision 4 a byte that no JSON holds
// stands between two packets, 1e:
//
//     4hola 1e 2 1e 4adios       is   4hola   2   4adios
//
// Revision 3, which Socket.IO 1 and 2 speak, says in front of each packet how long it is, in
// decimal digits and a colon:
//
//     5:4hola1:26:4adios         is   4hola   2   4adios
//
// And it counts as JavaScript does, in units of UTF-16, while the body is UTF-8. A character of 1,
// 2 or 3 bytes is one unit; one of 4 bytes is two. "4ñ" is 3 bytes and its length is 2; "4😀" is 5
// bytes and its length is 3.
//
// A body is read whole or refused whole. Nobody sends an empty body or an empty packet. A length
// has digits, of which the first is not 0, and ends where a character ends, within the body.
//
//   to know   the first byte of a character of UTF-8 tells how many bytes it has: below 0x80 one,
//             from 0xf0 on four, from 0xe0 on three, else two. The body is valid UTF-8, and no
//             packet is binary. A length may have twenty digits, so that it fits into nothing
//   protocol  Engine.IO, revisions 3 and 4: "Payload"
//   stuck?    ws/engineio/payload.cc, cut_v4() and cut_v3_text(); ws/engineio/text_units.cc

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hilo::exercise {

using Packets = std::optional<std::vector<std::string>>;

Packets split_v4(std::string_view body);
Packets split_v3(std::string_view body);

}  // namespace hilo::exercise
