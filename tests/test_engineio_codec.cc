// SPDX-License-Identifier: MIT
//
// What is on the wire: packets, payloads of both revisions, base64, UTF-16 lengths, and the query.

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "net/base/pool.h"
#include "ws/core/utf8.h"
#include "ws/engineio/base64.h"
#include "ws/engineio/handshake.h"
#include "ws/engineio/payload.h"
#include "ws/engineio/query.h"
#include "ws/engineio/queue.h"
#include "ws/engineio/sid.h"
#include "ws/engineio/text_units.h"

using namespace hilo;
using namespace hilo::engineio;

namespace {

MutableBytes bytes_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

std::string base64(std::string_view data) {
  std::string text(base64_size(data.size()), '?');
  encode_base64(as_bytes(data), bytes_of(text).data());
  return text;
}

// "4:hello" for each packet, "b4:..." for a binary one, joined by '|'; or the label of the error.
std::string show(const Packet& packet) {
  const std::string mark = packet.binary ? "b" : "";
  return mark + type_digit(packet.type) + ":" + std::string(as_text(packet.data));
}
std::string read(Framing framing, std::string body, std::uint32_t packets_max = 4096) {
  const std::string before = body;
  const Errc error = check_payload(framing, bytes_of(body), packets_max);
  CHECK(body == before);
  if (error != Errc::none) return std::string(rule(error).label);
  std::string all;
  PayloadReader reader{framing, bytes_of(body)};
  Packet packet;
  while (reader.next(packet)) all += (all.empty() ? "" : "|") + show(packet);
  return all;
}

std::string as_text_packet(Revision revision, std::string message) {
  Packet packet;
  const Errc error = decode_text(revision, bytes_of(message), packet);
  return error == Errc::none ? show(packet) : std::string(rule(error).label);
}
std::string as_binary_packet(Revision revision, std::string message) {
  Packet packet;
  const Errc error = decode_binary(revision, bytes_of(message), packet);
  return error == Errc::none ? show(packet) : std::string(rule(error).label);
}

struct Sent {
  PacketType type;
  bool binary;
  std::string data;
};
std::string write(Framing framing, std::vector<Sent> packets) {
  Pool pool;
  Buffer out{pool};
  for (Sent& each : packets) {
    CHECK(append_packet(framing, {each.type, each.binary, bytes_of(each.data)}, out));
  }
  return std::string(as_text(Bytes{out.readable()}));
}

// v3_binary: kind, the digits of the length as bytes, ff, data.
std::string framed(char kind, std::string_view digits, std::string_view data) {
  std::string text(1, kind);
  for (const char c : digits) text.push_back(static_cast<char>(c - '0'));
  return text.append("\xff").append(data);
}

constexpr auto message = PacketType::message;
constexpr std::string_view four_bytes{"\x01\x02\x03\x04", 4};

}  // namespace

TEST_CASE("base64 is written with padding and read strictly (220)") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xfb\xff\xfe") == "+//+");
  for (const std::string_view text :
       {"A", "AB", "ABC", "ABCDE", "=", "====", "A===", "AB=C", "=ABC", "Zg==Zg==", "Zg= =", "Zm9 ",
        "+-/_", "Zm9v\n", "Zh==", "Zm9=", "Zm9\xff", "Zm9\x80"}) {
    CAPTURE(text);
    std::string copy{text};
    CHECK_FALSE(check_base64(as_bytes(text)));
    CHECK_FALSE(decode_base64(bytes_of(copy)));
    // Not every body is a text.
    const bool is_text = ws::utf8_valid(as_bytes(text));
    CHECK(read(Framing::v4, "b" + std::string(text)) == (is_text ? "eio_base64" : "eio_utf8"));
  }
}

TEST_CASE("what base64 says is what was written, at every length") {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 200; ++size) {
    std::string data(size, '\0');
    for (char& c : data) c = static_cast<char>(random());
    std::string text = base64(data);
    CHECK(check_base64(as_bytes(text)) == size);
    const auto decoded = decode_base64(bytes_of(text));
    REQUIRE(decoded == size);
    CHECK(text.substr(0, size) == data);
  }
}

