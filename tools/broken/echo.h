// SPDX-License-Identifier: MIT
//
// Echo: one open connection of a broken server, without I/O. Bytes in, bytes out; every message
// goes back as it came, pings and Closes are answered, and one rule at most is broken.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/broken/fault.h"
#include "tools/broken/message.h"
#include "tools/broken/speech.h"
#include "ws/core/deflate_contexts.h"

namespace hilo::tools::broken {

class Echo {
 public:
  Echo(Fault fault, const std::optional<ws::DeflateParameters>& deflate);
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;

  // What the client sent, as it came.
  void take(std::string_view bytes);
  // What is to be sent now.
  std::string take_output() { return speech_.take(); }
  // Nothing will follow: TCP is to be ended.
  bool is_over() const { return is_over_ || speech_.broke_off(); }

 private:
  bool read_frame();
  std::string unmask(const ws::FrameHeader& header, std::size_t bytes);
  void take_frame(const ws::FrameHeader& header, const std::string& payload);
  void take_data(const ws::FrameHeader& header, const std::string& payload);
  void take_ping(const std::string& payload);
  void take_close(std::string_view body);
  ws::Errc judge_close(std::string_view body) const;
  void fail(ws::Errc error);

  Fault fault_;
  ws::DeflateCounters counters_;
  std::optional<ws::DeflateContexts> contexts_;
  ws::CompressionPointer compression_;
  Speech speech_;
  Message message_;
  std::string input_;
  std::vector<std::size_t> cuts_;  // where reads have cut the payload that is coming
  ws::MaskKey first_key_{};
  std::vector<std::string> late_pongs_;
  bool deaf_ = false;  // what comes now is of no interest
  bool is_over_ = false;
};

}  // namespace hilo::tools::broken
