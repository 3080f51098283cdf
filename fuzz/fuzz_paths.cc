// SPDX-License-Identifier: MIT
//
// What is made of a request's target: which of some patterns it fits, against a twin that tries
// each of them; its escapes and its parameters, against decoders of a few lines; and user
// information of URLs.
//
//   input   lines: the last one is the target, those in front of it are patterns

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/check.h"
#include "ws/core/percent.h"
#include "ws/credentials.h"
#include "ws/router.h"

namespace {

using namespace hilo;
using namespace hilo::ws;

constexpr std::size_t patterns_max = 12;

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// --- percent-encoding ----------------------------------------------------------------------------

int value_of(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

std::optional<std::string> decoded(std::string_view text, Plus plus) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i] == '+' && plus == Plus::is_space ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = value_of(text[i + 1]);
    const int low = value_of(text[i + 2]);
    if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

void check_percent(std::string_view text) {
  for (const Plus plus : {Plus::is_plus, Plus::is_space}) {
    const std::optional<std::string> plain = decoded(text, plus);
    std::vector<char> room(text.size());
    HILO_CHECK(percent_decode(text, room, plus) == plain);
    std::string in_place(text);
    HILO_CHECK(percent_decode(in_place, in_place, plus) == plain);
    HILO_CHECK(!plain || percent_equals(text, *plain, plus));
    HILO_CHECK(percent_equals(text, "a", plus) == (plain == "a"));
    if (!plain || plain->empty()) continue;
    const std::size_t size = plain->size();
    room.resize(size - 1);
    const auto cut = percent_decode(text, room, plus);
    HILO_CHECK(!cut || cut->data() == text.data());
  }
}

void check_query(std::string_view query) {
  QueryReader reader(query);
  std::optional<std::string_view> first;
  std::size_t count = 0;
  for (const std::string_view part : split(query, '&')) {
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const auto each = reader.next();
    HILO_CHECK(each && each->name == part.substr(0, equals));
    HILO_CHECK(each->value == (equals == std::string_view::npos ? "" : part.substr(equals + 1)));
    if (decoded(each->name, Plus::is_space) != "a") continue;
    if (count++ == 0) first = each->value;
  }
  HILO_CHECK(!reader.next());
  HILO_CHECK(find_query(query, "a") == first && count_query(query, "a") == count);
}

// --- routes --------------------------------------------------------------------------------------

bool has_dots(std::string_view path) {
  const std::vector<std::string_view> segments = split(path, '/');
  return std::any_of(segments.begin(), segments.end(), [](std::string_view segment) {
    const std::optional<std::string> plain = decoded(segment, Plus::is_plus);
    return plain == "." || plain == "..";
  });
}

// How well a pattern fits, segment by segment: the smallest is the best.
struct Fit {
  std::string ranks;
  std::vector<std::string_view> values;
};

std::optional<Fit> fit(std::string_view pattern, std::string_view path) {
  const std::vector<std::string_view> wanted = split(pattern.substr(1), '/');
  const std::vector<std::string_view> segments = split(path.substr(1), '/');
  Fit result;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (i >= segments.size()) return std::nullopt;
    if (wanted[i].starts_with('*')) {
      const auto begin = static_cast<std::size_t>(segments[i].data() - path.data());
      result.ranks += 'c';
      result.values.push_back(path.substr(begin));
      return has_dots(path) ? std::nullopt : std::optional(result);
    }
    const bool is_parameter = wanted[i].starts_with(':');
    if (is_parameter ? segments[i].empty() || has_dots(path) : wanted[i] != segments[i]) {
      return std::nullopt;
    }
    result.ranks += is_parameter ? 'b' : 'a';
    if (is_parameter) result.values.push_back(segments[i]);
  }
  if (segments.size() != wanted.size()) return std::nullopt;
  return result;
}

struct OddOnes final : Router::Filter {
  bool takes(std::uint32_t pattern) override { return pattern % 2 == 1; }
};

void check_found(const Router& router, const std::vector<std::string_view>& patterns,
                 std::string_view path, Router::Filter* filter) {
  std::optional<std::uint32_t> best;
  Fit best_fit;
  for (std::uint32_t i = 0; i < patterns.size() && path.starts_with('/'); ++i) {
    if (filter != nullptr && !filter->takes(i)) continue;
    const std::optional<Fit> each = fit(patterns[i], path);
    if (!each || (best && best_fit.ranks <= each->ranks)) continue;
    best = i;
    best_fit = *each;
  }
  PathParameters parameters;
  HILO_CHECK(router.find(path, parameters, filter) == best);
  if (!best) return;
  HILO_CHECK(parameters.size() == best_fit.values.size());
  std::size_t next = 0;
  for (const std::string_view segment : split(patterns[*best].substr(1), '/')) {
    if (!segment.starts_with(':') && !segment.starts_with('*')) continue;
    const std::string_view name = segment == "*" ? segment : segment.substr(1);
    HILO_CHECK(parameters.find(name) == best_fit.values[next++]);
  }
}

void check_routes(std::vector<std::string_view> lines) {
  const std::string_view path = lines.back();
  lines.pop_back();
  Router router;
  std::vector<std::string_view> patterns;
  for (const std::string_view line : lines) {
    const Result<std::uint32_t> number = router.add(line);
    if (!number) continue;
    HILO_CHECK(*number <= patterns.size());
    if (*number == patterns.size()) patterns.push_back(line);
    HILO_CHECK(patterns[*number] == line);
  }
  OddOnes odd_ones;
  check_found(router, patterns, path, nullptr);
  check_found(router, patterns, path, &odd_ones);
}

void check_userinfo(std::string_view text) {
  const std::optional<Credentials> credentials = parse_userinfo(text);
  if (!credentials) return;
  const Result<std::string> shown = basic_authorization(*credentials);
  if (!shown) return;
  HILO_CHECK(credentials->user.find(':') == std::string::npos && shown->starts_with("Basic "));
  HILO_CHECK(shows_authorization(*shown, *shown) && !shows_authorization(*shown + "=", *shown));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1024) return 0;
  const std::string_view text = as_text(Bytes{data, size});
  const std::vector<std::string_view> lines = split(text, '\n');
  if (lines.size() > patterns_max) return 0;
  check_routes(lines);
  const std::string_view target = lines.back();
  check_percent(target);
  check_query(target);
  check_userinfo(target);
  return 0;
}
