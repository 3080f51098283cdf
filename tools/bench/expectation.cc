// SPDX-License-Identifier: MIT

#include "tools/bench/expectation.h"

#include <array>
#include <charconv>

#include "tools/bench/report.h"
#include "tools/hilo/values.h"

namespace hilo::tools::bench {
namespace {

enum class Unit { duration, number };

using Figure = std::optional<double> (*)(const Result&);

struct Known {
  std::string_view name;
  Unit unit;
  Figure figure;
};

std::optional<double> latency(const Result& result, double percent) {
  if (result.total.latency.count() == 0) return {};
  return static_cast<double>(result.total.latency.percentile(percent).nanoseconds);
}

constexpr std::array<Known, 12> known = {{
    {"p50", Unit::duration, [](const Result& r) { return latency(r, 50); }},
    {"p90", Unit::duration, [](const Result& r) { return latency(r, 90); }},
    {"p99", Unit::duration, [](const Result& r) { return latency(r, 99); }},
    {"p99.9", Unit::duration, [](const Result& r) { return latency(r, 99.9); }},
    {"p99.99", Unit::duration, [](const Result& r) { return latency(r, 99.99); }},
    {"max", Unit::duration, [](const Result& r) { return latency(r, 100); }},
    {"mean", Unit::duration,
     [](const Result& r) -> std::optional<double> {
       if (r.total.latency.count() == 0) return {};
       return static_cast<double>(r.total.latency.mean().nanoseconds);
     }},
    {"rate", Unit::number, [](const Result& r) -> std::optional<double> { return r.rate(); }},
    {"cpu", Unit::duration,
     [](const Result& r) -> std::optional<double> {
       if (!r.server || r.total.messages == 0) return {};
       return r.server_microseconds() * 1e3;
     }},
    {"memory", Unit::number,
     [](const Result& r) -> std::optional<double> {
       if (!r.server || !r.server->bytes_per_connection) return {};
       return static_cast<double>(*r.server->bytes_per_connection);
     }},
    {"failed", Unit::number,
     [](const Result& r) -> std::optional<double> { return static_cast<double>(r.total.failed); }},
    {"unanswered", Unit::number,
     [](const Result& r) -> std::optional<double> {
       return static_cast<double>(r.total.unanswered);
     }},
}};

const Known* find(std::string_view name) {
  for (const Known& each : known) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

std::string in_unit(Unit unit, double value) {
  if (unit == Unit::duration) return in_words({static_cast<std::int64_t>(value)});
  return grouped(static_cast<std::uint64_t>(value));
}

}  // namespace

std::optional<Expectation> Expectation::parse(std::string_view text) {
  const std::size_t sign = text.find_first_of("<>");
  if (sign == text.npos) return {};
  Expectation made{.text = std::string(text),
                   .figure = std::string(text.substr(0, sign)),
                   .at_most = text[sign] == '<'};
  const Known* const figure = find(made.figure);
  if (figure == nullptr) return {};
  const std::string_view bound = text.substr(sign + 1);
  if (figure->unit == Unit::duration) {
    const hilo::Result<net::Duration> time = parse_duration(bound);
    if (!time) return {};
    made.bound = static_cast<double>(time->nanoseconds);
    return made;
  }
  const auto [end, error] = std::from_chars(bound.data(), bound.data() + bound.size(), made.bound);
  if (error != std::errc() || end != bound.data() + bound.size()) return {};
  return made;
}

std::optional<std::string> disappointment(const Expectation& expectation, const Result& result) {
  const Known& known_figure = *find(expectation.figure);
  const std::optional<double> value = known_figure.figure(result);
  if (!value) return expectation.text + " was expected, and is not known";
  if (expectation.at_most ? *value < expectation.bound : *value > expectation.bound) return {};
  return expectation.text + " was expected, it is " + in_unit(known_figure.unit, *value);
}

}  // namespace hilo::tools::bench
