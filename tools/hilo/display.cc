// SPDX-License-Identifier: MIT

#include "tools/hilo/display.h"

#include "net/clock.h"
#include "tools/hilo/values.h"
#include "ws/core/error.h"

namespace hilo::tools {

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const auto next = static_cast<std::uint8_t>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool c1 = byte == 0xC2 && next >= 0x80 && next <= 0x9F;
    if (c1) {
      out.append("\\u00").append(format_hex({&next, 1}));
      ++i;
    } else if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
      out.append("\\x").append(format_hex({&byte, 1}));
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string show(const ws::Message& message, const Display& display) {
  if (display.raw) return std::string(message.text());
  std::string out;
  if (display.timestamps) out = format_time(net::clock_wall_milliseconds()) + " ";
  if (!message.is_text() && (display.hex || display.terminal)) {
    out.append(format_hex(message.payload));
  } else if (display.terminal) {
    out.append(printable(message.text()));
  } else {
    out.append(message.text());
  }
  out.append("\n");
  return out;
}

std::string describe(const ws::CloseInfo& info) {
  std::string line = "closed " + std::to_string(static_cast<unsigned>(info.code)) + " \"" +
                     printable(info.reason) + "\"";
  if (info.error != ws::Errc::none) {
    line.append(": ").append(ws::rule(info.error).text);
  } else if (info.code == ws::CloseCode::abnormal) {
    line.append(info.by == ws::ClosedBy::us ? ": given up" : ": the connection was lost");
  }
  return line;
}

}  // namespace hilo::tools
