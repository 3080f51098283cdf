// SPDX-License-Identifier: MIT
//
// Packets as MessagePack. The bytes of the first case were written by npm's notepack.io 2.2.0,
// which is what socket.io-msgpack-parser 3 encodes with.

#include <doctest/doctest.h>

#include <cmath>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/socketio_wire.h"
#include "ws/socketio/decoder.h"
#include "ws/socketio/encoded_packet.h"
#include "ws/socketio/msgpack.h"

using namespace hilo;
using namespace hilo::socketio;
using namespace hilo::test;
using namespace std::literals;

namespace {

std::string from_hex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

Json bytes(std::string_view text) {
  return Json::binary(std::vector<std::uint8_t>(text.begin(), text.end()));
}

struct Read {
  explicit Read(std::string_view bytes, const PacketLimits& limits = {})
      : message(bytes), error(read_msgpack(as_bytes(message), limits, head, has_data, data)) {}
  std::string message;  // which the head points into
  PacketHead head;
  Json data;
  bool has_data = false;
  Errc error;
};

std::string written(const PacketHead& head, Json data) {
  const Json::binary_t bytes = write_msgpack(head, std::move(data));
  return {bytes.begin(), bytes.end()};
}

// A map of type 2 (an event) in "/", whose data is this.
std::string event_of(std::string_view data) {
  return "\x83\xa4type\x02\xa3nsp\xa1/\xa4"
         "data" +
         std::string(data);
}

}  // namespace

TEST_CASE("what npm's parser writes is read") {
  const Read numbers(from_hex(
      "83a47479706502a464617461dc0011a16e007fcc80ccffcd0100ce00010000cf0000000100000000cf001ffffff"
      "fffffffffe0d0dfd080d1ff7fd18000d280000000d3ffffff0000000000a36e7370a12f"));
  REQUIRE(numbers.error == Errc::none);
  CHECK(numbers.head.type == PacketType::event);
  CHECK(numbers.head.nsp == "/");
  CHECK_FALSE(numbers.head.id);
  CHECK(numbers.data.dump() ==
        "[\"n\",0,127,128,255,256,65536,4294967296,9007199254740991,-1,-32,-33,-128,-129,-32768,"
        "-2147483648,-1099511627776]");

  const Read leaves(
      from_hex("84a47479706502a46461746196a166cb3fe0000000000000c3c2c0d40000a36e7370a12fa2696407"));
  REQUIRE(leaves.error == Errc::none);
  CHECK(leaves.head.id == 7);
  CHECK(leaves.data.dump() == "[\"f\",0.5,true,false,null,null]");

  const Read dates(from_hex(
      "83a47479706502a46461746196a164d7000000000000000000d700ffffffffffffffffd7000000018df7"
      "4f83ffd700001eb208c2dc0000d700ffe14df73d240000a36e7370a52f6e657773"));
  REQUIRE(dates.error == Errc::none);
  CHECK(dates.head.nsp == "/news");
  CHECK(dates.data.dump() ==
        "[\"d\",\"1970-01-01T00:00:00.000Z\",\"1969-12-31T23:59:59.999Z\","
        "\"2024-02-29T23:59:59.999Z\",\"+275760-09-13T00:00:00.000Z\","
        "\"-271821-04-20T00:00:00.000Z\"]");

  const Read binaries(
      from_hex("84a47479706503a46461746193c403010203c708000405060708090a0bc701000ca36e7370a12fa269"
               "6403"));
  REQUIRE(binaries.error == Errc::none);
  CHECK(binaries.head.type == PacketType::ack);
  CHECK(binaries.data == Json::array({bytes("\x01\x02\x03"),
                                      bytes("\x04\x05\x06\x07\x08\x09\x0a\x0b"), bytes("\x0c")}));

  // A field that is undefined is not there, and one that we do not know does no harm.
  const Read bare(from_hex("83a47479706500a464617461d40000a36e7370a12f"));
  CHECK(bare.error == Errc::none);
  CHECK_FALSE(bare.has_data);
  const Read auth(from_hex(
      "84a47479706500a46461746181a5746f6b656ea9c3a9e282acf09f9880a36e7370a12fa76f7074696f6e"
      "7381a8636f6d7072657373c3"));
  REQUIRE(auth.error == Errc::none);
  CHECK(auth.has_data);
  CHECK(auth.data == Json{{"token", "é€😀"}});
}

