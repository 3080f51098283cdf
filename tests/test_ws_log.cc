// SPDX-License-Identifier: MIT

#include "ws/log.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

using namespace hilo;
using ws::Errc;
using ws::LogLevel;

namespace {

struct Recorded {
  ws::LogSink sink() {
    return [this](LogLevel level, std::string_view line) {
      levels.push_back(level);
      lines.emplace_back(line);
    };
  }
  std::vector<LogLevel> levels;
  std::vector<std::string> lines;
};

constexpr net::Time start{1'000'000'000'000};

net::PeerAddress peer(std::string_view text) {
  return net::PeerAddress{*net::Address::parse(text)};
}

}  // namespace

TEST_CASE("a rejection is one line, exactly") {
  ws::Metrics metrics;
  Recorded recorded;
  ws::Log log(metrics, recorded.sink());
  log.reject({.error = Errc::frame_unmasked,
              .peer = peer("127.0.0.1:40312"),
              .connection = 7,
              .bytes_in = 9,
              .code = 1002},
             start);
  log.reject({.error = Errc::idle_preface, .peer = peer("[::1]:80")}, start);
  log.reject({.error = Errc::upgrade_origin,
              .peer = peer("unix:/tmp/x"),
              .connection = 0xFFFF'FFFF'FFFF'FFFF,
              .bytes_in = 0xFFFF'FFFF'FFFF'FFFF,
              .code = 65535},
             start);
  REQUIRE(recorded.lines.size() == 3);
  CHECK(recorded.lines[0] ==
        "lvl=warn ev=reject layer=ws reason=unmasked peer=127.0.0.1:40312 conn=7 bytes_in=9 "
        "code=1002");
  CHECK(recorded.lines[1] ==
        "lvl=warn ev=reject layer=tcp reason=idle_preface peer=[::1]:80 conn=0 bytes_in=0 code=0");
  CHECK(recorded.lines[2] ==
        "lvl=warn ev=reject layer=upg reason=origin peer=unix: conn=18446744073709551615 "
        "bytes_in=18446744073709551615 code=65535");
  CHECK(recorded.levels[0] == LogLevel::warning);
  CHECK(metrics.rejects[static_cast<std::size_t>(Errc::frame_unmasked)] == 1);
}

TEST_CASE("every rule and the longest address make a whole line") {
  ws::Metrics metrics;
  Recorded recorded;
  ws::Log log(metrics, recorded.sink(), 1000);
  for (std::size_t i = 0; i < ws::errc_count; ++i) {
    log.reject({.error = static_cast<Errc>(i),
                .peer = peer("[2001:db8:1111:2222:3333:4444:5555:6666]:65535"),
                .connection = 0xFFFF'FFFF'FFFF'FFFF,
                .bytes_in = 0xFFFF'FFFF'FFFF'FFFF,
                .code = 65535},
               start);
    CHECK(metrics.rejects[i] == 1);
    REQUIRE(recorded.lines.size() == i + 1);
    CHECK(recorded.lines[i].ends_with(" code=65535"));
  }
}

TEST_CASE("rejections over the rate are counted, and the next line that passes tells how many") {
  ws::Metrics metrics;
  Recorded recorded;
  ws::Log log(metrics, recorded.sink(), 3);
  const auto reject = [&](std::int64_t milliseconds) {
    log.reject({.error = Errc::http_host}, start + net::Duration::milliseconds(milliseconds));
  };
  for (int i = 0; i < 10; ++i) reject(i * 10);
  REQUIRE(recorded.lines.size() == 3);
  CHECK(metrics.log_lines_suppressed == 7);
  CHECK(metrics.rejects[static_cast<std::size_t>(Errc::http_host)] == 10);
  // The window is not over yet.
  reject(999);
  CHECK(recorded.lines.size() == 3);
  reject(1000);
  reject(1001);
  REQUIRE(recorded.lines.size() == 5);
  CHECK(recorded.lines[3].ends_with(" code=0 suppressed=8"));
  CHECK(recorded.lines[4].ends_with(" code=0"));
  CHECK(metrics.log_lines_suppressed == 8);
  // Other lines are not held back.
  for (int i = 0; i < 10; ++i) log.line(LogLevel::info, "event", {});
  CHECK(recorded.lines.size() == 15);
}

TEST_CASE("a rate of none holds every rejection back") {
  ws::Metrics metrics;
  Recorded recorded;
  ws::Log log(metrics, recorded.sink(), 0);
  log.reject({.error = Errc::http_host}, start);
  CHECK(recorded.lines.empty());
  CHECK(metrics.log_lines_suppressed == 1);
}

TEST_CASE("without a sink only the counters move") {
  ws::Metrics metrics;
  ws::Log log(metrics);
  for (int i = 0; i < 100; ++i) log.reject({.error = Errc::http_host}, start);
  log.line(LogLevel::error, "nobody", "hears=this");
  CHECK(metrics.rejects[static_cast<std::size_t>(Errc::http_host)] == 100);
  CHECK(metrics.log_lines_suppressed == 0);
}

TEST_CASE("other lines carry their level, event and fields") {
  ws::Metrics metrics;
  Recorded recorded;
  ws::Log log(metrics, recorded.sink());
  log.line(LogLevel::debug, "a", "x=1 y=2");
  log.line(LogLevel::info, "b", {});
  log.line(LogLevel::warning, "c", {});
  log.line(LogLevel::error, "d", {});
  CHECK(recorded.lines == std::vector<std::string>{"lvl=debug ev=a x=1 y=2", "lvl=info ev=b",
                                                   "lvl=warn ev=c", "lvl=error ev=d"});
}

TEST_CASE("a sink that throws harms nobody") {
  ws::Metrics metrics;
  ws::Log log(metrics, [](LogLevel, std::string_view) { throw std::runtime_error("disk full"); });
  log.line(LogLevel::info, "event", {});
  log.reject({.error = Errc::http_host}, start);
  CHECK(metrics.rejects[static_cast<std::size_t>(Errc::http_host)] == 1);
}
