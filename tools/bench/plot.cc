// SPDX-License-Identifier: MIT

#include "tools/bench/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/conform/xml_text.h"

namespace hilo::tools::bench {
namespace {

using conform::xml_text;

constexpr double width = 720;
constexpr double height = 300;
constexpr double left = 72;
constexpr double right = 16;
constexpr double top = 34;
constexpr double bottom = 46;

std::string decimal(double value) {
  char text[32];
  const int size = std::snprintf(text, sizeof(text), "%.1f", value);
  return {text, static_cast<std::size_t>(size)};
}

std::string short_number(double value) {
  char text[32];
  const int size = value >= 1e6   ? std::snprintf(text, sizeof(text), "%.3gM", value / 1e6)
                   : value >= 1e4 ? std::snprintf(text, sizeof(text), "%.3gk", value / 1e3)
                                  : std::snprintf(text, sizeof(text), "%.4g", value);
  return {text, static_cast<std::size_t>(size)};
}

// From values to places on the page.
struct Axis {
  double least = 0;
  double most = 1;
  bool logarithmic = false;
  double from = 0;
  double to = 1;

  double place(double value) const {
    const auto scaled = [this](double v) { return logarithmic ? std::log10(v) : v; };
    const double span = scaled(most) - scaled(least);
    const double share = span > 0 ? (scaled(value) - scaled(least)) / span : 0.5;
    return from + share * (to - from);
  }

  // Powers of ten and what is between them, or four to eight round numbers.
  std::vector<double> ticks() const {
    std::vector<double> at;
    if (logarithmic) {
      const bool is_narrow = most / least < 200;
      for (double power = std::pow(10, std::floor(std::log10(least))); power <= most; power *= 10) {
        for (const double factor : {1.0, 2.0, 5.0}) {
          const double tick = power * factor;
          const bool is_wanted = factor == 1.0 || is_narrow;
          if (is_wanted && tick >= least * 0.999 && tick <= most * 1.001) at.push_back(tick);
        }
      }
      return at;
    }
    const double rough = (most - least) / 6;
    const double power = std::pow(10, std::floor(std::log10(std::max(rough, 1e-12))));
    const double step = power * (rough / power < 2 ? 2 : rough / power < 5 ? 5 : 10);
    for (double tick = std::ceil(least / step) * step; tick <= most + step / 1e6; tick += step) {
      at.push_back(tick);
    }
    return at;
  }
};

bool can_be_drawn(const Plot& plot, const Point& point) {
  return (!plot.x_logarithmic || point.x > 0) && (!plot.y_logarithmic || point.y > 0);
}

// False if nothing can be drawn.
bool make_axes(const Plot& plot, Axis& x, Axis& y) {
  bool is_first = true;
  bool has_line = false;
  for (const Line& line : plot.lines) {
    std::size_t points = 0;
    for (const Point& point : line.points) {
      if (!can_be_drawn(plot, point)) continue;
      ++points;
      x.least = is_first ? point.x : std::min(x.least, point.x);
      x.most = is_first ? point.x : std::max(x.most, point.x);
      y.least = is_first ? point.y : std::min(y.least, point.y);
      y.most = is_first ? point.y : std::max(y.most, point.y);
      is_first = false;
    }
    has_line = has_line || points > 1;
  }
  x.logarithmic = plot.x_logarithmic;
  y.logarithmic = plot.y_logarithmic;
  if (!y.logarithmic) y.least = 0;
  if (y.most <= y.least) y.most = y.least + 1;
  x.from = left;
  x.to = width - right;
  y.from = height - bottom;
  y.to = top;
  return has_line;
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view text) {
  return "<text x=\"" + decimal(x) + "\" y=\"" + decimal(y) + "\" text-anchor=\"" +
         std::string(anchor) + "\">" + xml_text(text) + "</text>\n";
}

std::string line_between(double x1, double y1, double x2, double y2) {
  return "<line x1=\"" + decimal(x1) + "\" y1=\"" + decimal(y1) + "\" x2=\"" + decimal(x2) +
         "\" y2=\"" + decimal(y2) + "\"/>\n";
}

std::string grid(const Plot& plot, const Axis& x, const Axis& y) {
  std::string out = "<g class=\"grid\">\n";
  for (const double tick : x.ticks())
    out += line_between(x.place(tick), top, x.place(tick), y.from);
  for (const double tick : y.ticks()) out += line_between(left, y.place(tick), x.to, y.place(tick));
  out += "</g>\n<g class=\"text\">\n";
  for (const double tick : x.ticks()) {
    const std::string text = plot.x_text != nullptr ? plot.x_text(tick) : short_number(tick);
    out += text_at(x.place(tick), y.from + 16, "middle", text);
  }
  for (const double tick : y.ticks()) {
    out += text_at(left - 6, y.place(tick) + 4, "end", short_number(tick));
  }
  out += text_at((x.from + x.to) / 2, height - 8, "middle", plot.x_label);
  out += text_at(left - 60, top - 12, "start", plot.title + ", " + plot.y_label);
  return out + "</g>\n";
}

std::string curve(const Plot& plot, const Line& line, const Axis& x, const Axis& y) {
  std::string points;
  for (const Point& point : line.points) {
    if (!can_be_drawn(plot, point)) continue;
    points += decimal(x.place(point.x)) + "," + decimal(y.place(point.y)) + " ";
  }
  return "<polyline class=\"run" + std::to_string(line.color % plot_colors) +
         (line.dashed ? " dashed" : "") + "\" points=\"" + points + "\"><title>" +
         xml_text(line.name) + "</title></polyline>\n";
}

std::string legend(const Plot& plot) {
  std::string out = "<p class=\"legend\">";
  for (const Line& line : plot.lines) {
    out += "<span class=\"key run" + std::to_string(line.color % plot_colors) +
           (line.dashed ? " dashed" : "") + "\"></span> " + xml_text(line.name) + " &#160; ";
  }
  return out + "</p>\n";
}

}  // namespace

std::string to_svg(const Plot& plot) {
  Axis x;
  Axis y;
  if (!make_axes(plot, x, y)) return {};
  std::string out = "<figure><svg viewBox=\"0 0 " + decimal(width) + " " + decimal(height) +
                    "\" role=\"img\" aria-label=\"" + xml_text(plot.title) + "\">\n";
  out += grid(plot, x, y);
  for (const Line& line : plot.lines) out += curve(plot, line, x, y);
  return out + "</svg>\n" + legend(plot) + "</figure>\n";
}

}  // namespace hilo::tools::bench
