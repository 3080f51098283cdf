// SPDX-License-Identifier: MIT

#include "tools/conform/judge.h"

#include <doctest/doctest.h>

using namespace hilo::tools::conform;

namespace {

Event message(std::string_view payload) {
  Event event;
  event.payload = payload;
  return event;
}
Event pong_event(std::string_view payload) {
  Event event;
  event.kind = Event::Kind::pong;
  event.payload = payload;
  return event;
}
Event close_event(std::uint16_t code, std::size_t sends = 1) {
  Event event;
  event.kind = Event::Kind::close;
  event.code = code;
  event.sends = sends;
  return event;
}

Case expecting(std::vector<Outcome> outcomes) {
  Case subject;
  subject.id = "1.1.1";
  subject.outcomes = std::move(outcomes);
  return subject;
}

// An open connection with these events, ended by the peer's FIN.
Transcript having(std::vector<Event> events) {
  Transcript transcript;
  transcript.head.emplace();
  transcript.head->first_line = "HTTP/1.1 101 Switching Protocols";
  transcript.upgraded = true;
  transcript.events = std::move(events);
  transcript.end = End::fin;
  transcript.we_closed_first = true;
  return transcript;
}
Transcript failing(std::vector<Event> events) {
  Transcript transcript = having(std::move(events));
  transcript.we_closed_first = false;
  return transcript;
}

Transcript answering(std::string_view head) {
  Transcript transcript;
  transcript.head = read_head(head);
  transcript.end = End::fin;
  return transcript;
}

Judgement of_server(const Case& subject, const Transcript& transcript) {
  return judge(subject, Side::server, transcript);
}

}  // namespace

TEST_CASE("an echo and an answered Close are ok") {
  const Case subject = expecting({echoes({echo("a")})});
  const Judgement judgement = of_server(subject, having({message("a"), close_event(1000)}));
  CHECK(judgement.behaviour.verdict == Verdict::ok);
  CHECK(judgement.closing.verdict == Verdict::ok);
  CHECK(judgement.closing.note == "answered with Close 1000, then FIN");
}

TEST_CASE("a missing, wrong, extra or reordered message is a failure") {
  const Case subject = expecting({echoes({echo("a"), echo("b")})});
  const auto verdict = [&](std::vector<Event> events) {
    events.push_back(close_event(1000));
    return of_server(subject, having(std::move(events))).behaviour.verdict;
  };
  CHECK(verdict({message("a"), message("b")}) == Verdict::ok);
  CHECK(verdict({message("a")}) == Verdict::failed);
  CHECK(verdict({message("a"), message("x")}) == Verdict::failed);
  CHECK(verdict({message("b"), message("a")}) == Verdict::failed);
  CHECK(verdict({message("a"), message("b"), message("b")}) == Verdict::failed);
  Event other = message("b");
  other.opcode = op_binary;
  CHECK(verdict({message("a"), other}) == Verdict::failed);
}

TEST_CASE("of several pings the last one must be answered, in the order they came") {
  const std::vector<Reply> replies = {answer("1"), answer("2"), answer("3")};
  CHECK(replies_match(replies, {pong_event("1"), pong_event("2"), pong_event("3")}));
  CHECK(replies_match(replies, {pong_event("3")}));
  CHECK(replies_match(replies, {pong_event("1"), pong_event("3")}));
  CHECK_FALSE(replies_match(replies, {pong_event("1")}));
  CHECK_FALSE(replies_match(replies, {}));
  CHECK_FALSE(replies_match(replies, {pong_event("3"), pong_event("1")}));
  CHECK_FALSE(replies_match(replies, {pong_event("3"), pong_event("3")}));
  CHECK_FALSE(replies_match({}, {pong_event("")}));
}

TEST_CASE("a pong and a message may overtake each other") {
  const std::vector<Reply> replies = {echo("a"), answer("p")};
  CHECK(replies_match(replies, {message("a"), pong_event("p")}));
  CHECK(replies_match(replies, {pong_event("p"), message("a")}));
}

TEST_CASE("closing is judged apart: code, answer, end") {
  const Case subject = expecting({echoes({})});
  const auto closing = [&](const Transcript& transcript) {
    return of_server(subject, transcript).closing.verdict;
  };
  CHECK(closing(having({close_event(1000)})) == Verdict::ok);
  CHECK(closing(having({close_event(1001)})) == Verdict::non_strict);
  CHECK(closing(having({})) == Verdict::failed);  // FIN without a Close
  Transcript transcript = having({close_event(1000)});
  transcript.end = End::none;
  CHECK(closing(transcript) == Verdict::failed);
  transcript.end = End::reset;
  CHECK(closing(transcript) == Verdict::non_strict);
  transcript = having({close_event(1000)});
  transcript.end_in_frame = true;
  CHECK(closing(transcript) == Verdict::failed);
}

TEST_CASE("a peer that has to fail is judged by its code, and by its having one") {
  Outcome outcome = fails({1002});
  outcome.loose_codes = {1009};
  const Case subject = expecting({outcome});
  CHECK(of_server(subject, failing({close_event(1002)})).overall() == Verdict::ok);
  CHECK(of_server(subject, failing({close_event(1009)})).overall() == Verdict::non_strict);
  CHECK(of_server(subject, failing({close_event(1000)})).overall() == Verdict::failed);
  CHECK(of_server(subject, failing({close_event(1000)})).behaviour.verdict == Verdict::ok);
  CHECK(of_server(subject, failing({})).overall() == Verdict::non_strict);
  // It went on as if nothing were wrong.
  CHECK(of_server(subject, having({close_event(1000)})).behaviour.verdict == Verdict::failed);
  CHECK(of_server(subject, having({message("x"), close_event(1000)})).overall() == Verdict::failed);
}

