// SPDX-License-Identifier: MIT

#include "ws/redirect.h"

#include <algorithm>

#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

// The scheme in front of ':', or nothing in a relative reference (RFC 3986 §3.1, §4.1).
std::string_view scheme_of(std::string_view reference) noexcept {
  const std::size_t colon = reference.find_first_of(":/?");
  if (colon == std::string_view::npos || reference[colon] != ':') return {};
  return reference.substr(0, colon);
}

// RFC 3986 §5.2.4.
std::string remove_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);  // with the '/' in front
    path.remove_prefix(end);
    const bool is_up = segment == "/..";
    if (is_up) out.erase(std::min(out.rfind('/'), out.size()));
    if (!is_up && segment != "/.") {
      out.append(segment);
    } else if (path.empty()) {
      out.push_back('/');
    }
  }
  return out;
}

// Path and query of the relative reference, seen from `from`.
std::string resolve_target(const Url& from, std::string_view reference) {
  const std::size_t mark = std::min(reference.find('?'), reference.size());
  const std::string_view path = reference.substr(0, mark);
  std::string target;
  if (path.empty()) {
    target = from.path;
    // An empty reference is the same document, its query too.
    if (reference.empty() && !from.query.empty()) target.append("?").append(from.query);
  } else if (path.starts_with('/')) {
    target = remove_dot_segments(path);
  } else {
    std::string merged(from.path.substr(0, from.path.rfind('/') + 1));
    target = remove_dot_segments(merged.append(path));
  }
  return target.append(reference.substr(mark));
}

std::string place_of(const Url& url) {
  if (url.scheme == Url::Scheme::ws_unix) return "ws+unix://" + std::string(url.socket_path) + ":";
  const std::string_view scheme = url.scheme == Url::Scheme::wss ? "wss://" : "ws://";
  return std::string(scheme).append(url.authority);
}

}  // namespace

bool is_redirect(std::uint16_t status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Result<std::string> resolve_redirect(const Url& from, const Fields& fields) {
  if (fields.count("Location") != 1) return Errc::redirect_location;
  std::string_view reference = *fields.find("Location");
  reference = reference.substr(0, reference.find('#'));
  const std::string_view scheme = scheme_of(reference);
  std::string text;
  if (!scheme.empty()) {
    text = reference;
  } else if (reference.starts_with("//")) {
    text = from.scheme == Url::Scheme::wss ? "wss:" : "ws:";
    text.append(reference);
  } else {
    text = place_of(from).append(resolve_target(from, reference));
  }
  const Result<Url> to = parse_url(text);
  if (!to || !to->userinfo.empty()) return Errc::redirect_location;
  const bool is_local = from.scheme == Url::Scheme::ws_unix;
  if ((is_local || to->scheme == Url::Scheme::ws_unix) && !is_same_origin(from, *to)) {
    return Errc::redirect_location;
  }
  if (from.scheme == Url::Scheme::wss && to->scheme != Url::Scheme::wss) {
    return Errc::redirect_downgrade;
  }
  return text;
}

bool is_same_origin(const Url& a, const Url& b) noexcept {
  return a.scheme == b.scheme && a.port == b.port && equals_ignoring_case(a.host, b.host) &&
         a.socket_path == b.socket_path;
}

}  // namespace hilo::ws
