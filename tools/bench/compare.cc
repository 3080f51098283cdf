// SPDX-License-Identifier: MIT

#include "tools/bench/compare.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "tools/bench/report.h"
#include "tools/hilo/display.h"

namespace hilo::tools::bench {
namespace {

using Figure = double (*)(const Result&);

struct Compared {
  const char* what;
  Figure figure;
  bool less_is_better;
};

double nanoseconds(net::Duration time) {
  return static_cast<double>(time.nanoseconds);
}

constexpr Compared compared[] = {
    {"processor time of the server, each", [](const Result& r) { return r.server_microseconds(); },
     true},
    {"bytes of an idle connection",
     [](const Result& r) {
       return r.server ? static_cast<double>(r.server->bytes_per_connection.value_or(0)) : 0;
     },
     true},
    {"rate", [](const Result& r) { return r.rate(); }, false},
    {"latency p50", [](const Result& r) { return nanoseconds(r.total.latency.percentile(50)); },
     true},
    {"latency p99", [](const Result& r) { return nanoseconds(r.total.latency.percentile(99)); },
     true},
    {"opening p50", [](const Result& r) { return nanoseconds(r.total.opening.percentile(50)); },
     true},
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::vector<double> figures(const std::vector<Result>& results, std::size_t first, Figure figure) {
  std::vector<double> values;
  for (std::size_t i = first; i < results.size(); i += 2) values.push_back(figure(results[i]));
  return values;
}

// With one error in a run its figures are nobody's.
bool is_whole(const std::vector<Result>& results) {
  return results.size() >= 2 && results.size() % 2 == 0 &&
         std::all_of(results.begin(), results.end(),
                     [](const Result& each) { return each.error.empty(); });
}

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char text[256];
  const int size = std::snprintf(text, sizeof(text), format, values...);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

std::vector<Result> run_in_turns(const Contender& a, const Contender& b, unsigned rounds) {
  std::vector<Result> results;
  for (unsigned round = 0; round < rounds; ++round) {
    const bool a_first = round % 2 == 0;
    const Contender& first = a_first ? a : b;
    const Contender& second = a_first ? b : a;
    Result one = run(first.plan, first.options);
    const bool goes_on = one.error.empty();
    Result other = goes_on ? run(second.plan, second.options) : Result{};
    if (!a_first) std::swap(one, other);
    results.push_back(std::move(one));
    results.push_back(std::move(other));
    const auto& interrupted = first.options.is_interrupted;
    const bool is_over = interrupted && interrupted();
    const bool is_whole_round =
        results.rbegin()[0].error.empty() && results.rbegin()[1].error.empty();
    // Half a round compares nothing; those before it do.
    if (is_over && !is_whole_round && results.size() > 2) results.resize(results.size() - 2);
    if (is_over || !is_whole_round) break;
  }
  return results;
}

std::vector<Ratio> ratios(const std::vector<Result>& results) {
  std::vector<Ratio> found;
  if (!is_whole(results)) return found;
  for (const Compared& each : compared) {
    std::vector<double> quotients;
    for (std::size_t i = 0; i + 1 < results.size(); i += 2) {
      const double mine = each.figure(results[i]);
      const double other = each.figure(results[i + 1]);
      if (mine > 0 && other > 0) quotients.push_back(mine / other);
    }
    if (quotients.size() * 2 != results.size()) continue;
    found.push_back({.what = each.what,
                     .median = median(quotients),
                     .least = *std::min_element(quotients.begin(), quotients.end()),
                     .most = *std::max_element(quotients.begin(), quotients.end()),
                     .less_is_better = each.less_is_better});
  }
  return found;
}

std::string comparison_text(const Contender& a, const Contender& b,
                            const std::vector<Result>& results) {
  std::string text = "A  " + a.options.label + "\nB  " + b.options.label + "\n  " +
                     describe(a.plan) + ", " + std::to_string(results.size() / 2) +
                     " rounds in turns\n\n";
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Result& each = results[i];
    const char name = i % 2 == 0 ? 'A' : 'B';
    if (!each.error.empty()) {
      text += std::string("  ") + name + "  " + printable(each.error) + "\n";
      continue;
    }
    text += formatted("  %c  %10s/s  p50 %-9s p99 %-9s", name,
                      grouped(static_cast<std::uint64_t>(each.rate())).c_str(),
                      in_words(each.total.latency.percentile(50)).c_str(),
                      in_words(each.total.latency.percentile(99)).c_str());
    if (each.server) text += formatted(" server %.2f µs", each.server_microseconds());
    const std::string limit = each.generator_limit(i % 2 == 0 ? a.plan : b.plan);
    text += (limit.empty() ? "" : "  LIMIT: the generator") + std::string("\n");
  }
  text += "\n  A / B                                median    (least - most)\n";
  for (const Ratio& ratio : ratios(results)) {
    text +=
        formatted("  %-36s %6.3f    (%.3f - %.3f)  %s is better\n", ratio.what.c_str(),
                  ratio.median, ratio.least, ratio.most, ratio.less_is_better ? "less" : "more");
  }
  return text;
}

std::string comparison_json(const Contender& a, const Contender& b,
                            const std::vector<Result>& results) {
  using Json = nlohmann::ordered_json;
  Json json = {{"a", a.options.label}, {"b", b.options.label}};
  for (const Ratio& ratio : ratios(results)) {
    json["ratios"].push_back({{"what", ratio.what},
                              {"median", ratio.median},
                              {"least", ratio.least},
                              {"most", ratio.most}});
  }
  for (const auto& [name, first] : {std::pair{"a_figures", 0}, std::pair{"b_figures", 1}}) {
    for (const Compared& each : compared) {
      json[name][each.what] = figures(results, static_cast<std::size_t>(first), each.figure);
    }
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    json["runs"].push_back(Json::parse(json_report(i % 2 == 0 ? a.plan : b.plan, results[i])));
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace hilo::tools::bench
