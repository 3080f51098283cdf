// SPDX-License-Identifier: MIT

#include "tools/bench/report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/bench/compare.h"
#include "tools/bench/expectation.h"
#include "tools/bench/plot.h"

namespace {

using namespace hilo;
using namespace hilo::tools::bench;
using net::Duration;

// A run of so many seconds, with figures that are easy to check.
tools::bench::Result sample(std::string label, std::int64_t cost_microseconds) {
  tools::bench::Result result;
  result.label = std::move(label);
  result.measured = Duration::seconds(2);
  result.busiest = Duration::milliseconds(500);
  result.total.messages = 10'000;
  for (int i = 1; i <= 1000; ++i) result.total.latency.record(Duration{i * 1000}, 10);
  result.total.tcp.record(Duration::milliseconds(1), 64);
  result.total.opening.record(Duration::milliseconds(2), 64);
  result.server = ServerUse{.processor = Duration{cost_microseconds * 1000} * 10'000,
                            .resident_bytes = 1 << 20,
                            .bytes_per_connection = {}};
  for (int i = 1; i <= 2; ++i) {
    result.intervals.push_back({.at = Duration::seconds(i),
                                .length = Duration::seconds(1),
                                .messages = 5'000,
                                .p50 = Duration{500'000},
                                .p99 = Duration{990'000},
                                .most = Duration{1'000'000}});
  }
  return result;
}

std::string missed(std::string_view text, const tools::bench::Result& result) {
  const auto expectation = Expectation::parse(text);
  REQUIRE(expectation);
  return disappointment(*expectation, result).value_or("");
}

}  // namespace

TEST_CASE("durations and counts are written as people read them") {
  CHECK(in_words({950}) == "950 ns");
  CHECK(in_words({12'300}) == "12.3 µs");
  CHECK(in_words({4'560'000}) == "4.56 ms");
  CHECK(in_words({1'230'000'000}) == "1.23 s");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1'234'567) == "1,234,567");
}

TEST_CASE("a run's figures are per second, per message and per core") {
  const auto result = sample("", 3);
  CHECK(result.rate() == doctest::Approx(5000));
  CHECK(result.server_microseconds() == doctest::Approx(3));
  CHECK(result.generator_busy() == doctest::Approx(0.25));
  CHECK(result.server_busy() == doctest::Approx(0.015));
}

TEST_CASE("a report says when the generator was the limit, and not otherwise") {
  Plan plan;
  auto result = sample("", 3);
  CHECK(result.generator_limit(plan).empty());
  result.busiest = Duration::milliseconds(1990);
  CHECK(result.generator_limit(plan).find("100 % of a core") != std::string::npos);
  CHECK(text_report(plan, result).find("LIMIT") != std::string::npos);
  // A server that is as busy is a limit, too.
  result.server->processor = Duration::milliseconds(1995);
  CHECK(result.generator_limit(plan).empty());
  // In an open loop the generator waits for its next message without sleeping.
  plan.rate = 1000;
  CHECK(result.generator_limit(plan).empty());
  result.total.lateness.record(Duration::milliseconds(5), 100);
  CHECK(result.generator_limit(plan).find("5.0 ms late") != std::string::npos);
}

TEST_CASE("the text, the line of JSON and the page have the same figures") {
  Plan plan;
  plan.url = "ws://127.0.0.1:8080/<echo>";
  const auto result = sample("", 3);
  const std::string text = text_report(plan, result);
  CHECK(text.find("10,000 in 2.0 s, 5,000/s") != text.npos);
  CHECK(text.find("3.00 µs of processor time") != text.npos);

  const std::string line = json_report(plan, result);
  CHECK(line.find('\n') == line.npos);
  const auto json = nlohmann::json::parse(line);
  CHECK(json["messages"] == 10'000);
  CHECK(json["rate"] == doctest::Approx(5000));
  CHECK(json["server"]["cpu_us_per_message"] == doctest::Approx(3));
  CHECK(json["latency"]["p50_us"].get<double>() == doctest::Approx(500).epsilon(0.01));
  CHECK(json["intervals"].size() == 2);

  const std::string page = html_report(plan, std::vector{sample("one", 3), sample("two", 4)});
  CHECK(page.find("ws://127.0.0.1:8080/&lt;echo&gt;") != page.npos);
  CHECK(page.find("<echo>") == page.npos);
  CHECK(page.find("3.00 µs") != page.npos);
  std::size_t plots = 0;
  for (std::size_t at = 0; (at = page.find("<svg", at)) != page.npos; ++at) ++plots;
  CHECK(plots == 4);
  CHECK(page.find("http:") == page.npos);
}

TEST_CASE("a plot without two points is left out") {
  Plot plot{.title = "t", .x_label = "x", .y_label = "y"};
  CHECK(to_svg(plot).empty());
  plot.lines.push_back({.name = "one", .points = {{1, 1}}});
  CHECK(to_svg(plot).empty());
  plot.lines[0].points.push_back({2, 0});
  plot.y_logarithmic = true;
  CHECK(to_svg(plot).empty());  // 0 has no place there
  plot.y_logarithmic = false;
  CHECK(to_svg(plot).find("<polyline") != std::string::npos);
}

TEST_CASE("what is expected is written as a figure, a sign and a bound") {
  const auto result = sample("", 3);
  CHECK(missed("p99<5ms", result).empty());
  CHECK(missed("p99<500us", result).starts_with("p99<500us was expected, it is 9"));
  CHECK(missed("rate>4999", result).empty());
  CHECK(!missed("rate>5001", result).empty());
  CHECK(missed("cpu<4us", result).empty());
  CHECK(!missed("cpu<3us", result).empty());
  CHECK(missed("failed<1", result).empty());
  CHECK(missed("max>999us", result).empty());
  for (const auto* wrong : {"", "p99", "p99=1ms", "p98<1ms", "p99<", "p99<fast", "rate<10ms"}) {
    CAPTURE(wrong);
    CHECK(!Expectation::parse(wrong));
  }
  CHECK(missed("cpu<1s", tools::bench::Result{}).find("not known") != std::string::npos);
}

TEST_CASE("ratios are those of the rounds, with their spread") {
  const std::vector<tools::bench::Result> results = {sample("A", 2), sample("B", 4),
                                                     sample("A", 3), sample("B", 4),
                                                     sample("A", 5), sample("B", 4)};
  bool found = false;
  for (const Ratio& ratio : ratios(results)) {
    if (!ratio.what.starts_with("processor time")) continue;
    found = true;
    CHECK(ratio.median == doctest::Approx(0.75));
    CHECK(ratio.least == doctest::Approx(0.5));
    CHECK(ratio.most == doctest::Approx(1.25));
  }
  CHECK(found);
  auto broken = results;
  broken.back().error = "interrupted";
  CHECK(ratios(broken).empty());
  CHECK(ratios({results[0]}).empty());
}
