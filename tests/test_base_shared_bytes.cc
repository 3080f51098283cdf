// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <string_view>
#include <utility>

#include "net/base/shared_bytes.h"
#include "tests/support/no_memory.h"

using namespace hilo;

namespace {

SharedBytes shared_bytes(Pool& pool, std::string_view text) {
  const Bytes slices[] = {
      as_bytes(text.substr(0, text.size() / 2)), {}, as_bytes(text.substr(text.size() / 2))};
  return SharedBytes::copy_of(pool, slices);
}

}  // namespace

TEST_CASE("shared bytes lie in one block, which the last holder gives back") {
  Pool pool;
  SharedBytes first = shared_bytes(pool, "a message");
  REQUIRE(first);
  CHECK(as_text(first.bytes()) == "a message");
  CHECK(first.size() == 9);
  CHECK(pool.copied_bytes() == 9);
  const std::size_t taken = pool.taken_bytes();
  CHECK(first.held_bytes() == taken);
  {
    const SharedBytes second = first;
    CHECK(second.bytes().data() == first.bytes().data());
    CHECK(first.held_share() == taken / 2);
    first = {};
    CHECK_FALSE(first);
    CHECK(as_text(second.bytes()) == "a message");
    CHECK(second.held_bytes() == taken);
    CHECK(pool.taken_bytes() == taken);
  }
  CHECK(pool.taken_bytes() == 0);
  CHECK(pool.copied_bytes() == 9);
}

TEST_CASE("shared bytes that are moved have one holder") {
  Pool pool;
  SharedBytes from = shared_bytes(pool, "x");
  SharedBytes to = std::move(from);
  CHECK(to.held_bytes() == pool.taken_bytes());
  SharedBytes other = shared_bytes(pool, "y");
  other = std::move(to);
  CHECK(as_text(other.bytes()) == "x");
  CHECK(other.held_bytes() == pool.taken_bytes());
}

TEST_CASE("nothing is held of nothing, and where there is no memory") {
  CHECK_FALSE(SharedBytes());
  CHECK(SharedBytes().bytes().empty());
  CHECK(SharedBytes().held_bytes() == 0);
  const test::NoMemory none;
  Pool pool;
  CHECK_FALSE(shared_bytes(pool, "x"));
  CHECK(pool.taken_bytes() == 0);
}
