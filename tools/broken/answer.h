// SPDX-License-Identifier: MIT
//
// What a broken server answers to the request of an opening handshake (RFC 6455 §4.2): ws/core
// judges what is asked, and the 101 is written here, where it can be written wrongly.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tools/broken/fault.h"
#include "ws/core/deflate_negotiation.h"

namespace hilo::tools::broken {

struct Answer {
  enum class Kind : std::uint8_t { need_input, refused, opened };
  Kind kind = Kind::need_input;
  std::string head;               // to be sent
  std::size_t request_bytes = 0;  // opened: of the request; frames may follow it
  // Opened with permessage-deflate: how the server goes about it, which need not be what it said.
  std::optional<ws::DeflateParameters> deflate = {};
};

// `so_far`: all that has come. There are no paths: every one of them is the echo.
Answer answer_request(Fault fault, std::string_view so_far);

// What the server agrees to if asked: everything.
ws::DeflateOptions deflate_options(Fault fault);

}  // namespace hilo::tools::broken
