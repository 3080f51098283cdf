// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "net/base/bytes.h"
#include "tests/support/frames.h"
#include "ws/core/session.h"
#include "ws/trace/dialogue.h"
#include "ws/trace/hixie76.h"

using namespace hilo;
using namespace hilo::test;
using trace::Dialogue;
using trace::Direction;
using trace::Part;

namespace {

constexpr std::string_view request =
    "GET /chat?x=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr std::string_view response =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

std::string written(const Part& part) {
  std::string line = std::to_string(part.depth) + ' ' + std::string(to_string(part.layer)) + ' ' +
                     std::string(part.name) + ' ' + part.value + " @" +
                     std::to_string(part.place.bit) + '+' + std::to_string(part.place.bits);
  if (part.fault) line += " !" + std::string(part.fault.label);
  return line;
}

struct Story {
  explicit Story(const trace::DialogueOptions& options = {})
      : dialogue(options, [this](const Part& part) {
          parts.push_back(part);
          lines.push_back(written(part));
        }) {}

  void say(Direction direction, std::string_view bytes, std::size_t piece = SIZE_MAX) {
    while (!bytes.empty()) {
      const std::string_view part = bytes.substr(0, piece);
      dialogue.feed(direction, as_bytes(part));
      bytes.remove_prefix(part.size());
    }
  }
  bool has(std::string_view line) const {
    return std::find(lines.begin(), lines.end(), line) != lines.end();
  }
  std::string_view fault() const {
    for (const Part& part : parts) {
      if (part.fault) return part.fault.label;
    }
    return {};
  }

  std::vector<Part> parts;
  std::vector<std::string> lines;
  Dialogue dialogue;
};

// Both directions, whole or in pieces.
std::vector<std::string> explained(std::string_view client, std::string_view server,
                                   std::size_t piece) {
  Story story;
  story.say(Direction::to_server, client, piece);
  story.say(Direction::to_client, server, piece);
  story.dialogue.end(Direction::to_server);
  story.dialogue.end(Direction::to_client);
  return story.lines;
}

}  // namespace

TEST_CASE("the masked Hello of RFC 6455 §5.7 is told bit by bit") {
  Story story;
  story.say(Direction::to_server, from_hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"));
  const std::vector<std::string> wanted = {
      "0 frame text 5 bytes of payload @0+88",
      "1 frame FIN 1  the last frame of its message @0+1",
      "1 frame RSV1 0 @1+1",
      "1 frame RSV2 0 @2+1",
      "1 frame RSV3 0 @3+1",
      "1 frame opcode 0x1  text @4+4",
      "1 frame MASK 1  a key follows @8+1",
      "1 frame length 5 @9+7",
      "1 frame masking key 37 fa 21 3d @16+32",
      "1 frame payload, unmasked \"Hello\" @48+40",
      "0 message text message 5 bytes  \"Hello\" @48+40",
  };
  CHECK(story.lines == wanted);
}

TEST_CASE("every bit of a header is told once, and those behind it follow without a gap") {
  for (const std::size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u}) {
    Story story;
    const std::string payload(size, 'x');
    story.say(Direction::to_server,
              header_of(0x82, size, &example_key) + masked(payload, example_key));
    std::uint64_t next = 0;
    for (const Part& part : story.parts) {
      if (part.layer != trace::Layer::frame || part.depth == 0) continue;
      CHECK(part.place.bit == next);
      next = part.place.bit + part.place.bits;
    }
    CHECK(next == story.parts.front().place.bits);
  }
}

TEST_CASE("the handshake of RFC 6455 §1.3: its accept key is shown as it is made") {
  Story story;
  story.say(Direction::to_server, request);
  story.say(Direction::to_client, std::string(response) + "\r\n");
  CHECK(
      story.has("1 handshake key and GUID "
                "\"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11\" @0+0"));
  CHECK(
      story.has("1 handshake SHA-1 of that "
                "b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea @0+0"));
  CHECK(story.has("1 handshake base64 of that \"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\" @0+0"));
  CHECK(story.fault().empty());
}

TEST_CASE("an accept key that does not answer the request is told as broken") {
  Story story;
  std::string other(response);
  other[other.find("s3pP")] = 'S';
  story.say(Direction::to_server, request);
  story.say(Direction::to_client, other + "\r\n");
  CHECK(story.fault() == "accept");
}

