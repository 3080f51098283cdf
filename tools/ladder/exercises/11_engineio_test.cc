// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "net/base/buffer.h"
#include "tools/ladder/exercises/11_engineio.h"
#include "tools/ladder/exercises/shown.h"
#include "ws/engineio/payload.h"

using namespace hilo;
using exercise::split_v3;
using exercise::split_v4;
using List = std::vector<std::string>;

namespace {

// What hilo writes for these.
std::string body_of(engineio::Framing framing, List packets) {
  Pool pool;
  Buffer body{pool};
  for (std::string& packet : packets) {
    const MutableBytes bytes{reinterpret_cast<std::uint8_t*>(packet.data()), packet.size()};
    const auto type = static_cast<engineio::PacketType>(packet[0] - '0');
    REQUIRE(append_packet(framing, {.type = type, .data = bytes.subspan(1)}, body));
  }
  return std::string(as_text(body.readable()));
}

void check_refused(exercise::Packets (*split)(std::string_view),
                   std::initializer_list<std::string_view> bodies) {
  for (const std::string_view body : bodies) {
    CAPTURE(body);
    CHECK(!split(body));
  }
}

}  // namespace

TEST_SUITE_BEGIN("11: take a body of several packets apart, in both revisions");

TEST_CASE("revision 4: a byte of 1e stands between packets") {
  CHECK(split_v4("4hola") == List{"4hola"});
  CHECK(split_v4("4hola\x1e"
                 "2\x1e"
                 "4adios") == List{"4hola", "2", "4adios"});
}

TEST_CASE("revision 4: an empty body and an empty packet are refused") {
  check_refused(split_v4, {"", "\x1e", "4hola\x1e",
                           "\x1e"
                           "4hola",
                           "4hola\x1e\x1e"
                           "4adios"});
}

TEST_CASE("revision 3: the length stands in front of each packet") {
  CHECK(split_v3("5:4hola") == List{"4hola"});
  CHECK(split_v3("5:4hola1:26:4adios") == List{"4hola", "2", "4adios"});
  CHECK(split_v3("11:4[\"a\",\"b:\"]1:3") == List{"4[\"a\",\"b:\"]", "3"});
}

TEST_CASE(
    "revision 3: lengths are counted in UTF-16, which has one unit for an ñ and two for a 😀") {
  CHECK(split_v3("2:4ñ1:2") == List{"4ñ", "2"});
  CHECK(split_v3("2:4€1:2") == List{"4€", "2"});
  CHECK(split_v3("3:4😀1:2") == List{"4😀", "2"});
}

TEST_CASE("revision 3: a length that ends beyond the body, or within a character, is refused") {
  check_refused(split_v3, {"6:4hola", "5:4hola9:2", "2:4😀", "4:4ñ", "1:41:"});
}

TEST_CASE("revision 3: a length that is none is refused") {
  check_refused(split_v3, {"", "5", "hola", ":4hola", "-5:4hola", "5;4hola", " 5:4hola",
                           "0:", "05:4hola", "5x:4hola", "5:4holax"});
}

TEST_CASE("revision 3: a length of twenty digits is not taken for a small one") {
  // 2 to the 32nd, and to the 64th, and 5 more.
  check_refused(split_v3, {"4294967301:4hola", "18446744073709551621:4hola"});
}

TEST_CASE("what hilo puts together is taken apart, two thousand times") {
  constexpr std::string_view pieces[] = {"a", "1:", "ñ", "€", "😀", "{\"x\":1}", "\n"};
  std::mt19937 random{11};
  for (int round = 0; round < 1000; ++round) {
    List packets(1 + random() % 6);
    for (std::string& packet : packets) {
      packet = std::string(1, static_cast<char>('0' + random() % 7));
      for (std::size_t i = random() % 12; i != 0; --i)
        packet += pieces[random() % std::size(pieces)];
    }
    const std::string v4 = body_of(engineio::Framing::v4, packets);
    const std::string v3 = body_of(engineio::Framing::v3_text, packets);
    CAPTURE(v3);
    REQUIRE(split_v4(v4) == packets);
    REQUIRE(split_v3(v3) == packets);
  }
}
