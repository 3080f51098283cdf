// SPDX-License-Identifier: MIT
//
// What a broken server sends: frames, right or with the one mistake that is its fault.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/broken/fault.h"
#include "ws/core/compression.h"
#include "ws/core/rfc6455.h"

namespace hilo::tools::broken {

class Speech {
 public:
  explicit Speech(Fault fault) : fault_(fault) {}

  // `compression`: null, if there is none.
  void message(ws::Opcode opcode, std::string_view text, ws::Compression* compression);
  void pong(std::string_view payload);
  // An answer to the client's Close; `code` 0: without one.
  void close(std::uint16_t code);
  // The Close that says why the connection fails.
  void fail(std::uint16_t code);

  // What was said since the last call.
  std::string take();
  // Only the end of TCP can follow.
  bool broke_off() const { return broke_off_; }

 private:
  struct Frame {
    std::uint8_t opcode;
    bool final = true;
    std::uint8_t rsv = 0;
  };
  void say(Frame frame, std::string_view payload);
  void say_control(ws::Opcode opcode, std::string_view payload);
  void say_in_two(Frame first, std::uint8_t second_opcode, std::uint8_t second_rsv,
                  std::string_view payload);

  Fault fault_;
  std::string out_;
  bool broke_off_ = false;
};

}  // namespace hilo::tools::broken