TEST_CASE("what a client sends before it is answered is told behind the answer") {
  Story story;
  story.say(Direction::to_server, std::string(request) + from_hex("81 80 00 00 00 00"));
  CHECK(story.parts.back().layer == trace::Layer::handshake);
  story.say(Direction::to_client, std::string(response) + "\r\n");
  CHECK(story.lines.back().starts_with("0 message text message 0 bytes"));
}

TEST_CASE("cut anywhere, the same is told") {
  const std::string client = std::string(request) + header_of(0x01, 300, &example_key) +
                             masked(std::string(300, 'a'), example_key) +
                             header_of(0x89, 3, &example_key) + masked("one", example_key) +
                             header_of(0x80, 2, &example_key) + masked("\xC3\xB1", example_key);
  const std::string server =
      std::string(response) + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n" +
      from_hex("c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00 88 02 03 e8");
  const std::vector<std::string> whole = explained(client, server, SIZE_MAX);
  CHECK(std::find(whole.begin(), whole.end(),
                  "0 deflate inflate 5 bytes stand for 5 @" +
                      std::to_string((server.size() - 9) * 8) + "+40") != whole.end());
  for (std::size_t piece = 1; piece < 20; ++piece) {
    const std::vector<std::string> pieces = explained(client, server, piece);
    for (std::size_t i = 0; i < std::max(whole.size(), pieces.size()); ++i) {
      CAPTURE(piece);
      REQUIRE((i < pieces.size() ? pieces[i] : "") == (i < whole.size() ? whole[i] : ""));
    }
  }
}

