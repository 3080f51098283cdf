// SPDX-License-Identifier: MIT

#include "ws/credentials.h"

#include <algorithm>
#include <cstdint>

#include "ws/core/error.h"
#include "ws/core/percent.h"

namespace hilo::ws {
namespace {

// RFC 4648 §4.
std::string encode_base64(std::string_view bytes) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t from = 0; from < bytes.size(); from += 3) {
    const std::size_t size = std::min<std::size_t>(3, bytes.size() - from);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < size ? static_cast<std::uint8_t>(bytes[from + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text.push_back(i <= size ? alphabet[(group >> (18 - 6 * i)) & 0x3F] : '=');
    }
  }
  return text;
}

std::optional<std::string> decode(std::string_view text) {
  std::string into(text.size(), '\0');
  const std::optional<std::string_view> decoded = percent_decode(text, into);
  if (!decoded) return std::nullopt;
  return std::string(*decoded);
}

bool has_control_bytes(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    return byte < ' ' || byte == 0x7F;
  });
}

}  // namespace

std::optional<Credentials> parse_userinfo(std::string_view userinfo) {
  const std::size_t colon = std::min(userinfo.find(':'), userinfo.size());
  const std::string_view rest = userinfo.substr(colon);
  std::optional<std::string> user = decode(userinfo.substr(0, colon));
  std::optional<std::string> password = decode(rest.substr(rest.empty() ? 0 : 1));
  if (!user || !password) return std::nullopt;
  return Credentials{std::move(*user), std::move(*password)};
}

Result<std::string> basic_authorization(const Credentials& credentials) {
  const std::string_view user = credentials.user;
  if (user.find(':') != std::string_view::npos) return make_error_code(Errc::argument);
  if (has_control_bytes(user) || has_control_bytes(credentials.password)) {
    return make_error_code(Errc::argument);
  }
  return "Basic " + encode_base64(credentials.user + ":" + credentials.password);
}

// RFC 9110 §11.1: the scheme in either case, the rest byte by byte. Every byte is looked at, also
// behind one that differs: whoever measures the time learns nothing of what was right so far.
bool shows_authorization(std::string_view shown, std::string_view wanted) noexcept {
  if (wanted.empty()) return false;
  const std::size_t scheme = std::min(wanted.find(' '), wanted.size());
  std::size_t difference = shown.size() ^ wanted.size();
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto is = static_cast<std::uint8_t>(shown[i]);
    const auto should = static_cast<std::uint8_t>(wanted[i % wanted.size()]);
    const bool is_letter = i < scheme && (should | 0x20) >= 'a' && (should | 0x20) <= 'z';
    difference |= (is ^ should) & (is_letter ? 0xDFU : 0xFFU);
  }
  return difference == 0;
}

}  // namespace hilo::ws
