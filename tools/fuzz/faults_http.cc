// SPDX-License-Identifier: MIT
//
// Faults of the opening handshake: HTTP (RFC 9112, RFC 9110) and the upgrade (RFC 6455 §4.2).

#include "tools/fuzz/faults.h"

namespace hilo::tools::fuzz {

using conform::Edit;
using conform::repeated;

namespace {

// What is no request of HTTP/1.1 at all may be answered by the end of the connection.
void refused(Draft& draft, Octets request, std::vector<int> statuses, bool or_end) {
  draft.send(std::move(request));
  draft.await_answer(std::move(statuses)).or_end = or_end;
}

void no_request(Draft& draft, const Edit& edit) {
  refused(draft, draft.request(edit), {400, 405, 414, 431, 501, 505}, true);
}
void bad_request(Draft& draft, const Edit& edit) {
  refused(draft, draft.request(edit), {400, 404, 405, 413, 414, 426, 431, 501, 505}, false);
}
// Where a recipient may also repair what is wrong (RFC 9112 §2.2, §5; RFC 9110 §5.5).
void bad_or_repaired(Draft& draft, const Edit& edit) {
  refused(draft, draft.request(edit), {101, 400, 413, 414, 426, 431, 501}, false);
}
// Without an upgrade it is a request like any other: all but 101 is right.
void no_upgrade(Draft& draft, const Edit& edit) {
  refused(draft, draft.request(edit), {}, false);
}

Edit field_instead(const std::string& name, const std::string& value) {
  return {.drop = name, .add = name + ": " + value + "\r\n"};
}

std::vector<Fault> line_faults() {
  return {
      {"empty-lines", "38", "more than an empty line in front of a request (RFC 9112 §2.2)",
       [](Draft& d) {
         // One has to be passed over, and more may be.
         refused(d, d.request({.line = "\r\n\r\n\r\nGET $PATH HTTP/1.1"}), {101, 400}, true);
       }},
      {"preface", "39", "a byte in front of the method (RFC 9112 §3)",
       [](Draft& d) {
         const std::string byte(1, d.random().pick(std::vector<char>{'\0', ' ', '\x01'}));
         no_request(d, {.line = byte + "GET $PATH HTTP/1.1"});
       }},
      {"tls-on-plain", "17", "a ClientHello of TLS in place of a request",
       [](Draft& d) {
         if (d.grammar().tls) return no_request(d, {.line = "\x16"});
         const Octets hello = conform::hex("16030100c8010000c40303") + d.random().octets(190);
         refused(d, hello + "\r\n\r\n", {400, 405, 501, 505}, true);
       }},
      {"http2", "18", "the preface of HTTP/2 (RFC 9113 §3.4)",
       [](Draft& d) { no_request(d, {.whole = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}); }},
      {"long-line", "44", "a request line without an end (RFC 9110 §15.5.15)",
       [](Draft& d) {
         const std::string more(d.random().between(70000, 90000), 'x');
         refused(d, d.request({.line = "GET $PATH$AND" + more + " HTTP/1.1"}),
                 {101, 400, 413, 414, 431}, true);
       }},
      {"long-field", "45", "a field without an end (RFC 6585 §5)",
       [](Draft& d) {
         const std::string more(d.random().between(70000, 90000), 'x');
         refused(d, d.request({.add = "X-Long: " + more + "\r\n"}), {101, 400, 413, 431}, true);
       }},
      {"many-fields", "45", "thousands of fields (RFC 6585 §5)",
       [](Draft& d) {
         refused(d, d.request({.add = repeated("X-Field: value\r\n", 5000)}), {101, 400, 413, 431},
                 true);
       }},
      {"method-letters", "46", "a method that is no token (RFC 9110 §9.1)",
       [](Draft& d) { bad_request(d, {.line = "G@T $PATH HTTP/1.1"}); }},
      {"method", "47", "an upgrade by another method than GET (RFC 6455 §4.1)",
       [](Draft& d) {
         static const std::vector<std::string> methods = {"POST", "PUT", "DELETE", "PATCH", "get"};
         no_upgrade(d, {.line = d.random().pick(methods) + " $PATH HTTP/1.1"});
       }},
      {"version-old", "49", "an upgrade by HTTP/1.0 (RFC 6455 §4.2.1)",
       [](Draft& d) { no_upgrade(d, {.line = "GET $PATH HTTP/1.0"}); }},
      {"version", "49", "what is no version of HTTP/1 (RFC 9112 §2.3)",
       [](Draft& d) {
         static const std::vector<std::string> versions = {"HTTP/2.0", "HTTP/3.0", "http/1.1",
                                                           "HTTP/11",  "HTPP/1.1", "HTTP/x.1",
                                                           "HTTP/1.",  "HTTP/1,1"};
         no_request(d, {.line = "GET $PATH " + d.random().pick(versions)});
       }},
      {"target-space", "50", "a target with a space in it (RFC 9112 §3.2)",
       [](Draft& d) {
         refused(d, d.request({.line = "GET $PATH$ANDa b HTTP/1.1"}), {101, 400, 404, 505}, false);
       }},
      {"target-control", "50", "a target with a control character (RFC 9112 §3.2)",
       [](Draft& d) {
         const std::string byte(1, static_cast<char>(d.random().between(1, 8)));
         refused(d, d.request({.line = "GET $PATH$AND" + byte + " HTTP/1.1"}), {101, 400, 404},
                 false);
       }},
  };
}

std::vector<Fault> field_faults() {
  return {
      {"line-end", "40", "a CR without its LF (RFC 9112 §2.2)",
       [](Draft& d) { bad_or_repaired(d, {.add = "X-Field: a\rb\r\n"}); }},
      {"value-control", "41", "a control character in a value (RFC 9110 §5.5)",
       [](Draft& d) {
         const std::string byte(1, static_cast<char>(d.random().below(9)));
         bad_or_repaired(d, {.add = "X-Field: a" + byte + "b\r\n"});
       }},
      {"space-before-colon", "42", "a space between name and colon (RFC 9112 §5.1)",
       [](Draft& d) { bad_request(d, {.add = "X-Field : value\r\n"}); }},
      {"nameless", "42", "a field without a name (RFC 9112 §5)",
       [](Draft& d) { bad_or_repaired(d, {.add = ": value\r\n"}); }},
      {"name-letters", "42", "a name that is no token (RFC 9110 §5.1)",
       [](Draft& d) { bad_or_repaired(d, {.add = "X(Y): value\r\n"}); }},
      {"no-host", "43", "no Host (RFC 9112 §3.2)",
       [](Draft& d) { bad_request(d, {.drop = "Host"}); }},
      {"two-hosts", "43", "two Hosts (RFC 9112 §3.2)",
       [](Draft& d) { bad_request(d, {.add = "Host: elsewhere.example\r\n"}); }},
      {"length-and-coding", "51", "Content-Length with Transfer-Encoding (RFC 9112 §6.1)",
       [](Draft& d) {
         bad_or_repaired(d, {.add = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"});
       }},
      {"two-lengths", "52", "two different Content-Lengths (RFC 9112 §6.3)",
       [](Draft& d) { bad_request(d, {.add = "Content-Length: 5\r\nContent-Length: 6\r\n"}); }},
      {"length", "53", "a Content-Length that is none (RFC 9110 §8.6)",
       [](Draft& d) {
         static const std::vector<std::string> lengths = {"+5", "-1", "0x5", "5 6",
                                                          "18446744073709551616"};
         bad_request(d, {.add = "Content-Length: " + d.random().pick(lengths) + "\r\n"});
       }},
      {"upgrade-missing", "67", "no Upgrade (RFC 6455 §4.2.1)",
       [](Draft& d) { no_upgrade(d, {.drop = "Upgrade"}); }},
      {"upgrade", "68", "an Upgrade to something else (RFC 6455 §4.2.1)",
       [](Draft& d) {
         static const std::vector<std::string> values = {"websockets", "websocket/13", "",
                                                         "web socket", "h2c"};
         no_upgrade(d, field_instead("Upgrade", d.random().pick(values)));
       }},
      {"connection", "69", "a Connection that does not list Upgrade (RFC 6455 §4.2.1)",
       [](Draft& d) {
         static const std::vector<std::string> values = {"keep-alive", "close", "", "Upgraded"};
         no_upgrade(d, field_instead("Connection", d.random().pick(values)));
       }},
  };
}

std::vector<Fault> websocket_field_faults() {
  return {
      {"no-key", "72", "no Sec-WebSocket-Key (RFC 6455 §4.2.1)",
       [](Draft& d) { bad_request(d, {.drop = "Sec-WebSocket-Key"}); }},
      {"two-keys", "72", "two keys (RFC 6455 §11.3.1)",
       [](Draft& d) {
         bad_request(d, {.add = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"});
       }},
      {"key", "73", "a key that is not base64 of 16 bytes (RFC 6455 §4.2.1)",
       [](Draft& d) {
         static const std::vector<std::string> keys = {
             "AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA=", "A*AAAAAAAAAAAAAAAAAAAA==",
             "AAAAAAAAAAA AAAAAAAAAAA==", "AA=="};
         bad_request(d, field_instead("Sec-WebSocket-Key", d.random().pick(keys)));
       }},
      {"no-version", "74", "no Sec-WebSocket-Version (RFC 6455 §4.2.1)",
       [](Draft& d) { bad_request(d, {.drop = "Sec-WebSocket-Version"}); }},
      {"other-version", "74", "a version that nobody speaks (RFC 6455 §4.4)",
       [](Draft& d) {
         static const std::vector<std::string> versions = {"0", "12", "14", "25", "255"};
         bad_request(d, field_instead("Sec-WebSocket-Version", d.random().pick(versions)));
       }},
      {"version-number", "75", "a version that is no number (RFC 6455 §4.3)",
       [](Draft& d) {
         static const std::vector<std::string> versions = {"13a", "13.0", "-13", "1 3", ""};
         bad_request(d, field_instead("Sec-WebSocket-Version", d.random().pick(versions)));
       }},
      {"subprotocols", "79", "subprotocols that are no list of tokens (RFC 6455 §11.3.4)",
       [](Draft& d) {
         static const std::vector<std::string> values = {"a b", ",", "a, a", "(a)"};
         bad_or_repaired(d, {.add = "Sec-WebSocket-Protocol: " + d.random().pick(values) + "\r\n"});
       }},
      {"subprotocol-spaces", "80", "thousands of spaces in a list (RFC 9110 §5.6.1)",
       [](Draft& d) {
         bad_or_repaired(d, {.add = "Sec-WebSocket-Protocol: b" + repeated(" ", 4000) + "x\r\n"});
       }},
      {"extensions", "83", "extensions that break their grammar (RFC 6455 §9.1)",
       [](Draft& d) {
         static const std::vector<std::string> values = {";a", "a;=1", "a;b=\"c", "a;b=", "a=1"};
         const std::string value =
             d.random().chance(20) ? "a; b=\"" + repeated("\\c", 2000) : d.random().pick(values);
         bad_or_repaired(d, {.add = "Sec-WebSocket-Extensions: " + value + "\r\n"});
       }},
      {"hixie-76", "89", "the two keys of an old draft, and none of ours (RFC 6455 §4.2.1)",
       [](Draft& d) {
         bad_request(d, {.drop = "Sec-WebSocket-Key Sec-WebSocket-Version",
                         .add = "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n"
                                "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n"});
       }},
  };
}

}  // namespace

std::vector<Fault> http_faults() {
  std::vector<Fault> all = line_faults();
  for (const auto& more : {field_faults(), websocket_field_faults()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace hilo::tools::fuzz