TEST_CASE("the rule that bytes break is the one that a session fails with") {
  std::mt19937 random(7);
  std::size_t broken = 0;
  for (int run = 0; run < 20'000; ++run) {
    // Two frames whose bits are mostly legal.
    std::string bytes;
    for (int i = 0; i < 2; ++i) {
      const auto opcode =
          static_cast<std::uint8_t>(std::string_view("\0\1\1\2\x8\x9\xA\x3", 8)[random() % 8]);
      const std::uint8_t first = static_cast<std::uint8_t>(opcode | (random() % 8 == 0 ? 0x40 : 0) |
                                                           (random() % 4 != 0 ? 0x80 : 0));
      std::string payload(random() % 6, '\0');
      for (char& c : payload) c = static_cast<char>(random() % 3 == 0 ? random() : 'a');
      if (opcode == 8 && payload.size() >= 2)
        payload[0] = 3, payload[1] = static_cast<char>(0xE8 + random() % 8);
      const bool is_masked = random() % 16 != 0;
      bytes += header_of(first, payload.size(), is_masked ? &example_key : nullptr) +
               (is_masked ? masked(payload, example_key) : payload);
    }
    Story story({.upgraded = true});
    story.say(Direction::to_server, bytes);

    Pool pool;
    const ws::Session::Shared shared{.pool = &pool};
    ws::Session session(ws::Role::server, shared);
    std::string copy = bytes;
    MutableBytes input(reinterpret_cast<std::uint8_t*>(copy.data()), copy.size());
    std::string_view wanted;
    bool closed = false;
    while (const ws::Event event = session.next(input)) {
      if (event.kind == ws::Event::Kind::failure) wanted = ws::rule(event.error).label;
      closed = closed || event.kind == ws::Event::Kind::close;
      static_cast<void>(session.take_replies());
    }
    if (closed) continue;  // a session hears no more then, a reader of the wire does
    // A cut character in an unfinished text is found by both, at the same frame.
    CHECK(story.fault() == wanted);
    broken += wanted.empty() ? 0 : 1;
  }
  CHECK(broken > 5'000);
}

TEST_CASE("Engine.IO and Socket.IO packets are told with their places") {
  Story story({.engineio = engineio::Revision::v4});
  story.say(Direction::to_client, header_of(0x81, 17, nullptr) + "42/news,7[\"hi\",1]");
  CHECK(story.has("0 engineio packet 4 message @16+136"));
  CHECK(story.has("0 socketio packet 2 EVENT @24+128"));
  CHECK(story.has("1 socketio namespace \"/news\" @32+40"));
  CHECK(story.has("1 socketio ack id 7 @0+0"));
  CHECK(story.has("1 socketio JSON \"[\\\"hi\\\",1]\" @88+64"));
  CHECK(story.has("2 socketio argument \"hi\" @0+0"));
  CHECK(story.has("2 socketio argument 1 @0+0"));
}

TEST_CASE("polling: the packets of a body are told, of requests and of responses") {
  Story story;
  story.say(Direction::to_server,
            "POST /socket.io/?EIO=4&transport=polling&sid=abc HTTP/1.1\r\nHost: a\r\n"
            "Content-Length: 5\r\n\r\n3\x1e"
            "40x");
  CHECK(story.has("0 engineio packet 3 pong @0+0"));
  CHECK(story.has("0 engineio packet 4 message @0+0"));
  story.say(Direction::to_client,
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n"
            "Transfer-Encoding: chunked\r\n\r\n1\r\n2\r\n0\r\n\r\n");
  CHECK(story.has("0 engineio packet 2 ping @0+0"));
  CHECK(story.fault().empty());  // the "ok" that answers a POST is no packet
}

TEST_CASE("polling in revision 3: payloads with lengths, as text and as octets") {
  Story story;
  story.say(Direction::to_server,
            "POST /engine.io/?EIO=3&transport=polling&sid=abc HTTP/1.1\r\nHost: a\r\n"
            "Content-Length: 7\r\n\r\n1:22:40");
  CHECK(story.has("0 engineio packet 2 ping @0+0"));
  story.say(Direction::to_server,
            "GET /engine.io/?EIO=3&transport=polling&sid=abc HTTP/1.1\r\n"
            "Host: a\r\n\r\n");
  story.say(Direction::to_client,
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" +
                from_hex("01 02 ff 04 63"));
  CHECK(story.has("0 engineio packet binary message @0+0"));
  CHECK(story.fault().empty());
}

TEST_CASE(
    "every kind of packet is told by its name, and attachments by the event that awaits them") {
  Story story({.engineio = engineio::Revision::v4});
  const auto tells = [&](std::uint8_t first, std::string_view message, std::string_view line) {
    CAPTURE(message);
    story.lines.clear();
    story.say(Direction::to_client,
              header_of(first, message.size(), nullptr) + std::string(message));
    CHECK(std::any_of(story.lines.begin(), story.lines.end(),
                      [&](const std::string& each) { return each.starts_with(line); }));
    CHECK(story.fault().empty());
  };
  tells(0x81, "0{}", "0 engineio packet 0 open @");
  tells(0x81, "1", "0 engineio packet 1 close @");
  tells(0x81, "5", "0 engineio packet 5 upgrade @");
  tells(0x81, "6", "0 engineio packet 6 noop @");
  tells(0x81, "41/news,", "0 socketio packet 1 DISCONNECT @");
  tells(0x81, "437[1]", "0 socketio packet 3 ACK @");
  tells(0x81, "44{\"message\":\"no\"}", "0 socketio packet 4 CONNECT_ERROR @");
  tells(0x81, "451-[\"a\",{\"_placeholder\":true,\"num\":0}]",
        "0 socketio packet 5 BINARY_EVENT @");
  tells(0x82, "abc", "0 socketio attachment 3 bytes @");
  tells(0x81, "461-7[{\"_placeholder\":true,\"num\":0}]", "0 socketio packet 6 BINARY_ACK @");
  tells(0x82, "abc", "0 socketio attachment 3 bytes @");
  tells(0x82, "abc", "0 socketio binary data 3 bytes @");
}

TEST_CASE("what breaks a rule of Engine.IO, Socket.IO or a body is told with its label") {
  const auto fault_of = [](std::string_view message) {
    Story story({.engineio = engineio::Revision::v4});
    story.say(Direction::to_client,
              header_of(0x81, message.size(), nullptr) + std::string(message));
    return std::string(story.fault());
  };
  CHECK(fault_of("9") == engineio::rule(engineio::Errc::packet_type).label);
  CHECK(fault_of("4x") == socketio::rule(socketio::Errc::packet_type).label);
  Story polls;
  polls.say(Direction::to_server,
            "POST /socket.io/?EIO=3&transport=polling&sid=abc HTTP/1.1\r\nHost: a\r\n"
            "Content-Length: 3\r\n\r\n9:4");
  CHECK(polls.fault() == engineio::rule(engineio::Errc::payload_length).label);
  Story chunked;
  chunked.say(Direction::to_client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  CHECK(chunked.fault() == ws::rule(ws::Errc::http_framing).label);
}

TEST_CASE("what was agreed on compression holds for the messages behind the answer") {
  Story story;
  story.say(Direction::to_server, request);
  story.say(Direction::to_client,
            std::string(response) +
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                "client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=12"
                "\r\n\r\n" +
                from_hex("c1 07 f2 48 cd c9 c9 07 00 c1 07 f2 48 cd c9 c9 07 00"));
  CHECK(story.fault().empty());
  CHECK(std::count_if(story.lines.begin(), story.lines.end(), [](const std::string& line) {
          return line.starts_with("0 message text message 5 bytes  \"Hello\"");
        }) == 2);
}

TEST_CASE("any bytes are survived, and told the same in pieces") {
  std::mt19937 random(11);
  for (int run = 0; run < 2'000; ++run) {
    std::string bytes(random() % 200, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    if (run % 2 == 0) bytes = "POST" + bytes;
    const Direction direction = run % 3 == 0 ? Direction::to_client : Direction::to_server;
    Story whole({.deflate = ws::DeflateParameters{}, .engineio = engineio::Revision::v3});
    whole.say(direction, bytes);
    Story pieces({.deflate = ws::DeflateParameters{}, .engineio = engineio::Revision::v3});
    pieces.say(direction, bytes, 1 + random() % 7);
    CHECK(pieces.fault() == whole.fault());
  }
}

TEST_CASE("of a message beyond the limit the beginning is told, and no more is kept") {
  Story story({.message_bytes_max = 1000});
  story.say(Direction::to_client, header_of(0x82, 100'000, nullptr) + std::string(100'000, 'x'),
            777);
  CHECK(story.lines.back().starts_with("0 message binary message 100000 bytes"));
}

TEST_CASE("a stream that ends in the middle says so") {
  Story story;
  story.say(Direction::to_client, from_hex("81 05 48"));
  story.dialogue.end(Direction::to_client);
  CHECK(story.fault() == "end");
  // What has come of the frame is told all the same.
  CHECK(story.has("0 frame text 5 bytes of payload @0+24"));
  CHECK(story.has("1 frame payload \"H\" @16+8"));
}

TEST_CASE("what is not kept whole is no fault: a cut character, a large compressed message") {
  // The first fragment is longer than what is kept and ends within a character.
  Story cut({.message_bytes_max = 10});
  cut.say(Direction::to_client, header_of(0x01, 21, nullptr) + std::string(20, 'a') + "\xC3" +
                                    header_of(0x80, 1, nullptr) + "\xB1");
  CHECK(cut.fault().empty());
  CHECK(cut.lines.back().starts_with("0 message text message 22 bytes"));

  Story large({.deflate = ws::DeflateParameters{}, .message_bytes_max = 3});
  large.say(Direction::to_client,
            from_hex("c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00 81 01 61"));
  CHECK(large.fault().empty());
  CHECK(large.lines.back().starts_with("0 message text message 1 byte  \"a\""));
}

TEST_CASE("of a request that nobody answered, what stands behind it is told at the end") {
  Story story;
  story.say(Direction::to_server, std::string(request) + from_hex("81 80 00 00 00 00"));
  story.dialogue.end(Direction::to_server);
  CHECK(story.lines.back().starts_with("0 message text message 0 bytes"));
}

TEST_CASE("behind an upgrade that was refused the client speaks HTTP") {
  Story story;
  story.say(Direction::to_server, std::string(request) + "GET /again HTTP/1.1\r\nHost: a\r\n\r\n");
  story.say(Direction::to_client, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  CHECK(std::any_of(story.lines.begin(), story.lines.end(), [](const std::string& line) {
    return line.starts_with("0 http request GET /again");
  }));
}

TEST_CASE("behind a message that is no DEFLATE nothing is told, however it comes") {
  const std::string bytes = from_hex("c1 02 ff ff 81 01 61");
  for (const std::size_t piece : {SIZE_MAX, std::size_t{1}}) {
    Story story({.deflate = ws::DeflateParameters{}});
    story.say(Direction::to_client, bytes, piece);
    CHECK(story.fault() == "inflate");
    CHECK(story.parts.back().layer == trace::Layer::deflate);
  }
}

TEST_CASE("the handshake of draft 76 is explained, keys, digest, frames and all (89)") {
  constexpr std::string_view old_request =
      "GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\nSec-WebSocket-Protocol: sample\r\n"
      "Upgrade: WebSocket\r\nSec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
      "Origin: http://example.com\r\n\r\n^n:ds[4U";
  constexpr std::string_view old_response =
      "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Origin: http://example.com\r\n"
      "Sec-WebSocket-Location: ws://example.com/demo\r\nSec-WebSocket-Protocol: sample\r\n\r\n"
      "8jKS'y:G*Co,Wxa-";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, SIZE_MAX}) {
    Story story;
    story.say(Direction::to_server, old_request, piece);
    story.say(Direction::to_client, old_response, piece);
    story.say(Direction::to_server, std::string_view("\0hola\xff\xff\0", 8), piece);
    story.say(Direction::to_client, std::string_view("\0\xff\x81", 3), piece);
    CHECK(story.fault() == "upg_hixie76");
    CHECK(story.has("1 handshake key 1 4146546015 / 5 spaces = 829309203 @0+0"));
    CHECK(story.has("1 handshake key 2 1299853100 / 5 spaces = 259970620 @0+0"));
    CHECK(story.has("1 handshake MD5 of both numbers and these \"8jKS'y:G*Co,Wxa-\" @0+0"));
    const auto told = [&](std::string_view begin) {
      return std::any_of(story.lines.begin(), story.lines.end(),
                         [&](const std::string& line) { return line.starts_with(begin); });
    };
    CHECK(told("1 handshake eight bytes \"^n:ds[4U\" @"));
    CHECK(told("0 handshake answer \"8jKS'y:G*Co,Wxa-\" @"));
    CHECK_FALSE(told("1 handshake wrong"));
    CHECK(told("0 message text message 4 bytes  \"hola\" @"));
    CHECK(told("0 frame close FF 00 @"));
    CHECK(told("0 message text message 0 bytes  \"\" @"));
    CHECK(told("0 frame wrong "));
  }
}

TEST_CASE("what is wrong with a handshake of draft 76 is told, and what it left unfinished") {
  using hixie76::number_of;
  CHECK_FALSE(number_of(""));
  CHECK_FALSE(number_of("12"));     // no space: division by nothing
  CHECK_FALSE(number_of("1 2 1"));  // 121 / 2
  CHECK_FALSE(number_of("99999999999 "));
  CHECK(number_of("4294967295 ") == 4294967295);
  CHECK(number_of(" x") == 0);
  CHECK(hixie76::read_frame({}).kind == hixie76::Frame::Kind::incomplete);
  CHECK(hixie76::read_frame(as_bytes("\xff")).kind == hixie76::Frame::Kind::incomplete);
  CHECK(hixie76::read_frame(as_bytes("\xff\x01")).kind == hixie76::Frame::Kind::wrong);
  // The lesson's own print of the keys has lost two spaces and made a 1 of an l.
  CHECK(number_of("4 @1 46546xW%01 1 5") != 829309203);

  Story story;
  story.say(Direction::to_server,
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key1: 1 2 1\r\nSec-WebSocket-Key2: 2 \r\n\r\n12345678");
  CHECK(story.has("1 handshake key 1 121 / 2 spaces = no whole number of 32 bits: refused @0+0"));
  story.say(Direction::to_server, std::string_view("\0ho", 3));
  story.dialogue.end(Direction::to_server);
  CHECK(story.lines.back().find("cut in a frame") != std::string::npos);

  trace::DialogueOptions small;
  small.message_bytes_max = 20;
  Story bounded(small);
  bounded.say(Direction::to_server,
              "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key1: 2 \r\nSec-WebSocket-Key2: 2 \r\n\r\n12345678");
  bounded.say(Direction::to_server, std::string(1, '\0') + std::string(100, 'x'), 10);
  CHECK(bounded.has("0 frame too long what follows is not told @0+0"));
  // However it comes: a text of as many bytes as are kept is told, of one more not.
  for (const std::size_t piece : {std::size_t{1}, std::size_t{15}, SIZE_MAX}) {
    for (const std::size_t size : {std::size_t{19}, std::size_t{20}}) {
      Story cut(small);
      cut.say(Direction::to_server,
              "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key1: 2 \r\nSec-WebSocket-Key2: 2 \r\n\r\n12345678");
      cut.say(Direction::to_server, '\0' + std::string(size, 'x') + '\xff', piece);
      CHECK(cut.has("0 frame too long what follows is not told @0+0") == (size == 20));
      // Once, however much stands behind it.
      cut.say(Direction::to_server, '\0' + std::string(100, 'x'), piece);
      CHECK(std::count(cut.lines.begin(), cut.lines.end(),
                       "0 frame too long what follows is not told @0+0") == 1);
    }
  }
}
