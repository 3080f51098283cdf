// SPDX-License-Identifier: MIT

#include "ws/trace/hixie76.h"

#include <openssl/evp.h>

#include <algorithm>
#include <limits>

namespace hilo::hixie76 {

std::optional<std::uint32_t> number_of(std::string_view key) noexcept {
  std::uint64_t digits = 0;
  std::uint64_t spaces = 0;
  for (const char c : key) {
    if (c == ' ') ++spaces;
    if (c < '0' || c > '9') continue;
    digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
    if (digits > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  }
  if (spaces == 0 || digits % spaces != 0) return std::nullopt;
  return static_cast<std::uint32_t>(digits / spaces);
}

std::optional<Answer> answer_to(std::uint32_t number1, std::uint32_t number2,
                                std::array<std::uint8_t, body_bytes> body) noexcept {
  std::array<std::uint8_t, 4 + 4 + body_bytes> challenge;
  store_be32(challenge.data(), number1);
  store_be32(challenge.data() + 4, number2);
  std::copy(body.begin(), body.end(), challenge.begin() + 8);
  Answer answer;
  unsigned size = 0;
  const int done =
      EVP_Digest(challenge.data(), challenge.size(), answer.data(), &size, EVP_md5(), nullptr);
  if (done != 1 || size != answer.size()) return std::nullopt;
  return answer;
}

Frame read_frame(Bytes all_so_far, std::size_t looked_at) noexcept {
  if (all_so_far.empty()) return {};
  if (all_so_far[0] == 0xFF) {
    if (all_so_far.size() < 2) return {};
    const bool is_close = all_so_far[1] == 0;
    return {.kind = is_close ? Frame::Kind::close : Frame::Kind::wrong, .bytes = 2};
  }
  if (all_so_far[0] != 0) return {.kind = Frame::Kind::wrong, .bytes = 1};
  const auto begin =
      all_so_far.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(looked_at, 1));
  const auto end = std::find(begin, all_so_far.end(), std::uint8_t{0xFF});
  if (end == all_so_far.end()) return {};
  const auto size = static_cast<std::size_t>(end - all_so_far.begin());
  return {.kind = Frame::Kind::text, .text = all_so_far.subspan(1, size - 1), .bytes = size + 1};
}

}  // namespace hilo::hixie76
