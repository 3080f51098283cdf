// SPDX-License-Identifier: MIT

#include "tools/fuzz/reproducer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "tools/hilo/values.h"

namespace hilo::tools::fuzz {
namespace {

constexpr std::string_view first_line = "hilo fuzz reproducer 1";
constexpr std::size_t steps_max = 10000;

constexpr std::array<std::pair<Step::Kind, std::string_view>, 7> step_words = {{
    {Step::Kind::send, "send"},
    {Step::Kind::await_answer, "await-answer"},
    {Step::Kind::await_replies, "await-replies"},
    {Step::Kind::watch, "watch"},
    {Step::Kind::await_end, "await-end"},
    {Step::Kind::half_close, "half-close"},
    {Step::Kind::reset, "reset"},
}};
constexpr std::array<std::pair<Reply::Kind, std::string_view>, 4> reply_words = {{
    {Reply::Kind::text, "text"},
    {Reply::Kind::binary, "binary"},
    {Reply::Kind::pong, "pong"},
    {Reply::Kind::begins, "begins"},
}};

template <class Table, class Kind>
std::string_view word_of(const Table& table, Kind kind) {
  const auto at = std::find_if(table.begin(), table.end(),
                               [&](const auto& each) { return each.first == kind; });
  return at->second;
}

std::string bytes_word(const Octets& bytes) {
  return bytes.empty() ? "-" : conform::to_hex(bytes);
}

// --- writing -------------------------------------------------------------------------------------

void write_step(std::string& text, const Step& step) {
  text.append(word_of(step_words, step.kind)).append(" ").append(std::to_string(step.line));
  if (step.kind == Step::Kind::send) text += " " + bytes_word(step.bytes);
  text += "\n";
  const auto add = [&](std::string_view word, const std::string& value = {}) {
    text.append(" ").append(word);
    if (!value.empty()) text.append(" ").append(value);
    text += "\n";
  };
  std::string pieces;
  for (const std::uint32_t size : step.pieces) {
    pieces.append(pieces.empty() ? "" : " ").append(std::to_string(size));
  }
  if (!pieces.empty()) add("pieces", pieces);
  if (step.milliseconds != 0) add("pause", std::to_string(step.milliseconds));
  for (const Reply& reply : step.replies) {
    add("reply", std::string(word_of(reply_words, reply.kind)) + " " + bytes_word(reply.payload));
  }
  if (step.closes) add("closes");
  if (step.names_sid) add("names-sid");
  for (const int status : step.statuses) add("status", std::to_string(status));
  if (!step.begins.empty()) add("begins", bytes_word(step.begins));
  if (step.or_end) add("or-end");
  for (const std::uint16_t code : step.codes) add("code", std::to_string(code));
  if (step.spare) add("spare");
}

// --- reading -------------------------------------------------------------------------------------

std::string_view take_word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

template <class Number>
bool read_number(std::string_view word, Number& into) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), into);
  return error == std::errc() && end == word.data() + word.size();
}

bool read_bytes(std::string_view word, Octets& into) {
  into.clear();
  if (word == "-") return true;
  const auto bytes = parse_hex(word);
  if (!bytes || bytes->empty()) return false;
  for (const std::uint8_t byte : *bytes) into.push_back(static_cast<char>(byte));
  return true;
}

template <class Number>
bool read_one_more(std::string_view word, std::vector<Number>& into) {
  Number number{};
  if (!read_number(word, number)) return false;
  into.push_back(number);
  return true;
}

template <class Table, class Kind>
bool find_word(const Table& table, std::string_view word, Kind& into) {
  for (const auto& [kind, each] : table) {
    if (each != word) continue;
    into = kind;
    return true;
  }
  return false;
}

