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
//   exercise  make exercise N=06: what the server answers to Sec-WebSocket-Key
//   next      07_frame.cc: what the connection carries from now on

#include <cstdio>
#include <string_view>

#include "tools/ladder/expect.h"
#include "ws/core/accept_key.h"
#include "ws/core/handshake.h"

using namespace hilo;
using ladder::expect;
using ladder::must;

namespace {

constexpr auto complete = ws::HeadProgress::Kind::complete;

void print(const char* title, std::string_view text) {
  std::printf("%s\n%.*s\n", title, static_cast<int>(text.size()), text.data());
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

  // The client asks. Its key ought to be random; this one has the merit of being known. Nothing
  // here knows of sockets: what one side writes into a buffer the other reads from it.
  Pool pool;
  constexpr std::string_view chat[] = {"chat"};
  const ws::UpgradeRequest wish = {
      .authority = "example.com", .path = "/room", .key = key_text, .subprotocols = chat};
  Buffer request{pool};
  must(ws::write_upgrade_request(request, wish));

  // The server reads, judges and answers.
  ws::RequestParser parser;
  print("the request:", as_text(request.readable()));
  expect(parser.parse(request.readable()).kind == complete, "a whole head has arrived");
  const ws::UpgradeCheck check = ws::check_upgrade(parser.head(request.readable()));
  expect(check.error == ws::Errc::none, "it asks for a WebSocket, and asks well");
  Buffer response{pool};
  const ws::UpgradeResponse yes = {.key = check.key,
                                   .subprotocol = ws::choose_subprotocol(check.subprotocols, chat)};
  must(ws::write_upgrade_response(response, yes));

  // The client does not take its word for it.
  ws::ResponseReader reader;
  print("the response:", as_text(response.readable()));
  expect(reader.parse(response.readable()).kind == complete, "a whole answer has arrived");
  const ws::ResponseCheck verdict = ws::check_response(reader.head(response.readable()), wish);
  expect(verdict.error == ws::Errc::none, "the proof is right: this is a WebSocket now");
  expect(verdict.subprotocol == "chat", "and both will speak chat");
  return 0;
}
