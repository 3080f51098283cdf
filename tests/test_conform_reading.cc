// SPDX-License-Identifier: MIT
//
// What the tester reads by, and the reports it writes: small strict code that judges everybody
// else, so it is judged here by literal bytes from the RFCs.

#include "tools/conform/peer_reader.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tools/conform/cases.h"
#include "tools/conform/report.h"

using namespace hilo::tools::conform;

namespace {

// What comes of these bytes of a server: the events' payloads, joined.
std::string read(std::string_view octets, const DeflateTerms& terms = {}) {
  PeerReader reader{false};
  reader.agree(terms);
  std::string out;
  for (const char octet : octets) {
    reader.feed(std::string_view(&octet, 1));
    while (const auto reading = reader.next()) {
      if (!reading->event) continue;
      if (!out.empty()) out += "|";
      out += reading->event->payload;
    }
  }
  return out;
}

bool is_refused(std::string_view octets, const DeflateTerms& terms = {}) {
  return read(octets, terms).find("§") != std::string::npos;
}

CaseResult result_of(const Case& subject, Verdict verdict) {
  CaseResult result;
  result.subject = &subject;
  result.judgement = {{verdict, "a <note> with \"quotes\" & \x01"}, {Verdict::ok, "fine"}};
  result.transcript.log.push_back({.kind = Entry::Kind::received,
                                   .microseconds = 12,
                                   .octets = hex("ff00"),
                                   .size = 2,
                                   .text = "]]> \xff <b>"});
  return result;
}

}  // namespace

TEST_CASE("the frames of RFC 6455 §5.7 are written and read") {
  Frame hello = text("Hello");
  CHECK(encode(hello, false) == hex("810548656c6c6f"));
  CHECK(encode(hello, true) == hex("818537fa213d7f9f4d5158"));
  CHECK(read(hex("810548656c6c6f")) == "Hello");
  CHECK(read(hex("010348656c80026c6f")) == "Hello");
  CHECK(read(hex("8a0548656c6c6f")) == "Hello");
  PeerReader reader{true};
  reader.feed(hex("818537fa213d7f9f4d5158"));
  CHECK(reader.next()->event->payload == "Hello");
}

TEST_CASE("each rule that a server's frames may break is noticed") {
  for (const std::string_view octets :
       {"818537fa213d7f9f4d5158", "c10548656c6c6f", "830161", "8b0161", "8900 090161", "897e007e",
        "817e000161", "817f000000000000000161", "817f8000000000000001", "8001 61", "010161810161",
        "8101ff", "0101e2800141", "880103", "880203ee", "880203ed", "88020fff", "880303e8ff",
        "880203e8810161"}) {
    CAPTURE(octets);
    Octets bytes = hex(octets);
    bytes += Octets(200, 'x');
    CHECK(is_refused(bytes));
  }
  CHECK_FALSE(is_refused(hex("880203e8")));
  CHECK_FALSE(is_refused(hex("8800")));
}

TEST_CASE("compressed messages are inflated by the terms, and by nothing more") {
  const Octets twice = hex("c107f248cdc9c90700 c105f200110000");
  DeflateTerms terms{.agreed = true};
  CHECK(read(twice, terms) == "Hello|Hello");
  terms.server_no_takeover = true;
  CHECK(is_refused(twice, terms));
  CHECK(is_refused(twice));
  // A distance of 700 is more than a window of 2^9.
  const Octets near = noise(700, 1);
  Frame far = with_rsv(binary(deflated(near + near)), 4);
  terms = {.agreed = true, .server_bits = 10};
  CHECK(read(encode(far, false), terms) == near + near);
  terms.server_bits = 9;
  CHECK(is_refused(encode(far, false), terms));
}

TEST_CASE("an answer to an offer of permessage-deflate is held to the offer") {
  const std::string name = "permessage-deflate";
  const auto is_good = [&](const std::string& offer, const std::string& answer) {
    return check_answer(name + offer, name + answer).wrong.empty();
  };
  CHECK(is_good("", ""));
  CHECK(is_good("", "; server_no_context_takeover; client_no_context_takeover"));
  CHECK(is_good("", "; server_max_window_bits=8"));
  CHECK(is_good("; server_max_window_bits=10", "; server_max_window_bits=9"));
  CHECK(is_good("; client_max_window_bits", "; client_max_window_bits=\"9\""));
  CHECK_FALSE(is_good("; server_max_window_bits=10", ""));
  CHECK_FALSE(is_good("; server_max_window_bits=10", "; server_max_window_bits=11"));
  CHECK_FALSE(is_good("", "; client_max_window_bits=15"));
  CHECK_FALSE(is_good("; client_max_window_bits", "; client_max_window_bits"));
  CHECK(is_good("; client_max_window_bits=10", "; client_max_window_bits=10"));
  CHECK_FALSE(is_good("; client_max_window_bits=10", "; client_max_window_bits=11"));
  CHECK_FALSE(is_good("; server_no_context_takeover", ""));
  CHECK_FALSE(is_good("; unknown", ""));
  CHECK_FALSE(is_good("", "; unknown"));
  CHECK_FALSE(is_good("", "; server_max_window_bits=08"));
  CHECK_FALSE(is_good("", ", permessage-deflate"));
  CHECK_FALSE(is_good("", ";"));
  CHECK(is_good("; server_max_window_bits=7, permessage-deflate", ""));
  CHECK_FALSE(check_answer("", name).wrong.empty());
  CHECK(check_answer(name, "").wrong.empty());
}

