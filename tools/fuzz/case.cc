// SPDX-License-Identifier: MIT

#include "tools/fuzz/case.h"

namespace hilo::tools::fuzz {

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::ws: return "ws";
    case Protocol::engineio: return "engineio";
    case Protocol::socketio: return "socketio";
  }
  return {};
}

std::optional<Protocol> find_protocol(std::string_view name) {
  for (const Protocol each : {Protocol::ws, Protocol::engineio, Protocol::socketio}) {
    if (to_string(each) == name) return each;
  }
  return std::nullopt;
}

std::string_view to_string(Level level) {
  switch (level) {
    case Level::legal: return "legal";
    case Level::one_fault: return "one-fault";
    case Level::noise: return "noise";
  }
  return {};
}

std::optional<Level> find_level(std::string_view name) {
  for (const Level each : {Level::legal, Level::one_fault, Level::noise}) {
    if (to_string(each) == name) return each;
  }
  return std::nullopt;
}

Octets all_bytes(const Case& subject) {
  Octets all;
  for (const Step& step : subject.steps) all += step.bytes;
  return all;
}

}  // namespace hilo::tools::fuzz