TEST_CASE("what is written is read again, of every length that has a form of its own") {
  for (const std::size_t size : {0U, 1U, 31U, 32U, 255U, 256U, 65'535U, 65'536U}) {
    CAPTURE(size);
    Json list = Json::array();
    Json fields = Json::object();
    for (std::size_t i = 0; i < size; ++i) {
      list.push_back(i);
      fields[std::to_string(i)] = -static_cast<std::int64_t>(i);
    }
    const Json data = {"x", std::string(size, 'x'), bytes(std::string(size, 'b')), list, fields};
    const std::string message = written({.type = PacketType::event, .nsp = "/n", .id = size}, data);
    const Read again(message);
    REQUIRE(again.error == Errc::none);
    CHECK(again.head.nsp == "/n");
    CHECK(again.head.id == size);
    CHECK(again.data == data);
    // Nothing is missing at the end, and nothing may follow.
    CHECK(Read(std::string_view(message).substr(0, message.size() - 1)).error != Errc::none);
    CHECK(Read(message + '\0').error == Errc::packet_msgpack);
  }
  const Json numbers = {"n", 0.1, -1e300, 1.5F, INT64_MIN, UINT64_MAX, true, nullptr};
  CHECK(Read(written({.type = PacketType::event}, numbers)).data == numbers);
}

TEST_CASE("what is no MessagePack, or no packet, is refused by its rule") {
  struct Row {
    std::string message;
    Errc error;
  };
  const std::vector<Row> rows = {
      {"", Errc::packet_msgpack},
      {"\x93\x01\x02\x03", Errc::packet_msgpack},  // no map
      {"\x01", Errc::packet_msgpack},
      {"\x8f\xa4type", Errc::packet_msgpack},  // more than there is room for
      {"\x82\xa4type\x02\xa3nsp\xd8", Errc::packet_msgpack},
      {"\x80", Errc::packet_type},  // nothing in it
      {"\x81\xa4type\x02", Errc::packet_namespace},
      {"\x82\xa4type\x05\xa3nsp\xa1/", Errc::packet_type},  // 6 and 7 are JSON's alone
      {"\x82\xa4type\xff\xa3nsp\xa1/", Errc::packet_type},
      {"\x82\xa4type\xa1"
       "2\xa3nsp\xa1/",
       Errc::packet_type},
      {"\x82\xa4type\x02\xa3nsp\x01", Errc::packet_namespace},
      {"\x82\xa4type\x02\xa3nsp\xa1x", Errc::packet_namespace},
      {"\x82\xa4type\x02\xa3nsp\xa2/\n", Errc::packet_namespace},
      {"\x83\xa4type\x02\xa3nsp\xa1/\xa2id\xff", Errc::packet_id},
      {"\x83\xa4type\x02\xa3nsp\xa1/\xa2id\xcf\x00\x20\x00\x00\x00\x00\x00\x00"s, Errc::packet_id},
      {"\x81\x01\x02", Errc::packet_msgpack},  // a key that is no text
      {"\x81\xc0\x02", Errc::packet_msgpack},
      {"\x81\xd8\x02", Errc::packet_msgpack},
      {"\x81\xdc\x02", Errc::packet_msgpack},
      {"\x81\xa4"
       "typ",
       Errc::packet_msgpack},
      {"\x81\xd9\xa4type", Errc::packet_msgpack},
      {"\x81\xa3nsp", Errc::packet_msgpack},
      {"\x82\xa4type\x02\xa3nsp\xc0", Errc::packet_namespace},
      {"\x82\xa4type\x02\xa3nsp\xd8", Errc::packet_msgpack},
      {"\x82\xa4type\x02\xa3nsp\xdc\x00\x00"s, Errc::packet_namespace},
      {"\x82\xa4type\x02\xa3nsp\xc1", Errc::packet_msgpack},
      {"\x82\xa4type\x02\xa2id\xc1", Errc::packet_msgpack},
      {"\x83\xa4type\xc1\xa3nsp\xa1/", Errc::packet_msgpack},
      {event_of("\xc1"), Errc::packet_msgpack},
      {event_of("\x92\xc1\x01"), Errc::packet_msgpack},
      {event_of("\x82\xa1k\xc1\xa1l\x01"), Errc::packet_msgpack},
      {event_of("\x82\x01\x01\xa1l\x01"), Errc::packet_msgpack},
      {event_of("\x82\xa1k\x01\xa1l"), Errc::packet_msgpack},
      {event_of("\xdc\x00"s), Errc::packet_msgpack},
      {event_of("\xa2\xc3\x28"), Errc::packet_msgpack},  // no UTF-8
      {event_of("\x91\xd9\x05"
                "abc"),
       Errc::packet_msgpack},                                    // shorter than it says
      {event_of("\xdd\xff\xff\xff\xff"), Errc::packet_msgpack},  // room for 4 Gi values
      {event_of("\xdf\xff\xff\xff\xff"), Errc::packet_msgpack},
      {event_of("\xc6\xff\xff\xff\xff"), Errc::packet_msgpack},
      {event_of("\xc9\xff\xff\xff\xff\x00"sv), Errc::packet_msgpack},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(i);
    CHECK(Read(rows[i].message).error == rows[i].error);
  }
}

