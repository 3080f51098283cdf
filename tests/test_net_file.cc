// SPDX-License-Identifier: MIT
//
// Opening files below a directory, by the one system call that can do it and by walking.

#include "net/file.h"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/support/folder.h"

using namespace hilo;
using namespace hilo::test;
namespace file = hilo::net::file;

namespace {

using Open = Result<net::Fd> (*)(int, std::string_view) noexcept;

MutableBytes writable(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

std::string content(const Result<net::Fd>& opened) {
  if (!opened) return "error: " + opened.error().message();
  std::string text(64, '?');
  const MutableBytes into = writable(text);
  const Result<std::size_t> got = file::read_at(opened->value(), into, 0);
  REQUIRE(got);
  text.resize(*got);
  return text;
}

}  // namespace

TEST_CASE("files below the directory are opened, those outside are not, whatever names them") {
  const TemporaryFolder folder;
  folder.make_directory("root/deep/er");
  folder.write("root/top.txt", "top");
  folder.write("root/deep/er/low.txt", "low");
  folder.write("secret.txt", "secret");
  folder.link("../secret.txt", "root/out");
  folder.link(folder.path("secret.txt"), "root/absolute");
  folder.link("..", "root/up");
  folder.link("loop", "root/loop");
  const Result<net::Fd> root = file::open_directory(folder.path("root"));
  REQUIRE(root);
  for (const Open open : {Open{file::open_beneath}, Open{file::walk_beneath}}) {
    CHECK(content(open(root->value(), "top.txt")) == "top");
    CHECK(content(open(root->value(), "deep/er/low.txt")) == "low");
    for (const std::string_view outside :
         {"../secret.txt", "deep/../../secret.txt", "out", "absolute", "up/secret.txt", "loop",
          "/etc/passwd", "no", "top.txt/x", ""}) {
      CAPTURE(outside);
      CHECK_FALSE(open(root->value(), outside));
    }
    CHECK_FALSE(open(root->value(), folder.path("secret.txt")));
    CHECK(open(root->value(), std::string(file::path_bytes_max + 1, 'a')).error() ==
          std::errc::filename_too_long);
    CHECK(open(root->value(), std::string_view("top.txt\0x", 9)).error() ==
          std::errc::invalid_argument);
  }
  for (const std::string_view strange : {"./top.txt", "deep//er", "deep/", ".", "..", "/top.txt"}) {
    CAPTURE(strange);
    CHECK_FALSE(file::walk_beneath(root->value(), strange));
  }
}

TEST_CASE("a link that stays below is followed where the system sees to it, and never by walking") {
  const TemporaryFolder folder;
  folder.make_directory("root/deep");
  folder.write("root/deep/file", "text");
  folder.link("deep/file", "root/here");
  folder.link("deep", "root/folder");
  const Result<net::Fd> root = file::open_directory(folder.path("root"));
  REQUIRE(root);
  CHECK_FALSE(file::walk_beneath(root->value(), "here"));
  CHECK_FALSE(file::walk_beneath(root->value(), "folder/file"));
  const Result<net::Fd> opened = file::open_beneath(root->value(), "here");
  if (opened) CHECK(content(opened) == "text");
}

TEST_CASE("a FIFO without a writer is opened without waiting, and told from a file") {
  const TemporaryFolder folder;
  folder.write("file", "12345");
  REQUIRE(::mkfifo(folder.path("fifo").c_str(), 0600) == 0);
  const Result<net::Fd> root = file::open_directory(folder.path(""));
  REQUIRE(root);
  const auto kind_of = [&](std::string_view name, Open open) {
    const Result<net::Fd> opened = open(root->value(), name);
    REQUIRE(opened);
    const Result<file::Info> info = file::info(opened->value());
    REQUIRE(info);
    return *info;
  };
  folder.make_directory("folder");
  for (const Open open : {Open{file::open_beneath}, Open{file::walk_beneath}}) {
    CHECK(kind_of("fifo", open).kind == file::Info::Kind::other);
    CHECK(kind_of("folder", open).kind == file::Info::Kind::directory);
    CHECK(kind_of("file", open).kind == file::Info::Kind::regular);
    CHECK(kind_of("file", open).bytes == 5);
    CHECK(kind_of("file", open).modified_seconds > 1'600'000'000);
  }
}

TEST_CASE("reading stops at the end of the file, and errors are told") {
  const TemporaryFolder folder;
  folder.write("file", "0123456789");
  const Result<net::Fd> root = file::open_directory(folder.path(""));
  REQUIRE(root);
  const Result<net::Fd> opened = file::open_beneath(root->value(), "file");
  REQUIRE(opened);
  std::string text(4, '?');
  CHECK(*file::read_at(opened->value(), writable(text), 3) == 4);
  CHECK(text == "3456");
  CHECK(*file::read_at(opened->value(), writable(text), 8) == 2);
  CHECK(*file::read_at(opened->value(), writable(text), 10) == 0);
  CHECK_FALSE(file::read_at(root->value(), writable(text), 0));
  CHECK_FALSE(file::info(-1));
  CHECK_FALSE(file::open_directory(folder.path("file")));
  CHECK_FALSE(file::open_directory(folder.path("nothing")));
  CHECK_FALSE(file::open_directory(std::string(file::path_bytes_max + 1, 'a')));
}
