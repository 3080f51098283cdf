// SPDX-License-Identifier: MIT
//
// The JSON that most messages are, read and written without a detour: small numbers, texts without
// escapes, and arrays and objects of them. nlohmann's library has the say about all else, about
// single leaves too, and about what is no JSON: so this is its fast twin, and agrees with it about
// every byte (tests/test_socketio_codec.cc, fuzz/fuzz_socketio.cc).

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ws/socketio/values.h"

namespace hilo::socketio {

// False: it is deeper than that, or for the library to decide; `into` is anything then. What is in
// `into` lends its memory to what takes its place, so that one event after the other of the same
// form, read into the same value, allocates nothing.
[[nodiscard]] bool read_plain_json(std::string_view text, std::size_t depth_max, Json& into);
// Appends what Json::dump() would, U+FFFD in the place of what is no UTF-8.
void write_plain_json(const Json& value, bool ascii, std::string& out);
// A text of JSON's, with its quotes.
void write_plain_text(std::string_view text, bool ascii, std::string& out);

}  // namespace hilo::socketio
