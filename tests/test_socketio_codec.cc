// SPDX-License-Identifier: MIT
//
// Packets of Socket.IO, as text and put together (P 237-262 of the catalogue).

#include <doctest/doctest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "ws/socketio/decoder.h"
#include "ws/socketio/encoded_packet.h"

using namespace hilo;
using namespace hilo::socketio;

namespace {

const PacketLimits limits;

// What becomes of a text, and of binaries behind it.
Errc verdict(std::string_view text, const std::vector<std::string>& binaries = {}) {
  Decoder decoder(limits);
  Packet packet;
  bool is_whole = false;
  Errc error = decoder.take_text(text, packet, is_whole);
  for (const std::string& binary : binaries) {
    if (error == Errc::none) error = decoder.take_binary(as_bytes(binary), packet, is_whole);
  }
  return error;
}

// The packet of a text that is one.
struct Decoded {
  explicit Decoded(std::string_view text, const std::vector<std::string>& binaries = {}) {
    bool is_whole = false;
    REQUIRE(decoder.take_text(text, packet, is_whole) == Errc::none);
    for (const std::string& binary : binaries) {
      REQUIRE_FALSE(is_whole);
      REQUIRE(decoder.take_binary(as_bytes(binary), packet, is_whole) == Errc::none);
    }
    REQUIRE(is_whole);
    CHECK_FALSE(decoder.waiting());
  }
  Decoder decoder{limits};
  Packet packet;
};

std::string encoded(const PacketHead& head, Json data,
                    engineio::Revision revision = engineio::Revision::v4) {
  return std::string(EncodedPacket(head, std::move(data)).text(revision));
}

Json bytes(std::string_view text) {
  return Json::binary(std::vector<std::uint8_t>(text.begin(), text.end()));
}

}  // namespace

TEST_CASE("the packets of the protocol's own examples are read") {
  CHECK(Decoded("0").packet.head.type == PacketType::connect);
  CHECK(Decoded("0").packet.head.nsp == "/");
  const Decoded with_auth("0/admin,{\"token\":\"123\"}");
  CHECK(with_auth.packet.head.nsp == "/admin");
  CHECK(with_auth.packet.data == Json{{"token", "123"}});
  CHECK(Decoded("1/admin,").packet.head.type == PacketType::disconnect);
  const Decoded event("2/admin,456[\"project:delete\",123]");
  CHECK(event.packet.head.id == 456);
  CHECK(event.packet.data == Json::array({"project:delete", 123}));
  const Decoded ack("3/admin,456[]");
  CHECK(ack.packet.head.type == PacketType::ack);
  CHECK(ack.packet.data == Json::array());
  CHECK_FALSE(Decoded("2[\"hi\"]").packet.head.id);
  CHECK(Decoded("212[\"hi\"]").packet.head.id == 12);
}

TEST_CASE("and are written") {
  const std::string nsp = "/admin";
  CHECK(encoded({.type = PacketType::connect}, {{"sid", "x"}}) == "40{\"sid\":\"x\"}");
  CHECK(encoded({.type = PacketType::disconnect, .nsp = nsp}, nullptr) == "41/admin,");
  CHECK(encoded({.type = PacketType::event, .nsp = nsp, .id = 7}, Json::array({"a", 1})) ==
        "42/admin,7[\"a\",1]");
  CHECK(encoded({.type = PacketType::ack, .id = id_max}, Json::array()) == "439007199254740991[]");
}

TEST_CASE("bytes leave as attachments, and come back where they were") {
  const Json data =
      Json::array({"file", bytes("\x01\x02"), Json{{"inner", Json::array({bytes("x")})}}});
  const EncodedPacket packet({.type = PacketType::event}, data);
  CHECK(packet.text(engineio::Revision::v4) ==
        "452-[\"file\",{\"_placeholder\":true,\"num\":0},"
        "{\"inner\":[{\"_placeholder\":true,\"num\":1}]}]");
  REQUIRE(packet.attachments().size() == 2);
  const Decoded decoded(packet.text(engineio::Revision::v4).substr(1), {"\x01\x02", "x"});
  CHECK(decoded.packet.head.type == PacketType::event);
  CHECK(decoded.packet.data == data);
  const EncodedPacket ack({.type = PacketType::ack, .id = 3}, Json::array({bytes("")}));
  CHECK(ack.text(engineio::Revision::v4) == "461-3[{\"_placeholder\":true,\"num\":0}]");
  CHECK(Decoded("61-3[{\"_placeholder\":true,\"num\":0}]", {""}).packet.data ==
        Json::array({bytes("")}));
}

TEST_CASE("revision 3 gets ASCII alone, and text that is no UTF-8 is mended") {
  const Json data = Json::array({"é€😀"});
  CHECK(encoded({.type = PacketType::event}, data) == "42[\"é€😀\"]");
  CHECK(encoded({.type = PacketType::event}, data, engineio::Revision::v3) ==
        "42[\"\\u00e9\\u20ac\\ud83d\\ude00\"]");
  CHECK(encoded({.type = PacketType::event}, Json::array({"\xff"})) == "42[\"\uFFFD\"]");
}

