// SPDX-License-Identifier: MIT

#include "ws/engineio/payload.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "ws/core/utf8.h"
#include "ws/engineio/base64.h"
#include "ws/engineio/text_units.h"

namespace hilo::engineio {
namespace {

constexpr std::uint8_t text_frame = 0;
constexpr std::uint8_t binary_frame = 1;
constexpr std::uint8_t length_end = 0xff;
// More digits than any body has bytes; what is longer need not be looked at.
constexpr std::size_t length_digits_max = 10;

// One packet, cut out of a body and not yet decoded.
struct Piece {
  MutableBytes bytes;
  bool is_binary_frame = false;
};

// A decimal length of `digits`, which are counted from `zero`; nothing if it is malformed or beyond
// any body.
std::optional<std::size_t> read_length(Bytes digits, std::uint8_t zero) noexcept {
  if (digits.empty() || digits.size() > length_digits_max) return std::nullopt;
  if (digits[0] == zero && digits.size() > 1) return std::nullopt;
  std::size_t length = 0;
  for (const std::uint8_t byte : digits) {
    const unsigned digit = byte - unsigned{zero};
    if (digit > 9) return std::nullopt;
    length = length * 10 + digit;
  }
  return length;
}

Errc cut_v4(MutableBytes& rest, Piece& piece) noexcept {
  const auto end = std::find(rest.begin(), rest.end(), payload_separator);
  const auto size = static_cast<std::size_t>(end - rest.begin());
  piece = {.bytes = rest.first(size), .is_binary_frame = false};
  // A separator has a packet behind it; an empty rest would end the body without it.
  if (size + 1 == rest.size()) return Errc::packet_empty;
  rest = rest.subspan(std::min(size + 1, rest.size()));
  return Errc::none;
}

// Up to the byte that ends the length, which is looked for no further than a length may be.
std::optional<std::size_t> find_length_end(Bytes rest, std::uint8_t end) noexcept {
  const Bytes near = rest.first(std::min(rest.size(), length_digits_max + 1));
  const auto at = std::find(near.begin(), near.end(), end);
  if (at == near.end()) return std::nullopt;
  return static_cast<std::size_t>(at - near.begin());
}

Errc cut_v3_text(MutableBytes& rest, Piece& piece) noexcept {
  const std::optional<std::size_t> colon = find_length_end(rest, ':');
  if (!colon) return Errc::payload_length;
  const std::optional<std::size_t> units = read_length(rest.first(*colon), '0');
  if (!units) return Errc::payload_length;
  rest = rest.subspan(*colon + 1);
  const std::optional<std::size_t> bytes = utf16_prefix_bytes(rest, *units);
  if (!bytes) return Errc::payload_length;
  piece = {.bytes = rest.first(*bytes), .is_binary_frame = false};
  rest = rest.subspan(*bytes);
  return Errc::none;
}

Errc cut_v3_binary(MutableBytes& rest, Piece& piece) noexcept {
  const std::uint8_t kind = rest[0];
  if (kind != text_frame && kind != binary_frame) return Errc::payload_frame;
  rest = rest.subspan(1);
  const std::optional<std::size_t> end = find_length_end(rest, length_end);
  if (!end) return Errc::payload_frame;
  const std::optional<std::size_t> bytes = read_length(rest.first(*end), 0);
  if (!bytes) return Errc::payload_length;
  rest = rest.subspan(*end + 1);
  if (*bytes > rest.size()) return Errc::payload_length;
  piece = {.bytes = rest.first(*bytes), .is_binary_frame = kind == binary_frame};
  rest = rest.subspan(*bytes);
  return Errc::none;
}

Errc cut(Framing framing, MutableBytes& rest, Piece& piece) noexcept {
  switch (framing) {
    case Framing::v4: return cut_v4(rest, piece);
    case Framing::v3_text: return cut_v3_text(rest, piece);
    case Framing::v3_binary: return cut_v3_binary(rest, piece);
  }
  return Errc::payload_frame;
}

Errc split(Framing framing, const Piece& piece, Packet& into, bool& is_base64) noexcept {
  if (!piece.is_binary_frame) {
    const Revision revision = framing == Framing::v4 ? Revision::v4 : Revision::v3;
    return split_text(revision, piece.bytes, into, is_base64);
  }
  is_base64 = false;
  return decode_binary(Revision::v3, piece.bytes, into);
}

Errc check_piece(Framing framing, const Piece& piece) noexcept {
  Packet packet;
  bool is_base64 = false;
  const Errc error = split(framing, piece, packet, is_base64);
  if (error != Errc::none) return error;
  if (is_base64) return check_base64(packet.data) ? Errc::none : Errc::packet_base64;
  // Elsewhere all of the body is one text.
  if (framing != Framing::v3_binary || packet.binary) return Errc::none;
  return ws::utf8_valid(packet.data) ? Errc::none : Errc::payload_utf8;
}

Status append_text(Buffer& out, std::string_view text) noexcept {
  return out.append(as_bytes(text));
}

Status append_base64(Buffer& out, Bytes data) noexcept {
  const std::size_t size = base64_size(data.size());
  if (Status grown = out.reserve(size); !grown) return grown;
  encode_base64(data, out.writable().data());
  out.commit(size);
  return {};
}

// The packet itself, without what separates it from others.
Status append_bare(std::string_view mark, const Packet& packet, bool base64, Buffer& out) noexcept {
  if (Status done = append_text(out, mark); !done) return done;
  return base64 ? append_base64(out, packet.data) : out.append(packet.data);
}

// Decimal digits counted from `zero`.
Status append_length(Buffer& out, std::size_t length, char zero) noexcept {
  std::array<char, 20> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), length);
  for (char* at = digits.data(); at != end; ++at) *at = static_cast<char>(*at - '0' + zero);
  return append_text(out, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

Status append_v3_text(std::string_view mark, const Packet& packet, Buffer& out) noexcept {
  const std::size_t units =
      packet.binary ? base64_size(packet.data.size()) : utf16_units(packet.data);
  if (Status done = append_length(out, mark.size() + units, '0'); !done) return done;
  if (Status done = append_text(out, ":"); !done) return done;
  return append_bare(mark, packet, packet.binary, out);
}

Status append_v3_binary(std::string_view mark, const Packet& packet, Buffer& out) noexcept {
  const std::array<std::uint8_t, 1> kind{packet.binary ? binary_frame : text_frame};
  const std::array<std::uint8_t, 1> end{length_end};
  if (Status done = out.append(kind); !done) return done;
  if (Status done = append_length(out, mark.size() + packet.data.size(), 0); !done) return done;
  if (Status done = out.append(end); !done) return done;
  return append_bare(mark, packet, false, out);
}

}  // namespace

Errc check_payload(Framing framing, MutableBytes body, std::uint32_t packets_max) noexcept {
  if (body.empty()) return Errc::packet_empty;
  if (framing != Framing::v3_binary && !ws::utf8_valid(body)) return Errc::payload_utf8;
  MutableBytes rest = body;
  std::uint32_t packets = 0;
  while (!rest.empty()) {
    if (++packets > packets_max) return Errc::payload_packets;
    Piece piece;
    Errc error = cut(framing, rest, piece);
    if (error == Errc::none) error = check_piece(framing, piece);
    if (error != Errc::none) return error;
  }
  return Errc::none;
}

bool PayloadReader::next(Packet& into) noexcept {
  if (rest_.empty()) return false;
  Piece piece;
  bool is_base64 = false;
  if (cut(framing_, rest_, piece) != Errc::none) return false;
  if (split(framing_, piece, into, is_base64) != Errc::none) return false;
  if (!is_base64) return true;
  const std::optional<std::size_t> size = decode_base64(into.data);
  if (size) into.data = into.data.first(*size);
  return size.has_value();
}

Status append_packet(Framing framing, const Packet& packet, Buffer& out) noexcept {
  const char digit = type_digit(packet.type);
  const std::string_view plain{&digit, 1};
  switch (framing) {
    case Framing::v4:
      if (!out.empty()) {
        const std::array<std::uint8_t, 1> separator{payload_separator};
        if (Status done = out.append(separator); !done) return done;
      }
      return append_bare(packet.binary ? "b" : plain, packet, packet.binary, out);
    case Framing::v3_text: return append_v3_text(packet.binary ? "b4" : plain, packet, out);
    case Framing::v3_binary: return append_v3_binary(packet.binary ? "\x04" : plain, packet, out);
  }
  return {};
}

}  // namespace hilo::engineio
