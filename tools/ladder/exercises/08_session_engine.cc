// SPDX-License-Identifier: MIT
//
// How hilo answers exercise 8: each frame is written as a client writes it, and a ws::Session in
// the role of the server reads it. A key of zeros masks nothing.

#include "tools/ladder/exercises/08_session.h"
#include "ws/core/session.h"

namespace hilo::exercise {

Heard assemble(std::span<const Frame> frames, std::size_t message_bytes_max) {
  Pool pool;
  const ws::Session::Shared shared{{.message_bytes_max = message_bytes_max}, &pool};
  ws::Session server{ws::Role::server, shared};
  constexpr ws::MaskKey zeros = {};
  Heard heard;
  for (const Frame& frame : frames) {
    std::vector<std::uint8_t> wire(ws::frame_header_bytes_max);
    wire.resize(ws::write_header(wire.data(), static_cast<ws::Opcode>(frame.opcode), frame.final,
                                 frame.payload.size(), &zeros));
    wire.insert(wire.end(), frame.payload.begin(), frame.payload.end());
    MutableBytes input = wire;
    while (const ws::Event event = server.next(input)) {
      if (event.kind == ws::Event::Kind::message)
        heard.messages.emplace_back(as_text(event.payload));
      if (event.kind != ws::Event::Kind::failure) continue;
      heard.close_code = static_cast<int>(event.code);
      return heard;
    }
  }
  return heard;
}

}  // namespace hilo::exercise