TEST_CASE("base64url has no padding, at any length (RFC 4648 §5)") {
  for (const auto& [data, text] : {std::pair<std::string_view, std::string_view>{"", ""},
                                   {"\xff", "_w"},
                                   {"\xff\xfe", "__4"},
                                   {"\xfb\xff\xbf", "-_-_"},
                                   {"abcd", "YWJjZA"}}) {
    std::string written(text.size(), '\0');
    encode_base64url(as_bytes(data), written.data());
    CHECK(written == text);
  }
}

TEST_CASE("an open packet is an object with a sid and times above zero, whatever else it has") {
  Handshake handshake;
  const auto read = [&](std::string_view json) { return read_handshake(json, handshake = {}); };
  CHECK(
      read(R"({"sid":"a","pingInterval":25000,"pingTimeout":20000.5,"upgrades":["x","websocket"],)"
           R"("maxPayload":100,"y":null,"z":[true,{"sid":"b","pingTimeout":1}],"w":-1,"v":1.5})"));
  CHECK(handshake.sid == "a");
  CHECK(handshake.ping_interval == net::Duration::seconds(25));
  CHECK(handshake.can_upgrade);
  // What stands deeper in the list of upgrades is none of them, and nothing else is a list of them.
  for (const char* const upgrades :
       {R"("upgrades":[["websocket"],{"a":"websocket"},["x",[1]]])", R"("upgrades":"websocket")",
        R"("upgrades":{"a":["websocket"]})", R"("more":["websocket"])", R"("upgrades":[])"}) {
    CAPTURE(upgrades);
    CHECK(read(R"({"sid":"a","pingInterval":1,"pingTimeout":1,)" + std::string(upgrades) + "}"));
    CHECK_FALSE(handshake.can_upgrade);
  }
  CHECK(read(R"({"sid":"a","pingInterval":1,"pingTimeout":1,"upgrades":[[],"websocket",[],"x"]})"));
  CHECK(handshake.can_upgrade);
  for (const char* const wrong :
       {"", "null", "true", "1", "1.5", "-1", "\"sid\"", "[]", "[{\"sid\":\"a\"}]", "{",
        R"({"sid":"a"})", R"({"sid":"","pingInterval":1,"pingTimeout":1})",
        R"({"sid":"a","pingInterval":0,"pingTimeout":1})",
        R"({"sid":"a","pingInterval":1,"pingTimeout":-1})",
        R"({"sid":"a","pingInterval":1e300,"pingTimeout":1})",
        R"({"sid":1,"pingInterval":1,"pingTimeout":1})",
        R"({"sid":"a","pingInterval":"1","pingTimeout":1})",
        R"({"sid":"a","pingInterval":1,"pingTimeout":null})"}) {
    CAPTURE(wrong);
    CHECK_FALSE(read(wrong));
  }
}

TEST_CASE("lengths are UTF-16 code units, and a prefix ends with a whole character (224)") {
  const std::string mixed = "a\u00bc\u20ac\U0001F600z and then some more ASCII";
  CHECK(utf16_units(as_bytes(mixed)) == mixed.size() - 1 - 2 - 2);
  CHECK(utf16_prefix_bytes(as_bytes(mixed), 0) == 0);
  CHECK(utf16_prefix_bytes(as_bytes(mixed), 1) == 1);
  CHECK(utf16_prefix_bytes(as_bytes(mixed), 2) == 3);
  CHECK(utf16_prefix_bytes(as_bytes(mixed), 3) == 6);
  CHECK_FALSE(utf16_prefix_bytes(as_bytes(mixed), 4));  // in the middle of a pair
  CHECK(utf16_prefix_bytes(as_bytes(mixed), 5) == 10);
  CHECK(utf16_prefix_bytes(as_bytes(mixed), 6) == 11);
  CHECK(utf16_prefix_bytes(as_bytes(mixed), utf16_units(as_bytes(mixed))) == mixed.size());
  CHECK_FALSE(utf16_prefix_bytes(as_bytes(mixed), utf16_units(as_bytes(mixed)) + 1));
  // The loop over words and the one over bytes agree.
  for (std::size_t at = 0; at < 40; ++at) {
    std::string text = std::string(at, 'x') + "\u20ac" + std::string(40 - at, 'y');
    CHECK(utf16_units(as_bytes(text)) == 41);
    CHECK(utf16_prefix_bytes(as_bytes(text), at + 1) == at + 3);
  }
}

