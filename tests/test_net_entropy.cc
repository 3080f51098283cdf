// SPDX-License-Identifier: MIT

#include "net/entropy.h"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ostream>
#include <set>
#include <vector>

#include "net/entropy_store.h"

using namespace hilo;
using namespace hilo::net;

namespace {

// What `ask` returns in a forked child.
template <class Ask>
int in_child(Ask ask) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(ask());
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

// A generator out of order. OpenSSL marks this interface as old, but it is the only way to see a
// failure.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
int fail_to_generate(unsigned char*, int) {
  ERR_put_error(ERR_LIB_RAND, 0, ERR_R_INTERNAL_ERROR, __FILE__, __LINE__);
  return 0;
}
struct BrokenGenerator {
  BrokenGenerator() : before(RAND_get_rand_method()), method(*before) {
    method.bytes = &fail_to_generate;
    RAND_set_rand_method(&method);
  }
  ~BrokenGenerator() { RAND_set_rand_method(before); }
  const RAND_METHOD* before;
  RAND_METHOD method;
};
#pragma GCC diagnostic pop

}  // namespace

TEST_CASE("random bytes fill what they are given, and no more") {
  std::array<std::uint8_t, 64> bytes{};
  REQUIRE(entropy_fill(MutableBytes(bytes).subspan(8, 48)));
  CHECK(std::all_of(bytes.begin(), bytes.begin() + 8, [](std::uint8_t b) { return b == 0; }));
  CHECK(std::all_of(bytes.end() - 8, bytes.end(), [](std::uint8_t b) { return b == 0; }));
  // 48 zeros come once in 2^384 times.
  CHECK(std::any_of(bytes.begin() + 8, bytes.end() - 8, [](std::uint8_t b) { return b != 0; }));
}

TEST_CASE("no two fills are alike") {
  std::array<std::uint8_t, 32> first{};
  std::array<std::uint8_t, 32> second{};
  REQUIRE(entropy_fill(first));
  REQUIRE(entropy_fill(second));
  CHECK(first != second);
}

TEST_CASE("nothing to fill is no failure") {
  CHECK(entropy_fill({}));
}

TEST_CASE("a generator that fails is reported, and leaves no error for others to find") {
  const BrokenGenerator broken;
  std::array<std::uint8_t, 8> bytes{};
  CHECK(entropy_fill(bytes).error() == std::errc::io_error);
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("the generation changes in a forked child and nowhere else") {
  const unsigned before = entropy_fork_generation();
  CHECK(entropy_fork_generation() == before);
  CHECK(in_child([&] { return entropy_fork_generation() != before ? 1 : 0; }) == 1);
  CHECK(entropy_fork_generation() == before);
  // Also in the child of a child.
  CHECK(in_child([&] {
          const unsigned child = entropy_fork_generation();
          const pid_t grandchild = fork();
          if (grandchild == 0) _exit(entropy_fork_generation() != child ? 1 : 0);
          int status = 0;
          waitpid(grandchild, &status, 0);
          return WEXITSTATUS(status);
        }) == 1);
}

TEST_CASE("parent and child draw different bytes") {
  std::array<std::uint8_t, 1> warm_up{};
  REQUIRE(entropy_fill(warm_up));
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::array<std::uint8_t, 32> theirs{};
  CHECK(in_child([&] {
          std::array<std::uint8_t, 32> bytes{};
          if (!entropy_fill(bytes)) return 1;
          return write(ends[1], bytes.data(), bytes.size()) == 32 ? 0 : 1;
        }) == 0);
  REQUIRE(read(ends[0], theirs.data(), theirs.size()) == 32);
  std::array<std::uint8_t, 32> ours{};
  REQUIRE(entropy_fill(ours));
  CHECK(ours != theirs);
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("a store hands out each byte once, and a child of a fork has others") {
  EntropyStore store;
  std::array<std::uint8_t, 24> first{};
  std::array<std::uint8_t, 24> other{};
  std::set<std::array<std::uint8_t, 24>> seen;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(store.fill(other));
    CHECK(seen.insert(other).second);
  }
  const int differ = in_child([&] { return store.fill(first) ? first[0] : 256; });
  int same = 0;
  for (int i = 0; i < 8; ++i) {
    const int theirs = in_child([&] { return store.fill(first) ? first[0] : 256; });
    same += theirs == differ ? 1 : 0;
  }
  CHECK(same < 6);  // by chance alone: once in 2^45 runs
  std::vector<std::uint8_t> large(2 * EntropyStore::batch_bytes);
  REQUIRE(store.fill(large));
  CHECK(std::count(large.end() - 64, large.end(), 0) < 32);
}

TEST_CASE("a store without entropy says so") {
  const BrokenGenerator broken;
  EntropyStore store;
  std::array<std::uint8_t, 20> bytes{};
  CHECK(store.fill(bytes).error() == std::errc::io_error);
}