TEST_CASE("a 101 is held to the key and to the subprotocols") {
  const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
  CHECK(accept_for(key) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  const std::string good =
      "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
      "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
  const auto wrong = [&](const std::string& head) {
    return check_101(*read_head(head + "\r\n"), key, {"chat"});
  };
  CHECK(wrong(good).empty());
  CHECK(wrong(good + "Sec-WebSocket-Protocol: chat\r\n").empty());
  CHECK_FALSE(wrong(good + "Sec-WebSocket-Protocol: other\r\n").empty());
  CHECK_FALSE(wrong(good + "Content-Length: 0\r\n").empty());
  CHECK_FALSE(wrong(good + "Upgrade: websocket\r\n").empty());
  CHECK_FALSE(wrong(good + " folded\r\n").empty());
  CHECK_FALSE(wrong(replaced(good, "s3p", "S3P")).empty());
  CHECK_FALSE(wrong(replaced(good, "HTTP/1.1", "HTTP/1.0")).empty());
}

TEST_CASE("UTF-8 is exactly what RFC 3629 says") {
  for (const std::string_view good :
       {"", "7f", "c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "f0908080", "f48fbfbf"}) {
    CHECK(is_utf8(hex(good)));
  }
  for (const std::string_view bad : {"80", "c0", "c1bf", "c2", "e08080", "e09fbf", "eda080",
                                     "f08fbfbf", "f4908080", "f5808080", "ff", "e282"}) {
    CHECK_FALSE(is_utf8(hex(bad)));
  }
}

TEST_CASE("cases are picked by number, family and pattern") {
  CHECK(is_picked("6.4.2", "6.4.2"));
  CHECK(is_picked("6.4.2", "6.4"));
  CHECK(is_picked("6.4.2", "6"));
  CHECK(is_picked("6.4.2", "6.*.2"));
  CHECK(is_picked("6.4.2", "*"));
  CHECK_FALSE(is_picked("6.4.2", "6.4.20"));
  CHECK_FALSE(is_picked("16.4.2", "6"));
  CHECK_FALSE(is_picked("6.40.2", "6.4"));
}

TEST_CASE("reports count each case once, and survive whatever a peer wrote") {
  Case subject;
  subject.id = "5.1.1";
  subject.title = "a <title> & more";
  subject.section = "RFC 6455 §5.4";
  subject.outcomes = {echoes({echo(hex("ff"))})};
  std::vector<CaseResult> results;
  for (const Verdict verdict : {Verdict::ok, Verdict::informational, Verdict::unimplemented,
                                Verdict::non_strict, Verdict::failed}) {
    results.push_back(result_of(subject, verdict));
  }
  const ReportHead head{.tested = "server \"x\" <y>", .agent = "test", .milliseconds = 5};
  const auto json = nlohmann::json::parse(json_report(head, results));
  CHECK(json["cases"] == 5);
  for (const char* name : {"ok", "informational", "unimplemented", "non_strict", "failed"}) {
    CHECK(json[name] == 1);
  }
  CHECK(json["tested"] == head.tested);
  CHECK(json["results"][4]["behaviour"]["verdict"] == "failed");
  CHECK(json["results"][4]["wire"][0]["hex"] == "ff00");

  const std::string page = html_report(head, results);
  CHECK(page.find("<b>]]>") == std::string::npos);
  CHECK(page.find("<title> &") == std::string::npos);
  CHECK(page.find("a &lt;title&gt; &amp; more") != std::string::npos);
  const std::string junit = junit_report(head, results);
  CHECK(junit.find("tests=\"5\" failures=\"2\" skipped=\"1\"") != std::string::npos);
  CHECK(junit.find('\x01') == std::string::npos);
  CHECK(text_report(head, results, false).find("5 cases: 1 ok, 1 failed") != std::string::npos);
}
