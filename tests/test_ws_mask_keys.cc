// SPDX-License-Identifier: MIT
//
// Masking keys are fresh and unpredictable: rows 127 and 128 of the catalogue. Entropy that fails
// (129) is in tests/sim.

#include "ws/mask_keys.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "net/base/bytes.h"

using namespace hilo;

namespace {

std::uint32_t next_of(ws::MaskKeys& keys) {
  const Result<ws::MaskKey> key = keys.next();
  REQUIRE(key);
  return load_be32(key->data());
}

}  // namespace

TEST_CASE("a million keys look like chance (G 127)") {
  constexpr std::size_t count = std::size_t{1} << 20;
  ws::MaskKeys keys;
  std::vector<std::uint32_t> drawn(count);
  std::array<std::array<std::uint32_t, 256>, 4> histogram{};
  for (std::uint32_t& key : drawn) {
    key = next_of(keys);
    for (std::size_t i = 0; i < 4; ++i) ++histogram[i][key >> (8 * i) & 0xFF];
  }
  // 255 degrees of freedom: mean 255, standard deviation 22.6. Ten of those above is never, and
  // five below is no more likely.
  for (const auto& bytes : histogram) {
    constexpr double expected = static_cast<double>(count) / 256;
    double chi_squared = 0;
    for (const std::uint32_t seen : bytes) {
      const double difference = static_cast<double>(seen) - expected;
      chi_squared += difference * difference / expected;
    }
    CHECK(chi_squared < 255 + 226);
    CHECK(chi_squared > 255 - 113);
  }
  // Neighbours have nothing to do with each other.
  std::size_t same_byte = 0;
  for (std::size_t i = 1; i < count; ++i) {
    same_byte += (drawn[i] & 0xFF) == (drawn[i - 1] & 0xFF) ? 1 : 0;
  }
  CHECK(same_byte > 4096 - 640);
  CHECK(same_byte < 4096 + 640);
  // Birthdays: 2^40 / 2^33 pairs are the same by chance, 128 give or take 11.
  std::sort(drawn.begin(), drawn.end());
  std::size_t repeats = 0;
  for (std::size_t i = 1; i < count; ++i) repeats += drawn[i] == drawn[i - 1] ? 1 : 0;
  CHECK(repeats > 128 - 113);
  CHECK(repeats < 128 + 113);
}

TEST_CASE("two sources share no keys") {
  ws::MaskKeys one;
  ws::MaskKeys other;
  int same = 0;
  for (int i = 0; i < 1000; ++i) same += next_of(one) == next_of(other) ? 1 : 0;
  CHECK(same <= 1);
}

TEST_CASE("parent and child share no keys after a fork, in the midst of a batch (G 128)") {
  ws::MaskKeys keys;
  static_cast<void>(next_of(keys));
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::array<std::uint32_t, 100> theirs{};
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (std::uint32_t& key : theirs) {
      const Result<ws::MaskKey> drawn = keys.next();
      key = drawn ? load_be32(drawn->data()) : 0;
    }
    const bool written = ::write(ends[1], theirs.data(), sizeof(theirs)) == sizeof(theirs);
    ::_exit(written ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  REQUIRE(::read(ends[0], theirs.data(), sizeof(theirs)) == sizeof(theirs));
  ::close(ends[0]);
  ::close(ends[1]);
  int same = 0;
  for (const std::uint32_t key : theirs) same += next_of(keys) == key ? 1 : 0;
  CHECK(same == 0);
}
