// SPDX-License-Identifier: MIT
//
// The values of Socket.IO: JSON whose leaves may be bytes.
//
// Json is nlohmann's; a binary leaf is its own kind of value there (Json::binary). On the wire JSON
// has no bytes, so they are taken out and a placeholder stays:
//
//   ["file", <3 bytes>]   <-->   ["file",{"_placeholder":true,"num":0}]  and  <3 bytes>

#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "ws/socketio/packet.h"

namespace hilo::socketio {

using Json = nlohmann::json;

// Bytes as an argument of emit() and of handlers: a view, valid during the call.
struct Binary {
  Bytes bytes = {};
};
// As a leaf of a Json, wherever nlohmann's library converts: the copy, and a view of a leaf. The
// latter throws what that library throws if there are no bytes.
void to_json(Json& into, const Binary& binary);
void from_json(const Json& value, Binary& into);

// Strict JSON (RFC 8259) of limited depth, and nothing behind it. Of a key that is there twice the
// last one counts. Errc::none or packet_json.
[[nodiscard]] Errc parse_json(std::string_view text, std::size_t depth_max, Json& into);
// Bytes that are no UTF-8 become U+FFFD. `ascii`: everything above it as \u escapes.
void write_json(const Json& value, bool ascii, std::string& out);

bool has_binary(const Json& value) noexcept;
// Takes every binary leaf out, in the order of the text, and leaves a placeholder for it.
void take_out_binary(Json& value, std::vector<Json::binary_t>& attachments);
// The way back. A placeholder may stand several times; what that copies beyond `copy_bytes_max` is
// refused. Errc::none, placeholder or attachment_bytes.
[[nodiscard]] Errc put_in_binary(Json& value, std::span<const Json::binary_t> attachments,
                                 std::size_t copy_bytes_max);

}  // namespace hilo::socketio
