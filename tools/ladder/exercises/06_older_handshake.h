// SPDX-License-Identifier: MIT
//
// Exercise 6, in the museum: the number that a key of 2010 hides.
//
//     Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5
//
// Take its digits, one behind the other: 4146546015. Count its spaces: 5. Divide: 829309203. All
// else is there to look like noise. There is no number
//   - if there are no spaces, since nothing is divided by zero;
//   - if it does not divide without a rest;
//   - if the digits are a number that needs more than 32 bits.
//
//   to know   a char between '0' and '9' minus '0' is its value; a
//             std::uint64_t has room for more digits than a std::uint32_t, but not for any number
//   draft     hixie-thewebsocketprotocol-76 §5.2, steps 4 to 8
//   stuck?    ws/trace/hixie76.cc, number_of()

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hilo::exercise {

std::optional<std::uint32_t> hidden_number(std::string_view key);

}  // namespace hilo::exercise
