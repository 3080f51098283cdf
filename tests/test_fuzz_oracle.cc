// SPDX-License-Identifier: MIT

#include "tools/fuzz/oracle.h"

#include <doctest/doctest.h>

#include <utility>

using namespace hilo::tools::fuzz;
using hilo::tools::conform::Event;

namespace {

Event message(std::string_view payload) {
  Event event;
  event.payload = payload;
  return event;
}
Event pong(std::string_view payload) {
  Event event;
  event.kind = Event::Kind::pong;
  event.payload = payload;
  return event;
}
Event bye(std::uint16_t code) {
  Event event;
  event.kind = Event::Kind::close;
  event.code = code;
  return event;
}

Answer with_status(int status, std::string body = {}) {
  Answer answer;
  answer.head.first_line = "HTTP/1.1 " + std::to_string(status) + " x";
  answer.body = std::move(body);
  return answer;
}

Step step_of(Step::Kind kind) {
  Step step;
  step.kind = kind;
  return step;
}

// An upgrade, a step with these replies, and the end with one of these codes.
Case talking(Level level, std::vector<Reply> replies, std::vector<std::uint16_t> codes) {
  Case subject;
  subject.level = level;
  Step answer = step_of(Step::Kind::await_answer);
  answer.statuses = {101};
  Step said = step_of(Step::Kind::send);
  said.replies = std::move(replies);
  Step end = step_of(Step::Kind::await_end);
  end.codes = std::move(codes);
  subject.steps = {answer, said, end};
  return subject;
}

Observation open_with(std::vector<Event> events, End end = End::fin) {
  Observation seen;
  seen.lines[0].upgraded = true;
  seen.lines[0].answers = {with_status(101)};
  seen.lines[0].events = std::move(events);
  seen.lines[0].end = end;
  if (end == End::none) seen.out_of_time = 2;
  return seen;
}

// The class, or nothing.
std::optional<Class> kind(const Case& subject, const Observation& seen) {
  const std::optional<Finding> finding = judge(subject, seen);
  if (!finding) return std::nullopt;
  CHECK(!finding->detail.empty());
  return finding->kind;
}

}  // namespace

TEST_CASE("legal: what is due came, or which class it is that it did not") {
  Case subject =
      talking(Level::legal, {{Reply::Kind::text, "a"}, {Reply::Kind::pong, "p"}}, {1000});
  CHECK(!kind(subject, open_with({message("a"), pong("p"), bye(1000)})));
  CHECK(!kind(subject, open_with({pong("p"), message("a"), bye(1000)})));
  CHECK(kind(subject, open_with({message("b"), pong("p"), bye(1000)})) == Class::legal_refused);
  CHECK(kind(subject, open_with({message("a")}, End::none)) == Class::broken_echo);
  CHECK(kind(subject, open_with({message("a"), pong("p"), bye(1002)})) == Class::wrong_answer);
  CHECK(kind(subject, open_with({message("a"), pong("p")})) == Class::wrong_answer);
  CHECK(kind(subject, open_with({message("a"), pong("p")}, End::none)) == Class::hang);
  CHECK(kind(subject, open_with({message("a"), pong("p"), bye(1000)}, End::none)) == Class::hang);
  subject.exact = true;
  CHECK(kind(subject, open_with({message("a"), message("b"), pong("p"), bye(1000)})) ==
        Class::broken_echo);
}

TEST_CASE("a reset of ours takes nothing back that was waited for before it") {
  Case subject = talking(Level::legal, {{Reply::Kind::text, "a"}}, {});
  subject.steps[2] = step_of(Step::Kind::await_replies);
  subject.steps.push_back(step_of(Step::Kind::reset));
  CHECK(!kind(subject, open_with({message("a")})));
  CHECK(kind(subject, open_with({message("b")})).has_value());
  CHECK(kind(subject, open_with({}, End::none)) == Class::broken_echo);
}

TEST_CASE("of several pongs the last one has to come") {
  const Case subject =
      talking(Level::legal, {{Reply::Kind::pong, "1"}, {Reply::Kind::pong, "2"}}, {1000});
  CHECK(!kind(subject, open_with({pong("2"), bye(1000)})));
  CHECK(kind(subject, open_with({pong("1"), bye(1000)})).has_value());
}

TEST_CASE("a fault: refused rightly, wrongly, not at all") {
  const Case subject = talking(Level::one_fault, {}, {1002, 1007});
  CHECK(!kind(subject, open_with({bye(1002)})));
  CHECK(!kind(subject, open_with({bye(1007)})));
  CHECK(kind(subject, open_with({bye(1000)})) == Class::wrong_answer);
  CHECK(kind(subject, open_with({})) == Class::wrong_answer);
  CHECK(kind(subject, open_with({}, End::reset)) == Class::wrong_answer);
  CHECK(kind(subject, open_with({message("echo")}, End::none)) == Class::hang);
  CHECK(kind(subject, open_with({pong(probe_payload)}, End::none)) == Class::fault_accepted);
  CHECK(kind(subject, open_with({bye(1002)}, End::none)) == Class::hang);
  const Case any = talking(Level::one_fault, {}, {});
  for (const End end : {End::fin, End::reset}) CHECK(!kind(any, open_with({}, end)));
}

