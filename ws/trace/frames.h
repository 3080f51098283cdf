// SPDX-License-Identifier: MIT
//
// FrameReader: the frames of one direction, explained bit by bit (RFC 6455 §5), and the messages
// that they carry.
//
// It reads with the functions that the engine reads with (parse_header, check_header, mask,
// Utf8Validator), beside it and not in its place: what the engine keeps out of sight for speed is
// said here, one Part for each field. Bytes may come in pieces of any size; a frame is told when
// its last byte has come, a broken rule with the byte that breaks it.
//
//   memory  at most `message_bytes_max` of a message and of a frame; of longer ones the beginning
//   thread  one at a time
//   views   the sink and the receiver of messages must outlive the reader; what they are shown is
//           valid until they return

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "ws/core/frame.h"
#include "ws/core/utf8.h"
#include "ws/trace/part.h"

namespace hilo::trace {

// A data message, whole: what several frames carried, unmasked and as it came if compressed.
struct WireMessage {
  bool text = false;
  bool compressed = false;
  std::uint64_t bytes = 0;  // of it
  MutableBytes content;     // these, or their beginning
  Place place = {};         // of the payload, if it is one frame
};

struct FrameOptions {
  bool deflate = false;  // permessage-deflate was negotiated: RSV1 means something
  std::size_t message_bytes_max = std::size_t{1} << 20;
};

class FrameReader {
 public:
  // `on_message` says whether what follows has a meaning.
  FrameReader(Direction direction, const FrameOptions& options, PartSink& sink,
              Callback<bool(const WireMessage&)> on_message)
      : direction_(direction),
        options_(options),
        sink_(&sink),
        on_message_(std::move(on_message)) {}

  // `offset`: where `bytes` stand in the stream of this direction.
  void feed(Bytes bytes, std::uint64_t offset);
  // A frame or a message is unfinished.
  bool unfinished() const noexcept { return header_bytes_ != 0 || in_message_; }
  bool in_frame() const noexcept { return header_bytes_ != 0; }
  // The stream has ended: tells what has come of a frame that is not whole.
  void end();
  // A rule was broken: nothing more is explained.
  bool failed() const noexcept { return failed_; }

 private:
  std::size_t take_header(Bytes bytes, std::uint64_t offset);
  std::size_t take_payload(Bytes bytes);
  void tell_header();
  void tell_payload();
  void tell_bits(std::uint64_t bit, std::uint64_t bits, std::string_view name, std::string value,
                 std::string_view section, std::string_view source = {});
  void end_frame();
  void end_data_frame();
  void tell_close();
  void fail(ws::Errc error, Place place);
  Place payload_place() const noexcept;

  Direction direction_;
  FrameOptions options_;
  PartSink* sink_;
  Callback<bool(const WireMessage&)> on_message_;

  std::array<std::uint8_t, ws::frame_header_bytes_max> carry_{};
  std::size_t header_bytes_ = 0;  // of the frame's header that have come; all: its payload comes
  ws::FrameHeader header_;
  std::uint64_t begin_ = 0;  // of the frame
  std::uint64_t payload_come_ = 0;
  std::vector<std::uint8_t> payload_;  // unmasked

  std::vector<std::uint8_t> message_;
  std::uint64_t message_bytes_ = 0;
  std::uint32_t fragments_ = 0;
  bool in_message_ = false;
  bool text_ = false;
  bool compressed_ = false;
  bool failed_ = false;
  bool text_is_kept_ = false;  // all of it so far, so that it can be checked
  ws::Utf8Validator utf8_;
};

}  // namespace hilo::trace
