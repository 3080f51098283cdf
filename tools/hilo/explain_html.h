// SPDX-License-Identifier: MIT
//
// ExplainPage: what `hilo explain --format html` writes: one file with all that is needed to look
// at it, without a network. It shows parts as the page of `hilo serve` does, by the same script
// (tools/web/layers.js).

#pragma once

#include <string>
#include <string_view>

#include "ws/trace/part.h"

namespace hilo::tools {

class ExplainPage {
 public:
  // A line of JSON (tools/explain/print.h) about a connection. Parts that follow each other in one
  // direction stand together.
  void add(std::string_view json_line);
  bool empty() const noexcept { return calls_.empty(); }
  // All of the page, of which there is at least one part.
  std::string text() const;

 private:
  std::string calls_;      // a list of lists, as JSON
  std::string direction_;  // of the last one, and its connection
};

}  // namespace hilo::tools
