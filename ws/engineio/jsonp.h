// SPDX-License-Identifier: MIT
//
// JSONP: how pages poll in browsers that know no CORS, in revision 3. The answer to a GET is a
// script, which calls a function of the client's; a POST comes from a form.
//
//   GET  ?EIO=3&transport=polling&j=0&sid=...     ___eio[0]("6:4hello");
//   POST ?EIO=3&transport=polling&j=0&sid=...     d=6%3A4hello
//
// The script must not be steerable from outside: of `j` the digits alone are kept, and the payload
// is a literal of JavaScript, whose line ends U+2028 and U+2029 are escaped beside those of JSON.

#pragma once

#include <optional>
#include <string_view>

#include "net/base/buffer.h"
#include "net/base/bytes.h"
#include "net/base/result.h"

namespace hilo::engineio {

// Appends the script. out_of_memory() may leave a part of it behind.
Status write_jsonp(std::string_view j, Bytes payload, Buffer& out) noexcept;

// The payload in a form, where it lies. The client writes "\n" for a line end, which forms would
// change, and "\\n" for that text. Nothing: there is no `d`, or it is malformed.
std::optional<MutableBytes> read_jsonp(MutableBytes form) noexcept;

}  // namespace hilo::engineio