TEST_CASE("keys, texts and maps are read in every form that they have") {
  for (const std::string_view key : {"\xd9\x04"sv, "\xda\x00\x04"sv, "\xdb\x00\x00\x00\x04"sv}) {
    for (const std::string_view map : {"\x82"sv, "\xde\x00\x02"sv, "\xdf\x00\x00\x00\x02"sv}) {
      const std::string message = std::string(map) + std::string(key) + "type\x02\xa3nsp\xa1/";
      CAPTURE(message);
      const Read read(message);
      CHECK(read.error == Errc::none);
      CHECK(read.head.type == PacketType::event);
    }
  }
  const Read read(
      event_of("\x94\xd9\x01x\xd3\x00\x00\x00\x00\x00\x00\x00\x07\xd3\xff\xff\xff\xff\xff\xff\xff"
               "\xff\xd8\x00"
               "0123456789abcdef"sv));
  CHECK(read.error == Errc::none);
  CHECK(read.data == Json::array({"x", 7, -1, Json::array({0, bytes("0123456789abcdef")})}));
  // The namespace in another form, and an id that is undefined: none.
  const Read bare("\x83\xa4type\x02\xa3nsp\xd9\x01/\xa2id\xd4\x00\x00"s);
  CHECK(bare.error == Errc::none);
  CHECK(bare.head.nsp == "/");
  CHECK_FALSE(bare.head.id);
  // An earlier Date than JavaScript's first.
  CHECK(Read(event_of("\x91\xd7\x00\x80\x00\x00\x00\x00\x00\x00\x00"sv)).data ==
        Json::array({nullptr}));
}

TEST_CASE("depth, and the bytes of all leaves, have their limits") {
  const PacketLimits limits{.json_depth_max = 3, .attachment_bytes_max = 4};
  CHECK(Read(event_of("\x91\x91\x91\x01"), limits).error == Errc::none);
  CHECK(Read(event_of("\x91\x91\x91\x90"), limits).error == Errc::packet_msgpack);
  CHECK(Read(event_of("\x91\x81\xa1k\x91\x80"), limits).error == Errc::packet_msgpack);
  CHECK(Read(event_of(std::string(100'000, '\x91'))).error == Errc::packet_msgpack);
  CHECK(Read(event_of("\x92\xc4\x02xx\xc4\x02xx"), limits).error == Errc::none);
  CHECK(Read(event_of("\x92\xc4\x02xx\xc4\x03xxx"), limits).error == Errc::attachment_bytes);
}

TEST_CASE("extensions that nobody agreed on are lists of their type and their bytes, as for npm") {
  const Read read(
      event_of("\x92\xd5\x05xy\xc7\x03\xfe"
               "abc"));
  REQUIRE(read.error == Errc::none);
  CHECK(read.data == Json::array({Json::array({5, bytes("xy")}), Json::array({-2, bytes("abc")})}));
  // A Date beyond JavaScript's is an invalid one, which is null.
  CHECK(Read(event_of("\x91\xd7\x00\x7f\x00\x00\x00\x00\x00\x00\x00"sv)).data ==
        Json::array({nullptr}));
}

TEST_CASE("a server of MessagePack answers in it, and a text or a bad packet ends the client") {
  const auto packet_of = [](std::string_view message) {
    Read read(message);
    CHECK(read.error == Errc::none);
    return std::pair(read.head.type, std::move(read.data));
  };
  SocketioServer server({.parser = Parser::msgpack});
  server.io.on_connection(
      [](Socket socket) { socket.on("echo", [](Json value, Ack ack) { ack(value); }); });
  SocketioPeer peer(server);
  peer.say_binary(written({.type = PacketType::connect}, nullptr));
  const auto [type, data] = packet_of(peer.hear());
  CHECK(type == PacketType::connect);
  CHECK(data.contains("sid"));
  const Json value = {{"bytes", bytes("abc")}};
  peer.say_binary(written({.type = PacketType::event, .id = 1}, {"echo", value}));
  CHECK(packet_of(peer.hear()) == std::pair(PacketType::ack, Json::array({value})));
  CHECK(server.io.emit("all", bytes("x")) == 1);
  server.turns();
  CHECK(packet_of(peer.hear()) == std::pair(PacketType::event, Json::array({"all", bytes("x")})));

  peer.say("42[\"echo\",1]");
  CHECK(peer.was_closed());
  CHECK(server.io_rejects(Errc::packet_msgpack) == 1);
  SocketioPeer broken(server);
  broken.say_binary(written({.type = PacketType::connect}, nullptr));
  CHECK_FALSE(broken.hear().empty());
  broken.say_binary(event_of("\x93\x01"));
  CHECK(broken.was_closed());
  CHECK(server.io_rejects(Errc::packet_msgpack) == 2);
  REQUIRE(server.io_settles());
}
