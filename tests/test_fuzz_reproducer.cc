// SPDX-License-Identifier: MIT

#include "tools/fuzz/reproducer.h"

#include <doctest/doctest.h>

#include "tools/fuzz/generator.h"

using namespace hilo::tools::fuzz;

namespace {

const std::vector<Level> levels = {Level::legal, Level::one_fault, Level::noise};

Reproducer reproducer_of(const Case& subject) {
  return {subject, {Class::hang, "no end; right is Close 1002"}, "ws://a.example/echo"};
}

}  // namespace

TEST_CASE("a case that was written is read as it was") {
  for (const Protocol protocol : {Protocol::ws, Protocol::engineio, Protocol::socketio}) {
    Grammar grammar;
    grammar.protocol = protocol;
    grammar.expects_echo = true;
    grammar.revisions = {4, 3};
    for (std::uint64_t number = 0; number != 600; ++number) {
      CAPTURE(number);
      const Reproducer before = reproducer_of(make_case(grammar, levels, 8, number));
      std::size_t line = 0;
      const auto after = read_reproducer(write_reproducer(before), line);
      REQUIRE(after);
      CHECK(*after == before);
    }
  }
}

TEST_CASE("what a finding quotes stays on its line") {
  Reproducer reproducer = reproducer_of(make_case(Grammar{}, levels, 1, 1));
  reproducer.finding.detail = "a\nsend 0 61\n b";
  std::size_t line = 0;
  const auto after = read_reproducer(write_reproducer(reproducer), line);
  REQUIRE(after);
  CHECK(after->subject == reproducer.subject);
}

TEST_CASE("blanks, comments and line ends of other systems are no part of it") {
  const std::string text =
      "hilo fuzz reproducer 1\r\n\r\n# words\r\nlevel noise\r\nsend 1 61ff\r\n pieces 1 1\r\n";
  std::size_t line = 0;
  const auto read = read_reproducer(text, line);
  REQUIRE(read);
  CHECK(read->subject.level == Level::noise);
  REQUIRE(read->subject.steps.size() == 1);
  CHECK(read->subject.steps[0].bytes == "a\xff");
  CHECK(read->subject.steps[0].line == 1);
  CHECK(read->subject.steps[0].pieces == std::vector<std::uint32_t>{1, 1});
}

TEST_CASE("a line that is not understood is named") {
  const std::string head = "hilo fuzz reproducer 1\n";
  struct Row {
    std::string text;
    std::size_t line;
  };
  for (const Row& row : std::vector<Row>{{"", 0},
                                         {"something else\n", 1},
                                         {head, 1},
                                         {head + "level none\nsend 0 61\n", 2},
                                         {head + "send 0 6\n", 2},
                                         {head + "send 0\n", 2},
                                         {head + "send 2 61\n", 2},
                                         {head + "send x 61\n", 2},
                                         {head + "send 0 61\n pieces 1 x\n", 3},
                                         {head + "send 0 61\n reply other 61\n", 3},
                                         {head + "send 0 61\n code 65536\n", 3},
                                         {head + "send 0 61\n code -1\n", 3},
                                         {head + " pieces 1\nsend 0 61\n", 2},
                                         {head + "reset 0 61\n", 2},
                                         {head + "found nothing\nsend 0 61\n", 2},
                                         {head + "seed 99999999999999999999\n", 2}}) {
    CAPTURE(row.text);
    std::size_t line = 0;
    CHECK(!read_reproducer(row.text, line));
    CHECK(line == row.line);
  }
}
