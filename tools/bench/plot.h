// SPDX-License-Identifier: MIT
//
// Plot: lines over two axes, written as SVG that follows the page's colours. Nothing but text.

#pragma once

#include <string>
#include <vector>

namespace hilo::tools::bench {

struct Point {
  double x = 0;
  double y = 0;
};

struct Line {
  std::string name;
  std::size_t color = 0;  // lines of one run have one colour
  bool dashed = false;
  std::vector<Point> points = {};  // in the order of x
};

struct Plot {
  std::string title;
  std::string x_label;
  std::string y_label;
  bool x_logarithmic = false;
  bool y_logarithmic = false;  // what is not above 0 is left out
  // How a number of the x axis is written; null: as a number.
  std::string (*x_text)(double) = nullptr;
  std::vector<Line> lines = {};
};

inline constexpr std::size_t plot_colors = 6;

// Empty if there is no line with two points.
std::string to_svg(const Plot& plot);

}  // namespace hilo::tools::bench
