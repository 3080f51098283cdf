// SPDX-License-Identifier: MIT

#include "tools/explain/print.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ws/trace/text.h"

namespace hilo::tools::explain {
namespace {

constexpr std::size_t shown_bytes = 8;
constexpr std::size_t wire_columns = 24;
constexpr std::size_t text_columns = 62;

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view plain = "\x1b[0m";

std::string painted(std::string text, std::string_view how, bool colour) {
  return colour && !text.empty() ? std::string(how) + text + std::string(plain) : text;
}

// As wide as so many characters; UTF-8 counts by its characters.
std::string padded(std::string text, std::size_t columns) {
  const auto is_lead = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  const auto width = static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_lead));
  return width < columns ? text + std::string(columns - width, ' ') : text + "  ";
}

std::string bits_text(std::uint64_t bit, std::uint64_t bits, std::uint8_t byte) {
  std::string text(8, '.');
  for (std::uint64_t i = bit % 8; i < bit % 8 + bits; ++i) {
    text[i] = (byte >> (7 - i) & 1) != 0 ? '1' : '0';
  }
  return text;
}

// "byte 7" or "bytes 0-10"; of the clear stream within TLS "clear bytes 0-10".
std::string place_text(const trace::Part& part) {
  const trace::Place place = part.place;
  if (place.bits == 0) return {};
  const std::string stream = part.in_tls ? "clear " : "";
  const std::uint64_t first = place.bit / 8;
  const std::uint64_t last = (place.bit + place.bits - 1) / 8;
  if (first == last) return stream + "byte " + std::to_string(first);
  return stream + "bytes " + std::to_string(first) + "-" + std::to_string(last);
}

std::string answer_text(const trace::Fault& fault) {
  if (!fault.alert.empty()) return "alert " + std::string(fault.alert);
  if (fault.answer == 0) return "no answer";
  return (fault.answer < 1000 ? "HTTP " : "close ") + std::to_string(fault.answer);
}

std::string fault_line(const trace::Fault& fault, const std::string& indent, bool colour) {
  if (!fault) return {};
  std::string text = "broken rule " + std::string(fault.label) + ": " + std::string(fault.text) +
                     " -> " + answer_text(fault);
  if (!fault.catalogue.empty()) text += ", catalogue " + std::string(fault.catalogue);
  return indent + painted(std::move(text), red, colour) + '\n';
}

}  // namespace

std::string wire_text(trace::Place place, Bytes bytes) {
  if (bytes.empty()) return {};
  if (place.bits < 8) return bits_text(place.bit, place.bits, bytes.front());
  const bool is_cut = bytes.size() > shown_bytes;
  return trace::hex_pairs(is_cut ? bytes.first(shown_bytes) : bytes) + (is_cut ? " .." : "");
}

std::string text_line(const trace::Part& part, Bytes bytes, const TextStyle& style) {
  const std::string indent(std::size_t{2} * part.depth, ' ');
  std::string behind(part.section);
  if (style.source && !part.source.empty()) behind += "  " + std::string(part.source);
  behind = painted(std::move(behind), dim, style.colour);
  const std::string fault = fault_line(part.fault, indent + "  ", style.colour);
  if (part.fault && part.value.empty() && part.depth != 0) return fault;
  if (part.depth == 0) {
    const std::string head =
        padded(std::string(to_string(part.layer)), 9) + "  " + std::string(part.name);
    return painted(head, bold, style.colour) + "  " +
           padded(part.value, text_columns - std::min(text_columns, head.size())) + "  " +
           padded(place_text(part), 14) + "  " + behind + '\n' + fault;
  }
  const std::string said = std::string(part.name) + (part.value.empty() ? "" : "  " + part.value);
  return indent + padded(wire_text(part.place, bytes), wire_columns) + "  " +
         padded(said, text_columns - wire_columns + 14) + "  " + behind + '\n' + fault;
}

std::string json_line(const trace::Part& part, Bytes bytes, const std::string& connection) {
  nlohmann::ordered_json line;
  if (!connection.empty()) line["connection"] = connection;
  line["direction"] = part.direction == trace::Direction::to_server ? "to_server" : "to_client";
  line["layer"] = to_string(part.layer);
  line["depth"] = part.depth;
  if (part.place.bits != 0) {
    line["bit"] = part.place.bit;
    line["bits"] = part.place.bits;
    line["hex"] = trace::hex_pairs(bytes);
    if (part.in_tls) line["stream"] = "clear";
  }
  line["name"] = part.name;
  line["value"] = part.value;
  line["section"] = part.section;
  line["source"] = part.source;
  if (part.fault) {
    line["error"] = part.fault.label;
    line["text"] = part.fault.text;
    line["answer"] = part.fault.answer;
    line["catalogue"] = part.fault.catalogue;
    if (!part.fault.alert.empty()) line["alert"] = part.fault.alert;
  }
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace hilo::tools::explain
