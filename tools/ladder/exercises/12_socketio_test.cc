// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "tools/ladder/exercises/12_socketio.h"
#include "tools/ladder/exercises/shown.h"
#include "ws/socketio/packet.h"

using namespace hilo;
using exercise::PacketHead;
using exercise::read_packet_head;

namespace {

struct Row {
  std::string_view text;
  PacketHead head;
};

void check_rows(std::initializer_list<Row> rows) {
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const std::optional<PacketHead> head = read_packet_head(row.text);
    CHECK(head.has_value());
    if (!head) continue;
    CHECK(head->type == row.head.type);
    CHECK(head->attachments == row.head.attachments);
    CHECK(head->nsp == row.head.nsp);
    CHECK(head->id == row.head.id);
    CHECK(head->json == row.head.json);
  }
}

void check_refused(std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    CAPTURE(text);
    CHECK(!read_packet_head(text));
  }
}

}  // namespace

TEST_SUITE_BEGIN("12: read what stands in front of the JSON");

TEST_CASE("the lesson's event, and the answer to one") {
  check_rows({{"2[\"stats\",{\"numClients\":1}]", {.json = "[\"stats\",{\"numClients\":1}]"}},
              {"27[\"say\"]", {.id = 7, .json = "[\"say\"]"}},
              {"37[\"ok\"]", {.type = '3', .id = 7, .json = "[\"ok\"]"}}});
}

TEST_CASE("a namespace stands between a slash and a comma") {
  check_rows({{"2/chat,[\"a\"]", {.nsp = "/chat", .json = "[\"a\"]"}},
              {"2/chat,7[\"a,b\"]", {.nsp = "/chat", .id = 7, .json = "[\"a,b\"]"}},
              {"0/chat,{\"token\":1}", {.type = '0', .nsp = "/chat", .json = "{\"token\":1}"}}});
}

TEST_CASE("connecting and leaving need no more than a digit, and a namespace no comma at the end") {
  check_rows({{"0", {.type = '0'}},
              {"1", {.type = '1'}},
              {"0/chat", {.type = '0', .nsp = "/chat"}},
              {"1/chat,", {.type = '1', .nsp = "/chat"}}});
}

TEST_CASE("a binary event says how many attachments follow") {
  check_rows({{"51-[\"file\"]", {.type = '5', .attachments = 1, .json = "[\"file\"]"}},
              {"510-/chat,12[1]",
               {.type = '5', .attachments = 10, .nsp = "/chat", .id = 12, .json = "[1]"}},
              {"60-[]", {.type = '6', .json = "[]"}}});
}

TEST_CASE("other packets have none: their digits are an id") {
  check_rows({{"21-[\"a\"]", {.id = 1, .json = "-[\"a\"]"}}});
}

TEST_CASE("without a type, or with one that nobody knows, it is no packet") {
  check_refused({"", "7", "9[\"a\"]", "a", "[\"a\"]", "/chat,"});
}

TEST_CASE("a binary event that does not tell its attachments, or too many, is no packet") {
  check_refused({"5[\"a\"]", "5-[\"a\"]", "51[\"a\"]", "5/chat,1-[\"a\"]", "511-[]",
                 "54294967297-[]", "518446744073709551617-[]"});
}

TEST_CASE("an id is as large as JavaScript can count, and no larger") {
  check_rows({{"29007199254740991[]", {.id = 9'007'199'254'740'991, .json = "[]"}}});
  check_refused({"29007199254740992[]", "218446744073709551617[]"});
}

TEST_CASE("of five thousand texts it says what hilo says") {
  constexpr std::string_view pieces[] = {"2", "5",      "1", "0",       "-",
                                         "/", "/chat,", ",", "[\"a\"]", "7"};
  std::mt19937 random{12};
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::size_t i = random() % 7; i != 0; --i) text += pieces[random() % std::size(pieces)];
    socketio::PacketHead head;
    const bool good = split_packet(text, {.attachments_max = 10}, head) == socketio::Errc::none;
    CAPTURE(text);
    const std::optional<PacketHead> read = read_packet_head(text);
    REQUIRE(read.has_value() == good);
    if (!read) continue;
    REQUIRE(read->type - '0' == static_cast<int>(head.type));
    REQUIRE(read->attachments == head.attachments);
    REQUIRE(read->nsp == head.nsp);
    REQUIRE(read->id == head.id);
    REQUIRE(read->json == head.json);
  }
}