bool read_detail(std::string_view rest, Step& step) {
  const std::string_view word = take_word(rest);
  if (word == "closes") return step.closes = true;
  if (word == "names-sid") return step.names_sid = true;
  if (word == "or-end") return step.or_end = true;
  if (word == "spare") return step.spare = true;
  if (word == "pause") return read_number(rest, step.milliseconds);
  if (word == "status") return read_one_more(rest, step.statuses);
  if (word == "code") return read_one_more(rest, step.codes);
  if (word == "begins") return read_bytes(rest, step.begins);
  if (word == "reply") {
    Reply& reply = step.replies.emplace_back();
    return find_word(reply_words, take_word(rest), reply.kind) && read_bytes(rest, reply.payload);
  }
  if (word != "pieces") return false;
  while (!rest.empty()) {
    if (!read_one_more(take_word(rest), step.pieces)) return false;
  }
  return true;
}

bool read_step(std::string_view word, std::string_view rest, Case& subject) {
  Step::Kind kind{};
  if (!find_word(step_words, word, kind) || subject.steps.size() == steps_max) return false;
  Step& step = subject.steps.emplace_back();
  step.kind = kind;
  if (!read_number(take_word(rest), step.line) || step.line > 1) return false;
  return kind == Step::Kind::send ? read_bytes(rest, step.bytes) : rest.empty();
}

template <class T>
bool put(const std::optional<T>& found, T& into) {
  if (found) into = *found;
  return found.has_value();
}

bool read_line(std::string_view line, Reproducer& into) {
  Case& subject = into.subject;
  std::string_view rest = line;
  const std::string_view word = take_word(rest);
  if (line.starts_with(' ')) {
    return !subject.steps.empty() && read_detail(line.substr(1), subject.steps.back());
  }
  if (line.empty() || line.starts_with('#')) return true;
  if (word == "found") return put(find_class(take_word(rest)), into.finding.kind);
  if (word == "seed") return read_number(rest, subject.seed);
  if (word == "case") return read_number(rest, subject.number);
  if (word == "level") return put(find_level(rest), subject.level);
  if (word == "protocol") return put(find_protocol(rest), subject.protocol);
  if (word == "exact") return subject.exact = true;
  if (word == "needs-deflate") return subject.needs_deflate = true;
  for (const auto& [name, text] :
       {std::pair{"name", &subject.name}, std::pair{"rule", &subject.rule},
        std::pair{"catalogue", &subject.catalogue}, std::pair{"detail", &into.finding.detail},
        std::pair{"url", &into.url}}) {
    if (word != name) continue;
    *text = rest;
    return true;
  }
  return read_step(word, rest, subject);
}

}  // namespace

std::string write_reproducer(const Reproducer& reproducer) {
  const Case& subject = reproducer.subject;
  std::string text{first_line};
  const auto add = [&](std::string_view word, std::string_view value) {
    if (value.empty()) return;
    text.append("\n").append(word).append(" ").append(conform::shown(value));
  };
  text += "\n# " + std::string(meaning(reproducer.finding.kind));
  add("found", to_string(reproducer.finding.kind));
  add("detail", reproducer.finding.detail);
  add("url", reproducer.url);
  add("seed", std::to_string(subject.seed));
  add("case", std::to_string(subject.number));
  add("level", to_string(subject.level));
  add("protocol", to_string(subject.protocol));
  add("name", subject.name);
  add("rule", subject.rule);
  add("catalogue", subject.catalogue);
  if (subject.exact) text += "\nexact";
  if (subject.needs_deflate) text += "\nneeds-deflate";
  text += "\n";
  for (const Step& step : subject.steps) write_step(text, step);
  return text;
}

Result<Reproducer> read_reproducer(std::string_view text, std::size_t& line) {
  const auto broken = [] { return make_error_code(std::errc::invalid_argument); };
  Reproducer into;
  line = 0;
  while (!text.empty()) {
    ++line;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view each = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (each.ends_with('\r')) each.remove_suffix(1);
    const bool is_read = line == 1 ? each == first_line : read_line(each, into);
    if (!is_read) return broken();
  }
  if (into.subject.steps.empty()) return broken();
  return into;
}

}  // namespace hilo::tools::fuzz
