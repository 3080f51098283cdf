// SPDX-License-Identifier: MIT

#include "tests/support/tls_endpoint.h"

#include <doctest/doctest.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>

#include <algorithm>
#include <climits>

#include "net/tls_self_signed.h"

namespace hilo::test {
namespace {

std::string last_error() {
  char text[256] = "";
  const unsigned long code = ERR_peek_last_error();
  if (code != 0) ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return text;
}

int length(std::string_view text) {
  REQUIRE(text.size() <= INT_MAX);
  return static_cast<int>(text.size());
}

}  // namespace

TlsEndpoint::TlsEndpoint(const TlsEndpointOptions& options)
    : context_(SSL_CTX_new(options.server ? TLS_server_method() : TLS_client_method())) {
  SSL_CTX* const context = context_.get();
  REQUIRE(context != nullptr);
  SSL_CTX_set_security_level(context, options.security_level);
  REQUIRE(SSL_CTX_set_min_proto_version(context, options.version_min) == 1);
  REQUIRE(SSL_CTX_set_max_proto_version(context, options.version_max) == 1);
  if (!options.ciphers.empty()) {
    REQUIRE(SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) == 1);
  }
  REQUIRE(SSL_CTX_set_tlsext_max_fragment_length(
              context, static_cast<std::uint8_t>(options.max_fragment)) == 1);
  if (!options.certificate_file.empty()) {
    REQUIRE(SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) == 1);
  }
  if (options.self_signed) REQUIRE(net::tls::use_self_signed(context));
  if (!options.ca_file.empty()) {
    REQUIRE(SSL_CTX_load_verify_file(context, options.ca_file.c_str()) == 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  // A session is given out by TLS 1.3 whenever the server likes to, so it has to be called for.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);

  ssl_.reset(SSL_new(context));
  REQUIRE(ssl_ != nullptr);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_msg_callback(ssl_.get(), on_record);
  SSL_set_msg_callback_arg(ssl_.get(), this);
  in_ = BIO_new(BIO_s_mem());
  out_ = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl_.get(), in_, out_);
  if (!options.server_name.empty()) {
    // The macro for this casts in C's way.
    std::string name = options.server_name;
    REQUIRE(SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     name.data()) == 1);
  }
  if (!options.alpn.empty()) {
    REQUIRE(SSL_set_alpn_protos(ssl_.get(),
                                reinterpret_cast<const unsigned char*>(options.alpn.data()),
                                static_cast<unsigned>(options.alpn.size())) == 0);
  }
  if (options.session) REQUIRE(SSL_set_session(ssl_.get(), options.session.get()) == 1);
  if (options.server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
  if (!options.early_data.empty()) {
    std::size_t written = 0;
    REQUIRE(SSL_write_early_data(ssl_.get(), options.early_data.data(), options.early_data.size(),
                                 &written) == 1);
    REQUIRE(written == options.early_data.size());
    // Reading would not go on with the handshake before it is asked for again.
    static_cast<void>(SSL_do_handshake(ssl_.get()));
  }
  drive();
}

void TlsEndpoint::on_record(int sent, int, int type, const void* bytes, std::size_t size, SSL*,
                            void* self) {
  if (sent != 0 || type != SSL3_RT_ALERT || size != 2) return;
  static_cast<TlsEndpoint*>(self)->alert = static_cast<const unsigned char*>(bytes)[1];
}

int TlsEndpoint::on_session(SSL* ssl, SSL_SESSION* session) {
  auto* const self = static_cast<TlsEndpoint*>(SSL_get_app_data(ssl));
  self->session = std::shared_ptr<SSL_SESSION>(session, SSL_SESSION_free);
  return 1;  // the reference is ours now
}

void TlsEndpoint::put_wire(std::string_view bytes) {
  if (!bytes.empty()) REQUIRE(BIO_write(in_, bytes.data(), length(bytes)) == length(bytes));
  drive();
}

// Reads all there is; reading is also what goes on with a handshake.
void TlsEndpoint::drive() {
  char block[16384];
  while (!failed && !close_notified) {
    ERR_clear_error();
    const int got = SSL_read(ssl_.get(), block, sizeof(block));
    // For ever: an update of the key is a handshake again to OpenSSL.
    established_ = established_ || SSL_is_init_finished(ssl_.get()) == 1;
    if (got > 0) {
      plain.append(block, static_cast<std::size_t>(got));
      continue;
    }
    switch (SSL_get_error(ssl_.get(), got)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE: return;
      case SSL_ERROR_ZERO_RETURN: close_notified = true; return;
      default: failed = true; error = last_error();
    }
  }
}

