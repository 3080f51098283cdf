// SPDX-License-Identifier: MIT
//
// Bodies of requests, of known length and in chunks: the same bytes must give the same content, the
// same end and the same verdict whole, byte by byte and in pieces; and what was accepted means the
// same to a decoder that is slow and simple. The first byte of the input chooses the cuts, the
// second the limits and whether a head stands in front.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/check.h"
#include "ws/core/http_body.h"
#include "ws/core/http_head.h"

namespace {

using namespace hilo;
using namespace hilo::ws;
using Kind = BodyProgress::Kind;

struct Outcome {
  Kind kind = Kind::need_input;
  Errc error = Errc::none;
  std::string content;
  std::size_t consumed = 0;
  bool operator==(const Outcome&) const = default;
};

// What was said last is said again, and nothing is read any more.
void check_end(BodyParser& parser, const BodyProgress& said, Bytes input) {
  const std::size_t left = input.size();
  const BodyProgress again = parser.next(input);
  HILO_CHECK(again.kind == said.kind && again.error == said.error && input.size() == left);
  HILO_CHECK(parser.is_complete() == (said.kind == Kind::complete));
}

Outcome feed(Bytes input, std::size_t piece, const BodyFraming& framing, const BodyLimits& limits) {
  BodyParser parser(framing, limits);
  Outcome outcome;
  std::size_t begin = 0;
  do {
    // A block of its own for each piece, so that reading beyond it is seen.
    const std::size_t size = std::min(piece, input.size() - begin);
    const auto block = std::make_unique<std::uint8_t[]>(size);
    std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(begin), size, block.get());
    Bytes rest{block.get(), size};
    for (;;) {
      const BodyProgress progress = parser.next(rest);
      outcome.kind = progress.kind;
      outcome.error = progress.error;
      if (progress.kind != Kind::data) break;
      HILO_CHECK(!progress.data.empty());
      outcome.content.append(as_text(progress.data));
    }
    outcome.consumed += size - rest.size();
    HILO_CHECK(parser.content_bytes() == outcome.content.size());
    HILO_CHECK(outcome.content.size() <= limits.bytes_max);
    HILO_CHECK((outcome.kind == Kind::failed) == (outcome.error != Errc::none));
    if (outcome.kind != Kind::need_input) {
      check_end(parser, {outcome.kind, outcome.error, {}}, rest);
      break;
    }
    HILO_CHECK(rest.empty());
    begin += size;
  } while (begin < input.size());
  return outcome;
}

// RFC 9112 §7.1.3, without any of the rules: the text was accepted already.
std::string decode_chunks(std::string_view text) {
  std::string content;
  for (;;) {
    const std::size_t size = std::stoull(std::string(text), nullptr, 16);
    text.remove_prefix(text.find("\r\n") + 2);
    if (size == 0) break;
    content.append(text.substr(0, size));
    HILO_CHECK(text.substr(size, 2) == "\r\n");
    text.remove_prefix(size + 2);
  }
  while (!text.starts_with("\r\n")) text.remove_prefix(text.find("\r\n") + 2);
  HILO_CHECK(text.size() == 2);
  return content;
}

void check(Bytes input, std::size_t piece, const BodyFraming& framing, const BodyLimits& limits) {
  const Outcome whole = feed(input, input.size() + 1, framing, limits);
  HILO_CHECK(feed(input, piece, framing, limits) == whole);
  HILO_CHECK(feed(input, 1, framing, limits) == whole);
  if (whole.kind != Kind::complete) return;
  const std::string_view text = as_text(input.first(whole.consumed));
  switch (framing.kind) {
    case BodyKind::none: HILO_CHECK(text.empty()); break;
    case BodyKind::length:
      HILO_CHECK(text.size() == framing.length && text == whole.content);
      break;
    case BodyKind::chunked: HILO_CHECK(decode_chunks(text) == whole.content); break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  Bytes input{data + 2, size - 2};
  const std::size_t piece = 2 + data[0];
  const BodyLimits limits = data[1] & 2 ? BodyLimits{64, 16, 32} : BodyLimits{};
  BodyFraming framing{BodyKind::chunked};
  if (data[1] & 1) {
    RequestParser parser;
    const HeadProgress progress = parser.parse(input);
    if (progress.kind != HeadProgress::Kind::complete) return 0;
    framing = body_framing(parser.head(input));
    if (framing.error != Errc::none) return 0;
    HILO_CHECK((framing.kind == BodyKind::length) == (framing.length != 0));
    // Whoever reads the body asks this first.
    if (framing.length > limits.bytes_max) return 0;
    input = input.subspan(progress.head_bytes);
  }
  check(input, piece, framing, limits);
  return 0;
}
