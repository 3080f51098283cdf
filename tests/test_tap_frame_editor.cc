// SPDX-License-Identifier: MIT

#include "tools/tap/frame_editor.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tools/explain/frame_builder.h"
#include "ws/trace/dialogue.h"

using namespace hilo;
using namespace hilo::tools;
using namespace hilo::tools::tap;
using trace::Direction;

namespace {

using Content = std::vector<std::uint8_t>;

constexpr ws::MaskKey key = {0x37, 0xfa, 0x21, 0x3d};

// As that side sends it.
Content frame(Direction direction, ws::Opcode opcode, std::string_view payload, bool final = true) {
  const Bytes bytes = as_bytes(payload);
  return explain::build_frame(opcode, final, Content(bytes.begin(), bytes.end()),
                              direction == Direction::to_server ? &key : nullptr);
}

Content operator+(Content a, const Content& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct Note {
  std::string name;
  std::string value;
};

// One direction of a connection, and what its receiver makes of what comes.
struct Way {
  explicit Way(Direction of, Changes what = {})
      : direction(of),
        changes(std::move(what)),
        editor(of, changes, wishes, standings,
               {.on_bytes =
                    [this](Bytes bytes) {
                      out.insert(out.end(), bytes.begin(), bytes.end());
                      ++pieces;
                      receiver.feed(direction, bytes);
                    },
                .on_note =
                    [this](const trace::Part& part) {
                      notes.push_back({std::string(part.name), part.value});
                    }}) {
    editor.begin();
  }

  void say(Content bytes, std::size_t piece = SIZE_MAX) {
    MutableBytes left(bytes);
    while (!left.empty()) {
      const MutableBytes part = left.first(std::min(piece, left.size()));
      editor.pass(part);
      left = left.subspan(part.size());
    }
  }
  std::string predicted(std::string_view whom) const {
    for (const Note& note : notes) {
      if (note.name == "predicted for the " + std::string(whom)) return note.value;
    }
    return "no forecast";
  }

  Direction direction;
  Changes changes;
  Wishes wishes;
  Standings standings;
  Content out;
  std::size_t pieces = 0;  // that went on
  std::vector<Note> notes;
  std::string fault;  // the first that the receiver sees
  std::vector<std::string> messages;
  trace::Dialogue receiver{{.upgraded = true}, [this](const trace::Part& part) {
                             if (part.fault && fault.empty()) fault = part.fault.label;
                             if (part.layer == trace::Layer::message)
                               messages.push_back(part.value);
                           }};
  FrameEditor editor;
};

Changes dropping(std::string_view what) {
  Changes changes;
  changes.drops.push_back(*parse_drop(what));
  return changes;
}

Changes injecting(std::string_view what) {
  Changes changes;
  std::string why;
  changes.injections.push_back(*parse_injection(what, why));
  return changes;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

constexpr auto text = ws::Opcode::text;
constexpr auto more = ws::Opcode::continuation;

}  // namespace

TEST_CASE("what is not to be changed goes on as it came, in pieces of any size") {
  for (const Direction direction : {Direction::to_server, Direction::to_client}) {
    const Content all = frame(direction, text, "hola") +
                        frame(direction, text, std::string(300, 'a')) +
                        frame(direction, ws::Opcode::ping, "") +
                        frame(direction, ws::Opcode::binary, std::string(70'000, 'b'));
    for (const std::size_t piece : {1u, 2u, 3u, 7u, 100'000u}) {
      Way way(direction, dropping(direction == Direction::to_server ? "server:1" : "client:1"));
      way.say(all, piece);
      CHECK(way.out == all);
      CHECK(way.pieces == (all.size() + piece - 1) / piece);
      CHECK(way.notes.empty());
    }
  }
}

TEST_CASE("the frame of that number is dropped whole, and so are all of that kind") {
  for (const Direction direction : {Direction::to_server, Direction::to_client}) {
    const std::string side(sender_of(direction));
    const Content one = frame(direction, text, "one");
    const Content two = frame(direction, text, std::string(200, '2'));
    const Content pong = frame(direction, ws::Opcode::pong, "p");
    for (const std::size_t piece : {1u, 2u, 5u, 1000u}) {
      Way second(direction, dropping(side + ":2"));
      second.say(one + two + pong + pong, piece);
      CHECK(second.out == one + pong + pong);
      REQUIRE(second.notes.size() == 3);
      CHECK(has(second.notes[0].value, "frame 2 of the " + side + ": text, 200 bytes  \"2222"));
      CHECK(second.notes[0].value.ends_with(" ..."));
      Way pongs(direction, dropping(side + ":pong"));
      pongs.say(pong + one + pong + two, piece);
      CHECK(pongs.out == one + two);
      CHECK(pongs.notes.size() == 6);
    }
  }
}

// The forecast against what the receiver then sees, when the sender goes on as it may.
TEST_CASE("what is predicted of a dropped frame is what happens") {
  struct Row {
    std::string_view drop;  // of the client
    std::vector<Content> frames;
    std::string_view fault;      // that the receiver sees; empty: none
    std::string_view predicted;  // is in what the receiver is to see
  };
  const Direction way = Direction::to_server;
  const auto piece = [&](ws::Opcode opcode, std::string_view payload, bool final) {
    return frame(way, opcode, payload, final);
  };
  const std::vector<Content> fragments = {piece(text, "one", false), piece(more, "two", false),
                                          piece(more, "three", true), piece(text, "next", true)};
  const auto characters = [&](std::string_view a, std::string_view b, std::string_view c) {
    return std::vector<Content>{piece(text, a, false), piece(more, b, false), piece(more, c, true)};
  };
  const std::vector<Row> rows = {
      {"client:1", {piece(text, "a", true), piece(text, "b", true)}, "", "have no numbers"},
      {"client:1", fragments, "continuation", "the next fragment breaks a rule, continuation: "},
      {"client:2", fragments, "", "a message without this piece"},
      {"client:3", fragments, "continuation", "the next message breaks a rule, continuation: "},
      {"client:2", characters("a", "\xC3\xB1", "z"), "", "a message without this piece"},
      {"client:2", characters("a", "b\xC3", "\xB1z"), "utf8", "half a character"},
      {"client:2", characters("a\xC3", "\xB1z", "b"), "utf8", "half a character"},
      {"client:2", characters("\xC3", "\xB1-\xC3", "\xB1"), "", "if they fit"},
      {"client:2", characters("\xE2", "\x82\xAC-\xC3", "\xB1"), "utf8", "if they fit"},
      {"client:1", {piece(ws::Opcode::ping, "", true), piece(text, "a", true)}, "", "nothing"},
      {"client:pong", {piece(ws::Opcode::pong, "", true)}, "", "close 1011"},
      {"client:close", {piece(ws::Opcode::close, "", true)}, "", "then 1006"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.drop);
    CAPTURE(row.predicted);
    Way whole(way);
    Way cut(way, dropping(row.drop));
    for (const Content& each : row.frames) {
      whole.say(each);
      cut.say(each, 3);
    }
    CHECK(whole.fault.empty());
    CHECK(cut.fault == row.fault);
    CHECK(has(cut.predicted("server"), row.predicted));
    const bool names_fault = has(cut.predicted("server"), std::string(row.fault) + ": ");
    CHECK((row.fault.empty() || names_fault));
    if (cut.fault == "continuation") CHECK(has(cut.predicted("client"), "Close 1002"));
  }
}

TEST_CASE("a fragmented message that is dropped whole is missed by nobody") {
  Way way(Direction::to_client);
  way.changes.drops = {*parse_drop("server:1"), *parse_drop("server:2")};
  way.say(frame(way.direction, text, "one", false) + frame(way.direction, more, "two") +
          frame(way.direction, text, "three"));
  CHECK(way.fault.empty());
  CHECK(way.messages.size() == 1);
  CHECK(has(way.notes[1].value, "the next fragment breaks a rule"));
  CHECK(has(way.notes[4].value, "messages have no numbers"));
}

TEST_CASE("a dropped answer to a Close is told apart from a Close") {
  Way way(Direction::to_client, dropping("server:close"));
  way.standings.of(Direction::to_server).closed = true;
  way.say(frame(way.direction, ws::Opcode::close, "\x03\xE8"));
  CHECK(way.out.empty());
  CHECK(has(way.notes[0].value, "close, 2 bytes  03 e8"));
  CHECK(has(way.predicted("client"), "no answer to its Close"));
  CHECK(has(way.predicted("server"), "is over for it"));
}

TEST_CASE("a compressed message that is dropped may be missed by those behind it") {
  Way way(Direction::to_server, dropping("client:1"));
  way.standings.deflate = ws::DeflateParameters{};
  Content bytes = frame(way.direction, text, "xyz");
  bytes[0] |= 0x40;
  way.say(bytes);
  CHECK(has(way.predicted("server"), "context takeover"));
  Way alone(Direction::to_server, dropping("client:1"));
  alone.standings.deflate = ws::DeflateParameters{.client_no_context_takeover = true};
  alone.say(bytes);
  CHECK(has(alone.predicted("server"), "messages have no numbers"));
}

TEST_CASE("what is injected stands at a frame's boundary, masked afresh towards the server") {
  const Content hola = frame(Direction::to_server, text, "hola");
  for (const std::size_t piece : {1u, 4u, 1000u}) {
    Way first(Direction::to_server, injecting("client:text Hello"));
    first.say(hola, piece);
    CHECK(first.messages == std::vector<std::string>{"5 bytes  \"Hello\"", "4 bytes  \"hola\""});
    CHECK(first.out.size() == 11 + hola.size());
    CHECK(first.notes[0].name == "injected");
    Way behind(Direction::to_server, injecting("client:1:ping who"));
    behind.say(hola + hola, piece);
    const Content out(behind.out.begin() + 10, behind.out.begin() + 12);
    CHECK(out == Content{0x89, 0x83});
    CHECK(behind.fault.empty());
    CHECK(has(behind.predicted("client"), "did not ask for"));
  }
  Way one(Direction::to_server, injecting("client:text Hello"));
  Way other(Direction::to_server, injecting("client:text Hello"));
  CHECK(one.out != other.out);
  Way down(Direction::to_client, injecting("server:text Hello"));
  CHECK(down.out == frame(Direction::to_client, text, "Hello"));
  CHECK(has(down.predicted("client"), "like any other"));
}

TEST_CASE("what is predicted of an injected frame is what happens") {
  struct Row {
    std::string_view inject;  // behind the server's first frame
    std::vector<Content> frames;
    std::string_view fault;
    std::string_view predicted;
  };
  const auto piece = [](ws::Opcode opcode, std::string_view payload, bool final) {
    return frame(Direction::to_client, opcode, payload, final);
  };
  const std::vector<Content> whole = {piece(text, "a", true), piece(text, "b", true)};
  const std::vector<Content> halves = {piece(text, "a", false), piece(more, "b", true)};
  const std::vector<Row> rows = {
      {"server:1:text x", whole, "", "like any other"},
      {"server:1:text x", halves, "continuation", "a broken rule, continuation: "},
      {"server:1:unfinished text x", whole, "continuation", "the beginning of a message"},
      {"server:1:continuation x", whole, "continuation", "a broken rule, continuation: "},
      {"server:1:continuation x", halves, "continuation", "the end of one"},
      {"server:1:unfinished continuation x", halves, "", "a piece of the message"},
      {"server:1:pong", whole, "", "did not ask for"},
      {"server:1:close 1000 bye", whole, "", "a Close, which it answers"},
      {"server:1:close 1005", whole, "close_code", "a broken rule, close_code: "},
      {"server:1:hex 81 80 00 00 00 00", whole, "masked", "a broken rule, masked: "},
      {"server:1:hex 83 00", whole, "opcode", "a broken rule, opcode: "},
      {"server:1:hex 81 02 c3 28", whole, "utf8", "a broken rule, utf8: "},
      {"server:1:hex 89 03", whole, "", "are taken for its rest"},
      {"server:1:hex 89 00 8a 00", whole, "", "a Ping"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.inject);
    Way way(Direction::to_client, injecting(row.inject));
    for (const Content& each : row.frames) way.say(each);
    CHECK(way.fault == row.fault);
    CHECK(has(way.predicted("client"), row.predicted));
  }
}

TEST_CASE("a frame that is broken is told before it goes on, with the rule that it breaks") {
  const Content hola = frame(Direction::to_server, text, "hola");
  for (const auto& [what, label] : std::vector<std::pair<Break, std::string>>{
           {Break::mask, "unmasked"}, {Break::rsv, "rsv"}, {Break::opcode, "opcode"}}) {
    for (const std::size_t piece : {1u, 2u, 100u}) {
      Way way(Direction::to_server);
      way.changes.break_first = what;
      way.say(hola, piece);
      CHECK(way.fault == label);
      CHECK(has(way.predicted("server"), "a broken rule, " + label + ": "));
      CHECK(has(way.predicted("client"), "Close 1002"));
      CHECK(way.out.size() == hola.size());
    }
  }
  Way way(Direction::to_server);
  way.changes.break_first = Break::length;
  way.say(hola + hola);
  CHECK(way.out[1] == 0x85);
  CHECK(has(way.predicted("server"), "another length than there is"));
}

TEST_CASE("a wish is for the next frame that begins, and for one") {
  const Content hola = frame(Direction::to_server, text, "hola");
  Way way(Direction::to_server);
  const Content half(hola.begin(), hola.begin() + 4);
  const Content rest(hola.begin() + 4, hola.end());
  way.say(half);
  way.wishes.drop_next[0] = true;
  way.say(rest + hola + hola);
  CHECK(way.out == hola + hola);
  CHECK(way.notes[0].name == "dropped");
  way.wishes.next_break = Break::rsv;
  way.say(hola + hola);
  CHECK(way.fault == "rsv");
  CHECK(way.out[2 * hola.size()] == 0xA1);
  CHECK(way.out[3 * hola.size()] == 0x81);
}

TEST_CASE("what is injected while a frame passes waits for its end, and no more than a few do") {
  const Content hola = frame(Direction::to_server, text, "hola");
  Way way(Direction::to_server);
  std::string why;
  const Injection ping = *parse_injection("client:ping", why);
  way.say(Content(hola.begin(), hola.begin() + 3));
  for (std::size_t i = 0; i < FrameEditor::waiting_injections_max; ++i)
    CHECK(way.editor.inject(ping));
  CHECK_FALSE(way.editor.inject(ping));
  CHECK(way.out.size() == 3);
  way.say(Content(hola.begin() + 3, hola.end()));
  CHECK(way.out.size() == hola.size() + 6 * FrameEditor::waiting_injections_max);
  CHECK(way.fault.empty());
  CHECK(way.editor.inject(ping));
}

TEST_CASE("drops and injections are read as they are written, and nothing else is") {
  CHECK(parse_drop("client:2")->number == 2);
  CHECK(parse_drop("server:pong")->opcode == ws::Opcode::pong);
  CHECK(parse_drop("server:pong")->direction == Direction::to_client);
  for (const char* text_of : {"", "client", "client:", "client:0", "client:-1", "client:2x", "2",
                              "proxy:2", "client:hex", "client:18446744073709551616"}) {
    CAPTURE(text_of);
    CHECK_FALSE(parse_drop(text_of).has_value());
  }
  std::string why;
  const auto injected = parse_injection("server:3:unfinished binary 00 ff", why);
  REQUIRE(injected.has_value());
  CHECK(injected->behind == 3);
  CHECK_FALSE(injected->final);
  CHECK(injected->bytes == Content{0, 0xFF});
  CHECK(parse_injection("client:text a:b c", why)->bytes.size() == 5);
  for (const char* text_of :
       {"", "text a", "client:", "client:2:", "client:dance", "client:hex", "client:hex 8",
        "client:binary xy", "client:close bye", "proxy:text"}) {
    CAPTURE(text_of);
    why.clear();
    CHECK_FALSE(parse_injection(text_of, why).has_value());
    CHECK_FALSE(why.empty());
  }
}
