// SPDX-License-Identifier: MIT

#include "ws/trace/tls_keys.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace hilo::trace {
namespace {

constexpr std::size_t tag_bytes = 16;            // of each of the ciphers
constexpr std::size_t explicit_nonce_bytes = 8;  // RFC 5288 §3
constexpr std::size_t gcm_salt_bytes = 4;        // ... and what of the nonce is not sent

struct FreeKdf {
  void operator()(EVP_KDF* kdf) const noexcept { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const noexcept { EVP_KDF_CTX_free(context); }
};
struct FreeCipher {
  void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

const char* cipher_name(TlsAead aead) noexcept {
  switch (aead) {
    case TlsAead::aes_128_gcm: return "AES-128-GCM";
    case TlsAead::aes_256_gcm: return "AES-256-GCM";
    case TlsAead::chacha20_poly1305: return "ChaCha20-Poly1305";
  }
  return "";
}

std::size_t key_bytes(TlsAead aead) noexcept {
  return aead == TlsAead::aes_128_gcm ? 16 : 32;
}

const char* hash_name(TlsHash hash) noexcept {
  return hash == TlsHash::sha256 ? "SHA256" : "SHA384";
}

std::size_t hash_bytes(TlsHash hash) noexcept {
  return hash == TlsHash::sha256 ? 32 : 48;
}

// OpenSSL writes to none of what it is given.
OSSL_PARAM octets(const char* name, Bytes bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(bytes.data()),
                                           bytes.size());
}
OSSL_PARAM words(const char* name, const char* text) {
  return OSSL_PARAM_construct_utf8_string(name, const_cast<char*>(text), 0);
}

bool run_kdf(const char* name, const OSSL_PARAM* parameters, MutableBytes into) {
  const std::unique_ptr<EVP_KDF, FreeKdf> kdf{EVP_KDF_fetch(nullptr, name, nullptr)};
  const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context{kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr};
  const bool done =
      context && EVP_KDF_derive(context.get(), into.data(), into.size(), parameters) == 1;
  ERR_clear_error();
  return done;
}

// HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
bool expand_label(TlsHash hash, Bytes secret, std::string_view label, MutableBytes into) {
  std::vector<std::uint8_t> info(2);
  store_be16(info.data(), static_cast<std::uint16_t>(into.size()));
  const std::string whole = "tls13 " + std::string(label);
  info.push_back(static_cast<std::uint8_t>(whole.size()));
  info.insert(info.end(), whole.begin(), whole.end());
  info.push_back(0);
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  const std::array<OSSL_PARAM, 5> parameters = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      words(OSSL_KDF_PARAM_DIGEST, hash_name(hash)), octets(OSSL_KDF_PARAM_KEY, secret),
      octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  return run_kdf("HKDF", parameters.data(), into);
}

// The IV, in whose last eight bytes the number is mixed (RFC 8446 §5.3); or the salt, and behind it
// what the record begins with.
std::array<std::uint8_t, 12> nonce_of(const TlsKeys& keys, std::uint64_t sequence, Bytes fragment) {
  std::array<std::uint8_t, 12> nonce = keys.iv;
  if (keys.explicit_nonce) {
    std::copy_n(fragment.begin(), explicit_nonce_bytes, nonce.begin() + gcm_salt_bytes);
    return nonce;
  }
  for (std::size_t i = 0; i < 8; ++i) {
    nonce[11 - i] ^= static_cast<std::uint8_t>(sequence >> 8 * i);
  }
  return nonce;
}

// What is authenticated beside the content: the header as it came, or in TLS 1.2 the number, and
// the header with the content's own length (RFC 5246 §6.2.3.3).
std::vector<std::uint8_t> associated_data(const TlsKeys& keys, std::uint64_t sequence, Bytes header,
                                          std::size_t content_bytes) {
  std::vector<std::uint8_t> data;
  if (!keys.is_1_3) {
    data.resize(8);
    store_be64(data.data(), sequence);
  }
  data.insert(data.end(), header.begin(), header.end());
  if (!keys.is_1_3) {
    store_be16(data.data() + data.size() - 2, static_cast<std::uint16_t>(content_bytes));
  }
  return data;
}

bool open_with(EVP_CIPHER_CTX* context, const EVP_CIPHER* cipher, const TlsKeys& keys, Bytes nonce,
               Bytes data, Bytes sealed, MutableBytes into) {
  const Bytes tag = sealed.last(tag_bytes);
  std::array<std::uint8_t, tag_bytes> nothing;  // which the end adds
  int size = 0;
  return EVP_DecryptInit_ex2(context, cipher, keys.key.data(), nonce.data(), nullptr) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                             const_cast<std::uint8_t*>(tag.data())) == 1 &&
         EVP_DecryptUpdate(context, nullptr, &size, data.data(), static_cast<int>(data.size())) ==
             1 &&
         (into.empty() || EVP_DecryptUpdate(context, into.data(), &size, sealed.data(),
                                            static_cast<int>(into.size())) == 1) &&
         EVP_DecryptFinal_ex(context, nothing.data(), &size) == 1;
}

}  // namespace

