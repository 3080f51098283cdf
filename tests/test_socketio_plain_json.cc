// SPDX-License-Identifier: MIT
//
// The quick way to read and write JSON, beside the library's (P 251 of the catalogue).

#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "ws/socketio/plain_json.h"
#include "ws/socketio/value_view.h"

using namespace hilo;
using namespace hilo::socketio;

namespace {

// Whether the two are the same down to the kinds of numbers.
bool are_same(const Json& a, const Json& b) {
  if (a.type() != b.type() || a != b) return false;
  if (!a.is_structured()) return true;
  auto other = b.begin();
  for (const Json& each : a) {
    if (!are_same(each, *other++)) return false;
  }
  return true;
}

std::string dumped(const Json& value, bool ascii) {
  return value.dump(-1, ' ', ascii, Json::error_handler_t::replace);
}

// What is read quickly is what the library reads, and is written as it writes it.
bool is_read(std::string_view text) {
  Json quick;
  if (!read_plain_json(text, 64, quick)) return false;
  const Json slow = Json::parse(text, nullptr, false);
  CAPTURE(text);
  REQUIRE_FALSE(slow.is_discarded());
  CHECK(are_same(quick, slow));
  for (const bool ascii : {false, true}) {
    std::string written;
    write_plain_json(quick, ascii, written);
    CHECK(written == dumped(slow, ascii));
  }
  return true;
}

}  // namespace

TEST_CASE("plain JSON is read and written as the library does it") {
  for (const std::string_view text : {
           "[\"echo\",{\"text\":\"hola\",\"n\":7}]",
           "[]",
           "{}",
           " [ 1 , 2 , { \"a\" : [ ] , \"b\" : { } } ]\r\n\t",
           "[true,false,null]",
           "[0,-0,1,-1,999999999999999999,-999999999999999999]",
           "[1000000000000000000,18446744073709551615,18446744073709551616,-9223372036854775808]",
           "[1.5,-0.0,1e3,1E-3,0.1,3.0,123456.789e+2,5e-324]",
           "{\"a\":1,\"b\":2,\"a\":{\"c\":3},\"a\":[]}",
           "\"text of more than one word, so that it is looked at in words\"",
           "[\"h\u00e9llo-\u20ac-\U0001F600\",{\"\u00f1\":\"\u00f1\"}]",
           "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\",{\"\\n\":\"a\\n\"}]",
           "[\"\x7f\"]",
           "7",
       }) {
    CHECK(is_read(text));
  }
}

TEST_CASE(
    "whatever stands at whatever place of a text is read and written as the library does it") {
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(byte);
        static_cast<void>(is_read('"' + text + '"'));
        std::string written;
        write_plain_text(text, (byte & 1) != 0, written);
        REQUIRE(written == dumped(Json(text), (byte & 1) != 0));
      }
    }
  }
}

