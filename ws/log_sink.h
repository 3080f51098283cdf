// SPDX-License-Identifier: MIT
//
// LogSink: the application's function that gets the lines of the log (log.h), one each, without its
// end.
//
//   thread  the loop's
//   views   the line is valid during the call

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/callback.h"

namespace hilo::ws {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

// The line as one JSON object, for sinks that feed machines: {"lvl":"warn","ev":"reject",...}. A
// value of digits alone becomes a number, every other one a string; a value in quotes may hold
// spaces.
std::string to_json(std::string_view line);

using LogSink = Callback<void(LogLevel, std::string_view line)>;

}  // namespace hilo::ws
