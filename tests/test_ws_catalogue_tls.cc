// SPDX-License-Identifier: MIT
//
// Section B of the catalogue of bad inputs, rows 19 to 33, 36 and 37, over a real socket: what a
// TLS server is told and what it answers, down to the alert. Rows 34 and 35, which are a client's,
// stand in test_ws_client_tls.cc.

#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/observed_transport.h"
#include "net/socket.h"
#include "net/stream.h"
#include "tests/support/certificate.h"
#include "tests/support/wire.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;

namespace {

constexpr int none = -1;

// Everything but the wire: one log line, one count, and all as it was before.
void check_books(WireServer& server, Errc error, const Baseline& before) {
  REQUIRE(server.settle());
  CAPTURE(server.log.empty() ? std::string() : server.log[0]);
  CHECK(server.rejects(error) == 1);
  CHECK(server.all_rejects() == 1);
  REQUIRE(server.log.size() == 1);
  const ws::Rule rule = ws::rule(error);
  CHECK(server.log[0].starts_with("lvl=warn ev=reject layer=" + std::string(to_string(rule.layer)) +
                                  " reason=" + std::string(rule.label) + " peer=127.0.0.1:"));
  CHECK(server.baseline() == before);
}

// A connection that was a WebSocket ended badly: the handler is told 1006 once, and not clean.
void check_lost(WireServer& server) {
  REQUIRE(server.settle());
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].code == ws::CloseCode::abnormal);
  CHECK_FALSE(server.closed[0].clean);
}

// The kernel may encrypt, and OpenSSL goes its own way to the socket for that, even where the
// kernel cannot.
std::shared_ptr<net::tls::ServerContext> kernel_context() {
  std::signal(SIGPIPE, SIG_IGN);
  const auto made = net::tls::ServerContext::create({.self_signed = true, .kernel_tls = true});
  REQUIRE(made);
  return *made;
}

// The alert in a record that is not encrypted, at the end of what came; none if there is none.
int plain_alert(std::string_view wire) {
  if (wire.size() < 7 || wire[wire.size() - 7] != SSL3_RT_ALERT) return none;
  return static_cast<unsigned char>(wire.back());
}

std::string client_hello(const TlsEndpointOptions& options = {}) {
  TlsEndpoint client(options);
  return client.take_wire();
}

void add_to_length(std::string& hello, std::size_t at, std::size_t bytes, std::size_t more) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    length = length << 8 | static_cast<unsigned char>(hello[at + i]);
  }
  length += more;
  for (std::size_t i = bytes; i-- > 0; length >>= 8) hello[at + i] = static_cast<char>(length);
}

// A ClientHello whose host name is longer than OpenSSL would write it.
std::string hello_with_long_name(std::size_t name_bytes) {
  const std::string name = "placeholder.example";
  std::string hello = client_hello({.server_name = name});
  const std::size_t at = hello.find(name);
  REQUIRE(at != std::string::npos);
  const std::size_t more = name_bytes - name.size();
  hello.insert(at, more, 'a');
  // Before the name: its length, its type, the list's, the extension's and its type.
  add_to_length(hello, at - 2, 2, more);
  add_to_length(hello, at - 5, 2, more);
  add_to_length(hello, at - 7, 2, more);
  add_to_length(hello, 3, 2, more);  // the record
  add_to_length(hello, 6, 3, more);  // the message
  // All extensions: behind version, random, session id, cipher suites and compression methods.
  std::size_t extensions = 9 + 2 + 32;
  extensions += 1 + static_cast<unsigned char>(hello[extensions]);
  extensions += 2 + static_cast<std::size_t>(static_cast<unsigned char>(hello[extensions]) << 8 |
                                             static_cast<unsigned char>(hello[extensions + 1]));
  extensions += 1 + static_cast<unsigned char>(hello[extensions]);
  add_to_length(hello, extensions, 2, more);
  return hello;
}

}  // namespace

TEST_CASE("no ClientHello is closed without a word (B 19)") {
  WireServer server({.tls_handshake_timeout = net::Duration::milliseconds(20)}, {},
                    any_tls_context());
  const Baseline before = server.baseline();
  {
    WirePeer peer(server, WirePeer::Raw{});
    REQUIRE(peer.until_end());
    CHECK(peer.received.empty());
  }
  check_books(server, Errc::tls_timeout, before);
}