TEST_CASE("UTF-8 of UTF-8 is told from UTF-8, and undone") {
  const auto undone = [](std::string text) {
    const auto size = undo_double_utf8(bytes_of(text));
    return size ? text.substr(0, *size) : "not double";
  };
  CHECK(undone("plain") == "plain");
  CHECK(undone("h\u00c3\u00a9llo") == "h\u00e9llo");
  CHECK(undone("\u00e2\u0082\u00ac") == "\u20ac");
  CHECK(undone("\u00f0\u009f\u0098\u0080") == "\U0001F600");
  CHECK(undone("h\u00e9llo") == "not double");
  CHECK(undone("\u20ac") == "not double");
  CHECK(undone("\u00c3") == "not double");
  CHECK(undone("a\xc3") == "not double");  // cut in the middle
  CHECK(undone("a\xc4") == "not double");
}

TEST_CASE("a message of a WebSocket is one packet") {
  CHECK(as_text_packet(Revision::v4, "4hello") == "4:hello");
  CHECK(as_text_packet(Revision::v4, "4") == "4:");
  CHECK(as_text_packet(Revision::v4, "2probe") == "2:probe");
  CHECK(as_text_packet(Revision::v4, "") == "eio_empty");
  for (const char* bad : {"abc", "7", "\x01", " 4"}) {
    CHECK(as_text_packet(Revision::v4, bad) == "eio_type");
    CHECK(as_text_packet(Revision::v3, bad) == "eio_type");
  }
  // Clients without binary frames.
  CHECK(as_text_packet(Revision::v4, "bAQIDBA==") == "b4:" + std::string(four_bytes));
  CHECK(as_text_packet(Revision::v3, "b4AQIDBA==") == "b4:" + std::string(four_bytes));
  CHECK(as_text_packet(Revision::v3, "b2AQIDBA==") == "eio_binary");
  CHECK(as_text_packet(Revision::v3, "b") == "eio_binary");
  CHECK(as_text_packet(Revision::v4, "bAQ=") == "eio_base64");
  CHECK(as_text_packet(Revision::v3, "b4AQ=") == "eio_base64");

  CHECK(as_binary_packet(Revision::v4, std::string(four_bytes)) == "b4:" + std::string(four_bytes));
  CHECK(as_binary_packet(Revision::v4, "") == "b4:");
  CHECK(as_binary_packet(Revision::v3, "\x04xy") == "b4:xy");
  CHECK(as_binary_packet(Revision::v3, "xy") == "eio_binary");
  CHECK(as_binary_packet(Revision::v3, "") == "eio_empty");
}