bool tls_keys_available() noexcept {
  return true;
}

std::optional<TlsKeys> tls_1_3_keys(const TlsSuite& suite, Bytes secret) {
  if (secret.size() != hash_bytes(suite.hash)) return std::nullopt;
  TlsKeys keys{.aead = suite.aead, .is_1_3 = true};
  const MutableBytes key = MutableBytes(keys.key).first(key_bytes(suite.aead));
  if (!expand_label(suite.hash, secret, "key", key)) return std::nullopt;
  if (!expand_label(suite.hash, secret, "iv", keys.iv)) return std::nullopt;
  return keys;
}

std::vector<std::uint8_t> tls_1_3_next_secret(const TlsSuite& suite, Bytes secret) {
  std::vector<std::uint8_t> next(hash_bytes(suite.hash));
  if (!expand_label(suite.hash, secret, "traffic upd", next)) next.clear();
  return next;
}

std::optional<TlsKeyBlock> tls_1_2_keys(const TlsSuite& suite, Bytes master, Bytes client_random,
                                        Bytes server_random) {
  const bool is_gcm = suite.aead != TlsAead::chacha20_poly1305;
  const std::size_t key_size = key_bytes(suite.aead);
  const std::size_t iv_size = is_gcm ? gcm_salt_bytes : 12;
  // The PRF takes a seed in parts: label, then randoms.
  constexpr std::string_view label = "key expansion";
  const std::array<OSSL_PARAM, 6> parameters = {words(OSSL_KDF_PARAM_DIGEST, hash_name(suite.hash)),
                                                octets(OSSL_KDF_PARAM_SECRET, master),
                                                octets(OSSL_KDF_PARAM_SEED, as_bytes(label)),
                                                octets(OSSL_KDF_PARAM_SEED, server_random),
                                                octets(OSSL_KDF_PARAM_SEED, client_random),
                                                OSSL_PARAM_construct_end()};
  std::vector<std::uint8_t> block(2 * (key_size + iv_size));
  if (!run_kdf("TLS1-PRF", parameters.data(), block)) return std::nullopt;
  TlsKeyBlock keys;
  Bytes rest = block;
  keys.client = keys.server = {.aead = suite.aead, .explicit_nonce = is_gcm};
  const auto take = [&rest](std::size_t size, std::uint8_t* to) {
    std::copy_n(rest.begin(), size, to);
    rest = rest.subspan(size);
  };
  take(key_size, keys.client.key.data());
  take(key_size, keys.server.key.data());
  take(iv_size, keys.client.iv.data());
  take(iv_size, keys.server.iv.data());
  return keys;
}

std::optional<std::vector<std::uint8_t>> open_tls_record(const TlsKeys& keys,
                                                         std::uint64_t sequence,
                                                         const TlsProtected& record) {
  const std::size_t in_front = keys.explicit_nonce ? explicit_nonce_bytes : 0;
  if (record.fragment.size() < in_front + tag_bytes) return std::nullopt;
  const std::array<std::uint8_t, 12> nonce = nonce_of(keys, sequence, record.fragment);
  const Bytes sealed = record.fragment.subspan(in_front);
  std::vector<std::uint8_t> content(sealed.size() - tag_bytes);
  const std::vector<std::uint8_t> data =
      associated_data(keys, sequence, record.header, content.size());
  const std::unique_ptr<EVP_CIPHER, FreeCipher> cipher{
      EVP_CIPHER_fetch(nullptr, cipher_name(keys.aead), nullptr)};
  const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> context{EVP_CIPHER_CTX_new()};
  const bool opened = cipher && context &&
                      open_with(context.get(), cipher.get(), keys, nonce, data, sealed, content);
  ERR_clear_error();
  if (!opened) return std::nullopt;
  return content;
}

}  // namespace hilo::trace