TEST_CASE("a ClientHello in drops has no more time than another (B 20)") {
  WireServer server({.tls_handshake_timeout = net::Duration::milliseconds(50)}, {},
                    any_tls_context());
  const Baseline before = server.baseline();
  // Each byte brings a turn of the loop; the message is far longer than the time for it.
  std::string hello = "\x16\x03\x01\x40";
  hello.append(16384, '\0');
  hello[5] = 1;
  hello[7] = 0x3F;
  std::size_t sent = 0;
  {
    WirePeer peer(server, WirePeer::Raw{});
    while (!peer.ended && !peer.was_reset && sent < hello.size()) {
      peer.send_raw({&hello[sent++], 1});
      int turns = 0;  // one that takes the byte, and one that has nothing to do
      REQUIRE(server.until([&turns] { return turns++ == 2; }));
    }
    CHECK(sent < hello.size());
    CHECK(peer.received.empty());
  }
  check_books(server, Errc::tls_timeout, before);
}

TEST_CASE("a ClientHello that says it has 16 MiB is refused at once (B 21)") {
  WireServer server({}, {}, any_tls_context());
  const Baseline before = server.baseline();
  {
    WirePeer peer(server, WirePeer::Raw{});
    peer.send_raw(hex("16 0301 0004 01 ffffff") + std::string(4096, '\0'));
    REQUIRE(peer.until_end());
    CHECK(plain_alert(peer.received) != none);
    CHECK(peer.received.size() <= 7);
  }
  check_books(server, Errc::tls_handshake, before);
}

TEST_CASE("plain HTTP on a TLS port gets no byte back (B 22)") {
  for (const std::string_view request :
       {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\n", "POST / HTTP/1.0\r\n\r\n",
        "\r\n\r\n\r\n\r\n\r\n\r\n"}) {
    CAPTURE(request);
    WireServer server({}, {}, any_tls_context());
    const Baseline before = server.baseline();
    {
      WirePeer peer(server, WirePeer::Raw{});
      peer.send_raw(request);
      REQUIRE(peer.until_end());
      CHECK(peer.received.empty());
    }
    check_books(server, Errc::tls_handshake, before);
  }
}

namespace {

struct Refused {
  int number;
  std::string_view what;
  TlsEndpointOptions options;
  int alert;
};

void check_refused(WireServer& server, const Refused& row, Errc error = Errc::tls_handshake) {
  CAPTURE(row.number);
  CAPTURE(row.what);
  const Baseline before = server.baseline();
  {
    WirePeer peer(server, row.options);
    // TLS 1.3 lets a client finish before it is judged: then the alert comes behind.
    peer.handshake();
    REQUIRE(peer.until_end());
    CHECK(peer.tls()->alert == row.alert);
  }
  check_books(server, error, before);
}

}  // namespace

TEST_CASE("what nobody should speak any more is refused with the right alert (B 23, 24, 29)") {
  for (const Refused& row : {
           Refused{23,
                   "TLS 1.0",
                   {.version_min = TLS1_VERSION, .version_max = TLS1_VERSION, .security_level = 0},
                   TLS1_AD_PROTOCOL_VERSION},
           Refused{
               23,
               "TLS 1.0 and 1.1",
               {.version_min = TLS1_VERSION, .version_max = TLS1_1_VERSION, .security_level = 0},
               TLS1_AD_PROTOCOL_VERSION},
           Refused{24,
                   "only ciphers without authentication",
                   {.version_max = TLS1_2_VERSION,
                   .ciphers = "ADH-AES128-GCM-SHA256:ADH-AES256-SHA256",
                   .security_level = 0},
                   SSL3_AD_HANDSHAKE_FAILURE},
           Refused{29, "ALPN: h2 only", {.alpn = "\x02h2"}, TLS1_AD_NO_APPLICATION_PROTOCOL},
       }) {
    WireServer server({}, {}, any_tls_context());
    check_refused(server, row);
  }
}