TEST_CASE("payloads of revision 4 are joined by 0x1e, and binary data is base64 (211, 218-222)") {
  const auto v4 = [](std::string body) { return read(Framing::v4, std::move(body)); };
  CHECK(v4("4hello") == "4:hello");
  CHECK(v4("4test1\x1e"
           "4test2\x1e"
           "4test3") == "4:test1|4:test2|4:test3");
  CHECK(v4("4hello\x1e"
           "bAQIDBA==") == "4:hello|b4:" + std::string(four_bytes));
  CHECK(v4("2\x1e"
           "4\u20ac\x1e"
           "b") == "2:|4:\u20ac|b4:");
  CHECK(v4("abc") == "eio_type");  // 211
  CHECK(v4("4a\x1e\x1e"
           "4b") == "eio_empty");  // 218
  CHECK(v4("") == "eio_empty");    // 218
  CHECK(v4("4a\x1e") == "eio_empty");
  CHECK(v4("\x1e"
           "4a") == "eio_empty");
  CHECK(v4("4a\x1e"
           "7") == "eio_type");
  CHECK(v4("4\xff") == "eio_utf8");          // 222
  CHECK(v4("4\xed\xa0\x80") == "eio_utf8");  // 222
  std::string many = "4";
  for (int i = 1; i < 4096; ++i)
    many +=
        "\x1e"
        "4";
  CHECK(v4(many).size() == 4096 * 3 - 1);
  CHECK(v4(many + "\x1e"
                  "4") == "eio_packets");  // 219
  // 221: what base64 says is never more than what it takes, so the limit of the body holds for it.
  static_assert(base64_size(3'000) >= 3'000);
}

TEST_CASE("text payloads of revision 3 have their lengths in front (223, 224)") {
  const auto v3 = [](std::string body) { return read(Framing::v3_text, std::move(body)); };
  CHECK(v3("6:4hello") == "4:hello");
  CHECK(v3("6:4test16:4test26:4test3") == "4:test1|4:test2|4:test3");
  CHECK(v3("6:4hello10:b4AQIDBA==") == "4:hello|b4:" + std::string(four_bytes));
  CHECK(v3("1:21:3") == "2:|3:");
  CHECK(v3("2:4\u00bc1:2") == "4:\u00bc|2:");          // 224
  CHECK(v3("3:4\U0001F6001:2") == "4:\U0001F600|2:");  // 224
  CHECK(v3("2:4\U0001F6001:2") == "eio_length");       // a pair is cut
  for (const char* bad : {"5:4ab", "-1:4", "1e3:4", "99999999999999999999:", ":4", "2:4", "4", "1",
                          "01:4", "1:41:", "+1:4", " 1:4", "4294967297:4"}) {
    CAPTURE(bad);
    CHECK(v3(bad) == "eio_length");  // 223
  }
  CHECK(v3("0:") == "eio_empty");
  CHECK(v3("") == "eio_empty");
  CHECK(v3("3:abc") == "eio_type");
  CHECK(v3("2:b2") == "eio_binary");
  CHECK(v3("3:b4A") == "eio_base64");
  CHECK(v3("2:4\xff") == "eio_utf8");
  CHECK(read(Framing::v3_text, "1:41:41:4", 2) == "eio_packets");
}

TEST_CASE("many lengths cost no more than the body is long (223)") {
  // Each of these would be looked at to its end if a length were believed.
  std::string body;
  for (int i = 0; i < 4000; ++i) body += "1:4";
  CHECK(read(Framing::v3_text, body).size() == 4000 * 3 - 1);
  CHECK(read(Framing::v3_text, std::string(1'000'000, '9')) == "eio_length");
  CHECK(read(Framing::v3_binary, std::string(1, '\0') + std::string(1'000'000, '\x09')) ==
        "eio_frame");
}

TEST_CASE("binary payloads of revision 3 count bytes in digits that are bytes (225)") {
  const auto v3 = [](std::string body) { return read(Framing::v3_binary, std::move(body)); };
  const std::string four{four_bytes};
  CHECK(v3(framed(0, "6", "4hello")) == "4:hello");
  CHECK(v3(framed(0, "6", "4hello") + framed(1, "5", "\x04" + four)) == "4:hello|b4:" + four);
  CHECK(v3(framed(0, "4", "4\u20ac")) == "4:\u20ac");
  CHECK(v3(framed(0, "10", "b4AQIDBA==")) == "b4:" + four);
  CHECK(v3(framed(2, "1", "4")) == "eio_frame");                    // 225: type 2
  CHECK(v3(framed(0, std::string(311, '1'), "4")) == "eio_frame");  // 225: 311 digits
  CHECK(v3(std::string("\0\x01\x34", 3)) == "eio_frame");           // 225: no 255
  CHECK(v3(framed(0, ":", "4aaaaaaaaa")) == "eio_length");          // 225: a digit above 9
  CHECK(v3(framed(0, "", "4")) == "eio_length");
  CHECK(v3(framed(0, "2", "4")) == "eio_length");
  CHECK(v3(framed(0, "01", "4")) == "eio_length");
  CHECK(v3(framed(0, "0", "")) == "eio_empty");
  CHECK(v3(framed(1, "1", "4")) == "eio_binary");
  CHECK(v3(framed(0, "2", "4\xff")) == "eio_utf8");
  CHECK(v3(std::string(1, '\0')) == "eio_frame");
}

TEST_CASE("payloads are written as the official suites read them") {
  const std::string four{four_bytes};
  const std::vector<Sent> both = {{message, false, "hello"}, {message, true, four}};
  CHECK(write(Framing::v4, both) ==
        "4hello\x1e"
        "bAQIDBA==");
  CHECK(write(Framing::v3_text, both) == "6:4hello10:b4AQIDBA==");
  CHECK(write(Framing::v3_binary, both) ==
        framed(0, "6", "4hello") + framed(1, "5", "\x04" + four));
  CHECK(write(Framing::v4, {{PacketType::noop, false, ""}}) == "6");
  CHECK(write(Framing::v3_text, {{PacketType::close, false, ""}}) == "1:1");
  CHECK(write(Framing::v3_text, {{message, false, "\u00bc\U0001F600"}}) == "4:4\u00bc\U0001F600");
  CHECK(write(Framing::v3_binary, {{message, false, "\u20ac"}}) == framed(0, "4", "4\u20ac"));
}

TEST_CASE("what is written is read back, in every framing") {
  std::mt19937 random(11);
  const std::string alphabet[] = {"a", "\u00bc", "\u20ac", "\U0001F600", "1:", "\n", "\""};
  for (int round = 0; round < 300; ++round) {
    std::vector<Sent> packets;
    std::string expected;
    for (std::size_t count = 1 + random() % 5; count > 0; --count) {
      const bool binary = random() % 3 == 0;
      std::string data;
      for (std::size_t units = random() % 20; units > 0; --units) {
        data += binary ? std::string(1, static_cast<char>(random())) : alphabet[random() % 7];
      }
      expected += (expected.empty() ? "" : "|") + std::string(binary ? "b4:" : "4:") + data;
      packets.push_back({message, binary, data});
    }
    for (const Framing framing : {Framing::v4, Framing::v3_text, Framing::v3_binary}) {
      CHECK(read(framing, write(framing, packets)) == expected);
    }
  }
}

TEST_CASE("a queue gives packets back in order, and owns nothing when it is empty") {
  Pool pool;
  PacketQueue queue{pool};
  CHECK(queue.empty());
  CHECK(queue.push(PacketType::ping, false, {}));
  CHECK(queue.push(message, false, as_bytes("one")));
  CHECK_FALSE(queue.has_binary());
  CHECK(queue.push(message, true, as_bytes("two")));
  CHECK(queue.has_binary());
  CHECK(queue.count() == 3);
  std::string all;
  for (; !queue.empty(); queue.pop()) all += show(queue.front()) + "|";
  CHECK(all == "2:|4:one|b4:two|");
  CHECK(pool.taken_bytes() == 0);
}

TEST_CASE("a sid is 160 random bits and a place, and is compared whole (201)") {
  std::array<std::uint8_t, sid_random_bytes> random{};
  for (std::size_t i = 0; i < random.size(); ++i) random[i] = static_cast<std::uint8_t>(i * 37);
  const SidPlace place{.slot = 0xABCDEF, .loop_index = 7};
  const Sid sid{random, place};
  CHECK(sid.view().size() == sid_chars);
  CHECK(sid.view().find_first_not_of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
        std::string_view::npos);
  REQUIRE(Sid::place(sid.view()));
  CHECK(*Sid::place(sid.view()) == place);
  CHECK(sid.equals(sid.view()));
  for (std::size_t i = 0; i < sid_chars; ++i) {
    std::string other{sid.view()};
    other[i] = other[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(sid.equals(other));
  }
  CHECK_FALSE(Sid::place(""));
  CHECK_FALSE(Sid::place("__proto__"));
  CHECK_FALSE(Sid::place(std::string(4096, 'a')));
  CHECK_FALSE(Sid::place(std::string(31, 'a') + "="));
}

TEST_CASE("the query says which transport, revision and session (197, 198, 210)") {
  Options options;
  const auto query = [&](std::string_view text) { return read_query(text, options); };
  CHECK(query("EIO=4&transport=polling").transport == Transport::polling);
  CHECK(query("EIO=4&transport=websocket").transport == Transport::websocket);
  CHECK(query("EIO=4&transport=polling").revision == Revision::v4);
  for (const char* bad : {"", "transport=", "transport=abc", "transport=__proto__",
                          "Transport=polling", "transport=POLLING"}) {
    CHECK_FALSE(query(bad).transport);  // 198
  }
  for (const char* bad :
       {"", "EIO=", "EIO=abc", "EIO=2", "EIO=5", "EIO=3", "EIO=04", "EIO=4.0", "eio=4"}) {
    CHECK_FALSE(query(bad).revision);  // 197
  }
  options.revision3 = true;
  CHECK(query("EIO=3").revision == Revision::v3);
  CHECK_FALSE(query("EIO=2").revision);
  CHECK_FALSE(query("EIO=4&transport=polling&sid=a&t=1&t=2").is_repeated);
  for (const char* repeated : {"sid=a&sid=b", "sid=a&EIO=4&s%69d=a", "EIO=4&EIO=4",
                               "transport=polling&transport=websocket"}) {
    CHECK(query(repeated).is_repeated);  // 65
  }
  CHECK(query("sid=").sid.empty());
  CHECK(query("b64=1").base64);  // 210
  CHECK(query("b64=true").base64);
  CHECK_FALSE(query("b64=0").base64);
  CHECK_FALSE(query("b64=false").base64);
  CHECK_FALSE(query("b64=").base64);
  CHECK(query("b64=1&b64=0").base64);
  CHECK_FALSE(query("jj=0").j);
  CHECK_FALSE(query("t=b64").base64);
  CHECK_FALSE(query("EIO=3&j=0").j);
  options.jsonp = true;
  CHECK(query("EIO=3&j=0&j=1").j == "0");
  CHECK_FALSE(query("EIO=3&i=0").j);
  CHECK(query("EIO=3&j=0").is_jsonp());
  CHECK(query("EIO=3&j=" + std::string(1000, '7')).j == std::string(20, '7'));
  CHECK_FALSE(query("EIO=4&j=0").is_jsonp());
  options.polling = false;
  CHECK_FALSE(query("EIO=4&transport=polling").transport);
}

TEST_CASE("whoever may not open a session hears why, the transport first (197-200)") {
  const Options options;
  const auto check = [&](std::string_view text, Arrival arrival = {}) {
    return check_opening(read_query(text, options), arrival);
  };
  CHECK(check("EIO=4&transport=polling") == Errc::none);
  CHECK(check("EIO=4&transport=websocket", {.is_websocket = true}) == Errc::none);
  CHECK(check("EIO=4") == Errc::transport_unknown);                                      // 198
  CHECK(check("EIO=4&transport=websocket") == Errc::transport_handshake);                // 199
  CHECK(check("EIO=4&transport=polling", {.is_get = false}) == Errc::method_handshake);  // 200
  CHECK(check("EIO=5&transport=polling") == Errc::version_unsupported);                  // 197
  CHECK(check("transport=polling") == Errc::version_unsupported);                        // 197
  CHECK(check("EIO=4&transport=polling", {.is_websocket = true}) == Errc::transport_handshake);
}

TEST_CASE("every rule has a label of its own and the answer that the protocol gives it") {
  std::set<std::string_view> labels;
  for (std::size_t i = 0; i < errc_count; ++i) {
    const Rule& each = rule(static_cast<Errc>(i));
    CHECK(labels.insert(each.label).second);
    CHECK_FALSE(each.text.empty());
    CHECK(make_error_code(each.error).message() == each.text);
  }
  const auto answer = [](Errc error) {
    return std::to_string(rule(error).status) + " " + std::to_string(rule(error).code) + " " +
           std::string(rule(error).message);
  };
  CHECK(answer(Errc::transport_unknown) == "400 0 Transport unknown");
  CHECK(answer(Errc::sid_unknown) == "400 1 Session ID unknown");
  CHECK(answer(Errc::method_handshake) == "400 2 Bad handshake method");
  CHECK(answer(Errc::transport_mismatch) == "400 3 Bad request");
  CHECK(answer(Errc::refused) == "403 4 Forbidden");
  CHECK(answer(Errc::version_unsupported) == "400 5 Unsupported protocol version");
}
