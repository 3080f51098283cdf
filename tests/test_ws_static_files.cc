// SPDX-License-Identifier: MIT
//
// Files over real sockets: what is served and what never is (catalogue 39, 50, 86), conditions,
// ranges, and large files to slow peers. The rules of conditions are in
// test_core_http_conditions.cc.

#include "ws/static_files.h"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/folder.h"
#include "tests/support/wire.h"

using namespace hilo;
using namespace hilo::test;
using ws::Errc;

namespace {

constexpr std::string_view get_page = "GET /page HTTP/1.1\r\nHost: a\r\n\r\n";

struct Answer {
  int status = 0;
  std::string head;
  std::string body;

  std::string field(std::string_view name) const {
    const std::string key = "\r\n" + std::string(name) + ": ";
    const std::size_t at = head.find(key);
    if (at == std::string::npos) return "none";
    const std::size_t begin = at + key.size();
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

std::string request(std::string_view method, std::string_view path, std::string_view more = {}) {
  return std::string(method)
      .append(" ")
      .append(path)
      .append(" HTTP/1.1\r\nHost: a\r\n")
      .append(std::string(more).append("\r\n"));
}

// A server of the files in `folder`/root below /f, and a peer that asks it.
struct FilesAtWork {
  explicit FilesAtWork(const ws::FilesOptions& options = {}, const ws::Limits& limits = {},
                       std::shared_ptr<net::tls::ServerContext> tls = nullptr)
      : server(limits, {}, std::move(tls)) {
    folder.make_directory("root/deep");
    folder.make_directory("root/empty");
    folder.write("root/page.html", "0123456789");
    folder.write("root/deep/index.html", "the index");
    folder.write("secret.txt", "secret");
    REQUIRE(server.server.files("/f/", folder.path("root"), options));
  }

  Answer ask(std::string_view method, std::string_view path, std::string_view more = {}) {
    WirePeer peer(server);
    REQUIRE(peer.send(request(method, path, more)));
    REQUIRE(peer.until_contains("\r\n\r\n"));
    Answer answer;
    const std::size_t end = peer.received.find("\r\n\r\n") + 4;
    answer.head = peer.received.substr(0, end);
    answer.status = std::stoi(answer.head.substr(9, 3));
    const std::string length = answer.field("Content-Length");
    const bool has_body = method != "HEAD" && length != "none";
    if (has_body) REQUIRE(peer.until_received(end + std::stoul(length)));
    answer.body = peer.received.substr(end);
    return answer;
  }
  Answer get(std::string_view path, std::string_view more = {}) { return ask("GET", path, more); }

  TemporaryFolder folder;
  WireServer server;
};

// Paths that fit no pattern belong to the WebSocket that is everywhere else (426).
bool is_refused(const Answer& answer) {
  return answer.status == 404 || answer.status == 426;
}

// Below /f/, beside what there is.
// clang-format off
constexpr std::string_view forbidden_paths[] = {
    "../secret.txt", "%2e%2e/secret.txt", "%2E./secret.txt", ".%2e/secret.txt",
    "deep/../../secret.txt", "deep/%2e%2e/%2e%2e/secret.txt", "..%2fsecret.txt",
    "%2e%2e%2fsecret.txt", "deep%2findex.html", "..%5csecret.txt", "back%5cslash", "back\\slash",
    "..\\secret.txt", "%252e%252e/secret.txt", "..;/secret.txt", "%c0%ae%c0%ae/secret.txt",
    "/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", "deep//index.html", "./page.html",
    "%2e/page.html", ".", "..", ".hidden", "%2ehidden", ".git/config", "page.html%0a",
    "page.html%7f", "page.html%20", "page.html.", "out", "absolute", "up/secret.txt",
    "up/root/page.html", "slash/etc/passwd", "loop", "magic/Makefile", "nothing", "/",
};
// clang-format on

std::string large_content() {
  std::string text;
  while (text.size() < 3'000'000) text += std::to_string(text.size()) + " ";
  return text;
}
constexpr int small_receive_buffer = 4096;

}  // namespace

TEST_CASE("a file is served with its type, length, tag and date") {
  FilesAtWork at{{.cache_control = "no-cache"}};
  const Answer page = at.get("/f/page.html");
  CHECK(page.status == 200);
  CHECK(page.body == "0123456789");
  CHECK(page.field("Content-Type") == "text/html; charset=utf-8");
  CHECK(page.field("Content-Length") == "10");
  CHECK(page.field("Accept-Ranges") == "bytes");
  CHECK(page.field("Cache-Control") == "no-cache");
  CHECK(page.field("X-Content-Type-Options") == "nosniff");
  CHECK(page.field("ETag").starts_with("\"a-"));
  CHECK(page.field("Last-Modified").ends_with(" GMT"));
  const Answer head = at.ask("HEAD", "/f/page.html", "Range: bytes=0-1\r\n");
  CHECK(head.head == page.head);
  CHECK(head.body.empty());
  CHECK(at.get("/f/page.html?v=2").body == "0123456789");
  CHECK(at.get("/f/%70age%2Ehtml").body == "0123456789");
  CHECK(at.server.all_rejects() == 0);
}

TEST_CASE("types go by the ending, in either case") {
  CHECK(ws::content_type_of("a/b.HTML") == "text/html; charset=utf-8");
  CHECK(ws::content_type_of("x.tar.gz") == "application/gzip");
  CHECK(ws::content_type_of("x.wasm") == "application/wasm");
  CHECK(ws::content_type_of("html") == "application/octet-stream");
  CHECK(ws::content_type_of("a.html/b") == "application/octet-stream");
  CHECK(ws::content_type_of("x.") == "application/octet-stream");
  CHECK(ws::content_type_of("") == "application/octet-stream");
}

TEST_CASE("a directory is its index, under its name with a slash") {
  FilesAtWork at;
  CHECK(at.get("/f/deep/").body == "the index");
  CHECK(at.get("/f/deep/index.html").body == "the index");
  const Answer moved = at.get("/f/deep?a=1");
  CHECK(moved.status == 308);
  CHECK(moved.field("Location") == "/f/deep/?a=1");
  CHECK(at.get("/f/empty/").status == 404);
  CHECK(at.get("/f/").status == 404);
  CHECK(at.get("/f/page.html/").status == 404);
  at.folder.write("root/index.html", "root");
  CHECK(at.get("/f/").body == "root");
  at.folder.make_directory("root/odd/index.html");
  CHECK(at.get("/f/odd/").status == 404);

  FilesAtWork bare{{.index = {}}};
  for (const std::string_view path : {"/f/", "/f/deep", "/f/deep/"}) {
    CHECK(bare.get(path).status == 404);
  }
}

TEST_CASE("nothing outside of the directory is served, and nothing hidden, whatever the path") {
  FilesAtWork at;
  const TemporaryFolder& folder = at.folder;
  folder.write("root/.hidden", "hidden");
  folder.make_directory("root/.git");
  folder.write("root/.git/config", "hidden");
  folder.write("root/back\\slash", "odd");
  folder.link("../secret.txt", "root/out");
  folder.link(folder.path("secret.txt"), "root/absolute");
  folder.link("..", "root/up");
  folder.link("/", "root/slash");
  folder.link("loop", "root/loop");
  folder.link("/proc/self/cwd", "root/magic");
  const Baseline before = at.server.baseline();
  std::vector<std::string> paths(std::begin(forbidden_paths), std::end(forbidden_paths));
  paths.emplace_back(300, 'n');
  paths.emplace_back();
  while (paths.back().size() < 5000) paths.back() += "x/";
  for (const std::string& path : paths) {
    CAPTURE(path);
    const Answer answer = at.get("/f/" + path);
    CHECK(is_refused(answer));
    CHECK(answer.body.find("secret") == std::string::npos);
  }
  // Catalogue 50: these are no paths at all.
  for (const std::string_view path : {"page.html%00", "%00", "%zz", "%", "page.html%2"}) {
    CAPTURE(path);
    CHECK(at.get("/f/" + std::string(path)).status == 400);
  }
  CHECK(is_refused(at.get("/f")));
  REQUIRE(at.server.settle());
  CHECK(at.server.baseline() == before);
}

TEST_CASE("what is no regular file is not there, and the loop does not wait for it") {
  FilesAtWork at;
  REQUIRE(::mkfifo(at.folder.path("root/fifo").c_str(), 0666) == 0);
  CHECK(at.get("/f/fifo").status == 404);
  // Root may make devices and read everything.
  if (::mknod(at.folder.path("root/zero").c_str(), S_IFCHR | 0666, 0x105) == 0) {
    CHECK(at.get("/f/zero").status == 404);
  }
  at.folder.write("root/mine", "mine");
  REQUIRE(::chmod(at.folder.path("root/mine").c_str(), 0) == 0);
  if (::geteuid() != 0) CHECK(at.get("/f/mine").status == 404);
}

TEST_CASE("files are for GET and HEAD; others are told so") {
  FilesAtWork at;
  const Answer answer = at.ask("POST", "/f/page.html", "Content-Length: 0\r\n");
  CHECK(answer.status == 405);
  CHECK(answer.field("Allow") == "GET, HEAD, OPTIONS");
  CHECK(at.ask("OPTIONS", "/f/page.html").field("Allow") == "GET, HEAD, OPTIONS");
}

TEST_CASE("who has the file is sent none, and who wants an older one is told that it changed") {
  FilesAtWork at{{.cache_control = "max-age=60"}};
  const Answer page = at.get("/f/page.html");
  const std::string tag = page.field("ETag");
  const std::string date = page.field("Last-Modified");
  for (const std::string& more :
       {"If-None-Match: " + tag + "\r\n", "If-None-Match: W/" + tag + "\r\n",
        std::string("If-None-Match: *\r\n"), "If-Modified-Since: " + date + "\r\n"}) {
    for (const std::string_view method : {"GET", "HEAD"}) {
      const Answer same = at.ask(method, "/f/page.html", more);
      CHECK(same.status == 304);
      CHECK(same.field("ETag") == tag);
      CHECK(same.field("Last-Modified") == date);
      CHECK(same.field("Cache-Control") == "max-age=60");
      CHECK(same.field("Content-Length") == "none");
      CHECK(same.body.empty());
    }
  }
  CHECK(at.get("/f/page.html", "If-Match: \"x\"\r\n").status == 412);
  CHECK(at.get("/f/page.html", "If-Match: " + tag + "\r\n").status == 200);
  // Another file under that name has another tag, also where size and second are the same.
  at.folder.write("root/new", "abcdefghij");
  REQUIRE(::rename(at.folder.path("root/new").c_str(), at.folder.path("root/page.html").c_str()) ==
          0);
  const Answer changed = at.get("/f/page.html", "If-None-Match: " + tag + "\r\n");
  CHECK(changed.status == 200);
  CHECK(changed.body == "abcdefghij");
}

TEST_CASE("a part of a file is 206, none is 416, several are the whole") {
  FilesAtWork at;
  const Answer part = at.get("/f/page.html", "Range: bytes=2-4\r\n");
  CHECK(part.status == 206);
  CHECK(part.body == "234");
  CHECK(part.field("Content-Range") == "bytes 2-4/10");
  CHECK(part.field("Content-Length") == "3");
  CHECK(at.get("/f/page.html", "Range: bytes=-2\r\n").body == "89");
  const Answer none = at.get("/f/page.html", "Range: bytes=10-\r\n");
  CHECK(none.status == 416);
  CHECK(none.field("Content-Range") == "bytes */10");
  const Answer several = at.get("/f/page.html", "Range: bytes=0-1,4-5\r\n");
  CHECK(several.status == 200);
  CHECK(several.body == "0123456789");
  const std::string tag = part.field("ETag");
  CHECK(at.get("/f/page.html", "Range: bytes=2-4\r\nIf-Range: " + tag + "\r\n").body == "234");
  CHECK(at.get("/f/page.html", "Range: bytes=2-4\r\nIf-Range: \"x\"\r\n").status == 200);
  // A condition is looked at first.
  CHECK(at.get("/f/page.html", "Range: bytes=2-4\r\nIf-None-Match: " + tag + "\r\n").status == 304);
}

TEST_CASE("an empty file has a head, no body, and leaves the connection as it was") {
  FilesAtWork at;
  at.folder.write("root/none", "");
  WirePeer peer(at.server);
  REQUIRE(peer.send(request("GET", "/f/none") + request("GET", "/page")));
  REQUIRE(peer.until_contains("a page\n"));
  CHECK(peer.received.find("Content-Length: 0\r\n") != std::string::npos);
}

TEST_CASE("a large file arrives whole at a slow reader, plain or not, and is never in memory") {
  const std::string content = large_content();
  for (const bool is_tls : {false, true}) {
    CAPTURE(is_tls);
    FilesAtWork at({}, {}, is_tls ? any_tls_context() : nullptr);
    at.folder.write("root/large", content);
    REQUIRE(is_refused(at.get("/f/none")));
    REQUIRE(at.server.settle());
    const Baseline before = at.server.baseline();
    for (const bool is_half_closed : {false, true}) {
      CAPTURE(is_half_closed);
      WirePeer peer(at.server, small_receive_buffer);
      REQUIRE(peer.send(request("GET", "/f/large") + std::string(is_half_closed ? "" : get_page)));
      if (is_half_closed) peer.finish_sending();
      for (int i = 0; i < 20; ++i) REQUIRE(at.server.loop.run_once(net::Duration{}));
      CHECK(at.server.baseline().pool_bytes < before.pool_bytes + (std::size_t{512} << 10));
      REQUIRE(peer.until_contains("\r\n\r\n"));
      const std::size_t begin = peer.received.find("\r\n\r\n") + 4;
      REQUIRE(peer.until_received(begin + content.size()));
      CHECK((peer.received.substr(begin, content.size()) == content));
      if (!is_half_closed) REQUIRE(peer.until_contains("a page\n"));
      if (is_half_closed) REQUIRE(peer.until_end());
    }
    REQUIRE(at.server.settle());
    CHECK(at.server.baseline() == before);
  }
}

TEST_CASE("a file that shrinks on its way resets the connection: a part is not the whole") {
  FilesAtWork at;
  at.folder.write("root/large", large_content());
  const Baseline before = at.server.baseline();
  {
    WirePeer peer(at.server, small_receive_buffer);
    REQUIRE(peer.send(request("GET", "/f/large")));
    REQUIRE(peer.until_contains("\r\n\r\n"));
    std::filesystem::resize_file(at.folder.path("root/large"), 1'500'000);
    REQUIRE(peer.until_end());
    CHECK(peer.was_reset);
    CHECK(peer.received.size() < 1'600'000);
  }
  REQUIRE(at.server.settle());
  CHECK(at.server.baseline() == before);
}

TEST_CASE("a peer that goes away in the middle of a file leaves nothing behind") {
  FilesAtWork at;
  at.folder.write("root/large", large_content());
  const Baseline before = at.server.baseline();
  for (const bool is_polite : {true, false}) {
    WirePeer peer(at.server, small_receive_buffer);
    REQUIRE(peer.send(request("GET", "/f/large")));
    REQUIRE(peer.until_contains("\r\n\r\n"));
    is_polite ? peer.close() : peer.reset();
    REQUIRE(at.server.settle());
    CHECK(at.server.baseline() == before);
  }
}

TEST_CASE("what cannot be served is told when it is set up") {
  FilesAtWork at;
  CHECK_FALSE(at.server.server.files("/g", at.folder.path("nothing")));
  CHECK_FALSE(at.server.server.files("/g", at.folder.path("secret.txt")));
  CHECK(at.server.server.files("g", at.folder.path("root")).error() ==
        make_error_code(Errc::argument));
  REQUIRE(at.server.server.files("/", at.folder.path("root/deep")));
  CHECK(at.get("/index.html").body == "the index");
  CHECK(at.get("/").body == "the index");
  CHECK(at.get("/f/page.html").body == "0123456789");
}
