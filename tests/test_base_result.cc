// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <ios>
#include <memory>
#include <string>

#include "net/base/result.h"

using namespace hilo;

namespace {

std::error_code code(std::errc error) {
  return std::make_error_code(error);
}

Result<int> parse_digit(char c) {
  if (c < '0' || c > '9') return code(std::errc::invalid_argument);
  return c - '0';
}

// Counts how many of its kind live.
struct Counted {
  explicit Counted(int& count) : live(&count) { ++*live; }
  Counted(Counted&& other) noexcept : live(other.live) { ++*live; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  Counted& operator=(Counted&&) = delete;
  ~Counted() { --*live; }
  int* live;
};

}  // namespace

TEST_CASE("a status is success until it is given an error") {
  CHECK(Status{});
  const Status failed = out_of_memory();
  CHECK_FALSE(failed);
  CHECK(failed.error() == std::errc::not_enough_memory);
  CHECK_FALSE(Status{code(std::errc::bad_file_descriptor)});
}

TEST_CASE("an error code is nothing until it is given one, and gives it back as it was") {
  CHECK_FALSE(ErrorCode{});
  CHECK_FALSE(std::error_code{ErrorCode{}});
  CHECK(std::error_code{ErrorCode{}} == std::error_code{});
  CHECK_FALSE(ErrorCode{std::error_code{}});
  const std::error_code broken = code(std::errc::broken_pipe);
  const ErrorCode kept = broken;
  CHECK(kept);
  CHECK(std::error_code{kept} == broken);
  CHECK(kept == std::errc::broken_pipe);
  CHECK(std::error_code{kept}.category() == broken.category());
}

TEST_CASE("an enum of error codes becomes an error by itself") {
  const Status status = std::io_errc::stream;
  CHECK(status.error() == std::io_errc::stream);
  const Result<int> result = std::io_errc::stream;
  CHECK(result.error() == std::io_errc::stream);
}

TEST_CASE("a result holds a value or an error, never both") {
  const Result<int> seven = parse_digit('7');
  REQUIRE(seven);
  CHECK(*seven == 7);
  CHECK_FALSE(seven.error());

  const Result<int> none = parse_digit('x');
  CHECK_FALSE(none);
  CHECK(none.error() == std::errc::invalid_argument);
}

TEST_CASE("a result carries values that can only be moved") {
  Result<std::unique_ptr<std::string>> first = std::make_unique<std::string>("kept");
  Result<std::unique_ptr<std::string>> second = std::move(first);
  REQUIRE(second);
  CHECK(**second == "kept");
  CHECK((*second)->size() == 4);
  CHECK(second->get() != nullptr);
  const auto& read_only = second;
  CHECK(read_only->get() == second->get());
}

TEST_CASE("every value a result ever held is destroyed once") {
  int live = 0;
  {
    Result<Counted> a = Counted(live);
    Result<Counted> b = code(std::errc::io_error);
    CHECK(live == 1);
    b = std::move(a);
    REQUIRE(b);
    CHECK(b->live == &live);
    b = Result<Counted>(code(std::errc::io_error));
    CHECK_FALSE(b);
    CHECK(b.error() == std::errc::io_error);
  }
  CHECK(live == 0);
}

TEST_CASE("assigning a result to itself keeps its value") {
  Result<std::string> text = std::string(100, 'x');
  Result<std::string>& same = text;
  text = std::move(same);
  REQUIRE(text);
  CHECK(text->size() == 100);
}
