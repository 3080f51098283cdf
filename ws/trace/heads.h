// SPDX-License-Identifier: MIT
//
// HeadReader: the HTTP messages of one direction, explained field by field (RFC 9112): a request or
// a response head, and the body behind it where it has one.
//
//   memory  one head (its limits are those of RequestParser) and body_bytes_max of a body
//   thread  one at a time
//   views   what the receiver is shown is valid until it returns

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/callback.h"
#include "ws/core/http_body.h"
#include "ws/core/http_head.h"
#include "ws/trace/part.h"

namespace hilo::trace {

class HeadReader {
 public:
  struct Receiver {
    // Exactly one of them, when a head is complete. True: what follows is not HTTP any more.
    Callback<bool(const ws::RequestHead&)> on_request;
    Callback<bool(const ws::ResponseHead&)> on_response;
    Callback<void(MutableBytes body)> on_body;
  };

  HeadReader(Direction direction, PartSink& sink, Receiver receiver)
      : direction_(direction), sink_(&sink), receiver_(std::move(receiver)) {}

  // Takes bytes from the front, until a head has said that something else follows.
  void feed(Bytes& bytes, std::uint64_t offset);
  bool finished() const noexcept { return finished_; }
  bool failed() const noexcept { return failed_; }
  bool unfinished() const noexcept { return !head_.empty() || body_.has_value(); }

  static constexpr std::size_t body_bytes_max = std::size_t{1} << 20;

 private:
  void take_head(Bytes& bytes, std::uint64_t offset);
  void take_body(Bytes& bytes, std::uint64_t offset);
  void end_body();
  ws::HeadProgress parse();
  void end_request();
  void end_response();
  void begin_body(const ws::BodyFraming& framing);
  void tell(std::string_view text, std::string_view name, std::string value,
            std::string_view section);
  void tell_fields(const ws::Fields& fields);
  void fail(ws::Errc error, std::uint64_t offset, std::uint64_t bytes);

  Direction direction_;
  PartSink* sink_;
  Receiver receiver_;
  std::vector<std::uint8_t> head_;
  std::uint64_t begin_ = 0;
  ws::RequestParser request_;
  ws::ResponseParser response_;
  std::optional<ws::BodyParser> body_;
  std::vector<std::uint8_t> content_;
  std::uint64_t body_begin_ = 0;
  bool finished_ = false;
  bool failed_ = false;
};

}  // namespace hilo::trace
