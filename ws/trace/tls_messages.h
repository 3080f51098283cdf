// SPDX-License-Identifier: MIT
//
// TlsMessageReader: the handshake messages of one direction out of the records that carry them,
// told one by one (RFC 8446 §4): several stand in one record, and one in several.
//
//   memory  message_bytes_max; of a longer message the beginning is kept, and it is told
//   thread  one at a time
//   views   sink and receiver outlive it; what the receiver is shown is valid until it returns

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "ws/trace/part.h"
#include "ws/trace/tls_hello.h"

namespace hilo::trace {

// A whole message; of ClientHello and ServerHello what it says.
struct TlsMessage {
  std::uint8_t type = 0;
  std::optional<TlsHello> hello = {};
};

class TlsMessageReader {
 public:
  static constexpr std::size_t message_bytes_max = std::size_t{64} << 10;

  TlsMessageReader(Direction direction, PartSink& sink,
                   Callback<void(const TlsMessage&)> on_message)
      : direction_(direction), sink_(&sink), on_message_(std::move(on_message)) {}

  // The content of a record. `offset`: where it is in the stream; nothing: it was encrypted, and so
  // what it says has no place there.
  void feed(Bytes content, std::optional<std::uint64_t> offset);
  bool unfinished() const noexcept { return message_come_ != 0; }
  // A message was malformed: nothing more is read.
  bool failed() const noexcept { return failed_; }

 private:
  static constexpr std::size_t header_bytes = 4;

  std::size_t size() const noexcept;
  void end_message();
  void tell_client_hello(const TlsHello& hello);
  void tell_server_hello(const TlsHello& hello);
  void tell_protocols(Bytes protocols);
  void tell(Bytes where, std::string_view name, std::string value, std::string_view section);
  void fail();

  Direction direction_;
  PartSink* sink_;
  Callback<void(const TlsMessage&)> on_message_;
  std::vector<std::uint8_t> message_;   // with type and length
  std::size_t message_come_ = 0;        // of it, also what is not kept
  std::optional<std::uint64_t> begin_;  // in the stream, if it is there in one piece
  bool failed_ = false;
};

}  // namespace hilo::trace