std::string TlsEndpoint::take_wire() {
  std::string bytes(BIO_ctrl_pending(out_), '\0');
  if (!bytes.empty()) REQUIRE(BIO_read(out_, bytes.data(), length(bytes)) == length(bytes));
  return bytes;
}

std::string TlsEndpoint::seal(std::string_view text) {
  REQUIRE(is_established());
  while (!text.empty()) {
    ERR_clear_error();
    const std::string_view part = text.substr(0, INT_MAX);
    if (SSL_write(ssl_.get(), part.data(), length(part)) != length(part)) {
      failed = true;
      error = last_error();
      break;
    }
    text.remove_prefix(part.size());
  }
  return take_wire();
}

void TlsEndpoint::close_notify() {
  ERR_clear_error();
  if (is_established() && !failed) static_cast<void>(SSL_shutdown(ssl_.get()));
}

namespace {

void append_be(std::string& to, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) to += static_cast<char>(value >> shift);
}

unsigned char* writable(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* readable(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// RFC 5246 §6.3: the key block, as OpenSSL's PRF makes it from what it will tell.
std::string key_block(const SSL* ssl, std::size_t bytes) {
  std::string master(48, '\0');
  std::string server(SSL3_RANDOM_SIZE, '\0');
  std::string client(SSL3_RANDOM_SIZE, '\0');
  REQUIRE(SSL_SESSION_get_master_key(SSL_get_session(ssl), writable(master), master.size()) == 48);
  SSL_get_server_random(ssl, writable(server), server.size());
  SSL_get_client_random(ssl, writable(client), client.size());
  std::string seed = "key expansion" + server + client;
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master.data(), master.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
      OSSL_PARAM_construct_end()};
  EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_PRF, nullptr);
  EVP_KDF_CTX* const context = EVP_KDF_CTX_new(kdf);
  std::string block(bytes, '\0');
  REQUIRE(EVP_KDF_derive(context, writable(block), bytes, parameters) == 1);
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return block;
}

}  // namespace

// RFC 5288 §3, RFC 5246 §6.2.3.3.
std::string TlsEndpoint::forge(std::uint8_t type, std::string_view plain_text,
                               std::uint64_t number) {
  REQUIRE(std::string_view(SSL_get_cipher_name(ssl_.get())).ends_with("AES128-GCM-SHA256"));
  constexpr std::size_t key_bytes = 16;
  constexpr std::size_t salt_bytes = 4;
  constexpr std::size_t tag_bytes = 16;
  const std::string block = key_block(ssl_.get(), 2 * (key_bytes + salt_bytes));
  std::string explicit_nonce;
  append_be(explicit_nonce, number, 8);
  const std::string nonce = block.substr(2 * key_bytes, salt_bytes) + explicit_nonce;
  std::string header{static_cast<char>(type), 3, 3};
  std::string known = explicit_nonce + header;  // authenticated, not encrypted
  append_be(known, plain_text.size(), 2);

  EVP_CIPHER_CTX* const cipher = EVP_CIPHER_CTX_new();
  std::string sealed(plain_text.size() + tag_bytes, '\0');
  const std::string text(plain_text);
  int size = 0;
  REQUIRE(EVP_EncryptInit_ex2(cipher, EVP_aes_128_gcm(), readable(block), readable(nonce),
                              nullptr) == 1);
  REQUIRE(EVP_EncryptUpdate(cipher, nullptr, &size, readable(known), length(known)) == 1);
  REQUIRE(EVP_EncryptUpdate(cipher, writable(sealed), &size, readable(text), length(text)) == 1);
  REQUIRE(EVP_EncryptFinal_ex(cipher, writable(sealed) + size, &size) == 1);
  REQUIRE(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, tag_bytes,
                              sealed.data() + plain_text.size()) == 1);
  EVP_CIPHER_CTX_free(cipher);
  append_be(header, explicit_nonce.size() + sealed.size(), 2);
  return header + explicit_nonce + sealed;
}

}  // namespace hilo::test
