// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "net/base/bytes.h"
#include "tests/support/frames.h"
#include "tests/support/rfc8448.h"
#include "tests/support/tls_endpoint.h"
#include "ws/trace/tls_dialogue.h"

using namespace hilo;
using namespace hilo::test;
using trace::Direction;
using trace::Layer;
using trace::Part;
using trace::TlsDialogue;
using trace::TlsKeyLog;

namespace {

// What was sent, in the order in which it was.
using Wire = std::vector<std::pair<Direction, std::string>>;

struct TlsStory {
  explicit TlsStory(std::string_view log = {}) {
    keys.add(log);
    dialogue.emplace(
        trace::DialogueOptions{}, log.empty() ? nullptr : &keys,
        [this](const Part& part) {
          parts.push_back(part);
          std::string line = std::string(part.direction == Direction::to_server ? "> " : "< ") +
                             std::string(to_string(part.layer)) + ' ' + std::string(part.name) +
                             ": " + part.value;
          if (part.fault) line += " !" + std::string(part.fault.label);
          lines.push_back(line);
          whole += line + " @" + std::to_string(part.depth) + ' ' + std::to_string(part.place.bit) +
                   '+' + std::to_string(part.place.bits) + (part.in_tls ? " in TLS\n" : "\n");
        },
        [this](Direction direction, Bytes clear) {
          (direction == Direction::to_server ? to_server : to_client) += as_text(clear);
        });
  }

  // Cut by chance, or whole: `random` null.
  void say(const Wire& wire, std::mt19937* random = nullptr, std::size_t piece_max = 1) {
    for (const auto& [direction, bytes] : wire) {
      std::string_view rest = bytes;
      while (!rest.empty()) {
        std::size_t piece = rest.size();
        if (random != nullptr) piece = std::min<std::size_t>(piece, 1 + (*random)() % piece_max);
        dialogue->feed(direction, as_bytes(rest.substr(0, piece)));
        rest.remove_prefix(piece);
      }
    }
    dialogue->end(Direction::to_server);
    dialogue->end(Direction::to_client);
  }

  bool has(std::string_view line) const {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  }
  std::size_t count(std::string_view begin) const {
    return static_cast<std::size_t>(
        std::count_if(lines.begin(), lines.end(),
                      [&](const std::string& line) { return line.starts_with(begin); }));
  }
  // The first of that layer.
  const Part* fault(Layer layer = Layer::tls) const {
    const auto found = std::find_if(parts.begin(), parts.end(), [&](const Part& part) {
      return part.fault && part.layer == layer;
    });
    return found != parts.end() ? &*found : nullptr;
  }