TEST_CASE("whoever fails only after the rest has come is late") {
  Outcome early = fails({1007});
  early.before_send = 2;
  const Case subject = expecting({early, as(Verdict::non_strict, fails({1007}))});
  CHECK(of_server(subject, failing({close_event(1007, 1)})).overall() == Verdict::ok);
  CHECK(of_server(subject, failing({close_event(1007, 2)})).overall() == Verdict::non_strict);
}

TEST_CASE("a broken rule in what the peer sends outweighs everything") {
  Event violation;
  violation.kind = Event::Kind::violation;
  violation.payload = "a server's frame is masked (§5.1)";
  const Case subject = expecting({echoes({})});
  const Judgement judgement = of_server(subject, having({violation}));
  CHECK(judgement.behaviour.verdict == Verdict::failed);
  CHECK(judgement.behaviour.note == "sent a server's frame is masked (§5.1)");
}

TEST_CASE("a refusal is judged by its status and by what belongs to it") {
  Case subject = expecting({echoes({})});
  subject.opening.accepted = Verdict::failed;
  subject.opening.refused = Verdict::ok;
  subject.opening.statuses = {400, 405, 426};
  const auto verdict = [&](std::string_view head) {
    return of_server(subject, answering(head)).overall();
  };
  CHECK(verdict("HTTP/1.1 400 Bad Request\r\n\r\n") == Verdict::ok);
  CHECK(verdict("HTTP/1.1 500 x\r\n\r\n") == Verdict::non_strict);
  CHECK(verdict("HTTP/1.1 405 x\r\n\r\n") == Verdict::failed);
  CHECK(verdict("HTTP/1.1 405 x\r\nAllow: GET\r\n\r\n") == Verdict::ok);
  CHECK(verdict("HTTP/1.1 426 x\r\nUpgrade: websocket\r\n\r\n") == Verdict::ok);
  CHECK(verdict("nonsense\r\n\r\n") == Verdict::failed);
  CHECK(of_server(subject, Transcript{}).overall() == Verdict::non_strict);  // no answer at all
  CHECK(of_server(subject, having({})).overall() == Verdict::failed);        // 101
  CHECK(of_server(expecting({echoes({})}), Transcript{}).overall() == Verdict::failed);
  subject.opening.refusal_names = "Sec-WebSocket-Version";
  CHECK(verdict("HTTP/1.1 400 x\r\n\r\n") == Verdict::non_strict);
  CHECK(verdict("HTTP/1.1 400 x\r\nSec-WebSocket-Version: 13\r\n\r\n") == Verdict::ok);
}

TEST_CASE("a client has to drop an answer that it may not take") {
  Case subject = expecting({echoes({echo("a")})});
  subject.side = Side::client;
  subject.opening.accepted = Verdict::failed;
  subject.opening.refused = Verdict::ok;
  const auto verdict = [&](const Transcript& transcript) {
    return judge(subject, Side::client, transcript).overall();
  };
  CHECK(verdict(failing({})) == Verdict::ok);
  CHECK(verdict(failing({close_event(1002)})) == Verdict::non_strict);
  CHECK(verdict(having({message("a"), close_event(1000)})) == Verdict::failed);
  Transcript silent = having({});
  silent.end = End::none;
  CHECK(verdict(silent) == Verdict::failed);
}

TEST_CASE("an answer to a client's extensions decides by itself whether it may be taken") {
  Case subject = expecting({echoes({echo("a")})});
  subject.side = Side::client;
  subject.opening.offer = "permessage-deflate; server_max_window_bits=7";
  Transcript taken = having({message("a"), close_event(1000)});
  CHECK(judge(subject, Side::client, taken).overall() == Verdict::ok);
  taken.agreement.wrong = "server_max_window_bits is not 8 to 15";
  CHECK(judge(subject, Side::client, taken).overall() == Verdict::failed);
  Transcript dropped = failing({});
  CHECK(judge(subject, Side::client, dropped).overall() == Verdict::failed);
  dropped.agreement.wrong = taken.agreement.wrong;
  CHECK(judge(subject, Side::client, dropped).overall() == Verdict::ok);
}

TEST_CASE("a client that masks twice with one key is found out") {
  Case subject = expecting({echoes({echo("a"), echo("a")})});
  subject.distinct_keys = true;
  Transcript transcript = having({message("a"), message("a"), close_event(1000)});
  CHECK(judge(subject, Side::client, transcript).overall() == Verdict::failed);
  transcript.events[1].key = 1;
  CHECK(judge(subject, Side::client, transcript).overall() == Verdict::ok);
}

TEST_CASE("what the peer has not is unimplemented; no connection is a failure") {
  const Case subject = expecting({echoes({})});
  Transcript transcript = having({});
  transcript.unmet = "permessage-deflate was declined";
  CHECK(of_server(subject, transcript).overall() == Verdict::unimplemented);
  transcript.trouble = "cannot connect";
  CHECK(of_server(subject, transcript).overall() == Verdict::failed);
}
