// SPDX-License-Identifier: MIT

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "tools/bench/plot.h"
#include "tools/bench/report.h"
#include "tools/conform/xml_text.h"

namespace hilo::tools::bench {
namespace {

using conform::xml_text;

// The page needs nothing from elsewhere: no script, no font, no picture.
constexpr std::string_view style =
    ":root{color-scheme:light dark;--ink:#222;--paper:#fff;--faint:#ddd;--a:#1f6fb4;--b:#c8501e;"
    "--c:#2a8f4a;--d:#8a3fa0;--e:#a07800;--f:#666}"
    "@media(prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#16181b;--faint:#3a3d42;"
    "--a:#6db3f2;--b:#ff9a66;--c:#6fd08c;--d:#cf9be0;--e:#e0bd55;--f:#aaa}}"
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;"
    "color:var(--ink);background:var(--paper)}"
    "h1{font-size:1.4em}table{border-collapse:collapse;display:block;overflow-x:auto}"
    "td,th{padding:.25em .9em .25em 0;text-align:right;white-space:nowrap}"
    "td:first-child,th:first-child{text-align:left}th{font-weight:600}"
    "figure{margin:1.5em 0}svg{width:100%;height:auto}svg line{stroke:var(--faint)}"
    "svg text{fill:var(--ink);font:12px system-ui,sans-serif}"
    "polyline{fill:none;stroke-width:1.8}.dashed{stroke-dasharray:5 4}"
    ".run0{stroke:var(--a)}.run1{stroke:var(--b)}.run2{stroke:var(--c)}.run3{stroke:var(--d)}"
    ".run4{stroke:var(--e)}.run5{stroke:var(--f)}"
    ".legend{margin:.2em 0 0 4.5em}.key{display:inline-block;width:1.6em;height:0;"
    "border-top:3px solid;vertical-align:middle}.key.dashed{border-top-style:dashed}"
    ".key.run0{border-color:var(--a)}.key.run1{border-color:var(--b)}"
    ".key.run2{border-color:var(--c)}.key.run3{border-color:var(--d)}"
    ".key.run4{border-color:var(--e)}.key.run5{border-color:var(--f)}"
    ".limit{color:var(--b);font-weight:600}";

double microseconds(net::Duration time) {
  return static_cast<double>(time.nanoseconds) / 1e3;
}

std::string name_of(const Result& result, std::size_t place) {
  return result.label.empty() ? "run " + std::to_string(place + 1) : result.label;
}

std::string fixed(double value, int digits) {
  char text[64];
  const int size = std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return {text, static_cast<std::size_t>(size)};
}

std::string cell(std::string_view text) {
  return "<td>" + xml_text(text) + "</td>";
}

std::string row(const Result& result, std::size_t place) {
  const Tally& total = result.total;
  std::string out = "<tr>" + cell(name_of(result, place)) + cell(grouped(total.messages)) +
                    cell(grouped(static_cast<std::uint64_t>(result.rate())));
  for (const double percent : {50.0, 90.0, 99.0, 99.9, 99.99}) {
    out += cell(total.latency.count() == 0 ? "" : in_words(total.latency.percentile(percent)));
  }
  out += cell(total.latency.count() == 0 ? "" : in_words(total.latency.most()));
  out += cell(result.server ? fixed(result.server_microseconds(), 2) + " µs" : "");
  out += cell(fixed(result.generator_busy() * 100, 0) + " %") + cell(grouped(total.failed));
  return out + "</tr>\n";
}

std::string table(std::span<const Result> results) {
  std::string out =
      "<table>\n<tr><th></th><th>messages</th><th>a second</th><th>p50</th><th>p90</th>"
      "<th>p99</th><th>p99.9</th><th>p99.99</th><th>max</th><th>server, each</th>"
      "<th>generator</th><th>failed</th></tr>\n";
  for (std::size_t i = 0; i < results.size(); ++i) out += row(results[i], i);
  return out + "</table>\n";
}

Plot rate_plot(std::span<const Result> results) {
  Plot plot{.title = "Rate", .x_label = "seconds", .y_label = "messages a second"};
  for (std::size_t i = 0; i < results.size(); ++i) {
    Line line{.name = name_of(results[i], i), .color = i};
    for (const Interval& each : results[i].intervals) {
      const double length = static_cast<double>(each.length.nanoseconds) / 1e9;
      if (length > 0) {
        line.points.push_back({static_cast<double>(each.at.nanoseconds) / 1e9,
                               static_cast<double>(each.messages) / length});
      }
    }
    plot.lines.push_back(std::move(line));
  }
  return plot;
}

Plot latency_plot(std::span<const Result> results) {
  Plot plot{
      .title = "Latency over time", .x_label = "seconds", .y_label = "µs", .y_logarithmic = true};
  for (std::size_t i = 0; i < results.size(); ++i) {
    Line middle{.name = name_of(results[i], i) + " p50", .color = i};
    Line high{.name = name_of(results[i], i) + " p99", .color = i, .dashed = true};
    for (const Interval& each : results[i].intervals) {
      const double at = static_cast<double>(each.at.nanoseconds) / 1e9;
      middle.points.push_back({at, microseconds(each.p50)});
      high.points.push_back({at, microseconds(each.p99)});
    }
    plot.lines.push_back(std::move(middle));
    plot.lines.push_back(std::move(high));
  }
  return plot;
}

// The axis goes by 1 / (1 - share), so that each power of ten is a nine more.
std::string percent_text(double inverse) {
  if (inverse < 10) return fixed(100 - 100 / inverse, 0) + " %";
  const int digits = std::max(0, static_cast<int>(std::lround(std::log10(inverse))) - 2);
  return fixed(100 - 100 / inverse, digits) + " %";
}

Line percentile_line(std::string name, std::size_t color, bool dashed,
                     const LatencyHistogram& times) {
  Line line{.name = std::move(name), .color = color, .dashed = dashed};
  const auto most = static_cast<double>(times.count());
  for (double inverse = 1; inverse <= most; inverse *= 1.1) {
    line.points.push_back({inverse, microseconds(times.percentile(100 - 100 / inverse))});
  }
  return line;
}

Plot percentile_plot(std::string title) {
  return {.title = std::move(title),
          .x_label = "percentile",
          .y_label = "µs",
          .x_logarithmic = true,
          .y_logarithmic = true,
          .x_text = percent_text};
}

Plot answers_plot(std::span<const Result> results) {
  Plot plot = percentile_plot("Latency by percentile");
  for (std::size_t i = 0; i < results.size(); ++i) {
    plot.lines.push_back(
        percentile_line(name_of(results[i], i), i, false, results[i].total.latency));
  }
  return plot;
}

// How connections came to be: TCP, and from there to the open WebSocket.
Plot opening_plot(std::span<const Result> results) {
  Plot plot = percentile_plot("Connections: TCP, then TLS and handshake");
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Tally& total = results[i].total;
    const std::string name = name_of(results[i], i);
    plot.lines.push_back(percentile_line(name + " TCP", i, true, total.tcp));
    plot.lines.push_back(percentile_line(name + " handshake", i, false, total.opening));
  }
  return plot;
}

}  // namespace

std::string html_report(const Plan& plan, std::span<const Result> results) {
  const std::string title = "hilo bench " + plan.url;
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
      xml_text(title) + "</title><style>" + std::string(style) + "</style></head><body>\n<h1>" +
      xml_text(title) + "</h1>\n<p>" + xml_text(describe(plan)) + "</p>\n" + table(results);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string limit = results[i].generator_limit(plan);
    if (limit.empty()) continue;
    out += "<p class=\"limit\">" + xml_text(name_of(results[i], i)) +
           ": the generator, not the server, may be what was measured: " + xml_text(limit) +
           "</p>\n";
  }
  for (const Plot& plot :
       {rate_plot(results), latency_plot(results), answers_plot(results), opening_plot(results)}) {
    out += to_svg(plot);
  }
  return out + "</body></html>\n";
}

}  // namespace hilo::tools::bench
