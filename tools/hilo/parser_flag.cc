// SPDX-License-Identifier: MIT

#include "tools/hilo/parser_flag.h"

#include <string>

#include "tools/hilo/flags.h"

namespace hilo::tools {

Flag parser_flag(socketio::Parser& into) {
  std::string no_text;
  Flag flag = text_flag({.name = "--parser",
                         .value = "json|msgpack",
                         .text = "how Socket.IO packets are written: both sides alike",
                         .short_name = {}},
                        no_text);
  flag.preset = "json";
  flag.take = [&into](std::string_view value) -> Complaint {
    if (value == "json") return into = socketio::Parser::json, Complaint{};
    if (value == "msgpack") return into = socketio::Parser::msgpack, Complaint{};
    return "is none of json, msgpack";
  };
  return flag;
}

}  // namespace hilo::tools
