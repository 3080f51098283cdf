// SPDX-License-Identifier: MIT
//
// Exercise 10: inflate the messages of a connection, and refuse a bomb.
//
// A compressed message is DEFLATE without zlib's header, and without its last four bytes: every one
// ends with 00 00 ff ff, so nobody sends them. Put them back, or the next message begins in the
// midst of a block. All messages share one window: what was said in one may be pointed to in the
// next, so that a second Hello is five bytes. One z_stream inflates them all.
//
// A kilobyte can stand for a megabyte. A message that would be longer than `bytes_max` is refused,
// and not made first: neither memory nor time may be spent on what is beyond the limit. What zlib
// calls broken is refused, too. If one is refused the answer is nothing, for the connection ends.
//
//   to know   inflateInit2() of <zlib.h> with -15 as windowBits: no header, 32 KiB of window.
//             inflate() reads from next_in (avail_in bytes) and writes to next_out (avail_out
//             bytes), as far as either goes, and is called again with more room. Z_BUF_ERROR says
//             that there was nothing left to do, which is how a message ends; Z_STREAM_END that a
//             block said it was the last, which is an end, too (no message follows it here).
//             inflateEnd() in every case
//   RFC       7692 §7.2.2, and the examples of §7.2.3
//   stuck?    ws/core/deflate.cc, Inflater

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hilo::exercise {

// `wire`: the payloads as they came, one a message. `bytes_max` is for each of them.
std::optional<std::vector<std::string>> inflate_messages(std::span<const std::string> wire,
                                                         std::size_t bytes_max);

}  // namespace hilo::exercise
