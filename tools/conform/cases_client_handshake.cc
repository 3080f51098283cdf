// SPDX-License-Identifier: MIT
//
// 14: the opening handshake of a client: what it asks, and which answers it may take
// (RFC 6455 §4.1).

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "tools/conform/cases.h"
#include "tools/conform/deflate.h"
#include "tools/conform/handshake_words.h"

namespace hilo::tools::conform {
namespace {

// --- the request ---------------------------------------------------------------------------------

std::string once(const Head& head, std::string_view name) {
  const std::size_t count = head.count(name);
  if (count == 1) return {};
  return (count == 0 ? "no " : "more than one ") + std::string(name);
}

std::string check_method(const Head& head) {
  return head.first_line.starts_with("GET ") ? "" : "the method is not GET";
}
std::string check_version(const Head& head) {
  return head.first_line.ends_with(" HTTP/1.1") ? "" : "the version is not HTTP/1.1";
}
std::string check_target(const Head& head) {
  return head.target().starts_with('/') ? "" : "the target does not begin with '/'";
}
std::string check_fragment(const Head& head) {
  return head.target().find('#') == std::string::npos ? "" : "the target has a fragment";
}
std::string check_spaces(const Head& head) {
  return std::count(head.first_line.begin(), head.first_line.end(), ' ') == 2
             ? ""
             : "the request line has not exactly two spaces";
}
std::string check_grammar(const Head& head) {
  return head.wrong;
}
std::string check_host(const Head& head) {
  return once(head, "Host");
}
std::string check_host_value(const Head& head) {
  const std::string host = head.find("Host").value_or("");
  return host.empty() || host.find_first_of(" ,/@") != std::string::npos ? "Host names no host"
                                                                         : "";
}
std::string check_upgrade(const Head& head) {
  return head.lists("Upgrade", "websocket") ? "" : "Upgrade does not list websocket";
}
std::string check_connection(const Head& head) {
  return head.lists("Connection", "upgrade") ? "" : "Connection does not list Upgrade";
}
std::string check_key(const Head& head) {
  return once(head, "Sec-WebSocket-Key");
}
std::string check_key_value(const Head& head) {
  const std::string wrong = check_request(head);
  return wrong.find("base64") == std::string::npos ? "" : wrong;
}
std::string check_ws_version(const Head& head) {
  return once(head, "Sec-WebSocket-Version");
}
std::string check_ws_version_value(const Head& head) {
  return head.find("Sec-WebSocket-Version").value_or("") == "13" ? "" : "the version is not 13";
}
std::string check_body(const Head& head) {
  const bool has_body = head.count("Content-Length") + head.count("Transfer-Encoding") > 0;
  return has_body ? "a body is announced" : "";
}
std::string check_origin(const Head& head) {
  return head.count("Origin") > 1 ? "more than one Origin" : "";
}
std::string check_protocols(const Head& head) {
  std::set<std::string> seen;
  for (const std::string& name : split_list(head.joined("Sec-WebSocket-Protocol"))) {
    if (!is_token(name)) return "a subprotocol that is no token: " + name;
    if (!seen.insert(name).second) return "a subprotocol twice: " + name;
  }
  return {};
}
std::string check_extensions_grammar(const Head& head) {
  return parse_extensions(head.joined("Sec-WebSocket-Extensions")) ? ""
                                                                   : "extensions break the grammar";
}
std::string check_deflate_offer(const Head& head) {
  const auto offers = parse_extensions(head.joined("Sec-WebSocket-Extensions"));
  if (!offers) return "extensions break the grammar";
  for (const Extension& offer : *offers) {
    if (offer.name != "permessage-deflate") continue;
    if (std::string wrong = check_offer(offer); !wrong.empty()) return wrong;
  }
  return {};
}
std::string check_accept(const Head& head) {
  return head.count("Sec-WebSocket-Accept") == 0 ? "" : "Sec-WebSocket-Accept is for responses";
}
// All requests of one run share what is remembered here.
std::string check_fresh_key(const Head& head) {
  static std::set<std::string> keys;
  return keys.insert(head.find("Sec-WebSocket-Key").value_or("")).second
             ? ""
             : "the key is that of an earlier connection";
}

void add_request_rules(CaseList& list) {
  struct Row {
    std::string_view title;
    std::string (*check)(const Head&);
    std::string_view section;
  };
  const std::vector<Row> rows = {
      {"the method is GET", check_method, "RFC 6455 §4.1"},
      {"the version is HTTP/1.1", check_version, "RFC 6455 §4.1"},
      {"the target begins with a slash", check_target, "RFC 6455 §4.1"},
      {"the target has no fragment", check_fragment, "RFC 6455 §3"},
      {"the request line has two spaces", check_spaces, "RFC 9112 §3"},
      {"the head keeps to the grammar", check_grammar, "RFC 9112 §5"},
      {"Host is there, once", check_host, "RFC 6455 §4.1"},
      {"Host names a host", check_host_value, "RFC 9110 §7.2"},
      {"Upgrade lists websocket", check_upgrade, "RFC 6455 §4.1"},
      {"Connection lists Upgrade", check_connection, "RFC 6455 §4.1"},
      {"the key is there, once", check_key, "RFC 6455 §4.1, §11.3.1"},
      {"the key is base64 of 16 bytes", check_key_value, "RFC 6455 §4.1"},
      {"the version of the protocol is there, once", check_ws_version, "RFC 6455 §4.1"},
      {"the version of the protocol is 13", check_ws_version_value, "RFC 6455 §4.1"},
      {"there is no body", check_body, "RFC 6455 §4.1"},
      {"there is not more than one Origin", check_origin, "RFC 6454 §7.3"},
      {"subprotocols are tokens, and distinct", check_protocols, "RFC 6455 §4.1"},
      {"extensions keep to their grammar", check_extensions_grammar, "RFC 6455 §9.1"},
      {"an offer of permessage-deflate is one that can be accepted", check_deflate_offer,
       "RFC 7692 §7.1"},
      {"there is no Sec-WebSocket-Accept", check_accept, "RFC 6455 §11.3.3"},
      {"the key is a new one (1 of 3)", check_fresh_key, "RFC 6455 §4.1"},
      {"the key is a new one (2 of 3)", check_fresh_key, "RFC 6455 §4.1"},
      {"the key is a new one (3 of 3)", check_fresh_key, "RFC 6455 §4.1"},
  };
  list.group("14.1", "RFC 6455 §4.1");
  for (const Row& row : rows) {
    Case& added = list.add("the request: " + std::string(row.title), {send({text("Hello")})},
                           {echoes({echo("Hello")})});
    added.side = Side::client;
    added.section = row.section;
    added.opening.check = row.check;
  }
}

// --- the response --------------------------------------------------------------------------------

class ResponseCases {
 public:
  explicit ResponseCases(CaseList& list) : list_(&list) {}

