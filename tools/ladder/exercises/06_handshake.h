// SPDX-License-Identifier: MIT
//
// Exercise 6: what the server answers to Sec-WebSocket-Key.
//
//     dGhlIHNhbXBsZSBub25jZQ==                                        the client's key
//     dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11    and behind it the fixed text
//     b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea     SHA-1 of it, 20 bytes
//     s3pPLMBiTxaQ9kYGzzhZRbK+xOo=                                    as base64: the answer
//
// The key is hashed as the text that it is; nobody has to decode it. But it has to be a key: base64
// of exactly 16 bytes. That is 22 digits (A-Z a-z 0-9 + /) and "==", and of the last digit, which
// has six bits where two are needed, the other four are zero: it is A, Q, g or w. The answer to
// anything else is the empty text.
//
//   to know   SHA1() of <openssl/sha.h> hashes; EVP_EncodeBlock() of <openssl/evp.h> writes base64
//             and a zero behind it. Base64 by hand is three bytes, 24 bits, four digits, and worth
//             doing once
//   RFC       6455 §1.3 has these numbers, §4.2.2 the rule; 4648 §4 is base64
//   stuck?    ws/core/accept_key.cc

#pragma once

#include <string>
#include <string_view>

namespace hilo::exercise {

std::string accept_for(std::string_view key);

}  // namespace hilo::exercise
