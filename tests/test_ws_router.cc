// SPDX-License-Identifier: MIT

#include "ws/router.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "ws/core/error.h"

using namespace hilo;
using ws::PathParameters;
using ws::Router;

namespace {

constexpr std::string_view no_pattern = "no pattern";

// The pattern that fits, with "name=value" of each parameter behind it.
class Table {
 public:
  explicit Table(std::vector<std::string_view> patterns) : patterns_(std::move(patterns)) {
    for (const std::string_view pattern : patterns_) REQUIRE(router_.add(pattern));
  }
  std::string_view operator[](std::string_view path) {
    const auto place = router_.find(path, parameters);
    return place ? patterns_[*place] : no_pattern;
  }
  PathParameters parameters;

 private:
  std::vector<std::string_view> patterns_;
  Router router_;
};

}  // namespace

TEST_CASE("a path fits a pattern without parameters only if they are equal") {
  Table table({"/", "/a", "/a/b", "/a/"});
  for (const std::string_view path : {"/", "/a", "/a/b", "/a/"}) CHECK(table[path] == path);
  for (const std::string_view path :
       {"", "a", "//", "/A", "//a", "/a//b", "/a/b/", "/a/b/c", "/%61", "/a/../a", "/b"}) {
    CAPTURE(path);
    CHECK(table[path] == no_pattern);
  }
}

TEST_CASE("a parameter stands for one segment that is not empty, as it came") {
  Table table({"/rooms/:id", "/rooms/:id/posts/:post"});
  CHECK(table["/rooms/a%20b"] == "/rooms/:id");
  CHECK(table.parameters.find("id") == "a%20b");
  CHECK_FALSE(table.parameters.find("post"));
  CHECK(table["/rooms/7/posts/..."] == "/rooms/:id/posts/:post");
  CHECK(table.parameters.size() == 2);
  CHECK(table.parameters.find("id") == "7");
  CHECK(table.parameters.find("post") == "...");
  for (const std::string_view path : {"/rooms", "/rooms/", "/rooms//posts/1", "/rooms/7/posts/",
                                      "/rooms/7/", "/rooms/7/posts/1/2"}) {
    CAPTURE(path);
    CHECK(table[path] == no_pattern);
    CHECK(table.parameters.size() == 0);
  }
}

TEST_CASE("a star stands for the rest, which may be empty and may hold slashes") {
  Table table({"/files/*", "/named/*path", "/:first/deep/*"});
  CHECK(table["/files/"] == "/files/*");
  CHECK(table.parameters.find("*") == "");
  CHECK(table["/files/a//b/"] == "/files/*");
  CHECK(table.parameters.find("*") == "a//b/");
  CHECK(table["/named/x"] == "/named/*path");
  CHECK(table.parameters.find("path") == "x");
  CHECK(table["/x/deep/y"] == "/:first/deep/*");
  CHECK(table.parameters.find("first") == "x");
  CHECK(table.parameters.find("*") == "y");
  CHECK(table["/files"] == no_pattern);
}

TEST_CASE("text goes before a parameter and a parameter before the rest, segment by segment") {
  // In both orders of adding.
  const std::vector<std::string_view> patterns = {"/*",         "/:a",        "/:a/new",
                                                  "/rooms/:id", "/rooms/new", "/rooms/new/*"};
  Table forwards(patterns);
  Table backwards({patterns.rbegin(), patterns.rend()});
  for (Table* table : {&forwards, &backwards}) {
    CHECK((*table)["/rooms/new"] == "/rooms/new");
    CHECK((*table)["/rooms/old"] == "/rooms/:id");
    CHECK((*table)["/rooms"] == "/:a");
    CHECK((*table)["/other/new"] == "/:a/new");
    CHECK((*table)["/rooms/new/x"] == "/rooms/new/*");
    // What looked promising and led nowhere leaves nothing behind.
    CHECK((*table)["/rooms/old/x"] == "/*");
    CHECK(table->parameters.size() == 1);
    CHECK(table->parameters.find("*") == "rooms/old/x");
    CHECK((*table)["/"] == "/*");
  }
}

TEST_CASE("a path with a way upwards fits no parameter and no rest (D 86)") {
  Table table({"/files/*", "/rooms/:id", "/a/../b"});
  for (const std::string_view path :
       {"/files/../x", "/files/x/..", "/files/.", "/files/%2e%2E/x", "/files/.%2e", "/files/%2e",
        "/rooms/..", "/rooms/%2E%2e", "/rooms/."}) {
    CAPTURE(path);
    CHECK(table[path] == no_pattern);
  }
  CHECK(table["/files/..."] == "/files/*");
  CHECK(table["/files/.x"] == "/files/*");
  CHECK(table["/files/%2e%2e%2e"] == "/files/*");
  CHECK(table["/a/../b"] == "/a/../b");
}

TEST_CASE("a filter passes over patterns, the best ones first") {
  struct Choosy final : Router::Filter {
    bool takes(std::uint32_t pattern) override {
      asked.push_back(pattern);
      return pattern == wanted;
    }
    std::vector<std::uint32_t> asked;
    std::uint32_t wanted = 0;
  };
  Router router;
  for (const std::string_view pattern :
       {"/*rest", "/:a/*rest", "/:a/:b", "/:a/y", "/x/*rest", "/x/:b", "/x/y"}) {
    REQUIRE(router.add(pattern));
  }
  PathParameters parameters;
  for (std::uint32_t wanted = 0; wanted <= 6; ++wanted) {
    Choosy filter;
    filter.wanted = wanted;
    CHECK(router.find("/x/y", parameters, &filter) == wanted);
    CHECK(filter.asked.size() == 7 - wanted);
    CHECK(filter.asked.front() == 6);
    CHECK(parameters.size() == (wanted == 6 ? 0 : (wanted == 1 || wanted == 2 ? 2 : 1)));
    if (wanted == 0) CHECK(parameters.find("rest") == "x/y");
    if (wanted == 1) CHECK(parameters.find("rest") == "y");
    if (wanted == 2) CHECK(parameters.find("b") == "y");
  }
  Choosy nothing;
  nothing.wanted = 7;
  CHECK_FALSE(router.find("/x/y", parameters, &nothing));
  CHECK(nothing.asked == std::vector<std::uint32_t>{6, 5, 4, 3, 2, 1, 0});
}

TEST_CASE("patterns that cannot be are refused") {
  Router router;
  std::string deep;
  for (std::size_t i = 0; i <= Router::segments_max; ++i) deep += "/x";
  std::string crowded;
  for (std::size_t i = 0; i <= PathParameters::count_max; ++i) crowded += "/:p" + std::to_string(i);
  for (const std::string_view pattern :
       {std::string_view(""), std::string_view("a"), std::string_view("/a b"),
        std::string_view("/a?b"), std::string_view("/a#b"), std::string_view("/%zz"),
        std::string_view("/:"), std::string_view("/:a/:a"), std::string_view("/*/b"),
        std::string_view("/*/"), std::string_view("/:a/*a"), std::string_view("/:a,"),
        std::string_view(deep), std::string_view(crowded)}) {
    CAPTURE(pattern);
    CHECK(router.add(pattern).error() == ws::Errc::argument);
  }
  CHECK(router.add(deep.substr(2)));
  // The same pattern has the same number; the same places under other names are a contradiction.
  CHECK(*router.add("/:a/x") == 1);
  CHECK(*router.add("/:b/y") == 2);
  CHECK(*router.add("/:a/x") == 1);
  CHECK(router.add("/:b/x").error() == ws::Errc::argument);
}