TEST_CASE("who has to show a certificate and has none, or a stranger's, is refused (B 33)") {
  const Certificate authority("DNS:client.example");
  const Certificate stranger("DNS:client.example");
  const auto made =
      net::tls::ServerContext::create({.self_signed = true, .client_ca_file = authority.file()});
  REQUIRE(made);
  const auto with = [](const Certificate& certificate) {
    return TlsEndpointOptions{.certificate_file = certificate.file(),
                              .key_file = certificate.key_file()};
  };
  for (const Refused& row : {
           Refused{33, "none, TLS 1.3", {}, SSL_AD_CERTIFICATE_REQUIRED},
           Refused{33, "none, TLS 1.2", {.version_max = TLS1_2_VERSION}, SSL_AD_HANDSHAKE_FAILURE},
           Refused{33, "of nobody known", with(stranger), SSL_AD_UNKNOWN_CA},
       }) {
    WireServer server({}, {}, *made);
    check_refused(server, row,
                  row.alert == SSL_AD_UNKNOWN_CA ? Errc::tls_verify : Errc::tls_handshake);
  }
  WireServer server({}, {}, *made);
  WirePeer peer(server, with(authority));
  CHECK(peer.upgrade());
}

TEST_CASE("http/1.1 is agreed upon where it is offered, and silence about it is fine (B 29)") {
  WireServer server({}, {}, any_tls_context());
  for (const std::string_view offer : {"", "\x02h2\x08http/1.1", "\x08http/1.1"}) {
    WirePeer peer(server, {.alpn = std::string(offer)});
    REQUIRE(peer.handshake());
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(peer.tls()->ssl(), &chosen, &size);
    CHECK(as_text(Bytes{chosen, size}) == (offer.empty() ? "" : "http/1.1"));
    CHECK(peer.upgrade());
  }
}

