// SPDX-License-Identifier: MIT

#include "tools/hilo/explain_svg.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/conform/xml_text.h"

namespace hilo::tools {
namespace {

using conform::xml_text;

constexpr int bit_width = 20;
constexpr int row_bits = 32;
constexpr int box_height = 46;
constexpr int text_height = 18;
constexpr int picture_width = 800;
constexpr int left_of_client = 20;
constexpr int left_of_server = picture_width - 20 - row_bits * bit_width;
constexpr std::int64_t rows_max = 8;          // of one frame
constexpr std::size_t listed_lines_max = 24;  // of one list
constexpr std::size_t field_colours = 6;      // of fields, in turn
constexpr std::size_t line_characters = 86;   // of a line, as far as it fits
constexpr std::size_t title_characters = 64;

constexpr std::string_view drawing_style = R"(<style>
  svg { background: #fff; }
  text { font: 13px system-ui, sans-serif; fill: #1a2126; }
  .unit, .speaker, .wrong { font-weight: 600; }
  .soft { fill: #56626b; font-size: 11px; }
  .wrong { fill: #b3261e; }
  .speaker { fill: #b81f45; }
  .value, .bytes { font: 11px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
  .small { font-size: 9px; }
  .middle { text-anchor: middle; }
  .end { text-anchor: end; }
  rect { stroke: #8a969e; }
  .c0 { fill: #fde8d0; } .c1 { fill: #dcecfb; } .c2 { fill: #e3f4df; }
  .c3 { fill: #f7e0ea; } .c4 { fill: #fbf5cc; } .c5 { fill: #e6e1f7; }
  .list { fill: #f3f5f6; }
  @media (prefers-color-scheme: dark) {
    svg { background: #111518; }
    text { fill: #e4e9ec; }
    .soft { fill: #9aa7af; }
    .wrong { fill: #ffb086; }
    .speaker { fill: #ff8099; }
    rect { stroke: #6b7880; }
    .c0 { fill: #4a3418; } .c1 { fill: #1c3a55; } .c2 { fill: #21442a; }
    .c3 { fill: #502338; } .c4 { fill: #464016; } .c5 { fill: #352c5e; }
    .list { fill: #191f23; }
  }
</style>
)";

// Up to so many characters of UTF-8, and a sign that there are more.
std::string cut_to(std::string_view text, std::size_t most) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_lead = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (is_lead && count++ == most) return std::string(text.substr(0, i)) + "…";
  }
  return std::string(text);
}

// "0x1  text" says in a narrow box no more than "0x1".
std::string_view first_word(std::string_view value) {
  return value.substr(0, value.find("  "));
}

std::string attribute(std::string_view name, std::int64_t value) {
  return " " + std::string(name) + "=\"" + std::to_string(value) + '"';
}

// What a frame claims to be long is more than can be drawn, or counted.
std::int64_t count_of(const nlohmann::json& part, const char* name) {
  constexpr std::uint64_t most = std::uint64_t{1} << 60;
  return static_cast<std::int64_t>(std::min(part.value(name, std::uint64_t{0}), most));
}

std::string fault_of(const nlohmann::json& part) {
  if (!part.contains("error")) return {};
  std::string text = "breaks " + part.value("error", std::string());
  const int answer = part.value("answer", 0);
  if (answer != 0) text += (answer < 1000 ? " → HTTP " : " → Close ") + std::to_string(answer);
  const std::string alert = part.value("alert", std::string());
  if (!alert.empty()) text += " → alert " + alert;
  const std::string number = part.value("catalogue", std::string());
  if (!number.empty()) text += ", catalogue " + number;
  return text + ": " + part.value("text", std::string());
}

}  // namespace

void ExplainDrawing::add(std::string_view json_line) {
  const auto part = nlohmann::json::parse(json_line, nullptr, false);
  if (part.is_discarded()) return;
  const std::string direction = part.value("direction", std::string());
  const std::string speaker = part.value("connection", std::string()) + ' ' + direction;
  if (part.value("depth", 0) == 0 || speaker != speaker_) finish();
  if (speaker != speaker_) {
    speaker_ = speaker;
    left_ = direction == "to_server" ? left_of_client : left_of_server;
    y_ += 2 * text_height;
    draw_text(left_, y_, "speaker",
              (direction == "to_server" ? "client → server  " : "server → client  ") +
                  part.value("connection", std::string()));
  }
  unit_.push_back({.layer = part.value("layer", std::string()),
                   .name = part.value("name", std::string()),
                   .value = part.value("value", std::string()),
                   .section = part.value("section", std::string()),
                   .hex = part.value("hex", std::string()),
                   .fault = fault_of(part),
                   .depth = part.value("depth", 0),
                   .bit = count_of(part, "bit"),
                   .bits = count_of(part, "bits")});
}

std::string ExplainDrawing::text() {
  finish();
  const int height = y_ + text_height;
  return "<svg xmlns=\"http://www.w3.org/2000/svg\"" + attribute("width", picture_width) +
         attribute("height", height) + " viewBox=\"0 0 " + std::to_string(picture_width) + ' ' +
         std::to_string(height) + "\">\n" + std::string(drawing_style) + drawn_ + "</svg>\n";
}

void ExplainDrawing::finish() {
  if (unit_.empty()) return;
  const Part head = unit_.front();
  draw_title(head);
  head.layer == "frame" && head.bits != 0 ? draw_bits(head) : draw_list();
  for (const Part& part : unit_) draw_fault(part.fault);
  unit_.clear();
}

void ExplainDrawing::draw_title(const Part& head) {
  y_ += 26;
  draw_text(left_, y_, "unit",
            cut_to(head.layer + "  " + head.name + "  " + head.value, title_characters));
  draw_text(left_ + row_bits * bit_width, y_, "soft end", head.section);
  y_ += 8;
}

// --- a frame -------------------------------------------------------------------------------------

void ExplainDrawing::draw_bits(const Part& head) {
  begin_ = head.bit;
  y_ += 8;
  for (int bit = 0; bit < row_bits; ++bit) {
    draw_text(left_ + bit * bit_width + bit_width / 2, y_, "soft small middle",
              std::to_string(bit));
  }
  y_ += 4;
  const int top = y_;
  for (std::size_t i = 1; i < unit_.size(); ++i) {
    const Part& part = unit_[i];
    if (part.depth == 1) draw_field(part, top, i % field_colours);
  }
  const std::int64_t rows = (head.bits + row_bits - 1) / row_bits;
  y_ = top + static_cast<int>(std::min(rows, rows_max)) * box_height;
  if (rows <= rows_max) return;
  y_ += text_height;
  draw_text(left_, y_, "soft",
            "… and " + std::to_string((head.bits - rows_max * row_bits) / 8) + " bytes more");
}

// In as many rows as it reaches over.
void ExplainDrawing::draw_field(const Part& part, int top, std::size_t colour) {
  const std::int64_t end = std::min(part.bit + part.bits, begin_ + rows_max * row_bits);
  for (std::int64_t from = part.bit; from < end;) {
    const std::int64_t row = (from - begin_) / row_bits;
    const std::int64_t row_end = std::min(end, begin_ + (row + 1) * row_bits);
    y_ = top + static_cast<int>(row) * box_height;
    draw_piece(part, from, row_end - from, colour);
    from = row_end;
  }
}

void ExplainDrawing::draw_piece(const Part& part, std::int64_t from, std::int64_t bits,
                                std::size_t colour) {
  const int x = left_ + static_cast<int>((from - begin_) % row_bits) * bit_width;
  const int box = static_cast<int>(bits) * bit_width;
  const std::string all = part.name + "  " + part.value + "  " + part.section;
  drawn_ += "<g><title>" + xml_text(all) + "</title><rect class=\"c" + std::to_string(colour) +
            '"' + attribute("x", x) + attribute("y", y_) + attribute("width", box) +
            attribute("height", box_height) + "/>";
  if (bits == 1) {
    const int middle = x + bit_width / 2 + 3;
    drawn_ += "<text class=\"value small\" transform=\"translate(" + std::to_string(middle) + ' ' +
              std::to_string(y_ + box_height - 5) + ") rotate(-90)\">" +
              xml_text(part.name + ' ' + std::string(first_word(part.value))) + "</text>";
  } else if (from == part.bit) {
    const auto fits = static_cast<std::size_t>(box / 7);
    const bool is_told = part.bits < 8 || part.value == part.hex;
    draw_text(x + 5, y_ + 16, "small",
              cut_to(is_told ? part.name : part.name + "  " + part.value, fits));
    if (bits < 8) draw_text(x + 5, y_ + 34, "value", cut_to(first_word(part.value), fits));
  }
  // Three characters of hexadecimal a byte.
  const bool is_bytes = part.bits >= 8 && from % 8 == 0;
  for (std::int64_t byte = 0; is_bytes && byte < bits / 8; ++byte) {
    const auto at = static_cast<std::size_t>((from - part.bit) / 8 + byte) * 3;
    if (at >= part.hex.size()) break;
    draw_text(x + static_cast<int>(byte * 8 + 4) * bit_width, y_ + 34, "bytes middle",
              std::string_view(part.hex).substr(at, 2));
  }
  drawn_ += "</g>\n";
}

// --- what else there is --------------------------------------------------------------------------

void ExplainDrawing::draw_list() {
  if (unit_.size() == 1) return;
  const std::size_t count = std::min(unit_.size() - 1, listed_lines_max);
  const bool is_cut = unit_.size() - 1 > count;
  const int height = static_cast<int>(count + (is_cut ? 1 : 0)) * text_height + 10;
  drawn_ += "<rect class=\"list\" rx=\"4\"" + attribute("x", left_) + attribute("y", y_) +
            attribute("width", row_bits * bit_width) + attribute("height", height) + "/>\n";
  int y = y_;
  for (std::size_t i = 1; i <= count; ++i) {
    const Part& part = unit_[i];
    y += text_height;
    draw_text(left_ + 10 * std::max(part.depth, 1), y, "value",
              cut_to(part.name + "  " + part.value, line_characters - part.section.size()));
    draw_text(left_ + row_bits * bit_width - 8, y, "soft end", part.section);
  }
  if (is_cut) {
    draw_text(left_ + 10, y + text_height, "soft",
              "… and " + std::to_string(unit_.size() - 1 - count) + " lines more");
  }
  y_ += height;
}

void ExplainDrawing::draw_fault(const std::string& fault) {
  if (fault.empty()) return;
  y_ += text_height;
  draw_text(left_, y_, "wrong", cut_to(fault, line_characters + 10));
}

void ExplainDrawing::draw_text(int x, int y, std::string_view style_names, std::string_view text) {
  drawn_ += "<text class=\"" + std::string(style_names) + '"' + attribute("x", x) +
            attribute("y", y) + '>' + xml_text(text) + "</text>\n";
}

}  // namespace hilo::tools
