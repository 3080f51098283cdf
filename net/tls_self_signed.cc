// SPDX-License-Identifier: MIT

#include "net/tls_self_signed.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>

namespace hilo::net::tls {
namespace {

template <auto Function>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    Function(object);
  }
};

constexpr long day = 24L * 60 * 60;

bool add_extension(X509* certificate, int id, const char* value) noexcept {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> extension{
      X509V3_EXT_conf_nid(nullptr, &context, id, value)};
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Two that are made in the same second must differ, or browsers take one for a forgery of the
// other.
bool set_random_serial(X509* certificate) noexcept {
  constexpr int serial_bits = 127;
  const std::unique_ptr<BIGNUM, Free<BN_free>> number{BN_new()};
  return number && BN_rand(number.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

}  // namespace

Status use_self_signed(ssl_ctx_st* context) noexcept {
  const std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>> key{EVP_EC_gen("P-256")};
  const std::unique_ptr<X509, Free<X509_free>> certificate{X509_new()};
  if (!key || !certificate) return out_of_memory();
  X509* const c = certificate.get();
  X509_NAME* const name = X509_get_subject_name(c);
  constexpr unsigned char localhost[] = "localhost";
  const bool made =
      X509_set_version(c, X509_VERSION_3) == 1 && set_random_serial(c) &&
      X509_gmtime_adj(X509_getm_notBefore(c), -day) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(c), 29 * day) != nullptr &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, localhost, -1, -1, 0) == 1 &&
      X509_set_issuer_name(c, name) == 1 && X509_set_pubkey(c, key.get()) == 1 &&
      add_extension(c, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
      add_extension(c, NID_basic_constraints, "critical,CA:FALSE") &&
      X509_sign(c, key.get(), EVP_sha256()) != 0 && SSL_CTX_use_certificate(context, c) == 1 &&
      SSL_CTX_use_PrivateKey(context, key.get()) == 1;
  return made ? Status{} : Status{out_of_memory()};
}

}  // namespace hilo::net::tls
