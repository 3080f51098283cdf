// SPDX-License-Identifier: MIT
//
// Chapter 5: the head of an HTTP request.
//
// A WebSocket begins its life as HTTP, so that it may live on the same port, behind the same
// proxies, with the same cookies. What comes first on the connection is therefore a request line,
// then fields, one a line, then an empty line. TCP knows nothing of lines: the head may come in one
// piece or byte by byte, and the parser must find the same in both.
//
// It must also say no, early and for a reason. Two programs that read the same sloppy head in two
// ways can be played off against each other; this parser has one reading or none.
//
//   to read   ws/core/http_head.h, ws/core/error.h; RFC 9112 §2 to §5
//   exercise  make exercise N=05: does a request list this token in that field?
//   next      06_handshake.cc: from HTTP to WebSocket

#include <cstdio>
#include <string>
#include <string_view>

#include "tools/ladder/expect.h"
#include "ws/core/http_head.h"

using namespace hilo;
using ladder::expect;

namespace {

constexpr std::string_view request =
    "GET /chat?room=1 HTTP/1.1\r\n"
    "Host: example.com\r\n"
    "Upgrade: websocket\r\n"
    "Connection: keep-alive, Upgrade\r\n"
    "\r\n";

void print(const char* name, std::string_view text) {
  std::printf("      %-10s %.*s\n", name, static_cast<int>(text.size()), text.data());
}

ws::Errc error_of(std::string_view text) {
  ws::RequestParser parser;
  return parser.parse(as_bytes(text)).error;
}

}  // namespace

int main() {
  using Kind = ws::HeadProgress::Kind;
  const Bytes bytes = as_bytes(request);

  // One byte more each time: the parser goes on where it stopped and never reads a byte twice.
  ws::RequestParser parser;
  std::size_t arrived = 0;
  ws::HeadProgress progress;
  do {
    progress = parser.parse(bytes.first(++arrived));
  } while (progress.kind == Kind::need_input);
  expect(progress.kind == Kind::complete, "the head is complete with its empty line, not before");
  expect(progress.head_bytes == request.size(), "and every byte of it belongs to it");

  const ws::RequestHead head = parser.head(bytes);
  print("method", head.method_text);
  print("path", head.path);
  print("query", head.query);
  for (const ws::FieldView field : head.fields) print("field", field.name);
  expect(head.fields.find("HOST") == "example.com", "names of fields have no upper and lower case");
  expect(head.fields.lists_token("Connection", "upgrade"), "a value may be a list");

  // What is refused, and how: each rule has a name, an answer and a sentence.
  const ws::Errc error = error_of("GET / HTTP/1.1\r\nHost : example.com\r\n\r\n");
  expect(error == ws::Errc::http_field_name, "no white space may stand before the colon");
  print("answer", std::to_string(ws::rule(error).answer));
  print("because", ws::rule(error).text);
  expect(error_of("GET / HTTP/1.1\n") == ws::Errc::http_line_end, "a line ends with CR LF");
  expect(error_of("GET / HTTP/1.1\r\n\r\n") == ws::Errc::http_host, "and HTTP/1.1 wants a Host");
  return 0;
}
