// SPDX-License-Identifier: MIT
//
// Faults of Engine.IO, revisions 3 and 4: its requests, its payloads, its packets, its upgrade.

#include "tools/fuzz/faults.h"

namespace hilo::tools::fuzz {
namespace {

// A handshake by polling that is to be refused.
void no_session(Draft& draft, std::string_view method, const std::string& parameters) {
  draft.send(draft.http(method, draft.target(parameters), method == "POST" ? "x" : "",
                        method == "POST" ? "text/plain" : ""));
  draft.await_answer({400, 404, 405});
}

// It ends the session, whatever is said to it: the next request for that is refused.
void bad_payload(Draft& draft, std::string_view body, std::string_view type = "text/plain") {
  draft.open_polling();
  draft.post(body, {200, 400, 413}, type).or_end = true;
  draft.on_line(1);
  draft.post(draft.revision() == 3 ? "1:2" : "3", {400, 403, 404, 429});
}

// Of an open session over a WebSocket. It ends; nothing says with which code.
void bad_packet(Draft& draft, std::string_view text) {
  draft.open();
  draft.send_packet(text);
  draft.refused_with({});
}

std::vector<Fault> request_faults() {
  return {
      {"eio", "197", "a revision of Engine.IO that nobody speaks",
       [](Draft& d) {
         static const std::vector<std::string> values = {"abc", "2", "5", "44", "-4"};
         no_session(d, "GET", "EIO=" + d.random().pick(values) + "&transport=polling");
       },
       Protocol::engineio},
      {"transport", "198", "a transport that is none",
       [](Draft& d) {
         static const std::vector<std::string> values = {"abc", "__proto__", "constructor", ""};
         no_session(d, "GET", "EIO=4&transport=" + d.random().pick(values));
       },
       Protocol::engineio},
      {"plain-websocket", "199", "transport=websocket without an upgrade",
       [](Draft& d) { no_session(d, "GET", "EIO=4&transport=websocket"); }, Protocol::engineio},
      {"post-handshake", "200", "a POST without a session",
       [](Draft& d) { no_session(d, "POST", "EIO=4&transport=polling"); }, Protocol::engineio},
      {"sid", "201", "a session that is not there",
       [](Draft& d) {
         static const std::vector<std::string> values = {"__proto__", "abcdefghijklmnopqrst", "0"};
         const std::string sid =
             d.random().chance(20) ? conform::repeated("a", 4096) : d.random().pick(values);
         no_session(d, "GET", "EIO=4&transport=polling&sid=" + sid);
       },
       Protocol::engineio},
      {"sid-of-websocket", "202", "polling a session that has a WebSocket",
       [](Draft& d) {
         d.open();
         d.on_line(1);
         d.get(d.session_target(), {400});
       },
       Protocol::engineio},
      {"eio-changes", "203", "a request of another revision than its session",
       [](Draft& d) {
         d.open_polling();
         d.get(d.target("EIO=" + std::to_string(7 - d.revision()) + "&transport=polling&sid=$SID"),
               {400});
       },
       Protocol::engineio},
      {"polling-method", "227", "a method that polling has no use for",
       [](Draft& d) {
         d.open_polling();
         static const std::vector<std::string> methods = {"DELETE", "PUT", "PATCH"};
         d.send(d.http(d.random().pick(methods), d.session_target())).names_sid = true;
         d.await_answer({400, 404, 405, 500, 501});
       },
       Protocol::engineio},
      {"two-gets", "212", "two GETs of a session at once",
       [](Draft& d) {
         d.set_revision(d.grammar().revisions.front());
         d.open_polling();
         if (d.revision() == 3 && d.grammar().protocol == Protocol::socketio) {
           d.get(d.session_target(), {200});  // CONNECT waits there
         }
         d.send(d.http("GET", d.session_target())).names_sid = true;
         Step pause;
         pause.kind = Step::Kind::watch;
         pause.milliseconds = 50;
         d.subject().steps.push_back(pause);
         d.on_line(1);
         d.get(d.session_target(), {400});
       },
       Protocol::engineio},
  };
}

std::vector<Fault> payload_faults() {
  return {
      {"payload", "211", "a body that is no payload", [](Draft& d) { bad_payload(d, "abc"); },
       Protocol::engineio},
      {"payload-type", "214", "bytes as a body, which revision 4 has not",
       [](Draft& d) {
         d.set_revision(4);
         bad_payload(d, d.random().octets(20), "application/octet-stream");
       },
       Protocol::engineio},
      {"payload-empty-packet", "218", "an empty packet in a payload",
       [](Draft& d) {
         d.set_revision(4);
         bad_payload(d, d.random().chance(50) ? "3\x1e\x1e"
                                                "3"
                                              : "");
       },
       Protocol::engineio},
      {"payload-base64", "220", "a binary packet that is no base64 (RFC 4648 §3)",
       [](Draft& d) {
         d.set_revision(4);
         static const std::vector<std::string> bodies = {"bA", "bAA=A", "b*AAA", "b====", "b-_AA"};
         bad_payload(d, d.random().pick(bodies));
       },
       Protocol::engineio},
      {"payload-utf8", "222", "text that is not UTF-8",
       [](Draft& d) {
         d.set_revision(4);
         static const std::vector<std::string> bodies = {"4\xC0\x80", "4\xED\xA0\x80", "4\xFF"};
         bad_payload(d, d.random().pick(bodies));
       },
       Protocol::engineio},
      {"payload-length", "223", "lengths that are not those of the packets",
       [](Draft& d) {
         static const std::vector<std::string> bodies3 = {
             "5:4ab", "-1:4", "1e3:4", ":4", "2:4", "99999999999999999999:4"};
         d.set_revision(d.grammar().revisions.back());
         bad_payload(d, d.revision() == 3 ? d.random().pick(bodies3) : "9:4");
       },
       Protocol::engineio},
  };
}

std::vector<Fault> packet_faults() {
  return {
      {"packet-type", "237", "a packet of a type that is none",
       [](Draft& d) {
         static const std::vector<std::string> packets = {"7", "8x", "9", "x", "\x7f", " 4"};
         bad_packet(d, d.random().pick(packets));
       },
       Protocol::engineio},
      {"packet-empty", "218", "an empty message where a packet is due",
       [](Draft& d) { bad_packet(d, ""); }, Protocol::engineio},
      {"heartbeat", "206", "a heartbeat in the wrong direction",
       [](Draft& d) { bad_packet(d, d.revision() == 4 ? "2" : "3"); }, Protocol::engineio},
      {"probe", "230", "an upgrade that does not begin with its probe",
       [](Draft& d) {
         d.open_polling();
         d.on_line(1);
         const std::string to = d.session_target("websocket");
         d.send(d.request({.line = "GET " + to + " HTTP/1.1"})).names_sid = true;
         d.await_answer({101});
         static const std::vector<std::string> packets = {"4hi", "2", "3probe"};
         d.send_packet(d.random().pick(packets));
         d.refused_with({});
       },
       Protocol::engineio},
  };
}

}  // namespace

std::vector<Fault> engineio_faults() {
  std::vector<Fault> all = request_faults();
  for (const auto& more : {payload_faults(), packet_faults()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace hilo::tools::fuzz
