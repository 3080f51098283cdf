// SPDX-License-Identifier: MIT

#include "ws/trace/heads.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "ws/trace/text.h"

namespace hilo::trace {
namespace {

// The body of a response (RFC 9112 §6.3), as far as its fields tell it.
ws::BodyFraming response_framing(const ws::ResponseHead& head) {
  if (head.fields.lists_token("Transfer-Encoding", "chunked")) {
    return {.kind = ws::BodyKind::chunked};
  }
  const auto text = head.fields.find("Content-Length");
  std::uint64_t length = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), length);
  if (length == 0) return {};
  return {.kind = ws::BodyKind::length, .length = length};
}

}  // namespace

void HeadReader::feed(Bytes& bytes, std::uint64_t offset) {
  while (!bytes.empty() && !finished_ && !failed_) {
    const std::size_t before = bytes.size();
    if (body_) {
      take_body(bytes, offset);
    } else {
      take_head(bytes, offset);
    }
    offset += before - bytes.size();
  }
}

ws::HeadProgress HeadReader::parse() {
  return direction_ == Direction::to_server ? request_.parse(head_) : response_.parse(head_);
}

// Byte by byte, so that a broken rule is told where it is broken, however the bytes come.
void HeadReader::take_head(Bytes& bytes, std::uint64_t offset) {
  if (head_.empty()) begin_ = offset;
  ws::HeadProgress progress;
  while (!bytes.empty() && progress.kind == ws::HeadProgress::Kind::need_input) {
    head_.push_back(bytes.front());
    bytes = bytes.subspan(1);
    progress = parse();
  }
  switch (progress.kind) {
    case ws::HeadProgress::Kind::need_input: return;
    case ws::HeadProgress::Kind::failed: return fail(progress.error, begin_, head_.size());
    case ws::HeadProgress::Kind::complete: break;
  }
  direction_ == Direction::to_server ? end_request() : end_response();
  request_.reset();
  response_.reset();
  head_.clear();
}

void HeadReader::end_request() {
  const ws::RequestHead head = request_.head(head_);
  tell(as_text(head_), "request", std::string(head.method_text) + ' ' + std::string(head.target),
       "RFC 9112 §3");
  tell(head.method_text, "method", std::string(head.method_text), "RFC 9110 §9");
  tell(head.target, "target", in_quotes(head.target), "RFC 9112 §3.2");
  tell_fields(head.fields);
  const ws::BodyFraming framing = ws::body_framing(head);
  if (framing.error != ws::Errc::none) return fail(framing.error, begin_, head_.size());
  finished_ = receiver_.on_request(head);
  if (!finished_) begin_body(framing);
}

void HeadReader::end_response() {
  const ws::ResponseHead head = response_.head(head_);
  const std::string status = std::to_string(head.status);
  tell(as_text(head_), "response", status + ' ' + std::string(head.reason), "RFC 9112 §4");
  tell(as_text(head_).substr(9, 3), "status", status, "RFC 9110 §15");
  tell_fields(head.fields);
  finished_ = receiver_.on_response(head);
  if (!finished_) begin_body(response_framing(head));
}

void HeadReader::begin_body(const ws::BodyFraming& framing) {
  if (framing.kind == ws::BodyKind::none) return;
  body_.emplace(framing, ws::BodyLimits{.bytes_max = UINT64_MAX >> 1});
  body_begin_ = begin_ + head_.size();
}

void HeadReader::take_body(Bytes& bytes, std::uint64_t offset) {
  while (body_) {
    const std::size_t before = bytes.size();
    const ws::BodyProgress progress = body_->next(bytes);
    offset += before - bytes.size();
    switch (progress.kind) {
      case ws::BodyProgress::Kind::need_input: return;
      case ws::BodyProgress::Kind::failed:
        return fail(progress.error, body_begin_, offset - body_begin_);
      case ws::BodyProgress::Kind::data: {
        const std::size_t room = body_bytes_max - content_.size();
        const Bytes kept = progress.data.first(std::min(room, progress.data.size()));
        content_.insert(content_.end(), kept.begin(), kept.end());
        break;
      }
      case ws::BodyProgress::Kind::complete: begin_ = offset; return end_body();
    }
  }
}

void HeadReader::end_body() {
  (*sink_)({.direction = direction_,
            .layer = Layer::http,
            .depth = 1,
            .place = bytes_at(body_begin_, begin_ - body_begin_),
            .name = "body",
            .value = in_quotes(as_text(Bytes(content_))),
            .section = "RFC 9112 §6",
            .source = "ws/core/http_body.cc BodyParser"});
  body_.reset();
  receiver_.on_body(content_);
  content_.clear();
}

// `text` is a view into the head, whose place it has; the whole head is the unit itself.
void HeadReader::tell(std::string_view text, std::string_view name, std::string value,
                      std::string_view section) {
  const auto at = static_cast<std::uint64_t>(text.data() - as_text(head_).data());
  (*sink_)({.direction = direction_,
            .layer = Layer::http,
            .depth = static_cast<std::uint8_t>(text.size() == head_.size() ? 0 : 1),
            .place = bytes_at(begin_ + at, text.size()),
            .name = name,
            .value = std::move(value),
            .section = section,
            .source = direction_ == Direction::to_server ? "ws/core/http_head_request.cc parse"
                                                         : "ws/core/http_head_response.cc parse"});
}

void HeadReader::tell_fields(const ws::Fields& fields) {
  for (const ws::FieldView field : fields) {
    const char* const end = field.value.data() + field.value.size();
    const std::string_view line(field.name.data(),
                                static_cast<std::size_t>(end - field.name.data()));
    tell(line, "field", std::string(field.name) + ": " + in_quotes(field.value, false),
         "RFC 9112 §5");
  }
}

void HeadReader::fail(ws::Errc error, std::uint64_t offset, std::uint64_t bytes) {
  failed_ = true;
  (*sink_)({.direction = direction_,
            .layer = Layer::http,
            .depth = 1,
            .place = bytes_at(offset, bytes),
            .name = "broken rule",
            .value = {},
            .section = {},
            .source = "ws/core/error.cc",
            .fault = fault_of(error)});
}

}  // namespace hilo::trace
