// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>

#include "net/base/callback.h"
#include "tests/support/allocation_counter.h"

using namespace hilo;

namespace allocation_counter = test::allocation_counter;

TEST_CASE("a callback calls what it was made of, with its arguments and its result") {
  Callback<int(int, int)> add = [](int a, int b) { return a + b; };
  CHECK(add(2, 3) == 5);
}

TEST_CASE("an empty callback says so") {
  Callback<void()> none;
  CHECK_FALSE(none);
  Callback<void()> null = nullptr;
  CHECK_FALSE(null);
  Callback<void()> some = [] {};
  CHECK(some);
}

TEST_CASE("state inside a callback lives from call to call") {
  Callback<int()> counter = [n = 0]() mutable { return ++n; };
  CHECK(counter() == 1);
  CHECK(counter() == 2);
  Callback<int()> moved = std::move(counter);
  CHECK(moved() == 3);
  CHECK_FALSE(counter);
}

TEST_CASE("a callback owns what can only be moved, and destroys it once") {
  auto shared = std::make_shared<int>(7);
  {
    Callback<int()> small = [shared] { return *shared; };
    Callback<int()> large = [shared, fill = std::array<char, 100>{}] { return *shared + fill[0]; };
    CHECK(shared.use_count() == 3);
    CHECK(small() == 7);
    CHECK(large() == 7);
    small = std::move(large);
    CHECK(shared.use_count() == 2);
    CHECK(small() == 7);
    Callback<int()>& same = small;
    small = std::move(same);
    CHECK(small() == 7);
    small = nullptr;
    CHECK(shared.use_count() == 1);
  }
  CHECK(shared.use_count() == 1);

  Callback<int()> owner = [box = std::make_unique<int>(5)] { return *box; };
  CHECK(owner() == 5);
}

TEST_CASE("arguments travel by reference and may be moved from") {
  Callback<std::size_t(std::unique_ptr<std::string>)> take = [](std::unique_ptr<std::string> text) {
    return text->size();
  };
  CHECK(take(std::make_unique<std::string>("four")) == 4);

  int value = 1;
  Callback<void(int&)> increase = [](int& n) { ++n; };
  increase(value);
  CHECK(value == 2);
}

TEST_CASE("a result may be dropped where none is wanted") {
  int calls = 0;
  Callback<void()> ignore = [&calls] { return ++calls; };
  ignore();
  CHECK(calls == 1);
}

TEST_CASE("six pointers fit without an allocation, and calls never allocate") {
  std::array<void*, 6> pointers{};
  const auto small = [pointers] { return pointers[0] == nullptr; };
  const auto large = [pointers, more = pointers] { return pointers[0] == more[0]; };
  static_assert(Callback<bool()>::fits<decltype(small)>);
  static_assert(!Callback<bool()>::fits<decltype(large)>);

  const auto before = allocation_counter::count();
  Callback<bool()> inside = small;
  Callback<bool()> elsewhere = std::move(inside);
  const bool called = elsewhere();
  const auto after = allocation_counter::count();
  CHECK(called);
  CHECK(after == before);

  Callback<bool()> on_heap = large;
  if (allocation_counter::available) CHECK(allocation_counter::count() > after);
  CHECK(on_heap());
}

TEST_CASE("what is called may give its place to another one, to none, or go with it") {
  // Large enough to lie on the heap, and looked at once it has lost its place.
  const std::array<std::string, 4> words{"its", "own", "captures", "live"};
  std::string told;
  auto place = std::make_unique<Callback<void(int)>>();
  const auto call = [&place](int number) {
    call_replaceable(*place, [number](auto& running) { running(number); });
  };
  call(0);
  CHECK(told.empty());

  SUBCASE("it stays") {
    *place = [&, words](int number) { told += words[3] + std::to_string(number); };
    call(1);
    call(2);
    CHECK(told == "live1live2");
  }
  SUBCASE("another one") {
    *place = [&, words](int) {
      *place = [&](int number) { told += std::to_string(number); };
      told += words[3];
    };
    call(1);
    call(2);
    CHECK(told == "live2");
  }
  SUBCASE("none") {
    *place = [&, words](int) {
      *place = nullptr;
      told += words[3];
    };
    call(1);
    CHECK_FALSE(*place);
    call(2);
    CHECK(told == "live");
  }
  SUBCASE("it goes with its place") {
    *place = [&, words](int) {
      place.reset();
      told += words[3];
    };
    call(1);
    CHECK(told == "live");
  }
  SUBCASE("it is called again while it runs") {
    *place = [&, words](int number) {
      told += words[3];
      if (number < 3) call(number + 1);
    };
    call(1);
    call(3);
    CHECK(told == "livelive");
  }
}
