// SPDX-License-Identifier: MIT

#include "ws/router.h"

#include <algorithm>
#include <utility>

#include "ws/core/error.h"
#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

// The first segment of `rest`, which is then left without it and its slash.
std::string_view take_segment(std::string_view& rest) noexcept {
  const std::size_t slash = rest.find('/');
  const std::string_view segment = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  return segment;
}

// RFC 3986 §3.3: "." and "..", whose dots may be written as %2E.
bool is_dot_segment(std::string_view segment) noexcept {
  int dots = 0;
  while (!segment.empty()) {
    const bool escaped = starts_with_ignoring_case(segment, "%2e");
    if (!escaped && segment.front() != '.') return false;
    segment.remove_prefix(escaped ? 3 : 1);
    ++dots;
  }
  return dots == 1 || dots == 2;
}

bool has_dot_segment(std::string_view path) noexcept {
  while (!path.empty()) {
    if (is_dot_segment(take_segment(path))) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string_view> PathParameters::find(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    if (all_[i].name == name) return all_[i].value;
  }
  return std::nullopt;
}

Router::Router() : nodes_(1) {}

// Every segment of the pattern, and the names of those that stand for others.
Status Router::split(std::string_view pattern, std::vector<std::string_view>& segments,
                     Pattern& into) {
  into.text = pattern;
  if (!pattern.starts_with('/') || !is_target_text(pattern)) return Errc::argument;
  if (pattern.find('?') != std::string_view::npos) return Errc::argument;
  if (std::count(pattern.begin(), pattern.end(), '/') > static_cast<int>(segments_max)) {
    return Errc::argument;
  }
  std::string_view rest = pattern.substr(1);
  const bool ends_with_slash = rest.empty() || rest.ends_with('/');
  while (!rest.empty()) {
    const std::string_view segment = take_segment(rest);
    segments.push_back(segment);
    const bool is_rest = segment.starts_with('*');
    if (!is_rest && !segment.starts_with(':')) continue;
    const std::string_view name = segment == "*" ? segment : segment.substr(1);
    if (!is_token(name) || (is_rest && (!rest.empty() || ends_with_slash))) return Errc::argument;
    if (std::find(into.names.begin(), into.names.end(), name) != into.names.end()) {
      return Errc::argument;
    }
    into.names.emplace_back(name);
  }
  if (ends_with_slash) segments.emplace_back();
  if (into.names.size() > PathParameters::count_max) return Errc::argument;
  return {};
}

Result<std::uint32_t> Router::add(std::string_view pattern) {
  std::vector<std::string_view> segments;
  Pattern made;
  if (Status status = split(pattern, segments, made); !status) return status.error();
  const bool has_rest = segments.back().starts_with('*');
  if (has_rest) segments.pop_back();
  std::uint32_t node = 0;
  for (const std::string_view segment : segments) node = make_below(node, segment);
  std::uint32_t& place = has_rest ? nodes_[node].rest_pattern : nodes_[node].pattern;
  if (place != none) {
    if (patterns_[place].text != pattern) return Errc::argument;
    return place;
  }
  place = static_cast<std::uint32_t>(patterns_.size());
  patterns_.push_back(std::move(made));
  return place;
}

std::uint32_t Router::make_below(std::uint32_t node, std::string_view segment) {
  const auto added = static_cast<std::uint32_t>(nodes_.size());
  if (segment.starts_with(':')) {
    if (nodes_[node].parameter != none) return nodes_[node].parameter;
    nodes_[node].parameter = added;
    nodes_.emplace_back();
    return added;
  }
  const std::uint32_t known = text_below(node, segment);
  if (known != none) return known;
  nodes_.emplace_back();
  nodes_.back().text = segment;
  std::vector<std::uint32_t>& texts = nodes_[node].texts;
  texts.insert(std::lower_bound(texts.begin(), texts.end(), segment,
                                [this](std::uint32_t each, std::string_view text) {
                                  return nodes_[each].text < text;
                                }),
               added);
  return added;
}

std::uint32_t Router::text_below(std::uint32_t node, std::string_view text) const noexcept {
  const std::vector<std::uint32_t>& texts = nodes_[node].texts;
  const auto found = std::lower_bound(
      texts.begin(), texts.end(), text,
      [this](std::uint32_t each, std::string_view wanted) { return nodes_[each].text < wanted; });
  return found != texts.end() && nodes_[*found].text == text ? *found : none;
}

struct Router::Search {
  std::uint32_t taken(std::uint32_t pattern) const {
    const bool takes = pattern != none && (filter == nullptr || filter->takes(pattern));
    return takes ? pattern : none;
  }

  PathParameters& parameters;
  Filter* filter;
  bool may_vary;  // or only text fits
};

std::optional<std::uint32_t> Router::find(std::string_view path, PathParameters& parameters,
                                          Filter* filter) const noexcept {
  parameters.count_ = 0;
  if (!path.starts_with('/')) return std::nullopt;
  Search search{parameters, filter, !has_dot_segment(path.substr(1))};
  const std::uint32_t found = find_below(0, path.substr(1), search);
  if (found == none) return std::nullopt;
  for (std::size_t i = 0; i < parameters.count_; ++i) {
    parameters.all_[i].name = patterns_[found].names[i];
  }
  return found;
}

// The pattern that fits `rest` behind `node`. It goes no deeper than the patterns do.
std::uint32_t Router::find_below(std::uint32_t node, std::string_view rest, Search& search) const {
  std::string_view behind = rest;
  const std::string_view segment = take_segment(behind);
  const bool is_last = segment.size() == rest.size();
  const auto follow = [&](std::uint32_t next) {
    if (next == none) return none;
    if (is_last) return search.taken(nodes_[next].pattern);
    return find_below(next, behind, search);
  };
  std::uint32_t found = follow(text_below(node, segment));
  if (found != none || !search.may_vary) return found;
  PathParameters& parameters = search.parameters;
  const std::size_t before = parameters.count_;
  if (nodes_[node].parameter != none && !segment.empty()) {
    parameters.all_[parameters.count_++].value = segment;
    found = follow(nodes_[node].parameter);
    if (found != none) return found;
    parameters.count_ = before;
  }
  found = search.taken(nodes_[node].rest_pattern);
  if (found != none) parameters.all_[parameters.count_++].value = rest;
  return found;
}

}  // namespace hilo::ws
