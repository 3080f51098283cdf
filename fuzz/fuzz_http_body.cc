// SPDX-License-Identifier: MIT
//
// Bodies of requests, of known length and in chunks: the same bytes must give the same content, the
// same end and the same verdict whole, byte by byte and in pieces, and a decoder that is slow and
// simple must agree with it. The first byte of the input chooses the cuts, the second the limits
// and whether a head stands in front.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
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

constexpr std::string_view hex_digits = "0123456789abcdefABCDEF";

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

// The first line of `text`, which is left without it; nothing if it does not end.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return line;
}

// RFC 9112 §7.1 once more, line by line over the whole text: what stands in front of it is the
// body, if it is one.
std::optional<Outcome> decode_chunks(std::string_view text, const BodyLimits& limits) {
  const std::size_t all = text.size();
  Outcome outcome{Kind::complete, Errc::none, {}, 0};
  std::size_t extension_bytes = 0;
  std::uint64_t size = 1;
  while (size != 0) {
    const auto line = take_line(text);
    if (!line) return std::nullopt;
    const std::size_t digits = std::min(line->find_first_not_of(hex_digits), line->size());
    if (digits == 0 || digits > 16) return std::nullopt;
    size = std::stoull(std::string(line->substr(0, digits)), nullptr, 16);
    const std::string_view more = line->substr(digits);
    extension_bytes += more.size();
    const std::size_t space = std::min(more.find_first_not_of(" \t"), more.size());
    if (!more.empty() && !more.substr(space).starts_with(';')) return std::nullopt;
    if (!all_in(more, ByteClass::value)) return std::nullopt;
    if (extension_bytes > limits.extension_bytes_max) return std::nullopt;
    if (size == 0) break;
    if (size > limits.bytes_max - outcome.content.size()) return std::nullopt;
    if (text.substr(std::min<std::size_t>(size, text.size()), 2) != "\r\n") return std::nullopt;
    outcome.content.append(text.substr(0, size));
    text.remove_prefix(size + 2);
  }
  std::size_t trailer_bytes = 0;
  for (auto line = take_line(text); !line || !line->empty(); line = take_line(text)) {
    if (!line) return std::nullopt;
    const std::size_t colon = line->find(':');
    trailer_bytes += line->size() + 2;
    if (colon == std::string_view::npos || !is_token(line->substr(0, colon))) return std::nullopt;
    if (!all_in(line->substr(colon + 1), ByteClass::value)) return std::nullopt;
    if (trailer_bytes > limits.trailer_bytes_max) return std::nullopt;
  }
  outcome.consumed = all - text.size();
  return outcome;
}

void check(Bytes input, std::size_t piece, const BodyFraming& framing, const BodyLimits& limits) {
  const Outcome whole = feed(input, input.size() + 1, framing, limits);
  HILO_CHECK(feed(input, piece, framing, limits) == whole);
  HILO_CHECK(feed(input, 1, framing, limits) == whole);
  const std::string_view text = as_text(input);
  switch (framing.kind) {
    case BodyKind::none: HILO_CHECK(whole.kind == Kind::complete && whole.consumed == 0); break;
    case BodyKind::length:
      HILO_CHECK((whole.kind == Kind::complete) == (text.size() >= framing.length));
      HILO_CHECK(whole.content == text.substr(0, framing.length));
      break;
    case BodyKind::chunked: {
      const std::optional<Outcome> slow = decode_chunks(text, limits);
      HILO_CHECK((whole.kind == Kind::complete) == slow.has_value());
      HILO_CHECK(!slow || *slow == whole);
      break;
    }
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
