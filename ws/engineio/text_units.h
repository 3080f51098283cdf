// SPDX-License-Identifier: MIT
//
// UTF-8 text as JavaScript counts it, in UTF-16 code units: a character of four bytes is two.
//
// The lengths of Engine.IO 3 are of this kind. All of these want valid UTF-8; with anything else
// they answer something, without reading beyond the text.

#pragma once

#include <cstddef>
#include <optional>

#include "net/base/bytes.h"

namespace hilo::engineio {

std::size_t utf16_units(Bytes text) noexcept;

// How many bytes the first `units` take. Nothing if the text is shorter, or if a character of two
// units is cut in its middle.
std::optional<std::size_t> utf16_prefix_bytes(Bytes text, std::size_t units) noexcept;

// Socket.IO 1 encodes the text of polling twice: UTF-8, and its bytes as characters up to U+00FF
// once more. If `text` is such, it is decoded once in its place, and the size is what is left of
// it; ASCII is both and stays. Nothing: it is not such, and was not changed.
std::optional<std::size_t> undo_double_utf8(MutableBytes text) noexcept;

}  // namespace hilo::engineio
