// SPDX-License-Identifier: MIT
//
// A certificate made for a test, in PEM files of a folder of its own: it vouches for itself, and
// for nobody else.

#pragma once

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include "tests/support/folder.h"

namespace hilo::test {

struct CertificateOptions {
  std::string common_name = "test";
  std::size_t padding_bytes = 0;  // of comment in it
  long seconds_left = 3600;       // below 0: it has expired
};

class Certificate {
 public:
  // For `names`, as in a subjectAltName: "DNS:example.com,IP:192.0.2.1".
  explicit Certificate(const std::string& names, const CertificateOptions& options = {}) {
    const std::shared_ptr<EVP_PKEY> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
    const std::shared_ptr<X509> certificate{X509_new(), X509_free};
    X509* const c = certificate.get();
    REQUIRE(X509_set_version(c, X509_VERSION_3) == 1);
    REQUIRE(ASN1_INTEGER_set(X509_get_serialNumber(c), 1) == 1);
    X509_gmtime_adj(X509_getm_notBefore(c), options.seconds_left < 0 ? -7200 : -60);
    X509_gmtime_adj(X509_getm_notAfter(c), options.seconds_left);
    X509_NAME* const name = X509_get_subject_name(c);
    REQUIRE(X509_NAME_add_entry_by_txt(
                name, "CN", MBSTRING_ASC,
                reinterpret_cast<const unsigned char*>(options.common_name.c_str()), -1, -1,
                0) == 1);
    REQUIRE(X509_set_issuer_name(c, name) == 1);
    REQUIRE(X509_set_pubkey(c, key.get()) == 1);
    add(c, NID_subject_alt_name, names);
    if (options.padding_bytes != 0) {
      add(c, NID_netscape_comment, std::string(options.padding_bytes, 'x'));
    }
    REQUIRE(X509_sign(c, key.get(), EVP_sha256()) > 0);
    write(file(), [c](std::FILE* to) { return PEM_write_X509(to, c); });
    write(key_file(), [&key](std::FILE* to) {
      return PEM_write_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

  std::string file() const { return folder_.path("certificate.pem"); }
  std::string key_file() const { return folder_.path("key.pem"); }

  // The certificate stands in its file so many times.
  void repeat(int times) const {
    const std::string one = content("certificate.pem");
    std::string all;
    for (int i = 0; i < times; ++i) all += one;
    folder_.write("certificate.pem", all);
  }
  // The files hold what those of the other one do.
  void become(const Certificate& other) const {
    folder_.write("certificate.pem", other.content("certificate.pem"));
    folder_.write("key.pem", other.content("key.pem"));
  }
  // The certificate's file holds this, whatever it is.
  void overwrite(std::string_view text) const { folder_.write("certificate.pem", text); }

 private:
  static void add(X509* certificate, int id, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
    REQUIRE(extension != nullptr);
    CHECK(X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }
  template <class Write>
  static void write(const std::string& path, Write&& how) {
    std::FILE* const to = std::fopen(path.c_str(), "w");
    REQUIRE(to != nullptr);
    CHECK(how(to) == 1);
    std::fclose(to);
  }
  std::string content(std::string_view name) const {
    std::ifstream from(folder_.path(name), std::ios::binary);
    std::ostringstream text;
    text << from.rdbuf();
    return text.str();
  }

  TemporaryFolder folder_;
};

}  // namespace hilo::test
