// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "tools/ladder/exercises/08_session.h"
#include "tools/ladder/exercises/shown.h"
#include "ws/core/session.h"

using namespace hilo;
using exercise::assemble;
using exercise::Frame;
using exercise::Heard;

namespace {

constexpr bool not_final = false;
constexpr bool final = true;
constexpr std::size_t bytes_max = 1000;
constexpr std::uint8_t continuation = 0;
constexpr std::uint8_t text = 1;
constexpr std::uint8_t binary = 2;
constexpr std::uint8_t ping = 9;
constexpr std::uint8_t pong = 10;

// In words, so that a failure says what was sent.
std::string in_words(const std::vector<Frame>& frames) {
  std::string words;
  for (const Frame& frame : frames) {
    words += "opcode " + std::to_string(frame.opcode) + (frame.final ? " final " : " not final ");
    words += frame.payload.size() < 20 ? exercise::shown(frame.payload)
                                       : std::to_string(frame.payload.size()) + " bytes";
    words += "; ";
  }
  return words;
}

void check(const std::vector<Frame>& frames, const Heard& expected,
           std::size_t message_bytes_max = bytes_max) {
  const std::string sent = in_words(frames);
  CAPTURE(sent);
  const Heard heard = assemble(frames, message_bytes_max);
  CHECK(heard.messages == expected.messages);
  CHECK(heard.close_code == expected.close_code);
}

// The same frames, read by hilo.
Heard heard_by_hilo(const std::vector<Frame>& frames) {
  Pool pool;
  const ws::Session::Shared shared{{.message_bytes_max = bytes_max}, &pool};
  ws::Session server{ws::Role::server, shared};
  const ws::MaskKey key = {};
  Heard result;
  for (const Frame& frame : frames) {
    std::vector<std::uint8_t> wire(ws::frame_header_bytes_max);
    wire.resize(ws::write_header(wire.data(), static_cast<ws::Opcode>(frame.opcode), frame.final,
                                 frame.payload.size(), &key));
    wire.insert(wire.end(), frame.payload.begin(), frame.payload.end());
    MutableBytes input = wire;
    while (const ws::Event event = server.next(input)) {
      using Kind = ws::Event::Kind;
      if (event.kind == Kind::message) result.messages.emplace_back(as_text(event.payload));
      if (event.kind == Kind::failure) result.close_code = static_cast<int>(event.code);
    }
  }
  return result;
}

}  // namespace

TEST_SUITE_BEGIN("8: make messages of fragments, with pings between them");

TEST_CASE("a frame that is final is a message, and an empty one is one, too") {
  check({{final, text, "hola"}, {final, binary, ""}, {final, text, "adios"}},
        {{"hola", "", "adios"}, 0});
}

TEST_CASE("fragments become one message with the last of them") {
  check({{not_final, text, "Hel"}, {not_final, continuation, ""}, {final, continuation, "lo"}},
        {{"Hello"}, 0});
  check({{not_final, text, "Hel"}, {not_final, continuation, "lo"}}, {{}, 0});
}

TEST_CASE("a ping between two fragments is no part of the message, and no message") {
  check({{not_final, text, "Hel"},
         {final, ping, "still there?"},
         {final, continuation, "lo"},
         {final, pong, "yes"}},
        {{"Hello"}, 0});
}

TEST_CASE("a continuation that continues nothing is answered with 1002") {
  check({{final, text, "hola"}, {final, continuation, "?"}, {final, text, "never"}},
        {{"hola"}, 1002});
}

TEST_CASE("a new message before the end of the last one is answered with 1002") {
  check({{not_final, text, "Hel"}, {final, text, "hola"}}, {{}, 1002});
  check({{not_final, binary, "Hel"}, {not_final, binary, "lo"}}, {{}, 1002});
}

TEST_CASE("a control frame is whole and short, or answered with 1002") {
  check({{not_final, ping, "a"}}, {{}, 1002});
  check({{final, ping, std::string(125, 'a')}}, {{}, 0});
  check({{final, ping, std::string(126, 'a')}}, {{}, 1002});
}

TEST_CASE("an opcode that means nothing is answered with 1002") {
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    check({{final, static_cast<std::uint8_t>(opcode), "?"}}, {{}, 1002});
  }
}

TEST_CASE("a message of exactly the limit is delivered, one byte more is answered with 1009") {
  check({{final, text, "12345"}}, {{"12345"}, 0}, 5);
  check({{final, text, "123456"}}, {{}, 1009}, 5);
  check({{not_final, text, "123"}, {final, continuation, "45"}}, {{"12345"}, 0}, 5);
  check({{not_final, text, "123"}, {not_final, continuation, "456"}}, {{}, 1009}, 5);
  // The limit is that of a message, and not of all together.
  check({{final, text, "1234"}, {final, text, "5678"}}, {{"1234", "5678"}, 0}, 5);
}

TEST_CASE("three thousand conversations end for everybody as they end for hilo") {
  constexpr std::uint8_t opcodes[] = {continuation, continuation, continuation, text,
                                      binary,       ping,         pong,         3};
  constexpr std::size_t sizes[] = {0, 1, 125, 126, 400, 1001};
  std::mt19937 random{8};
  for (int round = 0; round < 3000; ++round) {
    std::vector<Frame> frames(1 + random() % 8);
    for (Frame& frame : frames) {
      frame = {random() % 2 != 0, opcodes[random() % std::size(opcodes)],
               std::string(sizes[random() % std::size(sizes)], 'a')};
      if (random() % 2 != 0) frame.payload = "a";
    }
    const Heard expected = heard_by_hilo(frames);
    const Heard heard = assemble(frames, bytes_max);
    const std::string sent = in_words(frames);
    CAPTURE(sent);
    REQUIRE(heard.messages == expected.messages);
    REQUIRE(heard.close_code == expected.close_code);
  }
}
