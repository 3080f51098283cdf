// SPDX-License-Identifier: MIT

#include "ws/engineio/jsonp.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "ws/core/percent.h"

namespace hilo::engineio {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

// How many bytes at the front of `text` cannot stand in a literal, and are escaped as one.
std::size_t escaped_bytes(std::string_view text) noexcept {
  const char c = text.front();
  if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') return 1;
  return text.starts_with("\u2028") || text.starts_with("\u2029") ? 3 : 0;
}

Status append(std::string_view text, Buffer& out) noexcept {
  return out.append(as_bytes(text));
}

Status append_escape(std::string_view escaped, Buffer& out) noexcept {
  if (escaped.size() == 3) return append(escaped.back() == '\xa8' ? "\\u2028" : "\\u2029", out);
  const auto c = static_cast<unsigned char>(escaped.front());
  const std::array<char, 6> escape = {'\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15]};
  return append({escape.data(), escape.size()}, out);
}

Status append_literal(std::string_view text, Buffer& out) noexcept {
  std::size_t plain = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t bytes = escaped_bytes(text.substr(at));
    if (bytes == 0) {
      ++at;
      continue;
    }
    if (Status status = append(text.substr(plain, at - plain), out); !status) return status;
    if (Status status = append_escape(text.substr(at, bytes), out); !status) return status;
    at += bytes;
    plain = at;
  }
  return append(text.substr(plain), out);
}

// What the client did to line ends, undone.
std::size_t undo_line_ends(MutableBytes text) noexcept {
  std::size_t to = 0;
  std::size_t from = 0;
  while (from < text.size()) {
    const std::string_view rest = as_text(Bytes{text.subspan(from)});
    if (rest.starts_with("\\\\n")) {
      ++from;
      text[to++] = text[from++];
      text[to++] = text[from++];
    } else if (rest.starts_with("\\n")) {
      text[to++] = '\n';
      from += 2;
    } else {
      text[to++] = text[from++];
    }
  }
  return to;
}

}  // namespace

Status write_jsonp(std::string_view j, Bytes payload, Buffer& out) noexcept {
  if (Status status = append("___eio[", out); !status) return status;
  for (std::size_t at = 0; at < j.size(); ++at) {
    if (j[at] < '0' || j[at] > '9') continue;
    if (Status status = append(j.substr(at, 1), out); !status) return status;
  }
  if (Status status = append("](\"", out); !status) return status;
  if (Status status = append_literal(as_text(payload), out); !status) return status;
  return append("\");", out);
}

std::optional<MutableBytes> read_jsonp(MutableBytes form) noexcept {
  const auto value = ws::find_query(as_text(Bytes{form}), "d");
  if (!value) return std::nullopt;
  if (value->empty()) return form.first(0);
  const auto offset = static_cast<std::size_t>(value->data() - as_text(Bytes{form}).data());
  const MutableBytes data = form.subspan(offset, value->size());
  const auto decoded = ws::percent_decode(
      *value, {reinterpret_cast<char*>(data.data()), data.size()}, ws::Plus::is_space);
  if (!decoded) return std::nullopt;
  return data.first(undo_line_ends(data.first(decoded->size())));
}

}  // namespace hilo::engineio
