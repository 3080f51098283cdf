// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <utility>

#include "net/base/owner.h"

using namespace hilo;

namespace {

struct Counted {
  explicit Counted(int& alive) : alive_(alive) { ++alive_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive_; }
  int& alive_;
};

}  // namespace

TEST_CASE("what is owned goes with its owner, or when another one takes its place") {
  int first = 0;
  int second = 0;
  {
    Owner<Counted> owner(new Counted(first));
    CHECK(first == 1);
    owner.reset(new Counted(second));
    CHECK(first == 0);
    CHECK(second == 1);
  }
  CHECK(second == 0);
}

TEST_CASE("what is moved or released has one owner, who destroys it once") {
  int alive = 0;
  int replaced = 0;
  Owner<Counted> to(new Counted(replaced));
  {
    Owner<Counted> from(new Counted(alive));
    to = std::move(from);
    CHECK_FALSE(from);
  }
  CHECK(replaced == 0);
  CHECK(alive == 1);
  Owner<Counted>& itself = to;
  to = std::move(itself);
  REQUIRE(to);
  CHECK(&to->alive_ == &alive);
  Owner<Counted> last(to.release());
  CHECK_FALSE(to);
  CHECK(alive == 1);
  last.reset(nullptr);
  CHECK(alive == 0);
}

// The application's on_close asks the server that is being destroyed.
TEST_CASE("who is destroyed with the owner can be asked through it, and not once it was replaced") {
  struct Asking {
    ~Asking() { *found = owner->get(); }
    Owner<Asking>* owner;
    Asking** found;
  };
  Asking* found = nullptr;
  Asking* object = nullptr;
  {
    Owner<Asking> owner(new Asking{nullptr, &found});
    owner->owner = &owner;
    object = owner.get();
  }
  CHECK(found == object);
  Owner<Asking> owner(new Asking{nullptr, &found});
  owner->owner = &owner;
  owner.reset(nullptr);
  CHECK(found == nullptr);
}
