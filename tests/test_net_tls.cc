// SPDX-License-Identifier: MIT
//
// net/tls alone, between OpenSSL on one side and a transport on the other: whom a client believes,
// what it takes (rows 34 and 35 of the catalogue), the kernel's TLS, and what counts as queued.
// What a server makes of bad input is in test_ws_catalogue_tls.cc.

#include "net/tls.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/observed_transport.h"
#include "net/signals.h"
#include "tests/support/certificate.h"
#include "tests/support/folder.h"
#include "tests/support/segments.h"
#include "tests/support/skip.h"
#include "tests/support/stream_pair.h"
#include "tests/support/tls_endpoint.h"

using namespace hilo;
using namespace hilo::test;

namespace {

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
Meeting meet(const Certificate& certificate, std::string_view host, std::string keylog = {}) {
  const auto context = net::tls::ClientContext::create(
      {.ca_file = certificate.file(), .keylog_file = std::move(keylog)});
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

// A stream of ours that is a server's end of TLS, and OpenSSL's client on the other side of a
// socket; the handshake is done.
class Established {
 public:
  explicit Established(const TlsEndpointOptions& wants = {},
                       const net::tls::ServerOptions& has = {.self_signed = true},
                       std::pair<net::Fd, net::Fd> sockets = connected_sockets(Kind::tcp))
      : client(wants), far_(std::move(sockets.first)), fd_(sockets.second.value()) {
    const auto context = net::tls::ServerContext::create(has);
    REQUIRE(context);
    std::unique_ptr<net::tls::TlsTransport> transport = (*context)->accept(fd_);
    REQUIRE(transport != nullptr);
    const net::tls::TlsTransport& tls = *transport;
    server.emplace(loop, std::move(transport), std::move(sockets.second));
    REQUIRE(turn_until(loop, [&] {
      carry_on();
      return client.is_established() && tls.handshake_done();
    }));
  }

  // What lies in the socket on the client's side, and what the client has to say to it.
  void carry_on() { carry(far_, client, unsent_); }
  int fd() const { return fd_; }  // the server's
  const net::Fd& far() const { return far_; }

  net::Loop loop;
  TlsEndpoint client;
  std::optional<Peer> server;

 private:
  net::Fd far_;
  int fd_;
  std::string unsent_;
};

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
           Row{"DNS:chat.example.com", "chat.example.com.", true},
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

TEST_CASE("the subject of a certificate names nobody (RFC 9525)") {
  const Certificate certificate("IP:192.0.2.1", {.common_name = "chat.example.com"});
  CHECK(meet(certificate, "chat.example.com").failure == net::tls::Errc::verify);
  CHECK_FALSE(meet(certificate, "192.0.2.1").failure);
}

// Part of what it reads comes while it writes, the rest while it reads.
TEST_CASE("a write that had to read first goes on where a read has ended the handshake") {
  const Certificate certificate("DNS:example.com");
  const auto context = net::tls::ClientContext::create({.ca_file = certificate.file()});
  REQUIRE(context);
  TlsEndpoint server({.server = true,
                      .version_max = TLS1_2_VERSION,
                      .certificate_file = certificate.file(),
                      .key_file = certificate.key_file()});
  auto [near, far] = connected_sockets(Kind::socketpair);
  const auto client = (*context)->connect(near.value(), "example.com");
  REQUIRE(client != nullptr);
  net::Loop loop;
  PeerPair others(loop, Kind::memory);
  client->attach(*others.a->stream);
  const Bytes request = as_bytes("GET");
  std::array<std::uint8_t, 1024> block;
  CHECK(client->write({&request, 1}).kind == net::Io::Kind::would_block);
  std::string flight;
  while (true) {
    const net::Io io = net::socket::receive(far.value(), block);
    if (io.kind == net::Io::Kind::done) server.put_wire(as_text(Bytes{block}.first(io.bytes)));
    flight = server.take_wire();
    if (server.is_established()) break;
    const Bytes bytes = as_bytes(flight);
    REQUIRE(net::socket::send(far.value(), {&bytes, 1}).bytes == flight.size());
    CHECK(client->write({&request, 1}).kind == net::Io::Kind::would_block);
  }
  const std::size_t half = flight.size() / 2;
  for (const std::string_view part :
       {std::string_view(flight).substr(0, half), std::string_view(flight).substr(half)}) {
    CHECK(client->write({&request, 1}).kind == net::Io::Kind::would_block);
    CHECK(client->write_waits_for() == net::Interest::read);
    const Bytes bytes = as_bytes(part);
    REQUIRE(net::socket::send(far.value(), {&bytes, 1}).bytes == part.size());
  }
  CHECK(client->read(block).kind == net::Io::Kind::would_block);
  CHECK(client->handshake_done());
  CHECK(client->write_waits_for() == net::Interest::write);
  CHECK(client->write({&request, 1}).bytes == request.size());
}

TEST_CASE("a chain of 10 MB is refused by its length (35), and one of 64 KB is not") {
  const Certificate small("DNS:example.com", {.padding_bytes = 64'000});
  CHECK_FALSE(meet(small, "example.com").failure);
  const Certificate large("DNS:example.com", {.padding_bytes = 100'000});
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
  Established tls;
  // Far more than the kernel takes while nobody reads.
  const std::string much(std::size_t{32} << 20, 'm');
  tls.server->write(much);
  settle(tls.loop);
  const std::size_t queued = tls.server->stream->queued_bytes();
  REQUIRE(queued > 0);
  REQUIRE(queued < much.size());
  // The loop does not turn any more: what comes now the kernel had. The record that it took half of
  // is still queued as a whole.
  for (int i = 0; i < 1000; ++i) tls.carry_on();
  CHECK(tls.client.plain.size() <= much.size() - queued);
  CHECK(tls.client.plain.size() + 16384 >= much.size() - queued);
}

TEST_CASE("the records of one write leave in as few segments as they fit into") {
  Established tls;
  const std::optional<std::uint32_t> before = segments_sent(tls.fd());
  if (!before) HILO_SKIP("the system does not count segments");
  const std::string message = pattern(20'000);  // two records, and less than a segment here
  tls.server->write(message);
  settle(tls.loop);
  CHECK(segments_sent(tls.fd()) == *before + 1);
  tls.carry_on();
  const bool same = tls.client.plain == message;
  CHECK(same);
}

namespace {

// Sends a peer that wants such records what waits for others, too, and where it is observed with
// little of it at a time.
void send_shared(const TlsEndpointOptions& wants, bool kernel_tls,
                 std::shared_ptr<net::WireObserver> observer = nullptr) {
  net::ignore_sigpipe();
  std::pair<net::Fd, net::Fd> sockets = connected_sockets(Kind::tcp);
  REQUIRE(net::socket::set_send_buffer(sockets.second.value(), 4096));
  Established tls(wants, {.self_signed = true, .kernel_tls = kernel_tls}, std::move(sockets));
  net::Loop& loop = tls.loop;
  net::Stream& stream = *tls.server->stream;
  // A record that was refused is offered again, and no shorter, however its bytes lie by then.
  std::string expected;
  for (std::size_t i = 0; i < 300; ++i) {
    const std::string shared = pattern(1 + i * 7919 % 40'000);
    const std::string own = pattern(1 + i * 104'729 % 3'000);
    const Bytes slice = as_bytes(shared);
    REQUIRE(stream.write(SharedBytes::copy_of(loop.pool(), {&slice, 1})));
    tls.server->write(own);
    expected += shared + own;
    if (i % 7 == 0) settle(loop);
    if (i == 100 && observer != nullptr) REQUIRE(stream.observe(observer));
  }
  CHECK(stream.queued_bytes() > expected.size() / 2);
  REQUIRE(turn_until(loop, [&] {
    tls.carry_on();
    return tls.client.plain.size() >= expected.size() || tls.client.failed;
  }));
  const bool same = tls.client.plain == expected;
  CHECK(same);
  CHECK(stream.queued_bytes() == 0);
  CHECK(loop.pool().taken_bytes() == 0);
}

// Lets a few bytes through at a time, and all of them only seldom.
class Trickle final : public net::WireObserver {
 public:
  void on_begin(net::ObservedTransport& transport) noexcept override { transport_ = &transport; }
  void on_read(const net::Io&, MutableBytes) noexcept override {}
  void on_write(const net::Io&, std::span<const Bytes>) noexcept override {}
  std::size_t may_write(std::size_t) noexcept override { return ++asked_ % 64 == 0 ? 40'000 : 10; }
  void on_gone() noexcept override {}

 private:
  net::ObservedTransport* transport_ = nullptr;
  int asked_ = 0;
};

}  // namespace

TEST_CASE("what waits for others, too, goes on over TLS where the kernel had refused it") {
  send_shared({}, false);
}

TEST_CASE("a peer that wants short records gets all of it, once (RFC 6066 §4)") {
  for (const int length : {TLSEXT_max_fragment_length_512, TLSEXT_max_fragment_length_1024,
                           TLSEXT_max_fragment_length_2048, TLSEXT_max_fragment_length_4096}) {
    CAPTURE(length);
    send_shared({.max_fragment = length}, false);
  }
}

TEST_CASE("who may encrypt by the kernel sends what it has refused from where it lay") {
  send_shared({.version_max = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"}, true);
}

TEST_CASE("an observer that lets little through leaves TLS what it has to see again") {
  send_shared({}, false, std::make_shared<Trickle>());
}

TEST_CASE("a close_notify that finds no room is sent when there is some") {
  Established tls({.max_fragment = TLSEXT_max_fragment_length_512}, {.self_signed = true},
                  connected_sockets(Kind::socketpair));
  // Until not even an alert fits. What is in front of it here no TLS has made.
  std::string junk;
  const std::uint8_t byte = 0;
  const Bytes one{&byte, 1};
  while (net::socket::send(tls.fd(), {&one, 1}).kind == net::Io::Kind::done) junk += '\0';
  tls.server->stream->shutdown_write();
  settle(tls.loop);
  std::array<std::uint8_t, 65536> block;
  std::size_t taken = 0;
  std::string wire;
  REQUIRE(turn_until(tls.loop, [&] {
    const net::Io io = net::socket::receive(tls.far().value(), block);
    if (io.kind != net::Io::Kind::done) return io.kind == net::Io::Kind::end;
    const std::size_t skipped = std::min(junk.size() - taken, io.bytes);
    taken += skipped;
    wire += as_text(Bytes{block}.first(io.bytes).subspan(skipped));
    return false;
  }));
  tls.client.put_wire(wire);
  CHECK(tls.client.close_notified);
}

namespace {

// Whether a client that trusts `authority` alone believes the server.
bool believes(net::tls::ServerContext& context, const Certificate& authority) {
  TlsEndpoint client({.ca_file = authority.file()});
  auto [far, near] = connected_sockets(Kind::socketpair);
  const auto server = context.accept(near.value());
  REQUIRE(server != nullptr);
  std::string unsent;
  std::array<std::uint8_t, 1024> block;
  for (int i = 0; i < 10'000 && !client.is_established() && !client.failed; ++i) {
    carry(far, client, unsent);
    static_cast<void>(server->read(block));
  }
  return client.is_established();
}

}  // namespace

TEST_CASE("a reload takes what the files hold by then, and a bad file leaves the old ones") {
  const Certificate files("DNS:localhost");
  const Certificate first("DNS:localhost");
  const Certificate second("DNS:localhost");
  files.become(first);
  const auto context =
      net::tls::ServerContext::create({.certificates = {{files.file(), files.key_file()}}});
  REQUIRE(context);
  CHECK(believes(**context, first));
  files.become(second);
  CHECK(believes(**context, first));
  CHECK((*context)->reload());
  CHECK(believes(**context, second));
  CHECK_FALSE(believes(**context, first));

  files.overwrite("no certificate");
  std::string detail;
  const Status failed = (*context)->reload(&detail);
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == net::tls::Errc::certificate_file);
  CHECK(detail.find(files.file()) != std::string::npos);
  CHECK(believes(**context, second));
}

TEST_CASE("a connection that was accepted before a reload goes on with what it began with") {
  const Certificate files("DNS:localhost");
  const Certificate first("DNS:localhost");
  const Certificate second("DNS:localhost");
  files.become(first);
  const auto context =
      net::tls::ServerContext::create({.certificates = {{files.file(), files.key_file()}}});
  REQUIRE(context);
  auto [far, near] = connected_sockets(Kind::socketpair);
  const auto server = (*context)->accept(near.value());
  REQUIRE(server != nullptr);
  files.become(second);
  REQUIRE((*context)->reload());
  TlsEndpoint client({.ca_file = first.file()});
  std::string unsent;
  std::array<std::uint8_t, 1024> block;
  for (int i = 0; i < 10'000 && !client.is_established() && !client.failed; ++i) {
    carry(far, client, unsent);
    static_cast<void>(server->read(block));
  }
  CHECK(client.is_established());
}

TEST_CASE("a key log gets the secrets of a connection, and nobody but the owner may read it") {
  TemporaryFolder folder;
  const std::string path = folder.path("keys");
  const Certificate certificate("DNS:hilo.test");
  CHECK_FALSE(meet(certificate, "hilo.test", path).failure);
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  CHECK(text.find("CLIENT_TRAFFIC_SECRET_0 ") != std::string::npos);
  CHECK(std::filesystem::status(path).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));

  const auto none = net::tls::ClientContext::create({.keylog_file = folder.path("no/keys")});
  REQUIRE_FALSE(none);
  CHECK(none.error() == net::tls::Errc::keylog_file);
}

TEST_CASE("every error of TLS has a sentence of its own") {
  std::set<std::string> sentences;
  for (int value = 1; value <= static_cast<int>(net::tls::Errc::keylog_file); ++value) {
    const std::error_code error = static_cast<net::tls::Errc>(value);
    CHECK(std::string_view(error.category().name()) == "tls");
    sentences.insert(error.message());
  }
  CHECK(sentences.size() == static_cast<std::size_t>(net::tls::Errc::keylog_file));
}
