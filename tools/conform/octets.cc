// SPDX-License-Identifier: MIT

#include "tools/conform/octets.h"

#include <openssl/evp.h>

#include <algorithm>

#include "net/base/check.h"

namespace hilo::tools::conform {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::uint8_t at(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// The range of the second byte and the length of the sequence that `lead` begins (RFC 3629 §4).
struct Sequence {
  std::size_t bytes;
  std::uint8_t low;
  std::uint8_t high;
};
Sequence sequence_of(std::uint8_t lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead >= 0xC2 && lead <= 0xDF) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Octets hex(std::string_view digits) {
  Octets octets;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ') continue;
    const int value = digit(c);
    HILO_CHECK(value >= 0);
    if (high < 0) {
      high = value;
    } else {
      octets.push_back(static_cast<char>(high << 4 | value));
      high = -1;
    }
  }
  HILO_CHECK(high < 0);
  return octets;
}

std::string to_hex(std::string_view octets, std::size_t most) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < std::min(octets.size(), most); ++i) {
    text.push_back(digits[at(octets, i) >> 4]);
    text.push_back(digits[at(octets, i) & 15]);
  }
  if (octets.size() > most) text += " ... (" + std::to_string(octets.size()) + " bytes)";
  return text;
}

std::string quoted(std::string_view octets, std::size_t most) {
  const bool printable =
      std::all_of(octets.begin(), octets.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!printable) return "hex " + to_hex(octets, most / 2);
  if (octets.size() <= most) return '"' + std::string(octets) + '"';
  return '"' + std::string(octets.substr(0, most)) + "\" ... (" + std::to_string(octets.size()) +
         " bytes)";
}

std::string shown(std::string_view text) {
  const bool utf8 = is_utf8(text);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8)) {
      out += "\\x" + to_hex(std::string_view(&c, 1));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

Octets big_endian(std::uint64_t value, std::size_t bytes) {
  Octets octets;
  for (std::size_t i = bytes; i-- > 0;) octets.push_back(static_cast<char>(value >> (8 * i)));
  return octets;
}

Octets repeated(std::string_view octets, std::size_t count) {
  Octets all;
  all.reserve(octets.size() * count);
  for (std::size_t i = 0; i < count; ++i) all += octets;
  return all;
}

Octets noise(std::size_t size, std::uint32_t seed) {
  Octets octets(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& octet : octets) {
    state = state * 1664525U + 1013904223U;
    octet = static_cast<char>(state >> 24);
  }
  return octets;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const Sequence sequence = sequence_of(at(text, i));
    if (sequence.bytes == 0 || i + sequence.bytes > text.size()) return false;
    for (std::size_t k = 1; k < sequence.bytes; ++k) {
      const std::uint8_t low = k == 1 ? sequence.low : 0x80;
      const std::uint8_t high = k == 1 ? sequence.high : 0xBF;
      if (at(text, i + k) < low || at(text, i + k) > high) return false;
    }
    i += sequence.bytes;
  }
  return true;
}

std::string base64(std::string_view octets) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(octets.size() - i, 3);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < left ? at(octets, i + k) : 0U);
    for (std::size_t k = 0; k < 4; ++k) {
      text.push_back(k <= left ? alphabet[group >> (18 - 6 * k) & 63] : '=');
    }
  }
  return text;
}

std::string accept_for(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  Octets digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  // libcrypto writes through unsigned char, which std::string does not hold.
  unsigned char bytes[EVP_MAX_MD_SIZE];
  const int done = EVP_Digest(text.data(), text.size(), bytes, &size, EVP_sha1(), nullptr);
  HILO_CHECK(done == 1);
  digest.resize(size);
  std::transform(bytes, bytes + size, digest.begin(),
                 [](unsigned char byte) { return static_cast<char>(byte); });
  return base64(digest);
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string replaced(std::string_view text, std::string_view mark, std::string_view by) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text.substr(i, mark.size()) == mark) {
      out += by;
      i += mark.size();
    } else {
      out.push_back(text[i++]);
    }
  }
  return out;
}

}  // namespace hilo::tools::conform
