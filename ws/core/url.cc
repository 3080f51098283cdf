// SPDX-License-Identifier: MIT

#include "ws/core/url.h"

#include <algorithm>

#include "ws/core/http_authority.h"
#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

// Moves `text` behind `prefix`, in any case, if it begins with it.
bool take_prefix(std::string_view& text, std::string_view prefix) noexcept {
  if (!starts_with_ignoring_case(text, prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

Errc parse_target(Url& url, std::string_view text) noexcept {
  if (!is_target_text(text)) return Errc::url_target;
  const std::size_t mark = text.find('?');
  if (mark != 0 && !text.empty()) url.path = text.substr(0, mark);
  if (mark != std::string_view::npos) url.query = text.substr(mark + 1);
  return Errc::none;
}

Errc parse_place(Url& url, std::string_view text) noexcept {
  const std::size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    url.userinfo = text.substr(0, at);
    text.remove_prefix(at + 1);
    // A second '@' has to be written "%40", so that nobody can be mistaken about the host.
    const bool is_ambiguous = url.userinfo.find('@') != std::string_view::npos;
    if (is_ambiguous || !is_target_text(url.userinfo)) return Errc::url_userinfo;
  }
  const std::uint16_t default_port = url.scheme == Url::Scheme::wss ? 443 : 80;
  // Without the port this must be a host; with it, what is wrong then is the port.
  const std::size_t colon = text.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos;
  const std::string_view host = has_port ? text.substr(0, colon) : text;
  const auto bare = parse_authority(host);
  if (!bare || bare->port != 0) return Errc::url_host;
  const auto authority = parse_authority(text);
  if (!authority) return Errc::url_port;
  url.host = authority->host;
  url.is_ipv6 = authority->is_ipv6;
  url.port = authority->port == 0 ? default_port : authority->port;
  url.authority = url.port == default_port ? host : text;
  return Errc::none;
}

Errc parse_unix(Url& url, std::string_view text) noexcept {
  url.scheme = Url::Scheme::ws_unix;
  url.authority = "localhost";
  take_prefix(text, "//");
  const std::size_t colon = text.find(':');
  url.socket_path = text.substr(0, colon);
  if (!url.socket_path.starts_with('/')) return Errc::url_host;
  if (colon == std::string_view::npos) return Errc::none;
  text.remove_prefix(colon + 1);
  if (!text.empty() && text.front() != '/' && text.front() != '?') return Errc::url_target;
  return parse_target(url, text);
}

}  // namespace

Result<Url> parse_url(std::string_view text) noexcept {
  // RFC 6455 §3: fragments are meaningless here, and '#' must not stand for anything else.
  if (text.find('#') != std::string_view::npos) return Errc::url_fragment;
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7F) return Errc::url_target;
  }
  Url url;
  Errc error = Errc::none;
  if (take_prefix(text, "ws+unix:")) {
    error = parse_unix(url, text);
  } else {
    if (take_prefix(text, "wss://") || take_prefix(text, "https://")) {
      url.scheme = Url::Scheme::wss;
    } else if (!take_prefix(text, "ws://") && !take_prefix(text, "http://")) {
      return Errc::url_scheme;
    }
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    error = parse_place(url, text.substr(0, end));
    if (error == Errc::none) error = parse_target(url, text.substr(end));
  }
  if (error != Errc::none) return error;
  return url;
}

}  // namespace hilo::ws
