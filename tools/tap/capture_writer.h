// SPDX-License-Identifier: MIT
//
// CaptureWriter: the bytes of connections as a pcapng file, which Wireshark and `hilo explain`
// read.
//
// What was read and written by a program had no packets of its own, so these are made up: IPv4 and
// TCP headers around the bytes as they passed, with right sequence numbers and check sums, from
// 127.0.0.1 to 127.0.0.2. Time is that of the call.
//
//   errors  none while it writes; end() tells whether all of it is on disk

#pragma once

#include <array>
#include <cstdint>
#include <fstream>
#include <string>

#include "net/base/bytes.h"
#include "ws/trace/part.h"

namespace hilo::tools::tap {

class CaptureWriter {
 public:
  explicit CaptureWriter(const std::string& file);

  // A connection, by the numbers of its ports.
  class Connection {
   public:
    Connection(CaptureWriter& writer, std::uint16_t client_port, std::uint16_t server_port);
    void add(trace::Direction direction, Bytes bytes);
    void end(trace::Direction direction);

   private:
    void packet(trace::Direction direction, std::uint8_t flags, Bytes payload);

    CaptureWriter* writer_;
    std::array<std::uint16_t, 2> ports_;             // of client and server
    std::array<std::uint32_t, 2> next_{1000, 2000};  // sequence numbers, by direction
  };

  // All there is has been written. False: it could not be.
  bool flush();

 private:
  void block(std::uint32_t type, const std::string& body);

  std::ofstream out_;
};

}  // namespace hilo::tools::tap
