// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "net/base/poison.h"
#include "net/base/slab.h"

using namespace hilo;

namespace {

struct Counted {
  explicit Counted(int& count, int n = 0) : live(&count), number(n) { ++*live; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*live; }
  int* live;
  int number;
};

struct SelfAware {
  SelfAware(SlabHandle own, std::string text) : handle(own), name(std::move(text)) {}
  SlabHandle handle;
  std::string name;
};

}  // namespace

TEST_CASE("an object is found by its handle until it is erased") {
  int live = 0;
  Slab<Counted> slab;
  const auto entry = slab.emplace(live, 42);
  REQUIRE(entry.object != nullptr);
  CHECK(entry.object->number == 42);
  CHECK(slab.find(entry.handle) == entry.object);
  CHECK(slab.size() == 1);
  CHECK(live == 1);
  slab.erase(entry.handle);
  CHECK(slab.find(entry.handle) == nullptr);
  CHECK(slab.size() == 0);
  CHECK(live == 0);
}

TEST_CASE("a stale handle finds nothing, even when its slot is used again") {
  int live = 0;
  Slab<Counted> slab;
  const auto old = slab.emplace(live);
  slab.erase(old.handle);
  const auto fresh = slab.emplace(live);
  CHECK(fresh.handle.index == old.handle.index);
  CHECK(Slab<Counted>::handle_of(*fresh.object) == fresh.handle);
  CHECK_FALSE(fresh.handle == old.handle);
  CHECK(slab.find(old.handle) == nullptr);
  slab.erase(old.handle);
  CHECK(slab.find(fresh.handle) == fresh.object);
  CHECK(live == 1);
}

TEST_CASE("a handle that never was finds nothing") {
  int live = 0;
  Slab<Counted> slab;
  CHECK(slab.find({}) == nullptr);
  CHECK(slab.find({0, 1}) == nullptr);
  const auto entry = slab.emplace(live);
  CHECK(slab.find({}) == nullptr);
  CHECK(slab.find({entry.handle.index, 0}) == nullptr);
  CHECK(slab.find({entry.handle.index + 1, 1}) == nullptr);
  CHECK(slab.find({0xFFFFFFFF, 1}) == nullptr);
}

TEST_CASE("objects keep their addresses while the slab grows") {
  int live = 0;
  Slab<Counted> slab;
  std::vector<Slab<Counted>::Entry> entries;
  for (int i = 0; i < 1000; ++i) entries.push_back(slab.emplace(live, i));
  for (int i = 0; i < 1000; ++i) {
    const auto& entry = entries[static_cast<std::size_t>(i)];
    REQUIRE(slab.find(entry.handle) == entry.object);
    REQUIRE(entry.object->number == i);
  }
  CHECK(slab.size() == 1000);
}

TEST_CASE("an object that wants its own handle is told it first") {
  Slab<SelfAware> slab;
  const auto entry = slab.emplace("name");
  REQUIRE(entry.object != nullptr);
  CHECK(entry.object->handle == entry.handle);
  CHECK(entry.object->name == "name");
}

TEST_CASE("a slab that is destroyed destroys what lives in it") {
  int live = 0;
  {
    Slab<Counted> slab;
    SlabHandle third;
    for (int i = 0; i < 100; ++i) {
      const auto entry = slab.emplace(live);
      if (i == 3) third = entry.handle;
    }
    slab.erase(third);
    CHECK(live == 99);
  }
  CHECK(live == 0);
}

TEST_CASE("a visit may erase what it visits, and others") {
  int live = 0;
  Slab<Counted> slab;
  std::vector<SlabHandle> handles;
  for (int i = 0; i < 10; ++i) handles.push_back(slab.emplace(live, i).handle);
  int visits = 0;
  slab.for_each([&](Counted& object, SlabHandle handle) {
    ++visits;
    const auto number = static_cast<std::size_t>(object.number);
    CHECK(handle == handles[number]);
    slab.erase(handle);
    if (number + 1 < handles.size()) slab.erase(handles[number + 1]);
  });
  CHECK(visits == 5);
  CHECK(slab.size() == 0);
  CHECK(live == 0);
}

TEST_CASE("random emplaces and erases never confuse one object with another") {
  int live = 0;
  Slab<Counted> slab;
  std::vector<std::pair<SlabHandle, int>> alive;
  std::vector<SlabHandle> gone;
  std::mt19937 random(3);
  for (int step = 0; step < 20000; ++step) {
    if (alive.empty() || random() % 2 == 0) {
      alive.emplace_back(slab.emplace(live, step).handle, step);
    } else {
      const std::size_t index = random() % alive.size();
      slab.erase(alive[index].first);
      gone.push_back(alive[index].first);
      alive[index] = alive.back();
      alive.pop_back();
    }
  }
  CHECK(slab.size() == alive.size());
  for (const auto& [handle, number] : alive) {
    const Counted* object = slab.find(handle);
    REQUIRE(object != nullptr);
    REQUIRE(object->number == number);
    REQUIRE(Slab<Counted>::handle_of(*object) == handle);
  }
  for (const SlabHandle handle : gone) REQUIRE(slab.find(handle) == nullptr);
}

#ifdef HILO_ASAN
TEST_CASE("an erased slot is poisoned until an object lives in it again") {
  int live = 0;
  Slab<Counted> slab;
  const auto entry = slab.emplace(live);
  CHECK_FALSE(__asan_address_is_poisoned(entry.object));
  slab.erase(entry.handle);
  CHECK(__asan_address_is_poisoned(entry.object));
  CHECK(__asan_address_is_poisoned(&entry.object->number));
  const auto again = slab.emplace(live);
  CHECK(again.object == entry.object);
  CHECK_FALSE(__asan_address_is_poisoned(again.object));
}
#endif
