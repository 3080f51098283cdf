// SPDX-License-Identifier: MIT
//
// Chapter 6: the opening handshake.
//
// One request, one answer, and the connection has stopped being HTTP. The client sends a key of 16
// random bytes. The server appends a text that every WebSocket server knows, hashes both with
// SHA-1, and sends the digest back. This proves no identity and keeps no secret: it proves that
// whoever answers has read *this* request and speaks WebSocket. A cache that replays an old answer,
// or a web server that says 101 to everything, cannot do it.
//
// The handshake that older texts show, with Sec-WebSocket-Key1 and eight bytes behind the head, was
// a draft and is refused today.
//
//   to read   ws/core/handshake.h, ws/core/accept_key.h; RFC 6455 §1.3, §4.1, §4.2
//   next      07_frame.cc: what the connection carries from now on

#include <cstdio>
#include <string>
#include <string_view>

#include "net/poller.h"
#include "net/socket.h"
#include "tools/ladder/expect.h"
#include "ws/core/accept_key.h"
#include "ws/core/handshake.h"

using namespace hilo;
using ladder::expect;
using ladder::must;

namespace {

void print(const char* title, std::string_view text) {
  std::printf("%s\n%.*s\n", title, static_cast<int>(text.size()), text.data());
}

void send_all(const net::Fd& fd, Bytes bytes) {
  const net::Io io = net::socket::send(fd.value(), {&bytes, 1});
  expect(io.kind == net::Io::Kind::done && io.bytes == bytes.size(), "a head has left");
}

// Receives until the parser has a whole head. Bytes behind it stay in the buffer: a client may send
// its first frames without waiting, and they must not be lost.
template <class Parser>
void receive_head(const net::Fd& fd, Parser& parser, Buffer& bytes) {
  net::Poller poller;
  must(poller.add(fd.value(), net::Interest::read, {1, 1}));
  ws::HeadProgress progress;
  do {
    must(poller.wait(net::Duration{-1}));
    must(bytes.reserve(1024));
    bytes.commit(net::socket::receive(fd.value(), bytes.writable()).bytes);
    progress = parser.parse(bytes.readable());
  } while (progress.kind == ws::HeadProgress::Kind::need_input);
  expect(progress.kind == ws::HeadProgress::Kind::complete, "a head has arrived");
}

}  // namespace

int main() {
  // The arithmetic first, with the numbers of RFC 6455 §1.3.
  const ws::Key key = ws::encode_key(as_bytes("the sample nonce").first<ws::key_bytes>());
  const std::string_view key_text{key.data(), key.size()};
  const auto proof = ws::accept_key(key_text);
  print("1. the key: base64 of 16 bytes", key_text);
  print("2. behind it, a text that all servers know", "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  print("3. base64 of the SHA-1 of both", {proof.data(), proof.size()});
  expect(std::string_view{proof.data(), proof.size()} == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
         "the RFC comes to the same");

  // Now on a real connection.
  Pool pool;
  const net::Fd listening = must(net::socket::listen(must(net::Address::parse("127.0.0.1:0")), {}));
  const std::string address = must(net::socket::local_address(listening.value())).to_string();
  const net::Fd client = must(net::socket::open_stream(net::Family::ipv4));
  net::socket::connect(client.value(), must(net::Address::parse(address)));
  const net::Fd server = must(net::socket::accept(listening.value(), nullptr));

  // The client asks. Its key ought to be random; this one has the merit of being known.
  constexpr std::string_view chat[] = {"chat"};
  const ws::UpgradeRequest wish = {
      .authority = address, .path = "/room", .key = key_text, .subprotocols = chat};
  Buffer request{pool};
  must(ws::write_upgrade_request(request, wish));
  send_all(client, request.readable());

  // The server reads, judges and answers.
  Buffer arrived{pool};
  ws::RequestParser parser;
  receive_head(server, parser, arrived);
  print("the request:", as_text(arrived.readable()));
  const ws::UpgradeCheck check = ws::check_upgrade(parser.head(arrived.readable()));
  expect(check.error == ws::Errc::none, "it asks for a WebSocket, and asks well");
  Buffer response{pool};
  const ws::UpgradeResponse yes = {.key = check.key,
                                   .subprotocol = ws::choose_subprotocol(check.subprotocols, chat)};
  must(ws::write_upgrade_response(response, yes));
  send_all(server, response.readable());

  // The client does not take its word for it.
  Buffer answer{pool};
  ws::ResponseReader reader;
  receive_head(client, reader, answer);
  print("the response:", as_text(answer.readable()));
  const ws::ResponseCheck verdict = ws::check_response(reader.head(answer.readable()), wish);
  expect(verdict.error == ws::Errc::none, "the proof is right: this is a WebSocket now");
  expect(verdict.subprotocol == "chat", "and both will speak chat");
  return 0;
}
