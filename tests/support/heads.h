// SPDX-License-Identifier: MIT
//
// Parsing heads in tests: from text, and in every way that bytes can arrive.

#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "tests/support/frames.h"
#include "ws/core/http_head.h"

namespace hilo::test {

// A request with its parser and text, so that the views of `head` stay valid.
class ParsedRequest {
 public:
  explicit ParsedRequest(std::string text)
      : text_(std::move(text)), progress(parser_.parse(as_bytes(text_))) {
    if (is_complete()) head = parser_.head(as_bytes(text_));
  }
  ParsedRequest(const ParsedRequest&) = delete;
  ParsedRequest& operator=(const ParsedRequest&) = delete;
  bool is_complete() const { return progress.kind == ws::HeadProgress::Kind::complete; }

 private:
  std::string text_;
  ws::RequestParser parser_;

 public:
  ws::HeadProgress progress;
  ws::RequestHead head;
};

class ParsedResponse {
 public:
  explicit ParsedResponse(std::string text)
      : text_(std::move(text)), progress(parser_.parse(as_bytes(text_))) {
    if (is_complete()) head = parser_.head(as_bytes(text_));
  }
  ParsedResponse(const ParsedResponse&) = delete;
  ParsedResponse& operator=(const ParsedResponse&) = delete;
  bool is_complete() const { return progress.kind == ws::HeadProgress::Kind::complete; }

 private:
  std::string text_;
  ws::ResponseParser parser_;

 public:
  ws::HeadProgress progress;
  ws::ResponseHead head;
};

inline std::string describe(const ws::Fields& fields) {
  std::string text;
  for (const ws::FieldView field : fields) {
    text.append("[").append(field.name).append("|").append(field.value).append("]");
  }
  return text;
}
inline std::string describe(const ws::RequestHead& head) {
  std::string text(head.method_text);
  text.append(" ").append(head.target).append(" ").append(head.path).append(" ").append(head.query);
  text.append(" ").append(head.host.host).append(":").append(std::to_string(head.host.port));
  text.append(" ").append(std::to_string(head.version_minor)).append(describe(head.fields));
  return text;
}
inline std::string describe(const ws::ResponseHead& head) {
  return std::to_string(head.version_minor) + " " + std::to_string(head.status) + " " +
         std::string(head.reason) + describe(head.fields);
}

// What came of feeding a text: comparable between two ways of feeding it.
struct Outcome {
  ws::HeadProgress::Kind kind;
  ws::Errc error;
  std::size_t head_bytes;
  std::string head;
  bool operator==(const Outcome&) const = default;
};

// Feeds `text` up to each of `ends` in turn, each time from a fresh block of exactly that size, so
// that the buffer moves and a read behind its end is found.
template <class Parser>
Outcome feed(Parser&& parser, std::string_view text, const std::vector<std::size_t>& ends) {
  Outcome outcome{ws::HeadProgress::Kind::need_input, ws::Errc::none, 0, {}};
  std::unique_ptr<std::uint8_t[]> block;
  for (const std::size_t end : ends) {
    auto moved = std::make_unique<std::uint8_t[]>(end);
    std::copy_n(text.begin(), end, moved.get());
    block = std::move(moved);
    const Bytes bytes{block.get(), end};
    const ws::HeadProgress progress = parser.parse(bytes);
    outcome = {progress.kind, progress.error, progress.head_bytes, {}};
    if (progress.kind == ws::HeadProgress::Kind::complete) {
      outcome.head = describe(parser.head(bytes));
      break;
    }
    if (progress.kind == ws::HeadProgress::Kind::failed) break;
  }
  return outcome;
}

inline std::vector<std::size_t> all_at_once(std::size_t size) {
  return {size};
}

inline std::vector<std::size_t> byte_by_byte(std::size_t size) {
  std::vector<std::size_t> ends;
  for (std::size_t end = 1; end <= size; ++end) ends.push_back(end);
  return ends;
}

// Cuts of 1 to 40 bytes, drawn from a linear congruential generator.
inline std::vector<std::size_t> random_cuts(std::size_t size, std::uint32_t seed) {
  std::vector<std::size_t> ends;
  std::size_t end = 0;
  while (end < size) {
    seed = seed * 1664525 + 1013904223;
    end = std::min<std::size_t>(size, end + 1 + (seed >> 16) % 40);
    ends.push_back(end);
  }
  return ends;
}

// Whole, in three ways cut at random, and byte by byte: one verdict, and the expected one.
template <class Parser>
void check_feeding(const std::string& text, ws::Errc expected) {
  const Outcome whole = feed(Parser(), text, all_at_once(text.size()));
  CHECK(whole.error == expected);
  CHECK(whole.kind == (expected == ws::Errc::none ? ws::HeadProgress::Kind::complete
                                                  : ws::HeadProgress::Kind::failed));
  for (std::uint32_t seed = 1; seed <= 3; ++seed) {
    CHECK(feed(Parser(), text, random_cuts(text.size(), seed)) == whole);
  }
  // Byte by byte from fresh blocks copies n²/2 bytes.
  if (text.size() < 2000) CHECK(feed(Parser(), text, byte_by_byte(text.size())) == whole);
}

}  // namespace hilo::test
