// SPDX-License-Identifier: MIT

#include "ws/core/accept_key.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

#include "ws/core/http_tokens.h"

namespace hilo::ws {

namespace {

constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 §1.3
constexpr std::size_t key_chars = 24;
constexpr std::size_t key_digits = 22;

// Looking SHA-1 up and setting a context up for it takes three times as long as hashing sixty
// bytes, so that each thread does it once. Where there was no memory for it, it is tried again: a
// thread must not refuse all that come because of the first.
class Sha1 {
 public:
  Sha1() noexcept = default;
  Sha1(const Sha1&) = delete;
  Sha1& operator=(const Sha1&) = delete;
  ~Sha1() {
    EVP_MD_CTX_free(context_);
    EVP_MD_free(function_);
  }

  bool hash(std::span<const unsigned char> text, unsigned char* digest) noexcept {
    if (function_ == nullptr) function_ = EVP_MD_fetch(nullptr, "SHA1", nullptr);
    if (context_ == nullptr) context_ = EVP_MD_CTX_new();
    return function_ != nullptr && context_ != nullptr &&
           EVP_DigestInit_ex(context_, function_, nullptr) == 1 &&
           EVP_DigestUpdate(context_, text.data(), text.size()) == 1 &&
           EVP_DigestFinal_ex(context_, digest, nullptr) == 1;
  }

 private:
  EVP_MD* function_ = nullptr;
  EVP_MD_CTX* context_ = nullptr;
};

}  // namespace

bool is_valid_key(std::string_view key) noexcept {
  if (key.size() != key_chars || !key.ends_with("==")) return false;
  if (!all_in(key.substr(0, key_digits), ByteClass::base64)) return false;
  // 16 bytes are 128 bits: 21 digits of six, and two more. These are the digits that end in 0000.
  constexpr std::string_view last_digits = "AQgw";
  return last_digits.find(key[key_digits - 1]) != std::string_view::npos;
}

std::array<char, 28> accept_key(std::string_view key) noexcept {
  std::array<unsigned char, key_chars + guid.size()> text{};
  const std::string_view head = key.substr(0, key_chars);
  if (!head.empty()) std::memcpy(text.data(), head.data(), head.size());
  std::memcpy(text.data() + head.size(), guid.data(), guid.size());

  thread_local Sha1 sha1;
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  const std::span whole{text.data(), head.size() + guid.size()};
  if (!sha1.hash(whole, digest.data())) digest.fill(0);

  std::array<unsigned char, 28 + 1> encoded{};  // The encoder adds a zero.
  EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
  std::array<char, 28> accept{};
  std::copy_n(encoded.begin(), accept.size(), accept.begin());
  return accept;
}

}  // namespace hilo::ws
