// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/heads.h"
#include "ws/core/http_head.h"

using namespace hilo;
using namespace hilo::ws;
using test::check_feeding;
using test::feed;
using test::ParsedRequest;
using test::repeat;
using Kind = HeadProgress::Kind;

namespace {

using namespace std::string_literals;

struct Case {
  const char* name;  // with the number in the catalogue of bad inputs
  std::string text;
  Errc error;  // none: complete
};

std::string with_line(const std::string& line) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n";
}
std::string with_target(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}
std::string with_start(const std::string& line) {
  return line + "\r\nHost: a\r\n\r\n";
}
std::string with_host(const std::string& value) {
  return "GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n";
}
// A request whose field section, without the empty line, takes exactly `bytes`.
std::string with_section(std::size_t bytes) {
  std::string section = "Host: a\r\n";
  while (section.size() + 8000 < bytes) section += "X: " + std::string(4000 - 5, 'x') + "\r\n";
  section += "Y: " + std::string(bytes - section.size() - 5, 'y') + "\r\n";
  return "GET / HTTP/1.1\r\n" + section + "\r\n";
}

std::vector<Case> preface_cases() {
  const Errc ok = Errc::none;
  return {
      {"38 one empty line in front", "\r\n" + with_line("A: b"), ok},
      {"38 two empty lines in front", "\r\n\r\n" + with_line("A: b"), Errc::http_preface},
      {"38 three empty lines in front", "\r\n\r\n\r\n" + with_line("A: b"), Errc::http_preface},
      {"39 leading NUL", "\0GET / HTTP/1.1"s, Errc::http_preface},
      {"39 leading space", " GET / HTTP/1.1", Errc::http_preface},
      {"39 leading control byte", "\x01GET / HTTP/1.1", Errc::http_preface},
      {"39 leading byte above ASCII", "\xEF\xBB\xBFGET /", Errc::http_preface},
      {"39 space behind the empty line", "\r\n GET / HTTP/1.1", Errc::http_preface},
      {"17 TLS ClientHello", "\x16\x03\x01\x02", Errc::tls_on_plain},
      {"17 not quite TLS", "\x16\x04", Errc::http_preface},
      {"17 no TLS behind an empty line", "\r\n\x16\x03", Errc::http_preface},
      {"18 HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Errc::http_version_unsupported},
      {"15 PROXY protocol 1", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", Errc::http_preface},
      {"15 PROXY protocol 2", "\r\n\r\n\0\r\nQUIT\n"s, Errc::http_preface},
  };
}

std::vector<Case> line_end_cases() {
  return {
      {"40 bare LF first", "\nGET / HTTP/1.1", Errc::http_line_end},
      {"40 CR without LF first", "\rGET / HTTP/1.1", Errc::http_line_end},
      {"40 LF in the method", "GE\nT / HTTP/1.1", Errc::http_line_end},
      {"40 LF instead of a target", "GET \n", Errc::http_line_end},
      {"40 LF behind the target", "GET /\n", Errc::http_line_end},
      {"40 LF in the version", "GET / \n", Errc::http_line_end},
      {"40 LF behind the version", "GET / HTTP/1.1\nHost: a\n\n", Errc::http_line_end},
      {"40 CR without LF behind the version", "GET / HTTP/1.1\rHost", Errc::http_line_end},
      {"40 LF in a name", with_line("A\n: b"), Errc::http_line_end},
      {"40 LF behind a value", "GET / HTTP/1.1\r\nHost: a\n\r\n", Errc::http_line_end},
      {"40 CR in a value", with_line("A: b\rc"), Errc::http_line_end},
      {"40 LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", Errc::http_line_end},
      {"40 CR without LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rX",
       Errc::http_line_end},
  };
}

std::vector<Case> field_cases() {
  const Errc ok = Errc::none;
  return {
      {"41 NUL in a value", with_line("A: b\0c"s), Errc::http_field_value},
      {"41 control byte in a long value", with_line("A: 0123456789\x1f"), Errc::http_field_value},
      {"41 DEL in a value", with_line("A: \x7f"), Errc::http_field_value},
      {"41 DEL among eight",
       with_line("A: 012\x7f"
                 "456789"),
       Errc::http_field_value},
      {"41 HTAB in a value", with_line("A: b\tc and more text"), ok},
      {"41 obs-text in a value", with_line("A: \xc3\xa4\xff\x80 and more text"), ok},
      {"42 space before the colon", with_line("Name : x"), Errc::http_field_name},
      {"42 no name", with_line(": x"), Errc::http_field_name},
      {"42 no colon", with_line("Name"), Errc::http_field_name},
      {"42 folded line", with_line("A: b\r\n c"), Errc::http_field_name},
      {"42 line folded by HTAB", with_line("A: b\r\n\tc"), Errc::http_field_name},
      {"42 white space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
       Errc::http_field_name},
      {"42 a name that is no token", with_line("X(Y): z"), Errc::http_field_name},
      {"42 a name above ASCII", with_line("X\xe4: z"), Errc::http_field_name},
      {"empty values", with_line("A:\r\nB: \r\nC:\t "), ok},
  };
}

std::vector<Case> host_cases() {
  const Errc ok = Errc::none;
  return {
      {"43 no Host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", Errc::http_host},
      {"43 no fields at all", "GET / HTTP/1.1\r\n\r\n", Errc::http_host},
      {"43 two Hosts", with_line("host: a"), Errc::http_host},
      {"43 a list of Hosts", with_host("a,b"), Errc::http_host},
      {"43 userinfo in Host", with_host("u@h"), Errc::http_host},
      {"43 empty Host", with_host(""), Errc::http_host},
      {"43 path in Host", with_host("a/b"), Errc::http_host},
      {"43 space in Host", with_host("a b"), Errc::http_host},
      {"43 bad port in Host", with_host("a:b"), Errc::http_host},
      {"43 no Host beside an absolute target", "GET http://a/ HTTP/1.1\r\nA: b\r\n\r\n",
       Errc::http_host},
      {"43 HTTP/1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", ok},
      {"43 HTTP/1.0 with a bad Host", "GET / HTTP/1.0\r\nHost: a,b\r\n\r\n", Errc::http_host},
  };
}

std::vector<Case> limit_cases() {
  const Errc ok = Errc::none;
  return {
      {"44 request line of 8192", with_target("/" + std::string(8192 - 14, 'a')), ok},
      {"44 request line of 8193", with_target("/" + std::string(8193 - 14, 'a')),
       Errc::http_target_too_long},
      {"44 the limit inside an escape", "GET /" + std::string(8192 - 6, 'a') + "%41 HTTP/1.1\r\n",
       Errc::http_target_too_long},
      {"44 endless target", "GET /" + std::string(20000, 'a'), Errc::http_target_too_long},
      {"44 a full line without a version", "GET /" + std::string(8192 - 5, 'a') + "\r\n",
       Errc::http_version},
      {"45 field line of 8192", with_line("X: " + std::string(8192 - 3, 'a')), ok},
      {"45 field line of 8193", with_line("X: " + std::string(8193 - 3, 'a')),
       Errc::http_field_too_long},
      {"45 name of 8193", with_line(std::string(8193, 'a') + ": x"), Errc::http_field_too_long},
      {"45 field line of spaces", with_line("X:" + std::string(8192, ' ')),
       Errc::http_field_too_long},
      {"45 section of 16384", with_section(16384), ok},
      {"45 section of 16385", with_section(16385), Errc::http_head_too_long},
      {"45 section of 16386", with_section(16386), Errc::http_head_too_long},
      {"45 section of 16390", with_section(16390), Errc::http_head_too_long},
      {"45 100 fields", with_line(repeat("A: b\r\n", 98) + "A: b"), ok},
      {"45 101 fields", with_line(repeat("A: b\r\n", 99) + "A: b"), Errc::http_too_many_fields},
      {"64 10000 fields of one name", with_line(repeat("A: b\r\n", 9999) + "A: b"),
       Errc::http_too_many_fields},
  };
}

std::vector<Case> target_cases() {
  const Errc ok = Errc::none;
  return {
      {"46 a method in small letters is one", with_start("get / HTTP/1.1"), ok},
      {"46 a method that is no token", with_start("G@T / HTTP/1.1"), Errc::http_method},
      {"46 a method that begins badly", with_start("@ET / HTTP/1.1"), Errc::http_method},
      {"46 a method of 32 bytes", with_start(std::string(32, 'A') + " / HTTP/1.1"), ok},
      {"46 a method of 33 bytes", with_start(std::string(33, 'A') + " / HTTP/1.1"),
       Errc::http_method},
      {"46 a method alone", "GET\r\n\r\n", Errc::http_method},
      {"48 absolute target", "GET http://10.0.0.1/ws HTTP/1.1\r\nHost: x\r\n\r\n", ok},
      {"48 absolute target without path", with_target("http://10.0.0.1"), ok},
      {"48 absolute target with userinfo", with_target("http://u@a/"), Errc::http_target},
      {"48 absolute target without host", with_target("http:///x"), Errc::http_target},
      {"48 absolute target of a foreign scheme", with_target("ftp://a/x"), Errc::http_target},
      {"48 absolute target without slashes", with_target("http:a/x"), Errc::http_target},
      {"48 no scheme at all", with_target("example"), Errc::http_target},
      {"66 CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", ok},
      {"66 CONNECT to IPv6", "CONNECT [::1]:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", ok},
      {"66 CONNECT without port", with_start("CONNECT a HTTP/1.1"), Errc::http_target},
      {"66 CONNECT with a path", with_start("CONNECT /a HTTP/1.1"), Errc::http_target},
      {"66 CONNECT with an escape", with_start("CONNECT a%41:80 HTTP/1.1"), Errc::http_target},
      {"66 TRACE", with_start("TRACE / HTTP/1.1"), ok},
      {"asterisk for OPTIONS", with_start("OPTIONS * HTTP/1.1"), ok},
      {"asterisk for GET", with_start("GET * HTTP/1.1"), Errc::http_target},
      {"asterisk and more", with_start("OPTIONS *x HTTP/1.1"), Errc::http_target},
  };
}

std::vector<Case> version_cases() {
  const Errc ok = Errc::none;
  return {
      {"49 HTTP/1.0", with_start("GET / HTTP/1.0"), ok},
      {"49 HTTP/1.2", with_start("GET / HTTP/1.2"), ok},
      {"49 HTTP/2.0", with_start("GET / HTTP/2.0"), Errc::http_version_unsupported},
      {"49 http/1.1", with_start("GET / http/1.1"), Errc::http_version},
      {"49 HTTP/1.10", with_start("GET / HTTP/1.10"), Errc::http_version},
      {"49 HTTP/0.9", with_start("GET / HTTP/0.9"), Errc::http_version},
      {"49 HTTP/1.x", with_start("GET / HTTP/1.x"), Errc::http_version},
      {"49 HTTP/x.1", with_start("GET / HTTP/x.1"), Errc::http_version},
      {"49 no version", with_start("GET /"), Errc::http_version},
      {"49 a space and no version", with_start("GET / "), Errc::http_version},
      {"49 a space behind the version", with_start("GET / HTTP/1.1 "), Errc::http_version},
      {"50 space in the target", with_target("/a b"), Errc::http_target},
      {"50 two spaces", "GET  / HTTP/1.1\r\n", Errc::http_target},
      {"50 '#' in the target", with_target("/a#b"), Errc::http_target},
      {"50 control byte in the target", with_target("/a\tb"), Errc::http_target},
      {"50 NUL in the target", with_target("/a\0"s), Errc::http_target},
      {"50 byte above ASCII", with_target("/\xc3\xa4"), Errc::http_target},
      {"50 %zz", with_target("/%zz"), Errc::http_target},
      {"50 %4z", with_target("/%4z"), Errc::http_target},
      {"50 a cut escape", with_target("/%4"), Errc::http_target},
      {"50 %00", with_target("/%00"), Errc::http_target},
      {"50 %0a and %40", with_target("/%0a%40%A0"), ok},
      {"50 what browsers send", with_target("/?a={b|c}^`[d]\"<>\\"), ok},
      {"63 an underscore is part of another name", with_line("Sec_WebSocket_Key: x"), ok},
  };
}

}  // namespace

TEST_CASE("every request of the catalogue gets its verdict, however it is cut") {
  for (const auto& cases : {preface_cases(), line_end_cases(), field_cases(), host_cases(),
                            limit_cases(), target_cases(), version_cases()}) {
    for (const Case& c : cases) {
      CAPTURE(c.name);
      check_feeding<RequestParser>(c.text, c.error);
    }
  }
}

TEST_CASE("a bad byte is refused when it comes, not when the head is complete") {
  // Each text fails with its last byte, and not before.
  const std::vector<std::string> texts = {"\x16\x03",
                                          "\n",
                                          " ",
                                          "\rx",
                                          "\r\n\r",
                                          "G@",
                                          "PROXY ",
                                          "GET 1",
                                          "GET /\x7f",
                                          "GET /%z",
                                          "GET /%00",
                                          "GET /\r",
                                          "GET / h",
                                          "GET / HTTP/2",
                                          "GET / HTTP/0",
                                          "GET / HTTP/1.10",
                                          "GET *x ",
                                          "GET * HTTP/1.1\r",
                                          "GET http://u@a/ ",
                                          "GET / HTTP/1.1\r\n ",
                                          "GET / HTTP/1.1\r\nA ",
                                          "GET / HTTP/1.1\r\nA:\x01",
                                          "GET / HTTP/1.1\r\nA: b\n",
                                          "GET / HTTP/1.1\r\nHost: a,b\r\n",
                                          "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
                                          "GET / HTTP/1.1\r\nA: b\r\n\r\n",
                                          std::string(33, 'A'),
                                          "GET /" + std::string(8192 - 4, 'a'),
                                          "GET / HTTP/1.1\r\n" + std::string(8193, 'a'),
                                          "GET / HTTP/1.1\r\n" + repeat("A: b\r\n", 100) + "A"};
  for (const std::string& text : texts) {
    CAPTURE(text);
    RequestParser parser;
    CHECK(parser.parse(as_bytes(std::string_view(text).substr(0, text.size() - 1))).kind ==
          Kind::need_input);
    CHECK(parser.parse(as_bytes(text)).kind == Kind::failed);
  }
}

TEST_CASE("a head is parsed into views of the current buffer") {
  const std::string text =
      "POST /chat%20room/?a=1&b=? HTTP/1.1\r\nHost: Example.com:81\r\nA:  b c \t\r\na: \r\n\r\n";
  ParsedRequest good(text + "body");
  REQUIRE(good.is_complete());
  CHECK(good.progress.head_bytes == text.size());
  const RequestHead& head = good.head;
  CHECK(head.method == Method::post);
  CHECK(head.method_text == "POST");
  CHECK(head.form == TargetForm::origin);
  CHECK(head.version_minor == 1);
  CHECK(head.target == "/chat%20room/?a=1&b=?");
  CHECK(head.path == "/chat%20room/");
  CHECK(head.query == "a=1&b=?");
  CHECK(head.host.host == "Example.com");
  CHECK(head.host.port == 81);
  CHECK(head.fields.size() == 3);
  CHECK(head.fields.find("A") == "b c");
  CHECK(head.fields.count("a") == 2);
  CHECK(head.fields.count("b") == 0);
  CHECK_FALSE(head.fields.contains("b"));
  CHECK(head.fields[2].value.empty());
}

TEST_CASE("all methods are told apart, in their own case") {
  const std::vector<std::pair<std::string, Method>> methods = {
      {"GET", Method::get},       {"HEAD", Method::head},      {"POST", Method::post},
      {"PUT", Method::put},       {"DELETE", Method::delete_}, {"OPTIONS", Method::options},
      {"PATCH", Method::patch},   {"TRACE", Method::trace},    {"get", Method::other},
      {"PROPFIND", Method::other}};
  for (const auto& [text, method] : methods) {
    ParsedRequest request(text + " / HTTP/1.1\r\nHost: a\r\n\r\n");
    REQUIRE(request.is_complete());
    CHECK(request.head.method == method);
    CHECK(request.head.method_text == text);
  }
}

TEST_CASE("an absolute target overrules Host and is routed by its path (48)") {
  ParsedRequest request("GET HTTP://10.0.0.1:8080/ws?x HTTP/1.1\r\nHost: other\r\n\r\n");
  REQUIRE(request.is_complete());
  CHECK(request.head.form == TargetForm::absolute);
  CHECK(request.head.path == "/ws");
  CHECK(request.head.query == "x");
  CHECK(request.head.host.host == "10.0.0.1");
  CHECK(request.head.host.port == 8080);

  ParsedRequest bare("GET wss://[::1]?x HTTP/1.1\r\nHost: other\r\n\r\n");
  REQUIRE(bare.is_complete());
  CHECK(bare.head.path == "/");
  CHECK(bare.head.query == "x");
  CHECK(bare.head.host.host == "::1");
  CHECK(bare.head.host.is_ipv6);
}

TEST_CASE("authority and asterisk targets have no path") {
  ParsedRequest connect("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
  REQUIRE(connect.is_complete());
  CHECK(connect.head.form == TargetForm::authority);
  CHECK(connect.head.path.empty());
  ParsedRequest options("\r\nOPTIONS * HTTP/1.1\r\nHost: a:80\r\n\r\n");
  REQUIRE(options.is_complete());
  CHECK(options.head.form == TargetForm::asterisk);
  CHECK(options.head.method_text == "OPTIONS");
  CHECK(options.head.path.empty());
}

TEST_CASE("an odd path is passed on as it came (86)") {
  for (const char* path : {"//ws", "/ws/../x", "/%2e%2e/x", "/ws/", "/WS"}) {
    ParsedRequest request(with_target(path));
    REQUIRE(request.is_complete());
    CHECK(request.head.path == path);
  }
}

TEST_CASE("pipelined requests are parsed one after the other") {
  const std::string first = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string both = first + "GET /2 HTTP/1.0\r\n\r\n" + "rest";
  RequestParser parser;
  CHECK_FALSE(parser.started());
  HeadProgress progress = parser.parse(as_bytes(both));
  REQUIRE(progress.kind == Kind::complete);
  CHECK(parser.started());
  CHECK(progress.head_bytes == first.size());
  CHECK(parser.parse(as_bytes(both)).head_bytes == first.size());
  parser.reset();
  CHECK_FALSE(parser.started());
  const Bytes second = as_bytes(both).subspan(first.size());
  progress = parser.parse(second);
  REQUIRE(progress.kind == Kind::complete);
  CHECK(parser.head(second).path == "/2");
  CHECK(parser.head(second).fields.size() == 0);
  CHECK(parser.head(second).host.host.empty());
}

TEST_CASE("a failure is repeated until the parser is reset") {
  RequestParser parser;
  CHECK(parser.parse(as_bytes("\n")).error == Errc::http_line_end);
  CHECK(parser.parse(as_bytes("GET / HTTP/1.0\r\n\r\n")).error == Errc::http_line_end);
  parser.reset();
  CHECK(parser.parse(as_bytes("GET / HTTP/1.0\r\n\r\n")).kind == Kind::complete);
}

TEST_CASE("bytes that were looked at are never looked at again (10)") {
  // The parser gets the head byte by byte while every byte before the newest is overwritten with
  // NUL, which it would refuse. HTTP/1.0 because Host is checked once more when its line is done.
  const std::string text = "GET /" + std::string(3000, 'a') +
                           "%41 HTTP/1.0\r\nLong: " + std::string(3000, 'b') + "\r\n" +
                           repeat("Name: value\r\n", 90) + "\r\n";
  std::string seen(text.size(), '\0');
  RequestParser parser;
  HeadProgress progress;
  for (std::size_t end = 1; end <= text.size(); ++end) {
    REQUIRE(progress.kind == Kind::need_input);
    seen[end - 1] = text[end - 1];
    progress = parser.parse(as_bytes(std::string_view(seen).substr(0, end)));
    seen[end - 1] = '\0';
  }
  CHECK(progress.kind == Kind::complete);
  CHECK(progress.head_bytes == text.size());
}

TEST_CASE("the longest legal head is accepted byte by byte") {
  std::string text = "\r\nGET /" + std::string(8192 - 14, 'a') + " HTTP/1.1\r\n";
  std::string section = "Host: a\r\n" + repeat("A: b\r\n", 98);
  section += "X: " + std::string(8192 - 3, 'x') + "\r\n";
  // One of the small fields takes up what is left of the section.
  section.insert(9 + 3, std::string(16384 - section.size(), 'c'));
  text += section + "\r\n";
  CHECK(text.size() == 2 + 8192 + 2 + 16384 + 2);
  RequestParser parser;
  HeadProgress progress;
  for (std::size_t end = 1; end <= text.size(); ++end) {
    REQUIRE(progress.kind == Kind::need_input);
    progress = parser.parse(as_bytes(std::string_view(text).substr(0, end)));
  }
  CHECK(progress.kind == Kind::complete);
  CHECK(progress.head_bytes == text.size());
  CHECK(parser.head(as_bytes(text)).fields.size() == 100);
  CHECK(parser.head(as_bytes(text)).fields[99].value.size() == 8192 - 3);
}

TEST_CASE("limits are what the caller sets, down to very small ones") {
  const HeadLimits limits{.start_line_bytes_max = 14,
                          .field_line_bytes_max = 7,
                          .fields_bytes_max = 17,
                          .field_count_max = 2};
  const std::vector<Case> cases = {
      {"section of 17", "GET / HTTP/1.1\r\nHost: a\r\nA: bcd\r\n\r\n", Errc::none},
      {"section of 18", "GET / HTTP/1.1\r\nHost: a\r\nA: bcde\r\n\r\n", Errc::http_head_too_long},
      {"line", "GET /a HTTP/1.1\r\n", Errc::http_target_too_long},
      {"field line", "GET / HTTP/1.1\r\nHost: ab\r\n", Errc::http_field_too_long},
      {"count", "GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\n", Errc::http_too_many_fields},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const test::Outcome whole =
        feed(RequestParser(limits), c.text, test::all_at_once(c.text.size()));
    const test::Outcome cut =
        feed(RequestParser(limits), c.text, test::byte_by_byte(c.text.size()));
    CHECK(whole.error == c.error);
    CHECK(whole == cut);
  }
}

TEST_CASE("a larger field_count_max means the fixed limit") {
  RequestParser parser(HeadLimits{.field_count_max = 1000});
  const std::string text = with_line(repeat("A: b\r\n", 200));
  CHECK(parser.parse(as_bytes(text)).error == Errc::http_too_many_fields);
}

TEST_CASE("body fields are seen, a plain zero length is none") {
  const std::vector<std::pair<std::string, bool>> cases = {
      {"A: b", false},
      {"Content-Length: 0", false},
      {"Content-Length: 5", true},
      {"content-length: 00", true},
      {"Content-Length:", true},
      {"Content-Length: 0\r\nContent-Length: 0", true},
      {"transfer-encoding: chunked", true},
      {"Transfer-Encoding: identity\r\nContent-Length: 0", true},
  };
  for (const auto& entry : cases) {
    CAPTURE(entry.first);
    ParsedRequest request(with_line(entry.first));
    REQUIRE(request.is_complete());
    CHECK(request.head.has_body_fields() == entry.second);
  }
}

TEST_CASE("the parser stays small, as it is part of every connection that speaks HTTP") {
  CHECK(sizeof(RequestParser) <= 1024);
}
