// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "net/base/intrusive_list.h"

using namespace hilo;

namespace {

struct Ready;
struct Dirty;

struct Item : ListNode<Ready>, ListNode<Dirty> {
  explicit Item(int n) : number(n) {}
  int number;
};
using ReadyList = IntrusiveList<Item, Ready>;
using DirtyList = IntrusiveList<Item, Dirty>;

std::vector<int> drain(ReadyList& list) {
  std::vector<int> numbers;
  while (Item* item = list.pop_front()) numbers.push_back(item->number);
  return numbers;
}

}  // namespace

TEST_CASE("members leave in the order they came") {
  ReadyList list;
  CHECK(list.empty());
  CHECK(list.front() == nullptr);
  CHECK(list.pop_front() == nullptr);
  Item a{1}, b{2}, c{3};
  list.push_back(a);
  list.push_back(b);
  list.push_back(c);
  CHECK(list.front() == &a);
  CHECK(drain(list) == std::vector<int>{1, 2, 3});
  CHECK(list.empty());
}

TEST_CASE("a member leaves from anywhere, and may come back") {
  ReadyList list;
  Item a{1}, b{2}, c{3};
  for (Item* item : {&a, &b, &c}) list.push_back(*item);
  b.ListNode<Ready>::unlink();
  CHECK_FALSE(b.ListNode<Ready>::linked());
  b.ListNode<Ready>::unlink();
  list.push_back(b);
  CHECK(drain(list) == std::vector<int>{1, 3, 2});
}

TEST_CASE("a member that is destroyed leaves its lists") {
  ReadyList ready;
  DirtyList dirty;
  Item a{1};
  auto b = std::make_unique<Item>(2);
  ready.push_back(a);
  ready.push_back(*b);
  dirty.push_back(*b);
  CHECK(dirty.front() == b.get());
  b.reset();
  CHECK(dirty.empty());
  CHECK(drain(ready) == std::vector<int>{1});
}

TEST_CASE("one object is in two lists at once, and leaves them one by one") {
  ReadyList ready;
  DirtyList dirty;
  Item a{1};
  ready.push_back(a);
  dirty.push_back(a);
  CHECK(ready.pop_front() == &a);
  CHECK(ready.empty());
  CHECK(dirty.front() == &a);
}

TEST_CASE("taking another list empties it and keeps the order") {
  ReadyList first, second;
  Item a{1}, b{2}, c{3}, d{4};
  first.push_back(a);
  second.push_back(b);
  second.push_back(c);
  first.take(second);
  CHECK(second.empty());
  first.push_back(d);
  first.take(second);
  CHECK(drain(first) == std::vector<int>{1, 2, 3, 4});
}