  TlsKeyLog keys;
  std::vector<Part> parts;
  std::vector<std::string> lines;
  std::string whole;
  std::string to_server;  // in the clear
  std::string to_client;
  std::optional<TlsDialogue> dialogue;
};

Wire published() {
  using namespace rfc8448;
  Wire wire;
  const auto add = [&](Direction direction, std::string_view hex) {
    wire.emplace_back(direction, from_hex(hex));
  };
  add(Direction::to_server, client_hello);
  add(Direction::to_client, server_hello);
  add(Direction::to_client, server_flight);
  add(Direction::to_server, client_finished);
  add(Direction::to_client, ticket);
  add(Direction::to_server, client_data);
  add(Direction::to_client, server_data);
  add(Direction::to_server, client_alert);
  add(Direction::to_client, server_alert);
  return wire;
}

std::string counting() {
  std::string bytes;
  for (char byte = 0; byte < 50; ++byte) bytes += byte;
  return bytes;
}

constexpr std::string_view asked =
    "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr std::string_view answered =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

// A conversation by OpenSSL, and its key log.
class Recording {
 public:
  // `groups`: of the server's key exchange, if it is to have others than by default.
  Recording(int version, const char* suite, std::string groups = {})
      : server_(end_options(version, suite, true)) {
    if (!groups.empty()) {  // the macro casts in C's way
      REQUIRE(SSL_ctrl(server_.ssl(), SSL_CTRL_SET_GROUPS_LIST, 0, groups.data()) == 1);
    }
    // The client offers all; the server chooses.
    if (version == TLS1_3_VERSION) REQUIRE(SSL_set_ciphersuites(server_.ssl(), suite) == 1);
    SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(server_.ssl()), [](const SSL*, const char* line) {
      logged += std::string(line) + '\n';
    });
    logged.clear();
    TlsEndpoint client(end_options(version, suite, false));
    pass(client);
    REQUIRE(client.is_established());
    REQUIRE(server_.is_established());
    say(client, asked);
    answer(client, answered);
    say(client, masked_frame(0x81, "hola"));
    if (version == TLS1_3_VERSION) {
      // Both change their keys: the client asks the server to.
      REQUIRE(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
      say(client, masked_frame(0x81, "y otra vez"));
    }
    answer(client, plain_frame(0x81, std::string(40'000, 'x')));
    say(client, masked_frame(0x88, close_payload(1000)));
    client.close_notify();
    pass(client);
    answer(client, plain_frame(0x88, close_payload(1000)));
    server_.close_notify();
    pass(client);
    log = logged;
  }

  Wire wire;
  std::string log;

 private:
  static TlsEndpointOptions end_options(int version, const char* suite, bool server) {
    TlsEndpointOptions options{.server = server, .version_min = version, .version_max = version};
    if (version == TLS1_2_VERSION) options.ciphers = suite;
    if (!server) options.server_name = "hilo.test";
    if (!server) options.alpn = "\x08http/1.1";
    options.self_signed = server;
    return options;
  }
  // Until neither has anything to say.
  void pass(TlsEndpoint& client) {
    std::string bytes = client.take_wire();
    do {
      note(Direction::to_server, bytes);
      server_.put_wire(bytes);
      bytes = server_.take_wire();
      note(Direction::to_client, bytes);
      client.put_wire(bytes);
      bytes = client.take_wire();
    } while (!bytes.empty());
  }
  void say(TlsEndpoint& client, std::string_view text) {
    const std::string bytes = client.seal(text);
    note(Direction::to_server, bytes);
    server_.put_wire(bytes);
    pass(client);
  }
  void answer(TlsEndpoint& client, std::string_view text) {
    const std::string bytes = server_.seal(text);
    note(Direction::to_client, bytes);
    client.put_wire(bytes);
    pass(client);
  }
  void note(Direction direction, const std::string& bytes) {
    if (!bytes.empty()) wire.emplace_back(direction, bytes);
  }

  static inline std::string logged;
  TlsEndpoint server_;
};

const std::pair<int, const char*> recorded_suites[] = {
    {TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"},
    {TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384"},
    {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305"},
};

std::string with_byte(std::string text, std::size_t at, int value) {
  text[at] = static_cast<char>(value);
  return text;
}

// One record from the client.
std::string record(int type, std::string_view fragment) {
  return std::string{as_char(static_cast<std::uint64_t>(type)), 3, 3} +
         big_endian(fragment.size(), 2) + std::string(fragment);
}

// What the client of RFC 8448 might have said after its data and close_notify: any inner content.
std::string sealed(std::string_view inner) {
  constexpr std::uint64_t sequence = 2;
  const std::string key = from_hex("17422dda596ed5d9acd890e3c63f5051");
  std::string nonce = from_hex("5b78923dee08579033e523d9");
  nonce[11] = as_char(static_cast<std::uint8_t>(nonce[11]) ^ sequence);
  const std::string header = record(23, std::string(inner.size() + 16, '\0')).substr(0, 5);
  std::string content(inner.size() + 16, '\0');
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  const auto in = [](const std::string& text) { return as_bytes(text).data(); };
  auto* const out = reinterpret_cast<unsigned char*>(content.data());
  int size = 0;
  bool good = EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, in(key), in(nonce)) == 1;
  good = good && EVP_EncryptUpdate(context, nullptr, &size, in(header), 5) == 1;
  good = good && EVP_EncryptUpdate(context, out, &size, as_bytes(inner).data(),
                                   static_cast<int>(inner.size())) == 1;
  good = good && EVP_EncryptFinal_ex(context, out + size, &size) == 1;
  good = good && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, 16, out + inner.size()) == 1;
  EVP_CIPHER_CTX_free(context);
  REQUIRE(good);
  return header + content;
}

}  // namespace

TEST_CASE("the handshake of RFC 8448 is read with its secrets, to the last byte") {
  TlsStory story(rfc8448::key_log);
  story.say(published());
  CHECK(story.fault() == nullptr);
  CHECK(story.to_server == counting());
  CHECK(story.to_client == counting());
  CHECK(story.has("> tls handshake: 196 bytes"));
  CHECK(story.has("> tls ClientHello: 192 bytes"));
  CHECK(story.has("> tls server name (SNI): \"server\""));
  CHECK(
      story.has("> tls cipher suites: 0x1301 TLS_AES_128_GCM_SHA256, "
                "0x1303 TLS_CHACHA20_POLY1305_SHA256, 0x1302 TLS_AES_256_GCM_SHA384"));
  CHECK(story.has("< tls cipher suite: 0x1301 TLS_AES_128_GCM_SHA256"));
  CHECK(story.has("< tls chosen version: 0x0304 TLS 1.3"));
  CHECK(story.has("< tls application_data: 674 bytes, encrypted"));
  CHECK(story.has("< tls encrypted content: 22 handshake, 657 bytes"));
  for (const std::string_view message :
       {"EncryptedExtensions: 36", "Certificate: 441", "CertificateVerify: 132", "Finished: 32",
        "NewSessionTicket: 201"}) {
    CHECK(story.has("< tls " + std::string(message) + " bytes"));
  }
  CHECK(story.has("> tls Finished: 32 bytes"));
  CHECK(story.has("> tls alert: warning close_notify (0)"));
  CHECK(story.has("< tls alert: warning close_notify (0)"));
}

TEST_CASE(
    "records stand where they are in the stream of TCP, one behind the other, and their fields in "
    "them") {
  TlsStory story(rfc8448::key_log);
  story.say(published());
  for (const Direction direction : {Direction::to_server, Direction::to_client}) {
    std::uint64_t bytes = 0;
    for (const auto& [from, text] : published()) bytes += from == direction ? text.size() : 0;
    std::uint64_t end = 0;
    std::uint64_t field_end = 0;
    for (const Part& part : story.parts) {
      if (part.direction != direction || part.layer != Layer::tls) continue;
      CHECK_FALSE(part.in_tls);
      if (part.depth == 0) {
        CHECK(part.place.bit == end);
        CHECK(field_end == end);
        field_end = end;
        end += part.place.bits;
      } else if (part.depth == 1 && part.place.bits != 0) {
        CHECK(part.place.bit == field_end);
        field_end += part.place.bits;
      }
    }
    CHECK(end == bytes * 8);
    CHECK(field_end == end);
  }
}

TEST_CASE("one direction may end while the other has shown a byte that decides nothing") {
  // Of TLS, or of a frame that breaks a rule; and what stands behind it, which says that it is
  // none.
  const std::string frame = from_hex("16 80 37 fa 21 3d");
  const auto said_by_client = [&](bool byte_comes_alone) {
    TlsStory story;
    const std::size_t first = byte_comes_alone ? 1 : frame.size();
    story.dialogue->feed(Direction::to_server, as_bytes(frame).first(first));
    story.dialogue->feed(Direction::to_client, as_bytes(std::string_view("\x17")));
    story.dialogue->end(Direction::to_client);
    story.dialogue->feed(Direction::to_server, as_bytes(frame).subspan(first));
    story.dialogue->end(Direction::to_server);
    std::erase_if(story.lines, [](const std::string& line) { return !line.starts_with("> "); });
    return story.lines;
  };
  CHECK(!said_by_client(false).empty());
  CHECK(said_by_client(true) == said_by_client(false));
}

TEST_CASE(
    "TLS 1.3 and 1.2 by OpenSSL, with each suite that is opened, give the frames that were sent") {
  for (const auto& [version, suite] : recorded_suites) {
    const std::string name = suite;
    CAPTURE(name);
    const Recording recording(version, suite);
    TlsStory story(recording.log);
    story.say(recording.wire);
    CHECK(story.fault() == nullptr);
    CHECK(story.has("> tls server name (SNI): \"hilo.test\""));
    CHECK(story.has("> tls protocols (ALPN): \"http/1.1\""));
    CHECK(story.has("> http request: GET /chat"));
    CHECK(story.has("< handshake upgrade: answered"));
    CHECK(story.has("> message text message: 4 bytes  \"hola\""));
    CHECK(story.count("< frame text: 40000 bytes") == 1);
    CHECK(story.count("> frame close") == 1);
    CHECK(story.count("< frame close") == 1);
    CHECK(story.has("> tls alert: warning close_notify (0)"));
    if (version == TLS1_3_VERSION) {
      CHECK(story.has("> message text message: 10 bytes  \"y otra vez\""));
      CHECK(story.has("> tls KeyUpdate: 1 byte"));
      CHECK(story.has("< tls KeyUpdate: 1 byte"));
    }
    // Heads and frames are in the clear stream, and at its beginning.
    const auto request = std::find_if(story.parts.begin(), story.parts.end(),
                                      [](const Part& part) { return part.layer == Layer::http; });
    REQUIRE(request != story.parts.end());
    CHECK(request->in_tls);
    CHECK(request->place.bit == 0);
  }
}

TEST_CASE("a server that asks for another hello gets it, and the keys are those of the second") {
  const Recording recording(TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", "P-384");
  TlsStory story(recording.log);
  story.say(recording.wire);
  CHECK(story.fault() == nullptr);
  CHECK(story.count("> tls ClientHello") == 2);
  CHECK(story.count("< tls HelloRetryRequest") == 1);
  CHECK(story.count("< tls ServerHello") == 1);
  CHECK(story.has("> message text message: 4 bytes  \"hola\""));
  CHECK(story.count("< frame close") == 1);
}

TEST_CASE("however the bytes are cut, the same is told") {
  std::mt19937 random(7);
  std::vector<std::pair<Wire, std::string>> all = {{published(), rfc8448::key_log}};
  for (const auto& [version, suite] : recorded_suites) {
    const Recording recording(version, suite);
    all.emplace_back(recording.wire, recording.log);
  }
  for (const auto& [wire, log] : all) {
    for (const std::string_view keys : {std::string_view(log), std::string_view()}) {
      TlsStory whole(keys);
      whole.say(wire);
      for (const std::size_t piece_max : {1U, 3U, 100U, 5000U}) {
        TlsStory cut(keys);
        cut.say(wire, &random, piece_max);
        CHECK(cut.whole == whole.whole);
      }
    }
  }
}

TEST_CASE("without keys the records are told, that they are encrypted, and how to get keys") {
  TlsStory story;
  story.say(published());
  CHECK(story.fault() == nullptr);
  CHECK(story.to_server.empty());
  CHECK(story.count("< tls application_data: ") == 4);
  CHECK(story.count("< tls encrypted content: encrypted; with its keys") == 1);
  CHECK(story.count("> tls encrypted content: encrypted; with its keys") == 1);
  CHECK(story.count("< tls encrypted content: encrypted") == 4);
  for (const Part& part : story.parts) CHECK(part.layer == Layer::tls);

  // Those of another connection are none.
  std::string other = rfc8448::key_log;
  for (std::size_t at = 0; (at = other.find("cb34ecb1", at)) != std::string::npos; ++at) {
    other[at] = 'd';
  }
  TlsStory strange(other);
  strange.say(published());
  CHECK(strange.fault() == nullptr);
  CHECK(strange.count("< tls encrypted content: encrypted, and the key log has no keys") == 1);
}

TEST_CASE("a log that has the secrets of the content alone is enough for the content") {
  std::string log = rfc8448::key_log;
  log.erase(0, log.find("CLIENT_TRAFFIC"));
  TlsStory story(log);
  story.say(published());
  CHECK(story.fault() == nullptr);
  CHECK(story.to_server == counting());
  CHECK(story.to_client == counting());
}

TEST_CASE(
    "a record that was changed does not decrypt, and nothing behind it is opened in that "
    "direction") {
  for (const auto& [version, suite] : recorded_suites) {
    const std::string name = suite;
    CAPTURE(name);
    const Recording recording(version, suite);
    Wire wire = recording.wire;
    TlsStory whole(recording.log);
    whole.say(wire);
    auto last = wire.end();
    for (auto each = wire.begin(); each != wire.end(); ++each) {
      if (each->first == Direction::to_server) last = each;
    }
    // Of the last record of the client, a bit in the middle.
    REQUIRE(last != wire.end());
    last->second[last->second.size() - 3] ^= 1;
    TlsStory story(recording.log);
    story.say(wire);
    REQUIRE(story.fault() != nullptr);
    CHECK(story.fault()->fault.label == "tls_record");
    CHECK(story.fault()->fault.alert == "bad_record_mac");
    CHECK(whole.to_server.starts_with(story.to_server));
    CHECK(story.to_client == whole.to_client);
  }
}

TEST_CASE("records that are malformed or too long are told with the alert they get") {
  struct Row {
    std::string bytes;
    std::string_view label;
    std::string_view alert;
  };
  const std::string hello = from_hex(rfc8448::client_hello);
  const Row rows[] = {
      {hello + record(24, "x"), "tls_content_type", "unexpected_message"},
      {hello + record(0, "x"), "tls_content_type", "unexpected_message"},
      {hello + with_byte(record(22, "x"), 1, 2), "tls_version", "protocol_version"},
      {hello + from_hex("17 0303 4801"), "tls_record_overflow", "record_overflow"},
      {hello + from_hex("17 0303 ffff"), "tls_record_overflow", "record_overflow"},
      {record(22, std::string(16385, '\0')), "tls_record_overflow", "record_overflow"},
      {with_byte(hello, 43, 33), "tls_message", "decode_error"},
      {with_byte(hello, 45, 7), "tls_message", "decode_error"},
      {record(22, from_hex("01 000002 0303")), "tls_message", "decode_error"},
      {record(22, from_hex("02 000000")), "tls_message", "decode_error"},
      {record(22, from_hex("08 000002 0001")), "tls_message", "decode_error"},
      {hello.substr(0, 100), "tls_cut", ""},
      {hello.substr(0, 3), "tls_cut", ""},
      {record(22, hello.substr(5, 30)), "tls_cut", ""},
  };
  std::mt19937 random(11);
  for (const Row& row : rows) {
    CAPTURE(row.label);
    TlsStory story(rfc8448::key_log);
    story.say({{Direction::to_server, row.bytes}});
    REQUIRE(story.fault() != nullptr);
    CHECK(story.fault()->fault.label == row.label);
    CHECK(story.fault()->fault.alert == row.alert);
    TlsStory cut(rfc8448::key_log);
    cut.say({{Direction::to_server, row.bytes}}, &random, 3);
    CHECK(cut.whole == story.whole);
  }
}

TEST_CASE(
    "what is within an encrypted record is judged, too: its type, its padding and its length") {
  struct Row {
    std::string inner;
    std::string_view label;
  };
  const Row rows[] = {
      {std::string(40, '\0'), "tls_inner_type"},
      {std::string("x") + as_char(99), "tls_content_type"},
      {std::string(16385, 'x') + as_char(23), "tls_record_overflow"},
      {std::string("\x02\x50", 2) + as_char(21) + std::string(9, '\0'), ""},
      {from_hex("18000001 00") + as_char(22), ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.label);
    Wire wire = published();
    wire.emplace_back(Direction::to_server, sealed(row.inner));
    TlsStory story(rfc8448::key_log);
    story.say(wire);
    CHECK((story.fault() != nullptr) == !row.label.empty());
    if (story.fault() != nullptr) CHECK(story.fault()->fault.label == row.label);
    if (row.inner.find('\x50') != std::string::npos) {
      CHECK(story.has("> tls alert: fatal internal_error (80)"));
      CHECK(story.has("> tls padding: 9 bytes"));
    }
  }
}

TEST_CASE("a hello in many records is put together, and those of one record are told apart") {
  const std::string hello = from_hex(rfc8448::client_hello);
  std::string pieces;
  for (std::size_t at = 5; at < hello.size(); at += 7) pieces += record(22, hello.substr(at, 7));
  TlsStory story;
  story.say({{Direction::to_server, pieces}});
  CHECK(story.fault() == nullptr);
  CHECK(story.has("> tls server name (SNI): \"server\""));
  TlsStory twice;
  twice.say({{Direction::to_server, record(22, hello.substr(5) + hello.substr(5))}});
  CHECK(twice.count("> tls ClientHello") == 2);
}

TEST_CASE("bytes changed by chance are told of, whatever they become") {
  std::mt19937 random(1);
  const Recording recording(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256");
  for (int round = 0; round < 400; ++round) {
    Wire wire = round % 2 == 0 ? published() : recording.wire;
    for (int change = 0; change < 3; ++change) {
      std::string& bytes = wire[random() % wire.size()].second;
      // Rather in front, where hellos and headers are.
      const std::size_t room =
          random() % 2 == 0 ? std::min<std::size_t>(bytes.size(), 60) : bytes.size();
      bytes[random() % room] = static_cast<char>(random());
    }
    const std::string_view log =
        round % 2 == 0 ? rfc8448::key_log : std::string_view(recording.log);
    TlsStory whole(log);
    whole.say(wire);
    TlsStory cut(log);
    cut.say(wire, &random, 50);
    CHECK(cut.whole == whole.whole);
  }
}

TEST_CASE("a connection that is no TLS is told as it was, also where its first byte might be one") {
  TlsStory story;
  story.say(
      {{Direction::to_server, std::string(asked)}, {Direction::to_client, std::string(answered)}});
  CHECK(story.has("> http request: GET /chat"));
  for (const Part& part : story.parts) CHECK_FALSE(part.in_tls);
  // RSV3 and a reserved opcode, with a length that is no version.
  for (const std::string_view bytes : {"\x16\x01y", "\x16"}) {
    TlsStory frame;
    frame.say({{Direction::to_client, std::string(bytes)}});
    CHECK(frame.fault() == nullptr);
    CHECK(frame.fault(Layer::frame) != nullptr);
  }
}

TEST_CASE("lines of a key log that are no secret are passed over") {
  TlsKeyLog keys;
  const std::string random(64, 'a');
  CHECK(keys.add("# a comment\n\nCLIENT_RANDOM\nCLIENT_RANDOM  \nRSA 00 11\n") == 0);
  CHECK(keys.add("CLIENT_RANDOM " + random.substr(2) + " 00\n") == 0);
  CHECK(keys.add("CLIENT_RANDOM " + random + " 0\n") == 0);
  CHECK(keys.add("CLIENT_RANDOM " + random + " xy\n") == 0);
  CHECK(keys.add("CLIENT_RANDOM " + random + " \n") == 0);
  CHECK(keys.add("CLIENT_RANDOM " + random + ' ' + std::string(130, '0')) == 0);
  CHECK(keys.add("EXPORTER_SECRET " + random + " 00\n") == 0);
  CHECK(keys.empty());
  CHECK(keys.add("CLIENT_RANDOM " + random + " 00fF\r\nCLIENT_RANDOM " + random + " 01") == 2);
  const std::string bytes = from_hex(random);
  const Bytes found = keys.find(trace::TlsSecret::master, as_bytes(bytes));
  CHECK(std::string(as_text(found)) == from_hex("01"));
  CHECK(keys.find(trace::TlsSecret::client_traffic, as_bytes(bytes)).empty());
}
