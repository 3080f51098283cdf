// SPDX-License-Identifier: MIT
//
// 11: the opening handshake as a server has to judge it (RFC 6455 §4.2.1, RFC 9112, RFC 9110).

#include <vector>

#include "tools/conform/cases.h"
#include "tools/conform/handshake_words.h"

namespace hilo::tools::conform {
namespace {

// --- what has to be accepted ---------------------------------------------------------------------

void add_good(CaseList& list) {
  const HandshakeCases add{list};
  list.group("11.1", "RFC 6455 §4.2.1");
  add.accepted("the ordinary request", {});
  add.accepted("field names in lower case", request_with_names(LetterCase::lower));
  add.accepted("field names in upper case", request_with_names(LetterCase::upper));
  add.accepted("Upgrade: WebSocket", {.drop = "Upgrade", .add = "Upgrade: WebSocket\r\n"});
  add.accepted("Upgrade: WEBSOCKET", {.drop = "Upgrade", .add = "Upgrade: WEBSOCKET\r\n"});
  add.accepted("Connection: upgrade", {.drop = "Connection", .add = "Connection: upgrade\r\n"});
  add.accepted("Connection: keep-alive, Upgrade",
               {.drop = "Connection", .add = "Connection: keep-alive, Upgrade\r\n"});
  add.accepted("Connection: Upgrade,keep-alive",
               {.drop = "Connection", .add = "Connection: Upgrade,keep-alive\r\n"});
  add.accepted("Connection with empty members and tabs",
               {.drop = "Connection", .add = "Connection: ,\tkeep-alive ,, UPGRADE\t,\r\n"});
  add.accepted("Connection in two lines",
               {.drop = "Connection", .add = "Connection: keep-alive\r\nConnection: Upgrade\r\n"});
  add.accepted("Connection that also names Sec-WebSocket-Key",
               {.drop = "Connection", .add = "Connection: Upgrade, Sec-WebSocket-Key\r\n"});
  add.accepted("no space behind the colons", request_with_colons(":"));
  add.accepted("spaces and tabs around the values", request_with_colons(": \t ", " \t"));
  add.accepted("Host as the last field", {.drop = "Host", .add = "Host: $HOST\r\n"});
  add.accepted("a query", {.line = "GET $PATH$ANDx=1&y=%20 HTTP/1.1"});
  add.accepted("a field of no meaning", {.add = "X-Unknown: value\r\n"});
  add.accepted("a field without a value", {.add = "X-Empty:\r\n"});
  add.accepted("a value with bytes above 127", {.add = "X-Latin: \xe9\xff\r\n"});
  add.accepted("a name of every letter that a token may have",
               {.add = "!#$%&'*+-.^_`|~09azAZ: x\r\n"});
  add.accepted("a field of 4,000 bytes", {.add = "X-Long: " + repeated("v", 4000) + "\r\n"});
  add.accepted("fifty more fields", {.add = repeated("X-Field: value\r\n", 50)});
  add.accepted(
      "the fields of a browser",
      {.add = "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept-Language: de,en;q=0.5\r\n"
              "Pragma: no-cache\r\nCache-Control: no-cache\r\nCookie: a=b; c=\"d\"\r\n"});
  add.accepted("Sec-WebSocket-Accept, which a request has no use for",
               {.add = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"});
  add.accepted("an Origin that is the Host's own", {.add = "Origin: $ORIGIN\r\n"});

  list.group("11.2", "RFC 9112 §2.2");
  for (const std::size_t piece : {1U, 2U, 7U, 64U}) {
    add.accepted("the request arrives in pieces of " + std::to_string(piece), {}).opening.piece =
        piece;
  }
  for (const std::size_t back : {1U, 2U, 3U}) {
    add.accepted("the last " + std::to_string(back) + " bytes of the request arrive late", {})
        .opening.cut_back = back;
  }
  Case& glued = add.accepted("a message arrives together with the request", {});
  glued.section = "RFC 6455 §4.1";
  glued.opening.glued = true;
  glued.opening.refused = Verdict::informational;
  add.lenient("an empty line in front of the request line", {.line = "\r\nGET $PATH HTTP/1.1"});
  Case& absolute =
      add.lenient("the target in absolute form", {.line = "GET $ORIGIN$PATH HTTP/1.1"});
  absolute.section = "RFC 9112 §3.2.2";
  add.lenient("Upgrade lists another protocol behind websocket",
              {.drop = "Upgrade", .add = "Upgrade: websocket, x-other/2\r\n"});
  add.lenient("Upgrade lists another protocol in front of websocket",
              {.drop = "Upgrade", .add = "Upgrade: x-other/2, websocket\r\n"});
  add.either("a later minor version, HTTP/1.2", {.line = "GET $PATH HTTP/1.2"});
  add.either("Connection: close, Upgrade",
             {.drop = "Connection", .add = "Connection: close, Upgrade\r\n"});
  add.either("an Origin of another site", {.add = "Origin: http://elsewhere.example\r\n"});
  add.either("Origin: null", {.add = "Origin: null\r\n"});
  add.either("a Content-Length of 0", {.add = "Content-Length: 0\r\n"});
  add.either("an Expect that nobody knows", {.add = "Expect: x-unknown\r\n"});
}

// --- the request line ----------------------------------------------------------------------------

void add_request_lines(CaseList& list) {
  const HandshakeCases add{list};
  list.group("11.3", "RFC 6455 §4.2.1, RFC 9110 §9");
  for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"}) {
    add.refused("the method " + method, {.line = method + " $PATH HTTP/1.1"},
                {400, 403, 404, 405, 501, 200, 204});
  }
  add.refused("the method CONNECT", {.line = "CONNECT $HOST HTTP/1.1"}, {400, 404, 405, 501});
  add.refused("the method get, in small letters", {.line = "get $PATH HTTP/1.1"},
              {400, 404, 405, 501});
  add.refused("a method that is no token", {.line = "G@T $PATH HTTP/1.1"}, {400, 405, 501});
  add.refused("no method", {.line = " $PATH HTTP/1.1"}, {400});
  add.refused("a method of 100 letters", {.line = repeated("G", 100) + " $PATH HTTP/1.1"},
              {400, 405, 414, 501});

  list.group("11.4", "RFC 6455 §4.2.1, RFC 9112 §2.3");
  add.refused("HTTP/1.0", {.line = "GET $PATH HTTP/1.0"}, {400, 426, 505});
  add.refused("HTTP/0.9, without a version", {.line = "GET $PATH"}, {400, 505});
  add.refused("HTTP/2.0", {.line = "GET $PATH HTTP/2.0"}, {400, 505});
  add.refused("HTTP/3.0", {.line = "GET $PATH HTTP/3.0"}, {400, 505});
  add.refused("HTTP/0.1", {.line = "GET $PATH HTTP/0.1"}, {400, 505});
  for (const std::string version : {"http/1.1", "HTTP/11", "HTTP/1,1", "HTTP/1.1.1", "HTTP/1.10",
                                    "HTTP/01.1", "HTTP/x.1", "HTPP/1.1", "HTTP 1.1", "HTTP/1."}) {
    add.refused("a version that is none: " + version, {.line = "GET $PATH " + version}, {400, 505});
  }
  add.refused("the preface of HTTP/2", {.whole = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}, {400, 505})
      .opening.dropped = Verdict::ok;

  list.group("11.5", "RFC 9112 §3");
  add.frowned("a request line with two spaces", {.line = "GET  $PATH HTTP/1.1"}, {400});
  add.frowned("a request line with a tab", {.line = "GET\t$PATH HTTP/1.1"}, {400});
  add.frowned("a request line with a space at its end", {.line = "GET $PATH HTTP/1.1 "},
              {400, 505});
  add.frowned("a target with a fragment", {.line = "GET $PATH#fragment HTTP/1.1"}, {400, 404});
  add.frowned("a target with a space", {.line = "GET $PATH$ANDa b HTTP/1.1"}, {400, 505});
  add.frowned("a target with a control character", {.line = "GET $PATH$AND\x01 HTTP/1.1"},
              {400, 404});
  add.frowned("a target with a byte above 127", {.line = "GET $PATH$AND\xe9 HTTP/1.1"}, {400, 404});
  add.refused("a target without its slash", {.line = "GET echo HTTP/1.1"}, {400, 404});
  add.refused("the target *", {.line = "GET * HTTP/1.1"}, {400, 404, 405});
  add.refused("no target", {.line = "GET HTTP/1.1"}, {400, 404, 505});
  add.refused("nothing but GET", {.line = "GET"}, {400, 505});
  add.either("a target with a broken escape", {.line = "GET $PATH$ANDx=%zz HTTP/1.1"});
  add.either("a target of 64 KiB", {.line = "GET $PATH$AND" + repeated("x", 65000) + " HTTP/1.1"});
}

// --- Host, Upgrade, Connection -------------------------------------------------------------------

void add_fields(CaseList& list) {
  const HandshakeCases add{list};
  list.group("11.6", "RFC 6455 §4.2.1, RFC 9112 §3.2");
  add.refused("no Host", {.drop = "Host"}, {400});
  add.refused("two different Hosts", {.add = "Host: elsewhere.example\r\n"}, {400});
  add.refused("the same Host twice", {.add = "Host: $HOST\r\n"}, {400});
  for (const std::string host : {"a.example, b.example", "user@a.example", "a.example/path",
                                 "a example", "a.example:port", "[::1", "a.example:123456"}) {
    add.frowned("a Host that is none: " + host, {.drop = "Host", .add = "Host: " + host + "\r\n"},
                {400, 404, 421});
  }
  add.either("an empty Host", {.drop = "Host", .add = "Host:\r\n"});

  list.group("11.7", "RFC 6455 §4.2.1");
  add.ignored("no Upgrade", {.drop = "Upgrade"});
  for (const std::string value : {"", "websockets", "websocke", "web socket", "websocket/13",
                                  "\"websocket\"", "h2c", "TLS/1.0", "HTTP/2.0", "websocket;x=1"}) {
    add.ignored("Upgrade: " + value, {.drop = "Upgrade", .add = "Upgrade: " + value + "\r\n"});
  }
  add.ignored("no Connection", {.drop = "Connection"});
  for (const std::string value : {"", "keep-alive", "close", "Upgraded", "Up grade", "websocket",
                                  "\"Upgrade\"", "Upgrade;q=1", "keep-alive Upgrade"}) {
    add.ignored("Connection: " + value,
                {.drop = "Connection", .add = "Connection: " + value + "\r\n"});
  }
  add.ignored("neither Upgrade nor Connection", {.drop = "Upgrade Connection"});
}

// --- key and version -----------------------------------------------------------------------------

void add_keys(CaseList& list) {
  const HandshakeCases add{list};
  const auto key = [](const std::string& value) {
    return Edit{.drop = "Sec-WebSocket-Key", .add = "Sec-WebSocket-Key: " + value + "\r\n"};
  };
  list.group("11.8", "RFC 6455 §4.2.1, §11.3.1");
  add.refused("no key", {.drop = "Sec-WebSocket-Key"}, {400});
  add.refused("an empty key", key(""), {400});
  add.refused("two different keys", {.add = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"},
              {400});
  add.refused("the same key twice", {.add = "Sec-WebSocket-Key: $KEY\r\n"}, {400});
  add.refused("the key under the name Sec_WebSocket_Key",
              {.drop = "Sec-WebSocket-Key", .add = "Sec_WebSocket_Key: $KEY\r\n"}, {400});
  struct Row {
    std::string what;
    std::string value;
  };
  for (const Row& row :
       std::vector<Row>{{"of 15 bytes", "AAAAAAAAAAAAAAAAAAAA"},
                        {"of 17 bytes", "AAAAAAAAAAAAAAAAAAAAAAA="},
                        {"of 18 bytes, without padding", "AAAAAAAAAAAAAAAAAAAAAAAA"},
                        {"of one byte", "AA=="},
                        {"of 4,000 letters", repeated("A", 4000)},
                        {"without its padding", "AAAAAAAAAAAAAAAAAAAAAA"},
                        {"with one '='", "AAAAAAAAAAAAAAAAAAAAAA="},
                        {"with three '='", "AAAAAAAAAAAAAAAAAAAAAA==="},
                        {"in the alphabet for URLs", "-_AAAAAAAAAAAAAAAAAAAA=="},
                        {"with a letter of no alphabet", "A*AAAAAAAAAAAAAAAAAAAA=="},
                        {"with a space in it", "AAAAAAAAAAA AAAAAAAAAAA=="},
                        {"in quotes", "\"AAAAAAAAAAAAAAAAAAAAAA==\""},
                        {"with a byte above 127",
                         "A\xe9"
                         "AAAAAAAAAAAAAAAAAAAA=="},
                        {"with '=' in front", "==AAAAAAAAAAAAAAAAAAAAAA"},
                        {"and another one behind a comma",
                         "AAAAAAAAAAAAAAAAAAAAAA==, AAAAAAAAAAAAAAAAAAAAAA=="}}) {
    add.frowned("a key " + row.what, key(row.value), {400});
  }
  add.either("a key whose unused bits are set", key("AAAAAAAAAAAAAAAAAAAAAB=="));
  add.refused("the two keys of an old draft, and none of ours",
              {.drop = "Sec-WebSocket-Key Sec-WebSocket-Version",
               .add = "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
                      "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"},
              {400, 426});
}

void add_versions(CaseList& list) {
  const HandshakeCases add{list};
  const auto version = [](const std::string& value) {
    return Edit{.drop = "Sec-WebSocket-Version", .add = "Sec-WebSocket-Version: " + value + "\r\n"};
  };
  list.group("11.9", "RFC 6455 §4.2.2, §4.4");
  add.refused("no version", {.drop = "Sec-WebSocket-Version"}, {400, 426});
  for (const std::string number : {"0", "4", "7", "8", "12", "14", "25", "255"}) {
    Case& added = add.refused("version " + number, version(number), {400, 426});
    added.opening.refusal_names = "Sec-WebSocket-Version";
    // A server may understand more than one, and the last drafts differ from 13 in their number.
    if (number == "7" || number == "8") added.opening.accepted = Verdict::informational;
  }
  for (const std::string value :
       {"", "256", "1300", "-13", "0x0d", "13.0", "1 3", "13a", "thirteen"}) {
    add.refused("a version that is none: " + value, version(value), {400, 426});
  }
  add.refused("versions 8 and 13 in two lines", {.add = "Sec-WebSocket-Version: 8\r\n"},
              {400, 426});
  for (const std::string value : {"13, 8", "8, 13", "13, 13", "013", "+13", "\"13\"", "13;x"}) {
    add.frowned("a version that is not just 13: " + value, version(value), {400, 426});
  }
  add.frowned("version 13 in two lines", {.add = "Sec-WebSocket-Version: 13\r\n"}, {400, 426});
}

// --- subprotocols and extensions -----------------------------------------------------------------

void add_lists(CaseList& list) {
  const HandshakeCases add{list};
  const auto protocols = [](const std::string& value) {
    return Edit{.add = "Sec-WebSocket-Protocol: " + value + "\r\n"};
  };
  list.group("11.10", "RFC 6455 §4.2.2, §11.3.4");
  for (const std::string value : {"x-conform", "x-conform, x-other", "x-conform,x-other,x-third",
                                  "x-conform\t,\tx-other", "X-Conform, x-conform"}) {
    add.may_refuse("subprotocols that nobody speaks: " + value, protocols(value));
  }
  add.may_refuse("subprotocols in two lines",
                 {.add = "Sec-WebSocket-Protocol: x-a\r\nSec-WebSocket-Protocol: x-b\r\n"});
  add.may_refuse("a subprotocol behind 4,000 spaces",
                 protocols("x-a," + repeated(" ", 4000) + "x-b"));
  add.may_refuse("an empty member in the list", protocols("x-a,, x-b"));
  for (const std::string value :
       {"", ",", "a b", "a;b", "a/b", "\"a\"", "a=b", "(a)", "\xe9", "a, a"}) {
    add.either("subprotocols that are no list of distinct tokens: " + value, protocols(value));
  }
  add.either("300 subprotocols", protocols([] {
               std::string value = "x-0";
               for (int i = 1; i < 300; ++i) value += ", x-" + std::to_string(i);
               return value;
             }()));

  const auto extensions = [](const std::string& value) {
    return Edit{.add = "Sec-WebSocket-Extensions: " + value + "\r\n"};
  };
  list.group("11.11", "RFC 6455 §9.1");
  for (const std::string value :
       {"x-conform", "x-conform; a", "x-conform; a=1; b", "x-conform; a=\"1\"",
        "x-conform; a=\"\\1\"", "x-a, x-b;c=d, x-e", "constructor", "x-webkit-deflate-frame",
        "x-a;b;b", "permessage-zip"}) {
    add.accepted("extensions that nobody knows: " + value, extensions(value));
  }
  add.accepted("extensions in two lines",
               {.add = "Sec-WebSocket-Extensions: x-a\r\nSec-WebSocket-Extensions: x-b; c\r\n"});
  for (const std::string value :
       {"", ",", ";a", "a;=1", "a;b=", "a;b=\"", "a;b=\"c", "a;b=\"c d\"", "a b", "a;b c",
        "a;b=c d", "=", "a=1", "\"a\"", "a;b=\"\"", "a;\"b\"", "(a)", "a;b=\xe9"}) {
    add.frowned("extensions that break the grammar: " + value, extensions(value), {400});
  }
  add.frowned("an extension with 4,000 backslashes in a quoted value",
              extensions("a; b=\"" + repeated("\\c", 2000)), {400});
  add.either("a hundred extensions", extensions([] {
               std::string value = "x-0";
               for (int i = 1; i < 100; ++i) value += ", x-" + std::to_string(i);
               return value;
             }()));
}

// --- the grammar of the head ---------------------------------------------------------------------

void add_grammar(CaseList& list) {
  const HandshakeCases add{list};
  list.group("11.12", "RFC 9112 §5, RFC 9110 §5");
  add.refused("a space in front of the colon of Host", {.drop = "Host", .add = "Host : $HOST\r\n"},
              {400});
  add.refused("a space in front of a colon", {.add = "X-Field : value\r\n"}, {400});
  for (const auto& [what, line] : std::vector<std::pair<std::string, std::string>>{
           {"a line without a colon", "X-Field"},
           {"a field without a name", ": value"},
           {"a name with a bracket", "X(Field): value"},
           {"a name with a space", "X Field: value"},
           {"a name with a byte above 127", "X-F\xe9ld: value"},
           {"a name with a control character", "X-\x01: value"},
           {"a value with a NUL", std::string("X-Field: a\0b", 12)},
           {"a value with a bare CR", "X-Field: a\rb"},
           {"a value with a control character",
            "X-Field: a\x01"
            "b"}}) {
    add.frowned(what, {.add = line + "\r\n"}, {400});
  }
  add.either("a value with a DEL", {.add = "X-Field: a\x7f\r\n"});
  add.either("a folded line", {.add = "X-Field: a\r\n b\r\n"});
  add.either("Connection, folded", {.drop = "Connection", .add = "Connection:\r\n Upgrade\r\n"});
  add.frowned("a space in front of the first field", {.first = " X-Field: value\r\n"}, {400});
  add.either("lines that end with a bare LF", request_with_line_ends("\n"));
  add.frowned("lines that end with a bare CR", request_with_line_ends("\r"), {400});
  add.either("a field of 64 KiB", {.add = "X-Long: " + repeated("v", 65536) + "\r\n"});
  add.either("5,000 fields", {.add = repeated("X-Field: value\r\n", 5000)});
  add.either("two Origins", {.add = "Origin: $ORIGIN\r\nOrigin: http://b.example\r\n"});

  list.group("11.13", "RFC 9112 §6.3, RFC 6455 §4.1");
  add.frowned("Content-Length and Transfer-Encoding",
              {.add = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"}, {400, 501});
  for (const std::string value : {"-1", "+5", "0x5", "5, 6", "five", "18446744073709551616"}) {
    add.frowned("a Content-Length that is none: " + value,
                {.add = "Content-Length: " + value + "\r\n"}, {400, 413, 501});
  }
  add.frowned("two different Content-Lengths",
              {.add = "Content-Length: 5\r\nContent-Length: 6\r\n"}, {400, 501});
  add.either("a chunked body of nothing", {.add = "Transfer-Encoding: chunked\r\n"});
}

// What is no request at all, and what is only the beginning of one.
void add_strangers(CaseList& list) {
  const HandshakeCases add{list};
  list.group("11.14", "RFC 9112 §2.2");
  const auto strange = [&](std::string what, Octets bytes) {
    Case& added =
        add.refused(std::move(what), {.whole = std::move(bytes)}, {400, 405, 431, 501, 505});
    added.opening.dropped = Verdict::ok;
  };
  strange("a ClientHello of TLS", hex("16030100c8010000c40303") + noise(190, 8) + "\r\n\r\n");
  strange("a frame in place of a request", encode(text("Hello"), true) + "\r\n\r\n");
  strange("the line of the PROXY protocol in front",
          "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n");
  strange("bytes of zero in front", Octets(8, '\0') + "GET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n");
  strange("a greeting of SSH", "SSH-2.0-OpenSSH_9.2\r\n\r\n");
  strange("four empty lines in place of a request", "\r\n\r\n\r\n\r\n");
  for (const auto& [what, bytes] : std::vector<std::pair<std::string, Octets>>{
           {"FIN without a byte", ""},
           {"FIN inside the method", "GE"},
           {"FIN behind the request line", "GET $PATH HTTP/1.1\r\n"},
           {"FIN inside a field", "GET $PATH HTTP/1.1\r\nHost: $HO"},
           {"FIN in front of the last line end",
            "GET $PATH HTTP/1.1\r\nHost: $HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: $KEY\r\nSec-WebSocket-Version: 13\r\n"}}) {
    Case& added = add.refused(what, {.whole = bytes, .bare = bytes.empty()}, {});
    added.opening.dropped = Verdict::ok;
    added.opening.ends_after_head = true;
  }
}

void add_glued(CaseList& list) {
  list.group("11.15", "RFC 6455 §4.2.2");
  // From the 101 on all is frames: a second request is one that has RSV1 and opcode 7.
  Case& second =
      list.add("a second request behind the first is read as frames",
               {send({Part::bytes("GET / HTTP/1.1\r\nHost: $HOST\r\n\r\n")})}, {fails({1002})});
  second.side = Side::server;
  second.opening.glued = true;
  second.opening.refused = Verdict::informational;
  Case& close_first = list.add("a Close arrives together with the request", {send({close(1000)})},
                               {answers_close({1000})});
  close_first.side = Side::server;
  close_first.opening.glued = true;
  close_first.opening.refused = Verdict::informational;
  Case& wrong_first = list.add("a wrong frame arrives together with the request",
                               {send({with_rsv(text("Hello"), 3)})}, {fails({1002})});
  wrong_first.side = Side::server;
  wrong_first.opening.glued = true;
  wrong_first.opening.refused = Verdict::informational;
}

// The digest in the answer is of this key and no other; letters are not alike in any case, and the
// last digit counts.
void add_answers(CaseList& list) {
  const HandshakeCases add{list};
  list.group("11.16", "RFC 6455 §4.2.2");
  struct Row {
    std::string what;
    std::string key;
  };
  for (const Row& row : std::vector<Row>{{"of the RFC", "dGhlIHNhbXBsZSBub25jZQ=="},
                                         {"of zeros", "AAAAAAAAAAAAAAAAAAAAAA=="},
                                         {"of ones", "/////////////////////w=="},
                                         {"of small letters", "abcdefghijklmnopqrstuw=="},
                                         {"of the same letters, large", "ABCDEFGHIJKLMNOPQRSTUw=="},
                                         {"that ends otherwise", "AAAAAAAAAAAAAAAAAAAAAQ=="}}) {
    add.accepted("the answer to the key " + row.what,
                 {.drop = "Sec-WebSocket-Key", .add = "Sec-WebSocket-Key: " + row.key + "\r\n"});
  }
}

}  // namespace

void add_server_handshake_cases(CaseList& list) {
  add_good(list);
  add_request_lines(list);
  add_fields(list);
  add_keys(list);
  add_versions(list);
  add_lists(list);
  add_grammar(list);
  add_strangers(list);
  add_glued(list);
  add_answers(list);
}

}  // namespace hilo::tools::conform
