// SPDX-License-Identifier: MIT

#include "tools/fuzz/minimiser.h"

#include <doctest/doctest.h>

#include "tools/fuzz/generator.h"

using namespace hilo::tools::fuzz;

namespace {

Step sending(std::string_view bytes, bool spare = false) {
  Step step;
  step.bytes = bytes;
  step.pieces = {1, 1, 1};
  step.milliseconds = 3;
  step.spare = spare;
  return step;
}

bool holds(const Case& subject, std::string_view bytes) {
  return all_bytes(subject).find(bytes) != Octets::npos;
}

}  // namespace

TEST_CASE("where the bytes alone matter, nothing else is left") {
  Case subject;
  subject.steps = {sending("GET / HTTP/1.1"), sending("some noise and KILL and more of it"),
                   sending("the rest")};
  const Minimised smallest = minimise(subject, Class::liveness_lost, 1000,
                                      [](const Case& each) { return holds(each, "KILL"); });
  REQUIRE(smallest.subject.steps.size() == 2);
  CHECK(smallest.subject.steps[1].kind == Step::Kind::watch);
  CHECK(smallest.subject.steps[0].bytes == "KILL");
  CHECK(smallest.subject.steps[0].pieces.empty());
  CHECK(smallest.subject.steps[0].milliseconds == 0);
  CHECK(smallest.runs < 100);
}

TEST_CASE("a message becomes as short as it can be, and stays a frame") {
  hilo::tools::conform::Frame large = hilo::tools::conform::binary(std::string(1000, 'x'));
  large.key = 0;
  Case subject;
  subject.steps = {sending("GET"), sending(encode(large, true) + encode(large, true))};
  const auto fails = [](const Case& each) {
    return holds(each, "GET") && holds(each, std::string("\x82\x84\0\0\0\0xxxx", 10));
  };
  subject.steps[1].bytes += std::string("\x82\x84\0\0\0\0xxxx", 10);
  const Minimised smallest = minimise(subject, Class::illegal_bytes, 1000, fails);
  CHECK(all_bytes(smallest.subject) == std::string("GET\x82\x84\0\0\0\0xxxx", 13));
  CHECK(smallest.runs < 40);
}

TEST_CASE("nothing is waited for where what came is all that matters") {
  Case subject;
  subject.steps = {sending("a"), sending("b")};
  subject.steps[0].replies = {{Reply::Kind::text, "a"}};
  Step end;
  end.kind = Step::Kind::await_end;
  end.codes = {1000};
  subject.steps.push_back(end);
  const auto fails = [](const Case& each) { return holds(each, "a") && each.steps.size() == 3; };
  const Minimised smallest = minimise(subject, Class::illegal_bytes, 100, fails);
  CHECK(smallest.subject.steps[0].replies.empty());
  CHECK(smallest.subject.steps[2].kind == Step::Kind::watch);
  CHECK(smallest.subject.steps[2].codes.empty());
}

TEST_CASE("where the meaning matters, only what can be spared goes") {
  Case subject;
  subject.steps = {sending("request"), sending("a message", true), sending("wrong"),
                   sending("another", true)};
  const auto fails = [](const Case& each) { return holds(each, "wrong"); };
  const Minimised smallest = minimise(subject, Class::fault_accepted, 1000, fails);
  REQUIRE(smallest.subject.steps.size() == 2);
  CHECK(all_bytes(smallest.subject) == "requestwrong");
  CHECK(smallest.subject.steps[1].pieces.empty());
}

TEST_CASE("pieces stay where the cuts are what it is about") {
  Case subject;
  subject.steps = {sending("abcdef"), sending("uvwxyz")};
  const Minimised smallest = minimise(subject, Class::hang, 1000, [](const Case& each) {
    return each.steps[1].pieces.size() == 3;
  });
  CHECK(smallest.subject.steps[0].pieces.empty());
  CHECK(smallest.subject.steps[1].pieces.size() == 3);
}

TEST_CASE("it asks no more often than it may, and keeps what it has") {
  const Case subject = make_case(Grammar{}, {Level::noise}, 1, 5);
  for (const std::size_t most : {0U, 1U, 7U, 40U}) {
    std::size_t asked = 0;
    const Minimised smallest = minimise(subject, Class::illegal_bytes, most, [&](const Case&) {
      ++asked;
      return false;
    });
    CHECK(asked <= most);
    CHECK(smallest.runs == asked);
    CHECK(smallest.subject == subject);
  }
}
