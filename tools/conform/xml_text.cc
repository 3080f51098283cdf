// SPDX-License-Identifier: MIT

#include "tools/conform/xml_text.h"

#include "tools/conform/octets.h"

namespace hilo::tools::conform {

std::string xml_text(std::string_view text) {
  const bool utf8 = is_utf8(text);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "\n"; break;
      default:
        if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8)) {
          out += "\\x" + to_hex(std::string_view(&c, 1));
        } else {
          out.push_back(c);
        }
    }
  }
  return out;
}

}  // namespace hilo::tools::conform