TEST_CASE("what is no JSON is not read, and neither is what is deeper than asked for") {
  for (const std::string_view text : {"",
                                      " ",
                                      "[",
                                      "]",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "{",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{1:1}",
                                      "[01]",
                                      "[-]",
                                      "[+1]",
                                      "[1.]",
                                      "[.5]",
                                      "[1e]",
                                      "[1-2]",
                                      "[1e999]",
                                      "[1000000000000000000-]",
                                      "[1000000000000000000.]",
                                      "[-1000000000000000000e]",
                                      "[0000000000000000000]",
                                      "-",
                                      "1-",
                                      "1000000000000000000.",
                                      "{\"a",
                                      "{\"a\" 1}",
                                      "{\"a\":1",
                                      "{\"a\":[}",
                                      "[tru]",
                                      "[truefalse]",
                                      "[nul]",
                                      "[True]",
                                      "\"",
                                      "\"a",
                                      "\"\\",
                                      "\"\\\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\ud800\"",
                                      "\"\x01\"",
                                      "\"\xff\"",
                                      "\"\xed\xa0\x80\"",
                                      "[1]x",
                                      "[1][2]",
                                      "//a\n[1]",
                                      "['a']",
                                      "[NaN]",
                                      "\xef\xbb\xbf[1]"}) {
    CHECK_FALSE(is_read(text));
  }
  CHECK_FALSE(is_read(std::string_view("[1]\0", 4)));
  CHECK_FALSE(is_read(std::string_view("[\"\0\"]", 5)));
  Json value;
  CHECK(read_plain_json("[[1]]", 2, value));
  CHECK(read_plain_json("[[],{},[]]", 2, value));
  CHECK_FALSE(read_plain_json("[[1]]", 1, value));
  CHECK_FALSE(read_plain_json("[{\"a\":[]}]", 2, value));
  CHECK_FALSE(read_plain_json("[{}]", 1, value));
  CHECK_FALSE(read_plain_json("{\"a\":{}}", 1, value));
  CHECK_FALSE(read_plain_json(std::string(100'000, '['), 64, value));
}

TEST_CASE("values that no JSON text gives are written as the library does it") {
  for (const Json& value :
       {Json(std::numeric_limits<double>::infinity()), Json(1.0), Json(-1),
        Json(std::vector<int>{1, 2}), Json::binary({1, 2}), Json(Json::value_t::discarded),
        Json{{"\n", "\xff"}, {"\xc3", 1}}, Json(std::numeric_limits<std::int64_t>::min())}) {
    for (const bool ascii : {false, true}) {
      std::string written = "4";
      write_plain_json(value, ascii, written);
      CHECK(written == '4' + dumped(value, ascii));
    }
  }
}

TEST_CASE("nothing is left of the value whose memory is lent") {
  const std::vector<std::string_view> texts = {
      "[\"echo\",{\"text\":\"hola\",\"n\":7}]",
      "[\"echo\",{\"text\":\"\",\"n\":-7}]",
      "[\"echo\",{\"n\":7}]",
      "[\"echo\",{\"text\":\"hola\",\"text\":\"dos\"}]",
      "[\"echo\",{\"more\":{\"text\":1},\"n\":{\"a\":[1,2,{\"b\":3}]},\"text\":[]}]",
      "[\"echo\",{\"more\":{\"t\\u0065xt\":1,\"x\":2},\"n\":{\"a\":[1]},\"t\\u0065xt\":\"\\n\"}]",
      "[\"echo\",{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8}]",
      "[\"echo\",{\"A\":1,\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8}]",
      "[\"echo\",{\"i\":1}]",
      "[\"echo\",{}]",
      "[\"echo\",true,false,null,1.5,[[1],[2,3]]]",
      "[\"echo\",false,true,[],1,[[\"1\"]]]",
      "[]",
      "{\"token\":\"x\"}",
      "{\"token\":{\"x\":\"y\"},\"z\":1}",
      "\"echo\"",
      "null",
      "true",
      "false",
  };
  for (const std::string_view first : texts) {
    for (const std::string_view second : texts) {
      for (const std::string_view third : {second, first}) {
        CAPTURE(first);
        CAPTURE(second);
        Json value;
        for (const std::string_view each : {first, second, third}) {
          REQUIRE(read_plain_json(each, 64, value));
          REQUIRE(are_same(value, Json::parse(each)));
        }
      }
    }
  }
}

TEST_CASE("a value whose memory is lent reads what is no JSON as one whose is not") {
  for (const std::string_view first :
       {R"({"a":1,"b":2})", R"(["e",{"a":1,"b":[1]}])", R"(["e",{"b":{"c":1}}])"}) {
    for (const std::string_view second :
         {R"({"a":1,"b":})", R"({"a":1)", R"({"a":1,"a":x})", R"({"b":1 "a":2})",
          R"(["e",{"a":1,]})", R"(["e",{"a"])", R"(["e",{"b":[1,}])", R"(["e",{"b":1,"c":x}])",
          R"(["e",{"c":1}})"}) {
      CAPTURE(first);
      CAPTURE(second);
      Json value;
      REQUIRE(read_plain_json(first, 64, value));
      CHECK_FALSE(read_plain_json(second, 64, value));
      REQUIRE(read_plain_json(first, 64, value));
      CHECK(are_same(value, Json::parse(first)));
    }
  }
}

TEST_CASE("what was disposed of is empty") {
  Json value = Json::parse("[1,\"a\",{\"b\":[{}],\"c\":\"d\"}]");
  dispose(value);
  CHECK(value == Json::array());
  dispose(value);
  Json text = "a";
  dispose(text);
  CHECK(text == "a");
}

namespace {

// What is written of a value that is seen, and of the Json that is made of it.
template <class V>
void check_view(const V& value) {
  static_assert(ValueView::takes<V>);
  const ValueView view(value);
  CHECK(view.to_json()->dump() == Json(value).dump());
  CHECK(view.to_json()->type() == Json(value).type());
  CHECK_FALSE(view.has_binary());
  for (const bool ascii : {false, true}) {
    std::string written;
    view.write(ascii, written);
    CHECK(written == dumped(Json(value), ascii));
  }
}

}  // namespace

TEST_CASE("a value that is only seen is written like the Json of it") {
  check_view(7);
  check_view(-7L);
  check_view(std::size_t{7});
  check_view('a');
  check_view(std::numeric_limits<std::uint64_t>::max());
  check_view(1.5);
  check_view(0.1F);
  check_view(true);
  check_view("h\u00e9llo \"you\"");
  check_view(std::string("hola"));
  check_view(std::string_view("ho\nla"));
  check_view(static_cast<const char*>("hola"));
  check_view(Json{{"a", {1, 2.5, "\u20ac"}}});
  CHECK(ValueView(Json::array({1, Json::binary({1})})).has_binary());
  CHECK(ValueView().to_json()->is_null());
  static_assert(!ValueView::takes<std::vector<int>>);
  static_assert(!ValueView::takes<Binary>);
  static_assert(!ValueView::takes<std::nullptr_t>);
}
