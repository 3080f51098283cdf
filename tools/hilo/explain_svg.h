// SPDX-License-Identifier: MIT
//
// ExplainDrawing: what `hilo explain --format svg` writes: a picture for slides and pages. Frames
// are drawn as RFC 6455 §5.2 draws them, 32 bits a row, each field in its place; what is no bits
// (heads, the accept key, messages, packets) as a list of what it says. What a client sends stands
// to the left, what a server sends to the right.
//
// Of long frames the first rows are drawn, and of long lists the first lines; what is left out is
// said. Each box tells all of its field to whoever points at it.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hilo::tools {

class ExplainDrawing {
 public:
  // A line of JSON (tools/explain/print.h) about a connection.
  void add(std::string_view json_line);
  bool empty() const noexcept { return drawn_.empty() && unit_.empty(); }
  // The whole picture, of which there is at least one part.
  std::string text();

 private:
  struct Part {
    std::string layer, name, value, section, hex, fault;
    int depth = 0;
    std::int64_t bit = 0;
    std::int64_t bits = 0;
  };

  // Draws the unit that is complete: a head, a frame, a message, a packet.
  void finish();
  void draw_title(const Part& head);
  void draw_bits(const Part& head);
  void draw_field(const Part& part, int top, std::size_t colour);
  void draw_piece(const Part& part, std::int64_t from, std::int64_t bits, std::size_t colour);
  void draw_list();
  void draw_fault(const std::string& fault);
  void draw_text(int x, int y, std::string_view style, std::string_view text);

  std::string drawn_;
  std::vector<Part> unit_;
  std::string speaker_;     // connection and direction
  std::int64_t begin_ = 0;  // of the unit, in bits
  int left_ = 0;            // of it, in units of the picture
  int y_ = 0;
};

}  // namespace hilo::tools