TEST_CASE("types and payloads that are none (237, 238, 239, 245, 248)") {
  for (const char* text : {"", "abc", "7", "9", "4", "4{\"message\":\"x\"}"}) {
    CAPTURE(std::string(text));
    CHECK(verdict(text) == Errc::packet_type);
  }
  CHECK(verdict("2{}") == Errc::packet_payload);
  CHECK(verdict("2") == Errc::packet_payload);
  CHECK(verdict("2[]") == Errc::packet_payload);
  CHECK(verdict("2[1") == Errc::packet_json);
  CHECK(verdict("2abc[\"x\"]") == Errc::packet_json);
  CHECK(verdict("0[]") == Errc::packet_payload);
  CHECK(verdict("0\"x\"") == Errc::packet_payload);
  CHECK(verdict("0{bad") == Errc::packet_json);
  CHECK(verdict("1{}") == Errc::packet_payload);
  CHECK(verdict("3{}") == Errc::packet_payload);
  CHECK(verdict("3") == Errc::packet_payload);
}

TEST_CASE("names of events (240, 241, 261)") {
  CHECK(verdict("2[{\"toString\":1}]") == Errc::event_name);
  CHECK(verdict("2[null]") == Errc::event_name);
  CHECK(verdict("2[[\"x\"]]") == Errc::event_name);
  for (const char* name : {"connect", "connect_error", "disconnect", "disconnecting", "newListener",
                           "removeListener"}) {
    CHECK(verdict("2[\"" + std::string(name) + "\"]") == Errc::event_name);
  }
  CHECK(verdict("2[\"error\"]") == Errc::none);
  CHECK(verdict("2[\"connection\"]") == Errc::none);
  CHECK(verdict("2[1]") == Errc::none);
  CHECK(verdict("2[\"" + std::string(256, 'e') + "\"]") == Errc::none);
  CHECK(verdict("2[\"" + std::string(257, 'e') + "\"]") == Errc::event_name);
  CHECK(verdict("2[\"" + std::string(10'240, 'e') + "\"]") == Errc::event_name);
  std::string many = "2[\"x\"";
  for (int i = 0; i < 100'000; ++i) many += ",1";
  CHECK(Decoded(many + "]").packet.data.size() == 100'001);
}

TEST_CASE("a refusal is an object or a text, in protocol 4 anything, and never a client's") {
  const auto read = [](Side side, std::string_view text) {
    Decoder decoder(limits, side);
    Packet packet;
    bool is_whole = false;
    return decoder.take_text(text, packet, is_whole);
  };
  CHECK(read(Side::client, "4{\"message\":\"no\"}") == Errc::none);
  CHECK(read(Side::client, "4\"no\"") == Errc::none);
  CHECK(read(Side::client, "4[\"no\"]") == Errc::packet_payload);
  CHECK(read(Side::client_v3, "4[\"no\"]") == Errc::none);
  CHECK(read(Side::server, "4{\"message\":\"no\"}") == Errc::packet_type);
}

TEST_CASE("namespaces (244, 246, 262)") {
  CHECK(Decoded("0/chat").packet.head.nsp == "/chat");
  CHECK(Decoded("0/chat,").packet.head.nsp == "/chat");
  const Decoded with_query("0/nsp?token=x,");
  CHECK(with_query.packet.head.nsp == "/nsp");
  CHECK(with_query.packet.head.query == "token=x");
  CHECK(verdict("0/" + std::string(255, 'n') + ",") == Errc::none);
  CHECK(verdict("0/" + std::string(256, 'n') + ",") == Errc::packet_namespace);
  CHECK(verdict("0/n?" + std::string(300, 'q') + ",") == Errc::packet_namespace);
  CHECK(verdict("0/a\nb,") == Errc::packet_namespace);
  CHECK(verdict("0/a\x7f,") == Errc::packet_namespace);
}

TEST_CASE("numbers of acknowledgements (249)") {
  CHECK(Decoded("29007199254740991[\"x\"]").packet.head.id == id_max);
  CHECK(verdict("29007199254740992[\"x\"]") == Errc::packet_id);
  CHECK(verdict("2" + std::string(30, '9') + "[\"x\"]") == Errc::packet_id);
  CHECK(verdict("2-1[\"x\"]") == Errc::packet_json);
  CHECK(verdict("21.5[\"x\"]") == Errc::packet_json);
}

TEST_CASE("JSON is strict, and no deeper than 64 (251)") {
  const auto nested = [](std::size_t depth) {
    return "2[\"x\"," + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "]";
  };
  CHECK(verdict(nested(64)) == Errc::none);
  CHECK(verdict(nested(65)) == Errc::packet_json);
  CHECK(verdict("2[\"x\",\"" + std::string(100, '[') + "\\\"[\"]") == Errc::none);
  CHECK(Decoded("2[\"x\",{\"a\":1,\"a\":2}]").packet.data[1] == Json{{"a", 2}});
  CHECK(verdict("2[\"x\",\"\\ud800\"]") == Errc::packet_json);
  CHECK(verdict("2[\"x\",1e400]") == Errc::packet_json);
  CHECK(verdict("2[\"x\"]x") == Errc::packet_json);
  CHECK(verdict(std::string("2[\"x\"]\0[", 9)) == Errc::packet_json);
  CHECK(verdict(std::string("2[\"x\"]\0", 8)) == Errc::packet_json);
  CHECK(verdict("2[\"x\",NaN]") == Errc::packet_json);
  CHECK(verdict("2[\"x\",'y']") == Errc::packet_json);
}

TEST_CASE("numbers of attachments (252, 253)") {
  for (const char* text :
       {"5-[\"x\"]", "5x-[\"x\"]", "51", "5 1-[\"x\"]", "51.5-[\"x\"]", "5", "6", "5/a,[\"x\"]"}) {
    CAPTURE(std::string(text));
    CHECK(verdict(text) == Errc::packet_attachments);
  }
  CHECK(verdict("5-1-[\"x\"]") == Errc::packet_attachments);
  CHECK(verdict("510-[\"x\"]") == Errc::none);
  CHECK(verdict("511-[\"x\"]") == Errc::attachments_too_many);
  CHECK(verdict("59999999-[\"x\"]") == Errc::attachments_too_many);
  CHECK(verdict("5" + std::string(40, '9') + "-[\"x\"]") == Errc::attachments_too_many);
}

TEST_CASE("attachments come when they are due, and not otherwise (254, 255, 257)") {
  const std::string placeholder = "{\"_placeholder\":true,\"num\":0}";
  CHECK(verdict("50-[\"a\"]") == Errc::none);
  CHECK(verdict("50-[\"a\"]", {"x"}) == Errc::attachment_unexpected);
  CHECK(verdict("2[\"a\"]", {"x"}) == Errc::attachment_unexpected);
  Decoder decoder(limits);
  Packet packet;
  bool is_whole = false;
  REQUIRE(decoder.take_text("51-[\"a\"," + placeholder + "]", packet, is_whole) == Errc::none);
  CHECK(decoder.waiting());
  CHECK(decoder.take_text("2[\"b\"]", packet, is_whole) == Errc::attachment_missing);
  const std::string half(500'000, 'h');
  const std::string two = "52-[\"a\"," + placeholder + ",{\"_placeholder\":true,\"num\":1}]";
  CHECK(verdict(two, {half, half}) == Errc::none);
  CHECK(verdict(two, {half, half + "x"}) == Errc::attachment_bytes);
}

TEST_CASE("values of hilo's own are what the library's are") {
  const auto written = [](Json::initializer_list_t list) { return value_of(list)->dump(); };
  CHECK(written({}) == "{}");
  CHECK(written({1, "two", nullptr}) == "[1,\"two\",null]");
  CHECK(written({{"a", 1}, {"b", {{"c", Json::array()}}}}) == "{\"a\":1,\"b\":{\"c\":[]}}");
  CHECK(written({{"a", 1}, {"a", 2}}) == Json({{"a", 1}, {"a", 2}}).dump());
  CHECK(written({{"a", 1}, 2}) == "[[\"a\",1],2]");
  CHECK(written({{1, "a"}}) == "[[1,\"a\"]]");
  const Json tree = {{"a", {1, {{"b", nullptr}}}}, {"c", Json::binary({1, 2, 3}, 7)}};
  OwnedJson copied(tree);
  CHECK(*copied == tree);
  OwnedJson moved(std::move(copied));
  CHECK(copied->is_null());  // NOLINT(bugprone-use-after-move): as it says
  CHECK(*moved == tree);
  dispose(*moved);
  CHECK(moved->empty());
  CHECK(*array_of(1, "two", tree) == Json{1, "two", tree});
  CHECK(*object_of("a", tree) == Json{{"a", tree}});
}

TEST_CASE("placeholders (258, 259, 260)") {
  const auto with = [](std::string_view placeholder) {
    return verdict("51-[\"a\"," + std::string(placeholder) + "]", {"x"});
  };
  for (const char* number : {"-1", "1", "1.5", "\"0\"", "\"splice\"", "null"}) {
    CAPTURE(std::string(number));
    CHECK(with("{\"_placeholder\":true,\"num\":" + std::string(number) + "}") == Errc::placeholder);
  }
  CHECK(with("{\"_placeholder\":true}") == Errc::placeholder);
  CHECK(with("{\"_placeholder\":false,\"num\":7}") == Errc::none);
  CHECK(with("1") == Errc::none);
  const std::string zero = "{\"_placeholder\":true,\"num\":0}";
  CHECK(Decoded("51-[\"a\"," + zero + "," + zero + "]", {"x"}).packet.data ==
        Json::array({"a", bytes("x"), bytes("x")}));
  // Repeated for ever it would make much of little.
  std::string bomb = "51-[\"a\"";
  for (int i = 0; i < 30; ++i) bomb += "," + zero;
  CHECK(verdict(bomb + "]", {std::string(100'000, 'b')}) == Errc::attachment_bytes);
  CHECK(Decoded("2[\"a\"," + zero + "]").packet.data[1] ==
        Json{{"_placeholder", true}, {"num", 0}});
  CHECK(Decoded("61-9[" + zero + "]", {"x"}).packet.head.id == 9);
}
