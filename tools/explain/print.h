// SPDX-License-Identifier: MIT
//
// Parts as lines of text, and as lines of JSON.
//
//   client -> server
//   frame  text  5 bytes of payload                       bytes 0-10     RFC 6455 §5.2
//     1.......  FIN     1  the last frame of its message                 RFC 6455 §5.2
//     ....0001  opcode  0x1  text                                        RFC 6455 §5.2
//     37 fa 21 3d  masking key                                           RFC 6455 §5.3
//
// JSON has one object a line: connection (where it has a name), direction, layer, depth, bit and
// bits (where it is on the wire), hex, stream ("clear", where that is the stream within TLS), name,
// value, section, source, and error, text, answer, catalogue and alert (of TLS) where a rule is
// broken.

#pragma once

#include <string>

#include "tools/explain/byte_log.h"
#include "ws/trace/part.h"

namespace hilo::tools::explain {

struct TextStyle {
  bool colour = false;
  bool source = false;  // name the function that reads it
};

// What stands on the wire there: "37 fa 21 3d"; of less than a byte its bits, "1.......".
std::string wire_text(trace::Place place, Bytes bytes);

std::string text_line(const trace::Part& part, Bytes bytes, const TextStyle& style);
// `connection`: its name, or empty.
std::string json_line(const trace::Part& part, Bytes bytes, const std::string& connection = {});

}  // namespace hilo::tools::explain