TEST_CASE("a request that is wrong: which statuses are right, and whether it may just end") {
  Case subject;
  subject.level = Level::one_fault;
  Step answer = step_of(Step::Kind::await_answer);
  answer.statuses = {400, 426};
  subject.steps = {answer};
  const auto seen = [](std::vector<Answer> answers, End end) {
    Observation all;
    all.lines[0].answers = std::move(answers);
    all.lines[0].end = end;
    return all;
  };
  CHECK(!kind(subject, seen({with_status(400)}, End::none)));
  Answer bare = with_status(426);
  CHECK(kind(subject, seen({bare}, End::none)) == Class::illegal_bytes);
  bare.head.fields = {{"Upgrade", "websocket"}};
  CHECK(!kind(subject, seen({bare}, End::none)));
  CHECK(kind(subject, seen({with_status(500)}, End::fin)) == Class::wrong_answer);
  CHECK(kind(subject, seen({with_status(101)}, End::none)) == Class::fault_accepted);
  CHECK(kind(subject, seen({}, End::fin)) == Class::wrong_answer);
  CHECK(kind(subject, seen({}, End::none)) == Class::hang);
  subject.steps[0].or_end = true;
  CHECK(!kind(subject, seen({}, End::fin)));
  subject.steps[0].statuses = {};  // anything but an upgrade
  CHECK(!kind(subject, seen({with_status(404)}, End::none)));
  CHECK(kind(subject, seen({with_status(101)}, End::none)) == Class::fault_accepted);
  subject.level = Level::legal;
  subject.steps[0].statuses = {200};
  subject.steps[0].begins = "0{";
  CHECK(!kind(subject, seen({with_status(200, "0{}")}, End::none)));
  CHECK(kind(subject, seen({with_status(200, "1{}")}, End::none)) == Class::broken_echo);
  CHECK(kind(subject, seen({with_status(400)}, End::none)) == Class::legal_refused);
}

TEST_CASE("what a server breaks itself is found in every case") {
  for (const Level level : {Level::legal, Level::one_fault, Level::noise}) {
    const Case subject = talking(level, {}, {});
    Event violation;
    violation.kind = Event::Kind::violation;
    violation.payload = "a reserved bit is set (§5.2)";
    CHECK(kind(subject, open_with({violation})) == Class::illegal_bytes);
    Observation seen = open_with({});
    seen.lines[0].end_in_frame = true;
    CHECK(kind(subject, seen) == Class::illegal_bytes);
  }
  Observation seen = open_with({});
  seen.lines[0].head_wrong = "Sec-WebSocket-Accept does not answer the key (§4.2.2)";
  CHECK(kind(talking(Level::legal, {}, {}), seen) == Class::illegal_bytes);
}

TEST_CASE("noise: only that it ends when we do") {
  const Case subject = talking(Level::noise, {}, {});
  CHECK(!kind(subject, open_with({bye(1002)})));
  CHECK(!kind(subject, open_with({}, End::reset)));
  CHECK(kind(subject, open_with({}, End::none)) == Class::hang);
}

TEST_CASE("who refuses connections has died, who does not answer a clean one is not alive") {
  const Case clean = talking(Level::legal, {{Reply::Kind::pong, "alive?"}}, {});
  Observation gone;
  gone.trouble = "cannot connect";
  gone.refused = true;
  CHECK(judge_liveness(clean, gone)->kind == Class::server_died);
  gone.refused = false;
  CHECK(judge_liveness(clean, gone)->kind == Class::liveness_lost);
  CHECK(judge_liveness(clean, open_with({}, End::none))->kind == Class::liveness_lost);
  CHECK(!judge_liveness(clean, open_with({pong("alive?")})));
}

TEST_CASE("what a server lacks is no finding") {
  Case subject = talking(Level::legal, {{Reply::Kind::text, "a"}}, {1000});
  subject.needs_deflate = true;
  Observation seen = open_with({}, End::none);
  seen.not_applicable = true;
  CHECK(!kind(subject, seen));
}

TEST_CASE("classes are found by their names") {
  for (std::size_t i = 0; i != class_count; ++i) {
    const auto each = static_cast<Class>(i);
    CHECK(find_class(to_string(each)) == each);
    CHECK(!meaning(each).empty());
  }
  CHECK(!find_class("none"));
}
