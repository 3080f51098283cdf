// SPDX-License-Identifier: MIT
//
// Frames from what a person writes, right or wrong: `hilo explain --frame text Hello`, and
// `hilo tap --inject 'server:text Hello'`.
//
// Pure functions.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ws/core/frame.h"

namespace hilo::tools::explain {

// "text", "binary", "ping", "pong", "close", "continuation".
std::optional<ws::Opcode> find_opcode(std::string_view name) noexcept;
// "reserved" of those that have no name.
std::string_view name_of(ws::Opcode opcode) noexcept;

// The payload that a text stands for: of a Close "1000 bye", a code and a reason; of a binary frame
// hexadecimal; of any other itself. Nothing if it is none of that.
std::optional<std::vector<std::uint8_t>> build_payload(ws::Opcode opcode, std::string_view text);
// What the text of such a payload has to be, where build_payload() refuses one.
std::string_view payload_wanted(ws::Opcode opcode) noexcept;

// With any payload, also one that breaks a rule. `key` null: not masked.
std::vector<std::uint8_t> build_frame(ws::Opcode opcode, bool final,
                                      std::vector<std::uint8_t> payload, const ws::MaskKey* key);

}  // namespace hilo::tools::explain
