// SPDX-License-Identifier: MIT
//
// Exercise 10: inflate a message, and refuse a bomb.
//
// A compressed message is DEFLATE without zlib's header, and without its last four bytes: every one
// ends with 00 00 ff ff, so nobody sends them. Put them back and inflate. Each message here stands
// for itself: no window is carried over from the one before.
//
// A kilobyte can stand for a megabyte. What would be longer than `bytes_max` is refused, and not
// made first: neither memory nor time may be spent on what is beyond the limit. What zlib calls
// broken is refused, too.
//
//   to know   inflateInit2() of <zlib.h> with -15 as windowBits: no header, 32 KiB of window.
//             inflate() reads from next_in (avail_in bytes) and writes to next_out (avail_out
//             bytes), as far as either goes, and is called again with more room. Z_BUF_ERROR says
//             that there was nothing left to do; Z_STREAM_END that a block said it was the last,
//             which is an end, too. inflateEnd() in every case
//   RFC       7692 §7.2.2, and the examples of §7.2.3
//   stuck?    ws/core/deflate.cc, Inflater

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hilo::exercise {

std::optional<std::string> inflate_message(std::string_view wire, std::size_t bytes_max);

}  // namespace hilo::exercise
