// SPDX-License-Identifier: MIT
//
// net/tls alone, between OpenSSL on one side and a transport on the other: whom a client believes,
// what it takes (rows 34 and 35 of the catalogue), the kernel's TLS, and what counts as queued.
// What a server makes of bad input is in test_ws_catalogue_tls.cc.

#include "net/tls.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/signals.h"
#include "tests/support/stream_pair.h"
#include "tests/support/tls_endpoint.h"

using namespace hilo;
using namespace hilo::test;

namespace {

// A folder with a certificate that vouches for itself, for `names` as in a subjectAltName, and
// `padding_bytes` of comment in it.
class Certificate {
 public:
  explicit Certificate(const std::string& names, std::size_t padding_bytes = 0) {
    REQUIRE(::mkdtemp(folder_.data()) != nullptr);
    const std::shared_ptr<EVP_PKEY> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
    const std::shared_ptr<X509> certificate{X509_new(), X509_free};
    X509* const c = certificate.get();
    REQUIRE(X509_set_version(c, X509_VERSION_3) == 1);
    REQUIRE(ASN1_INTEGER_set(X509_get_serialNumber(c), 1) == 1);
    X509_gmtime_adj(X509_getm_notBefore(c), -60);
    X509_gmtime_adj(X509_getm_notAfter(c), 3600);
    X509_NAME* const name = X509_get_subject_name(c);
    REQUIRE(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                       reinterpret_cast<const unsigned char*>("test"), -1, -1,
                                       0) == 1);
    REQUIRE(X509_set_issuer_name(c, name) == 1);
    REQUIRE(X509_set_pubkey(c, key.get()) == 1);
    add(c, NID_subject_alt_name, names);
    if (padding_bytes != 0) add(c, NID_netscape_comment, std::string(padding_bytes, 'x'));
    REQUIRE(X509_sign(c, key.get(), EVP_sha256()) > 0);
    write(file(), [c](std::FILE* to) { return PEM_write_X509(to, c); });
    write(key_file(), [&key](std::FILE* to) {
      return PEM_write_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;
  ~Certificate() {
    std::remove(file().c_str());
    std::remove(key_file().c_str());
    std::remove(folder_.c_str());
  }

  std::string file() const { return folder_ + "/certificate.pem"; }
  std::string key_file() const { return folder_ + "/key.pem"; }

  // The certificate stands in its file so many times.
  void repeat(int times) const {
    std::FILE* const from = std::fopen(file().c_str(), "r");
    REQUIRE(from != nullptr);
    std::string one;
    std::array<char, 65536> block;
    while (const std::size_t got = std::fread(block.data(), 1, block.size(), from)) {
      one.append(block.data(), got);
    }
    std::fclose(from);
    write(file(), [&](std::FILE* to) {
      for (int i = 0; i < times; ++i) {
        if (std::fwrite(one.data(), 1, one.size(), to) != one.size()) return 0;
      }
      return 1;
    });
  }

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

  std::string folder_ = "/tmp/hilo-test-XXXXXX";
};

// Carries bytes between a socket and OpenSSL until there are none.
void carry(const net::Fd& socket, TlsEndpoint& far, std::string& unsent) {
  unsent += far.take_wire();
  while (!unsent.empty()) {
    const Bytes bytes = as_bytes(unsent);
    const net::Io io = net::socket::send(socket.value(), {&bytes, 1});
    if (io.kind != net::Io::Kind::done) break;
    unsent.erase(0, io.bytes);
  }
  std::array<std::uint8_t, 65536> block;
  while (true) {
    const net::Io io = net::socket::receive(socket.value(), block);
    if (io.kind != net::Io::Kind::done) return;
    far.put_wire(as_text(Bytes{block}.first(io.bytes)));
  }
}

struct Meeting {
  std::error_code failure;  // of the client; none: the handshake is done
  std::string why;
  bool server_established = false;
  std::string server_plain;
  int alert = -1;
};

// Our client asks for `host`, trusts `certificate` and meets a server that shows it.
Meeting meet(const Certificate& certificate, std::string_view host) {
  const auto context = net::tls::ClientContext::create({.ca_file = certificate.file()});
  REQUIRE(context);
  TlsEndpoint server(
      {.server = true, .certificate_file = certificate.file(), .key_file = certificate.key_file()});
  auto [near, far] = connected_sockets(Kind::socketpair);
  const auto client = (*context)->connect(near.value(), host);
  REQUIRE(client != nullptr);
  Meeting meeting;
  std::string unsent;
  std::array<std::uint8_t, 1024> block;
  for (int i = 0; i < 10'000 && !client->handshake_done(); ++i) {
    const net::Io io = client->read(block);
    if (io.kind == net::Io::Kind::failed) {
      meeting.failure = io.error;
      break;
    }
    carry(far, server, unsent);
  }
  meeting.why = client->failure_text();
  carry(far, server, unsent);
  meeting.server_established = server.is_established();
  meeting.server_plain = server.plain;
  meeting.alert = server.alert;
  return meeting;
}

}  // namespace

TEST_CASE("a certificate must be for the host, and a wildcard for one label below two (34)") {
  struct Row {
    const char* names;
    const char* host;
    bool believed;
  };
  for (const Row& row : {
           Row{"DNS:chat.example.com", "chat.example.com", true},
           Row{"DNS:chat.example.com", "CHAT.example.com", true},
           Row{"DNS:chat.example.com", "example.com", false},
           Row{"DNS:chat.example.com", "chat.example.com.evil.example", false},
           Row{"DNS:*.example.com", "chat.example.com", true},
           Row{"DNS:*.example.com", "a.chat.example.com", false},
           Row{"DNS:*.example.com", "example.com", false},
           Row{"DNS:*.com", "example.com", false},
           Row{"DNS:*", "example", false},
           Row{"DNS:*", "example.com", false},
           Row{"DNS:c*.example.com", "chat.example.com", false},
           Row{"DNS:chat.*.com", "chat.example.com", false},
           Row{"IP:192.0.2.1", "192.0.2.1", true},
           Row{"IP:192.0.2.1", "192.0.2.2", false},
           Row{"DNS:192.0.2.1", "192.0.2.1", false},
           Row{"IP:2001:db8::1", "2001:db8::1", true},
           Row{"IP:2001:db8::1", "2001:db8::2", false},
       }) {
    CAPTURE(row.names);
    CAPTURE(row.host);
    const Certificate certificate(row.names);
    const Meeting meeting = meet(certificate, row.host);
    CAPTURE(meeting.why);
    if (row.believed) {
      CHECK_FALSE(meeting.failure);
      CHECK(meeting.server_established);
    } else {
      CHECK(meeting.failure == net::tls::Errc::verify);
      CHECK_FALSE(meeting.server_established);
      CHECK(meeting.alert == SSL_AD_BAD_CERTIFICATE);
    }
    CHECK(meeting.server_plain.empty());
  }
}

TEST_CASE("a chain of 10 MB is refused by its length (35), and one of 64 KB is not") {
  const Certificate small("DNS:example.com", 64'000);
  CHECK_FALSE(meet(small, "example.com").failure);
  const Certificate large("DNS:example.com", 100'000);
  large.repeat(100);
  const Meeting meeting = meet(large, "example.com");
  CHECK(meeting.failure == net::tls::Errc::handshake);
  CHECK(meeting.why == "excessive message size");
  CHECK_FALSE(meeting.server_established);
}

namespace {

// Whether the kernel knows TLS for a connection of its own.
bool kernel_knows_tls() {
#ifdef TCP_ULP
  const auto [one, other] = connected_sockets(Kind::tcp);
  return ::setsockopt(one.value(), SOL_TCP, TCP_ULP, "tls", sizeof("tls")) == 0;
#else
  return false;
#endif
}

}  // namespace

TEST_CASE("the kernel encrypts where it can, and elsewhere OpenSSL does, by the same flag") {
  net::ignore_sigpipe();
  const auto context = net::tls::ServerContext::create({.self_signed = true, .kernel_tls = true});
  REQUIRE(context);
  auto [far, near] = connected_sockets(Kind::tcp);
  const auto server = (*context)->accept(near.value());
  REQUIRE(server != nullptr);
  // AES-GCM is what every kernel with TLS can do.
  TlsEndpoint client({.version_max = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"});
  std::string unsent;
  std::array<std::uint8_t, 1024> block;
  net::Io io{.kind = net::Io::Kind::would_block};
  bool asked = false;
  for (int i = 0; i < 10'000 && io.kind != net::Io::Kind::done; ++i) {
    io = server->read(block);
    REQUIRE(io.kind != net::Io::Kind::failed);
    carry(far, client, unsent);
    if (client.is_established() && !asked) {
      unsent += client.seal("Hello");
      asked = true;
    }
  }
  REQUIRE(io.kind == net::Io::Kind::done);
  CHECK(as_text(Bytes{block}.first(io.bytes)) == "Hello");
#ifdef OPENSSL_NO_KTLS
  CHECK_FALSE(server->uses_kernel());
#else
  CHECK(server->uses_kernel() == kernel_knows_tls());
#endif
}

TEST_CASE("what neither the peer nor the kernel has counts as queued, whoever holds it") {
  const auto context = net::tls::ServerContext::create({.self_signed = true});
  REQUIRE(context);
  net::Loop loop;
  auto [far, near] = connected_sockets(Kind::tcp);
  std::unique_ptr<net::tls::TlsTransport> transport = (*context)->accept(near.value());
  REQUIRE(transport != nullptr);
  const net::tls::TlsTransport& tls = *transport;
  Peer server(loop, std::move(transport), std::move(near));
  TlsEndpoint client;
  std::string unsent;
  REQUIRE(turn_until(loop, [&, &far = far] {
    carry(far, client, unsent);
    return client.is_established() && tls.handshake_done();
  }));
  // Far more than the kernel takes while nobody reads.
  const std::string much(std::size_t{32} << 20, 'm');
  server.write(much);
  settle(loop);
  const std::size_t queued = server.stream->queued_bytes();
  REQUIRE(queued > 0);
  REQUIRE(queued < much.size());
  // The loop does not turn any more: what comes now the kernel had. The record that it took half of
  // is still queued as a whole.
  for (int i = 0; i < 1000; ++i) carry(far, client, unsent);
  CHECK(client.plain.size() <= much.size() - queued);
  CHECK(client.plain.size() + 16384 >= much.size() - queued);
}
