// SPDX-License-Identifier: MIT

#include "tools/hilo/deflate_flags.h"

#include <cstddef>
#include <string>
#include <utility>

#include "tools/hilo/flags.h"
#include "tools/hilo/values.h"

namespace hilo::tools {

FlagGroup deflate_flags(ws::DeflateOptions& options) {
  FlagGroup group{.title = "Compression (permessage-deflate, RFC 7692)", .flags = {}};
  const auto add_switch = [&](std::string name, std::string text, bool& into, bool value) {
    Flag flag = switch_flag(
        {.name = std::move(name), .value = {}, .text = std::move(text), .short_name = {}}, into);
    flag.take = [&into, value](std::string_view) -> Complaint {
      into = value;
      return {};
    };
    group.flags.push_back(std::move(flag));
  };
  const auto add_number = [&](std::string name, std::string text, Range range, std::uint8_t& into) {
    Flag flag = number_flag(
        {.name = std::move(name), .value = "N", .text = std::move(text), .short_name = {}}, range,
        into);
    flag.preset = std::to_string(into);
    group.flags.push_back(std::move(flag));
  };
  add_switch("--deflate", "compress messages where the other side agrees", options.enabled, true);
  Flag threshold = number_flag({.name = "--deflate-threshold",
                                .value = "SIZE",
                                .text = "shorter messages are sent as they are",
                                .short_name = {}},
                               {}, options.threshold_bytes);
  threshold.preset = format_size(options.threshold_bytes);
  group.flags.push_back(std::move(threshold));
  add_switch("--deflate-server-takeover",
             "the server's messages may refer to earlier ones: smaller, for up to 264 KiB a "
             "connection at the server and 40 KiB at the client",
             options.server_no_context_takeover, false);
  add_switch("--deflate-client-takeover", "the same for the client's messages, the other way round",
             options.client_no_context_takeover, false);
  add_number("--deflate-server-window-bits",
             "how far the server's messages may refer back, as a power of two", {9, 15},
             options.server_max_window_bits);
  add_number("--deflate-client-window-bits", "the same for the client's messages", {9, 15},
             options.client_max_window_bits);
  add_number("--deflate-level", "from 1, fastest, to 9, smallest", {1, 9}, options.level);
  add_number("--deflate-memory-level", "memory for finding what repeats, from 1 to 9", {1, 9},
             options.memory_level);
  return group;
}

}  // namespace hilo::tools