  Case& taken(std::string title, const Edit& edit) const {
    Case& added = list_->add(std::move(title), {send({text("Hello")})}, {echoes({echo("Hello")})});
    added.side = Side::client;
    added.opening.head = edited_response(edit);
    added.opening.bare = edit.bare;
    return added;
  }
  Case& either(std::string title, const Edit& edit) const {
    Case& added = taken(std::move(title), edit);
    added.opening.refused = Verdict::ok;
    return added;
  }
  Case& refused(std::string title, const Edit& edit) const {
    Case& added = taken(std::move(title), edit);
    added.opening.accepted = Verdict::failed;
    added.opening.refused = Verdict::ok;
    return added;
  }
  Case& frowned(std::string title, const Edit& edit) const {
    Case& added = refused(std::move(title), edit);
    added.opening.accepted = Verdict::non_strict;
    return added;
  }
  // An answer that is none, and its end.
  void ended(std::string title, const Edit& edit) const {
    Case& added = refused(std::move(title), edit);
    added.opening.ends_after_head = true;
    added.steps.clear();
  }

 private:
  CaseList* list_;
};

void add_good(CaseList& list) {
  const ResponseCases add{list};
  list.group("14.2", "RFC 6455 §4.1");
  add.taken("the ordinary response", {});
  add.taken("field names in lower case", response_with_names(LetterCase::lower));
  add.taken("field names in upper case", response_with_names(LetterCase::upper));
  add.taken("Upgrade: WebSocket", {.drop = "Upgrade", .add = "Upgrade: WebSocket\r\n"});
  add.taken("Connection: upgrade", {.drop = "Connection", .add = "Connection: upgrade\r\n"});
  add.taken("Connection: keep-alive, Upgrade",
            {.drop = "Connection", .add = "Connection: keep-alive, Upgrade\r\n"});
  add.taken("Connection in two lines",
            {.drop = "Connection", .add = "Connection: keep-alive\r\nConnection: Upgrade\r\n"});
  add.taken("an empty reason phrase", {.line = "HTTP/1.1 101 "});
  add.taken("another reason phrase", {.line = "HTTP/1.1 101 Web Socket Protocol Handshake"});
  add.taken("a reason phrase with bytes above 127", {.line = "HTTP/1.1 101 Protokollwechsel\xe9"});
  add.taken("no space behind the colons", response_with_colons(":"));
  add.taken("spaces and tabs around the values", response_with_colons(":\t  ", " \t "));
  add.taken("fields of no meaning",
            {.add = "Server: x\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nX-Empty:\r\n"});
  add.taken("cookies", {.add = "Set-Cookie: a=b\r\nSet-Cookie: c=d; Path=/\r\n"});
  add.taken("thirty more fields", {.add = repeated("X-Field: value\r\n", 30)});
  add.taken("100 Continue comes first", {.line = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 x"})
      .section = "RFC 9110 §15.2";
  add.taken("103 Early Hints comes first",
            {.line = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 101 x"})
      .section = "RFC 9110 §15.2";
  for (const std::size_t piece : {1U, 2U, 7U}) {
    add.taken("the response arrives in pieces of " + std::to_string(piece), {}).opening.piece =
        piece;
  }
  for (const std::size_t back : {1U, 2U, 3U}) {
    add.taken("the last " + std::to_string(back) + " bytes of the response arrive late", {})
        .opening.cut_back = back;
  }
  add.taken("a message arrives together with the response", {}).opening.glued = true;
  Case& ping_first = add.taken("a ping arrives together with the response", {});
  ping_first.opening.glued = true;
  ping_first.steps = {send({ping("x")})};
  ping_first.outcomes = {echoes({answer("x")})};
  Case& close_first = add.taken("a Close arrives together with the response", {});
  close_first.opening.glued = true;
  close_first.steps = {send({close(1000)})};
  close_first.outcomes = {answers_close({1000})};
  Case& wrong_first = add.taken("a wrong frame arrives together with the response", {});
  wrong_first.opening.glued = true;
  wrong_first.steps = {send({with_rsv(text("Hello"), 3)})};
  wrong_first.outcomes = {fails({1002})};

  list.group("14.3", "RFC 9112 §4, RFC 6455 §4.1");
  add.either("no reason phrase, and no space in front of it", {.line = "HTTP/1.1 101"});
  add.either("a Content-Length of 0", {.add = "Content-Length: 0\r\n"});
  add.either("Sec-WebSocket-Version: 13", {.add = "Sec-WebSocket-Version: 13\r\n"});
  add.either("a folded line", {.add = "X-Field: a\r\n b\r\n"});
  add.either("lines that end with a bare LF", response_with_line_ends("\n"));
  add.either("an empty Sec-WebSocket-Extensions", {.add = "Sec-WebSocket-Extensions:\r\n"});
  add.either("an empty Sec-WebSocket-Protocol", {.add = "Sec-WebSocket-Protocol:\r\n"});
  add.either("20 interim responses come first",
             {.line = repeated("HTTP/1.1 100 Continue\r\n\r\n", 20) + "HTTP/1.1 101 x"});
  add.either("a field of 100,000 bytes", {.add = "X-Long: " + repeated("v", 100000) + "\r\n"});
  add.either("5,000 fields", {.add = repeated("X-Field: value\r\n", 5000)});
}

void add_statuses(CaseList& list) {
  const ResponseCases add{list};
  list.group("14.4", "RFC 6455 §4.1");
  for (const std::string status : {"200 OK",
                                   "201 Created",
                                   "202 Accepted",
                                   "204 No Content",
                                   "205 Reset Content",
                                   "226 IM Used",
                                   "300 Multiple Choices",
                                   "301 Moved Permanently",
                                   "302 Found",
                                   "303 See Other",
                                   "304 Not Modified",
                                   "307 Temporary Redirect",
                                   "308 Permanent Redirect",
                                   "400 Bad Request",
                                   "401 Unauthorized",
                                   "403 Forbidden",
                                   "404 Not Found",
                                   "405 Method Not Allowed",
                                   "407 Proxy Authentication Required",
                                   "426 Upgrade Required",
                                   "429 Too Many Requests",
                                   "500 Internal Server Error",
                                   "502 Bad Gateway",
                                   "503 Service Unavailable",
                                   "505 x",
                                   "599 x",
                                   "600 x",
                                   "999 x"}) {
    // With all the rest of an upgrade, so that only the status speaks against it.
    add.refused("the status " + status, {.line = "HTTP/1.1 " + status});
  }
  add.refused("a redirection to the same place",
              {.line = "HTTP/1.1 302 Found", .add = "Location: /\r\nContent-Length: 0\r\n"});
  add.refused("401 that asks for a password",
              {.line = "HTTP/1.1 401 x", .add = "WWW-Authenticate: Basic realm=\"x\"\r\n"});

  list.group("14.5", "RFC 9112 §4");
  for (const std::string line :
       {"HTTP/1.0 101 x", "HTTP/0.9 101 x", "HTTP/2 101 x", "HTTP/2.0 101 x", "HTTP/3 101 x",
        "ICY 101 x", "http/1.1 101 x", "HTTP/1.1 0101 x", "HTTP/1.1 1010 x", "HTTP/1.1 10 x",
        "HTTP/1.1 abc x", "HTTP/1.1 101x", "HTTP/1.1", "HTTP/11 101 x", "101 x", "HTTP/1.1 -101 x",
        "GET / HTTP/1.1"}) {
    add.refused("a status line that is none: " + line, {.line = line});
  }
  add.frowned("a status line with two spaces", {.line = "HTTP/1.1  101 x"});
  add.frowned("a status line with a tab", {.line = "HTTP/1.1\t101 x"});
  add.frowned("a space in front of the status line", {.line = " HTTP/1.1 101 x"});
}

void add_fields(CaseList& list) {
  const ResponseCases add{list};
  list.group("14.6", "RFC 6455 §4.1");
  add.refused("no Upgrade", {.drop = "Upgrade"});
  for (const std::string value : {"", "websockets", "websocke", "web socket", "h2c", "websocket/13",
                                  "\"websocket\"", "HTTP/2.0"}) {
    add.refused("Upgrade: " + value, {.drop = "Upgrade", .add = "Upgrade: " + value + "\r\n"});
  }
  add.frowned("Upgrade: websocket, x-other",
              {.drop = "Upgrade", .add = "Upgrade: websocket, x-other\r\n"});
  add.frowned("Upgrade in two lines, one of another protocol", {.add = "Upgrade: x-other\r\n"});
  add.refused("no Connection", {.drop = "Connection"});
  for (const std::string value :
       {"", "keep-alive", "close", "Upgraded", "Up grade", "websocket", "\"Upgrade\""}) {
    add.refused("Connection: " + value,
                {.drop = "Connection", .add = "Connection: " + value + "\r\n"});
  }
  add.refused("neither Upgrade nor Connection", {.drop = "Upgrade Connection"});

  list.group("14.7", "RFC 6455 §4.1");
  const auto accept = [](const std::string& value) {
    return Edit{.drop = "Sec-WebSocket-Accept", .add = "Sec-WebSocket-Accept: " + value + "\r\n"};
  };
  add.refused("no Sec-WebSocket-Accept", {.drop = "Sec-WebSocket-Accept"});
  add.refused("an empty Sec-WebSocket-Accept", accept(""));
  add.refused("the answer to another key", accept("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  add.refused("the key itself as its answer", accept("$ECHOED"));
  add.refused("the answer with its letters in the other case", accept("$SWAPPED"));
  add.refused("the answer without its padding", accept("$SHORT"));
  add.refused("the answer and another letter", accept("$ACCEPTx"));
  add.refused("the answer and another '='", accept("$ACCEPT="));
  add.refused("the answer in quotes", accept("\"$ACCEPT\""));
  add.refused("the answer twice in one line", accept("$ACCEPT, $ACCEPT"));
  add.refused("the answer with a space inside", accept("$SPACED"));
  add.frowned("the answer in two lines", {.add = "Sec-WebSocket-Accept: $ACCEPT\r\n"});
  add.refused("the right answer, and a wrong one behind it",
              {.add = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"});
  add.refused("a wrong answer, and the right one behind it",
              {.first = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"});
  add.refused("the answer under the name Sec_WebSocket_Accept",
              {.drop = "Sec-WebSocket-Accept", .add = "Sec_WebSocket_Accept: $ACCEPT\r\n"});

  list.group("14.8", "RFC 6455 §4.1, §9.1, §11.3.4");
  for (const std::string value : {"x-conform", "x-conform; a=1", "permessage-zip", "x-a, x-b",
                                  "x-webkit-deflate-frame", ";a", "a b", "a;b=\"c", "="}) {
    add.refused("an extension that was not asked for: " + value,
                {.add = "Sec-WebSocket-Extensions: " + value + "\r\n"});
  }
  for (const std::string value : {"x-conform-unasked", "x-a, x-b", "a b", "\"x\""}) {
    add.refused("a subprotocol that was not asked for: " + value,
                {.add = "Sec-WebSocket-Protocol: " + value + "\r\n"});
  }
  add.refused("two subprotocols that were not asked for",
              {.add = "Sec-WebSocket-Protocol: x-a\r\nSec-WebSocket-Protocol: x-b\r\n"});
}

void add_grammar(CaseList& list) {
  const ResponseCases add{list};
  list.group("14.9", "RFC 9112 §5, RFC 9110 §5");
  for (const auto& [what, line] : std::vector<std::pair<std::string, std::string>>{
           {"a line without a colon", "X-Field"},
           {"a field without a name", ": value"},
           {"a name with a space", "X Field: value"},
           {"a space in front of a colon", "X-Field : value"},
           {"a name with a byte above 127", "X-F\xe9ld: value"},
           {"a value with a NUL", std::string("X-Field: a\0b", 12)},
           {"a value with a bare CR", "X-Field: a\rb"},
           {"a value with a control character",
            "X-Field: a\x01"
            "b"}}) {
    add.frowned(what, {.add = line + "\r\n"});
  }
  add.frowned("a space in front of the first field", {.first = " X-Field: value\r\n"});
  add.refused("lines that end with a bare CR", response_with_line_ends("\r"));

  list.group("14.10", "RFC 6455 §4.1, §7.1.7");
  add.ended("FIN without a byte", {.bare = true});
  add.ended("FIN inside the status line", {.whole = "HTTP/1.1 10"});
  add.ended("FIN behind the status line", {.whole = "HTTP/1.1 101 Switching Protocols\r\n"});
  add.ended("FIN inside a field",
            {.whole = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websock"});
  add.ended("FIN in front of the last line end",
            {.whole = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                      "Upgrade\r\nSec-WebSocket-Accept: $ACCEPT\r\n"});
  add.ended("FIN behind an interim response", {.whole = "HTTP/1.1 100 Continue\r\n\r\n"});
  add.ended("an alert of TLS", {.whole = hex("15030100020228")});
  add.ended("a greeting of SSH", {.whole = "SSH-2.0-OpenSSH_9.2\r\n"});
  add.ended("a page without a head", {.whole = "<!doctype html><p>Hello</p>\r\n\r\n"});
  add.ended("a frame without a head", {.whole = encode(text("Hello"), false)});
  add.ended("a page in place of an upgrade",
            {.whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello"});

  list.group("14.11", "RFC 9112 §6.3, RFC 6455 §5.2");
  // A 101 has no body: what follows are frames, and 'H' is one with RSV1 and a reserved opcode.
  for (const std::string field : {"Content-Length: 5", "Transfer-Encoding: chunked"}) {
    Case& added = add.either("a 101 with " + field + ", and bytes that are no frames",
                             {.add = field + "\r\n"});
    added.opening.glued = true;
    added.steps = {send({Part::bytes("Hello")})};
    added.outcomes = {fails({1002})};
  }
}

}  // namespace

void add_client_handshake_cases(CaseList& list) {
  add_request_rules(list);
  add_good(list);
  add_statuses(list);
  add_fields(list);
  add_grammar(list);
}

}  // namespace hilo::tools::conform
