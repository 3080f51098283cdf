// SPDX-License-Identifier: MIT
//
// Packets as MessagePack: Parser::msgpack, which is what npm's socket.io-msgpack-parser 3 says and
// understands. A packet is one binary message, and bytes are leaves of it:
//
//   {"type": 2, "data": ["stats", {"numClients": 2}], "nsp": "/", "id": 7}
//
// A value means what it would in JSON: a Date is its text in ISO 8601, undefined is null; and where
// it stands for a whole field of the packet, the field is not there.
//
// nlohmann's library writes this. It does not read it, because a Date and an ArrayBuffer of eight
// bytes are the same to it (both are extensions of type 0), and it takes texts that are no UTF-8.

#pragma once

#include <string>

#include "net/base/bytes.h"
#include "ws/socketio/packet.h"
#include "ws/socketio/values.h"

namespace hilo::socketio {

// The views of `head` point into the message. `has_data` is whether there was a "data". The depth,
// the namespace, the id and the bytes of all leaves together are within `limits`; whether data fits
// the type is not looked at. Errc::none, packet_msgpack, packet_type, packet_namespace, packet_id
// or attachment_bytes; `data` is anything then.
[[nodiscard]] Errc read_msgpack(Bytes message, const PacketLimits& limits, PacketHead& head,
                                bool& has_data, Json& data);

// Of the head, type, nsp and id count. A null `data` is left out.
Json::binary_t write_msgpack(const PacketHead& head, OwnedJson data);

}  // namespace hilo::socketio