TEST_CASE("the first renegotiation is refused, the second costs the connection (B 25)") {
  WireServer server({}, {}, any_tls_context());
  const Baseline before = server.baseline();
  {
    WirePeer peer(server,
                  {.version_max = TLS1_2_VERSION, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"});
    REQUIRE(peer.upgrade());
    // OpenSSL would not ask twice: the messages are our own, behind Finished and the request. It
    // must not see the answers before the end, or it would answer them itself.
    peer.may_read = [] { return false; };
    const std::string hello = client_hello().substr(5);
    REQUIRE(peer.send_raw(peer.tls()->forge(SSL3_RT_HANDSHAKE, hello, 2)));
    REQUIRE(peer.send_raw(peer.tls()->forge(SSL3_RT_APPLICATION_DATA, client_frame(0x81, "x"), 3)));
    REQUIRE(server.until([&] { return !server.messages.empty(); }));
    CHECK(server.closed.empty());
    peer.send_raw(peer.tls()->forge(SSL3_RT_HANDSHAKE, hello, 4));
    REQUIRE(server.until([&] { return !server.closed.empty(); }));
    REQUIRE(peer.until_end());
    CHECK(peer.tls()->alert == SSL_AD_NO_RENEGOTIATION);
  }
  check_lost(server);
  check_books(server, Errc::tls_renegotiation, before);
}

TEST_CASE("thirty-two updates of the key are borne, one more is not (B 26)") {
  WireServer server({}, {}, any_tls_context());
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade());
    for (int i = 0; i < 32; ++i) {
      REQUIRE(SSL_key_update(peer.tls()->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
      REQUIRE(peer.send(client_frame(0x81, "x")));
    }
    REQUIRE(peer.until_received(32 * 3));
    REQUIRE(SSL_key_update(peer.tls()->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
    peer.send(client_frame(0x81, "y"));
    REQUIRE(peer.until_end());
    CHECK(peer.received.size() == 32 * 3);
  }
  check_lost(server);
  check_books(server, Errc::tls_key_updates, before);
}

// Behind the last one that is borne there is nothing to read that anybody would want.
TEST_CASE("updates of the key without end do not hold the turn (B 26)") {
  struct Counter final : net::WireObserver {
    void on_read(const net::Io&, MutableBytes) noexcept override {}
    void on_write(const net::Io&, std::span<const Bytes>) noexcept override {}
    void on_tls(const net::TlsNote& note) noexcept override {
      const bool is_message = note.kind == net::TlsNote::Kind::message && !note.sent;
      if (is_message && note.bytes[0] == SSL3_MT_KEY_UPDATE) ++updates;
    }
    void on_gone() noexcept override {}
    int updates = 0;
  };
  const auto counter = std::make_shared<Counter>();
  ws::ServerOptions options;
  options.observe_accepted = [counter](const net::PeerAddress&) { return counter; };
  WireServer server({}, std::move(options), any_tls_context());
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade());
    for (int i = 0; i < 5000; ++i) {
      REQUIRE(SSL_key_update(peer.tls()->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
      REQUIRE(SSL_do_handshake(peer.tls()->ssl()) == 1);
    }
    peer.send_raw(peer.tls()->take_wire());
    REQUIRE(peer.until_end());
  }
  CHECK(counter->updates > 32);
  CHECK(counter->updates < 1500);
  check_lost(server);
  check_books(server, Errc::tls_key_updates, before);
}

TEST_CASE("a message that is answered in two slices reaches a peer that wants short records") {
  WireServer server({}, {}, any_tls_context());
  WirePeer peer(server, {.max_fragment = TLSEXT_max_fragment_length_512});
  REQUIRE(peer.upgrade());
  const std::string small(600, 's');
  const std::string large(20'000, 'l');
  REQUIRE(peer.send(client_frame(0x82, small) + client_frame(0x82, large)));
  const std::string expected = server_frame(0x82, small) + server_frame(0x82, large);
  REQUIRE(peer.until_received(expected.size()));
  const bool same = peer.received == expected;
  CHECK(same);
}

TEST_CASE("a hundred thousand records of one byte are served, and others between them (B 27)") {
  WireServer server({}, {}, any_tls_context());
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
  const std::string payload(100'000, 'x');
  std::string records;
  for (const char byte : client_frame(0x82, payload)) records += peer.tls()->seal({&byte, 1});
  // The kernel gets all that it takes before the server has its turn.
  const Bytes bytes = as_bytes(records);
  const net::Io io = net::socket::send(peer.fd(), {&bytes, 1});
  REQUIRE(io.kind == net::Io::Kind::done);
  // The events of a turn come before what was put off, each with a budget of its own.
  constexpr std::size_t budget = 2 * 64 * net::Stream::reads_per_turn_max;
  bool turned = false;
  REQUIRE(server.until([&turned] { return std::exchange(turned, true); }));
  server.server.for_each([&](ws::Connection& connection) {
    CHECK(connection.assembled_bytes() > 0);
    CHECK(connection.assembled_bytes() <= budget);
  });
  REQUIRE(peer.send_raw(std::string_view(records).substr(io.bytes)));
  REQUIRE(peer.until_received(server_frame(0x82, payload).size()));
  CHECK(peer.received == server_frame(0x82, payload));
}

TEST_CASE("early data is not accepted (B 28)") {
  WireServer server({}, {}, any_tls_context());
  std::shared_ptr<SSL_SESSION> session;
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade());
    session = peer.tls()->session;
    REQUIRE(session != nullptr);
    CHECK(SSL_SESSION_get_max_early_data(session.get()) == 0);
    // What ends without a close_notify OpenSSL does not resume.
    peer.finish_sending();
    REQUIRE(peer.until_end());
  }
  REQUIRE(server.settle());
  // A client that sends some all the same: it is skipped, and the handshake goes on without.
  REQUIRE(SSL_SESSION_set_max_early_data(session.get(), 16384) == 1);
  WirePeer peer(server, {.session = session, .early_data = upgrade_request("/early")});
  REQUIRE(peer.handshake());
  CHECK(SSL_session_reused(peer.tls()->ssl()) == 1);
  CHECK(SSL_get_early_data_status(peer.tls()->ssl()) == SSL_EARLY_DATA_REJECTED);
  REQUIRE(peer.upgrade());
  CHECK(server.opened == 2);
}

TEST_CASE("a host that is not known gets the first certificate, and no name at all does (B 30)") {
  WireServer server({}, {}, any_tls_context());
  for (const std::string_view name : {"", "unknown.example", "localhost"}) {
    WirePeer peer(server, {.server_name = std::string(name)});
    CHECK(peer.upgrade());
  }
}

TEST_CASE("a host name of more than 255 bytes or with a NUL is refused (B 30)") {
  std::string with_nul = client_hello({.server_name = "host.example"});
  with_nul[with_nul.find("host.example") + 4] = '\0';
  for (const std::string& hello : {hello_with_long_name(256), with_nul}) {
    WireServer server({}, {}, any_tls_context());
    const Baseline before = server.baseline();
    {
      WirePeer peer(server, WirePeer::Raw{});
      peer.send_raw(hello);
      REQUIRE(peer.until_end());
      CHECK(plain_alert(peer.received) == SSL_AD_DECODE_ERROR);
    }
    check_books(server, Errc::tls_handshake, before);
  }
}

TEST_CASE("a FIN without close_notify is never a clean end, and no rule is broken by it (B 31)") {
  for (const auto& context : {any_tls_context(), kernel_context()}) {
    WireServer server({}, {}, context);
    const Baseline before = server.baseline();
    {
      WirePeer peer(server);
      REQUIRE(peer.upgrade());
      REQUIRE(peer.send(client_frame(0x81, "x")));
      REQUIRE(peer.until_received(3));
      peer.finish_sending_raw();
      REQUIRE(peer.until_end());
    }
    check_lost(server);
    CHECK(server.closed[0].error == Errc::end_without_close);
    CHECK(server.all_rejects() == 0);
    CHECK(server.log.empty());
    CHECK(server.baseline() == before);
  }
}

TEST_CASE("a reset is told as what it is, whoever reads from the socket (B 31)") {
  for (const auto& context : {any_tls_context(), kernel_context()}) {
    WireServer server({}, {}, context);
    const Baseline before = server.baseline();
    {
      WirePeer peer(server);
      REQUIRE(peer.upgrade());
      peer.reset();
    }
    check_lost(server);
    CHECK(server.closed[0].error == Errc::none);
    CHECK(server.all_rejects() == 0);
    CHECK(server.log.empty());
    CHECK(server.baseline() == before);
  }
}

TEST_CASE("a flipped bit is refused with bad_record_mac (B 32)") {
  struct Beneath {
    int version;
    std::shared_ptr<net::tls::ServerContext> context;
  };
  for (const auto& [each_version, context] :
       {Beneath{TLS1_2_VERSION, any_tls_context()}, Beneath{TLS1_3_VERSION, any_tls_context()},
        Beneath{TLS1_2_VERSION, kernel_context()}, Beneath{TLS1_3_VERSION, kernel_context()}}) {
    const int version = each_version;  // a binding cannot be captured
    CAPTURE(version);
    WireServer server({}, {}, context);
    const Baseline before = server.baseline();
    {
      WirePeer peer(server, {.version_max = version});
      REQUIRE(peer.upgrade());
      std::string record = peer.tls()->seal(client_frame(0x81, "Hello"));
      record.back() = static_cast<char>(record.back() ^ 1);
      REQUIRE(peer.send_raw(record));
      REQUIRE(peer.until_end());
      CHECK(peer.tls()->alert == SSL3_AD_BAD_RECORD_MAC);
      CHECK(peer.received.empty());
    }
    check_lost(server);
    check_books(server, Errc::tls_record, before);
    CHECK(server.messages.empty());
  }
}

namespace {

// The descriptor of this process that a socket of it is connected with.
int other_end(int fd) {
  const Result<net::Address> address = net::socket::local_address(fd);
  REQUIRE(address);
  for (int other = 0; other < 1000; ++other) {
    const Result<net::Address> peer = net::socket::peer_address(other);
    if (peer && peer->to_string() == address->to_string()) return other;
  }
  return none;
}

}  // namespace

TEST_CASE("what was wrong with a record is told, even where nobody takes our alert (B 32)") {
  WireServer server({}, {}, any_tls_context());
  const Baseline before = server.baseline();
  {
    WirePeer peer(server);
    REQUIRE(peer.upgrade());
    REQUIRE(net::socket::shutdown_write(other_end(peer.fd())));  // the server can send no more
    std::string record = peer.tls()->seal(client_frame(0x81, "Hello"));
    record.back() = static_cast<char>(record.back() ^ 1);
    REQUIRE(peer.send_raw(record));
    REQUIRE(server.until([&] { return !server.closed.empty(); }));
  }
  check_lost(server);
  check_books(server, Errc::tls_record, before);
}

TEST_CASE("many messages that come at once are all answered before the end") {
  WireServer server({}, {}, any_tls_context());
  std::string frames;
  std::string answers;
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = std::to_string(i);
    frames += client_frame(0x81, text);
    answers += server_frame(0x81, text);
  }
  frames += client_frame(0x88, close_body(1000));
  answers += server_frame(0x88, close_body(1000));
  WirePeer peer(server);
  REQUIRE(peer.upgrade());
  const std::string records = peer.tls()->seal(frames);
  peer.tls()->close_notify();
  REQUIRE(peer.send_raw(records));
  peer.finish_sending_raw();
  REQUIRE(peer.until_end());
  CHECK(peer.received == answers);
  CHECK(peer.tls()->close_notified);
  REQUIRE(server.settle());
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].clean);
}

TEST_CASE("what did not fit is sent again from where it lies by then (B 36)") {
  WireServer server({.message_bytes_max = std::size_t{8} << 20}, {}, any_tls_context());
  const Baseline before = server.baseline();
  WirePeer peer(server, 4096);
  REQUIRE(peer.upgrade());
  std::string wanted;
  bool reading = false;
  peer.may_read = [&reading] { return reading; };
  for (const std::size_t size : {std::size_t{1}, std::size_t{20'000}, std::size_t{3} << 20,
                                 std::size_t{5}, std::size_t{2} << 20}) {
    const std::string payload(size, static_cast<char>('a' + size % 26));
    wanted += server_frame(0x82, payload);
    if (size > 100'000) reading = true;
    REQUIRE(peer.send(client_frame(0x82, payload)));
    reading = false;
  }
  reading = true;
  REQUIRE(peer.until_received(wanted.size()));
  CHECK(peer.received == wanted);
  CHECK(server.closed.empty());
  CHECK(server.all_rejects() == 0);
  peer.close();
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
}

TEST_CASE(
    "an update of the key that has to be answered waits for room, and nothing is lost (B 36)") {
  WireServer server({.message_bytes_max = std::size_t{8} << 20}, {}, any_tls_context());
  WirePeer peer(server, 4096);
  REQUIRE(peer.upgrade());
  bool reading = false;
  peer.may_read = [&reading] { return reading; };
  // The answer fills all there is on the way to a peer that does not read.
  const std::string large(std::size_t{4} << 20, 'l');
  server.server.for_each(
      [&](ws::Connection& c) { CHECK(c.send_binary(as_bytes(large)) == ws::Sent::accepted); });
  // OpenSSL has to write its own update before it can write anything else, and finds no room.
  REQUIRE(SSL_key_update(peer.tls()->ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
  REQUIRE(peer.send(client_frame(0x81, "behind the update")));
  for (int i = 0; i < 50; ++i) REQUIRE(server.loop.run_once(net::Duration{}));
  // While neither side can go on nothing is ready, or turns of the loop would be spent on it.
  pollfd ready{.fd = server.loop.fd(), .events = POLLIN, .revents = 0};
  CHECK(::poll(&ready, 1, 0) == 0);
  reading = true;
  const std::string wanted = server_frame(0x82, large) + server_frame(0x81, "behind the update");
  REQUIRE(peer.until_received(wanted.size()));
  CHECK((peer.received == wanted));
  CHECK(server.closed.empty());
  CHECK(server.all_rejects() == 0);
}

TEST_CASE("a connection that fails between two turns of another does it no harm (B 37)") {
  WireServer server({}, {}, any_tls_context());
  const Baseline before = server.baseline();
  WirePeer good(server);
  REQUIRE(good.upgrade());
  for (int i = 0; i < 20; ++i) {
    WirePeer bad(server);
    REQUIRE(bad.upgrade());
    std::string record = bad.tls()->seal(client_frame(0x81, "Hello"));
    record.back() = static_cast<char>(record.back() ^ 1);
    REQUIRE(bad.send_raw(record));
    REQUIRE(good.send(client_frame(0x81, "still here")));
    REQUIRE(bad.until_end());
    REQUIRE(good.until_received(12));
    CHECK(good.received == server_frame(0x81, "still here"));
    good.received.clear();
  }
  CHECK(server.rejects(Errc::tls_record) == 20);
  CHECK(server.log.size() == 20);
  good.close();
  REQUIRE(server.settle());
  CHECK(server.baseline() == before);
}
