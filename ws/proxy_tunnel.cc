// SPDX-License-Identifier: MIT

#include "ws/proxy_tunnel.h"

#include <algorithm>
#include <utility>

#include "net/address.h"
#include "ws/core/http_authority.h"
#include "ws/core/http_tokens.h"

namespace hilo::ws {
namespace {

constexpr char socks_version = 5;
constexpr char password_version = 1;  // RFC 1929
constexpr char method_none = 0;
constexpr char method_password = 2;
constexpr char method_refused = '\xFF';
constexpr char command_connect = 1;
constexpr char type_ipv4 = 1;
constexpr char type_name = 3;
constexpr char type_ipv6 = 4;
constexpr std::size_t length_max = 255;  // of whatever SOCKS puts a length byte in front of

void append_counted(std::string& to, std::string_view text) {
  to.push_back(static_cast<char>(text.size()));
  to.append(text);
}

// RFC 1928 §5: an address as it is, or a name for the proxy to look up.
void append_destination(std::string& to, std::string_view host, std::uint16_t port) {
  if (const Result<net::Address> address = net::Address::from_ip(host, port)) {
    const net::PeerAddress bytes{*address};
    to.push_back(address->family() == net::Family::ipv4 ? type_ipv4 : type_ipv6);
    to.append(as_text(bytes.ip_bytes()));
  } else {
    to.push_back(type_name);
    append_counted(to, host);
  }
  to.push_back(static_cast<char>(port >> 8));
  to.push_back(static_cast<char>(port & 0xFF));
}

}  // namespace

Result<ProxyUrl> parse_proxy_url(std::string_view text) noexcept {
  ProxyUrl url;
  for (const std::string_view scheme : {"http://", "socks5://", "socks5h://"}) {
    if (!starts_with_ignoring_case(text, scheme)) continue;
    url.scheme = scheme[0] == 'h' ? ProxyUrl::Scheme::http : ProxyUrl::Scheme::socks5;
    url.port = scheme[0] == 'h' ? 80 : 1080;
    text.remove_prefix(scheme.size());
    break;
  }
  if (url.port == 0) return Errc::proxy_url;
  if (text.ends_with('/')) text.remove_suffix(1);
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    url.userinfo = text.substr(0, at);
    text.remove_prefix(at + 1);
    // As in parse_url(): nobody is to be mistaken about the host.
    const bool is_ambiguous = url.userinfo.find_first_of("@/?#") != std::string_view::npos;
    if (is_ambiguous || !is_target_text(url.userinfo)) return Errc::proxy_url;
  }
  const std::optional<Authority> authority = parse_authority(text);
  if (!authority) return Errc::proxy_url;
  url.host = authority->host;
  if (authority->port != 0) url.port = authority->port;
  return url;
}

Status ProxyTunnel::begin(ProxyUrl::Scheme scheme, std::string_view host, std::uint16_t port,
                          const Credentials& credentials) {
  switch (scheme) {
    case ProxyUrl::Scheme::http: return begin_http(host, port, credentials);
    case ProxyUrl::Scheme::socks5: return begin_socks(host, port, credentials);
  }
  return Errc::argument;
}

Status ProxyTunnel::begin_http(std::string_view host, std::uint16_t port,
                               const Credentials& credentials) {
  std::string authority;
  if (host.find(':') != std::string_view::npos) {
    authority.append("[").append(host).append("]");
  } else {
    authority = host;
  }
  authority.append(":").append(std::to_string(port));
  // RFC 9110 §9.3.6: host and port are the whole target; RFC 9112 §3.2: and Host says the same.
  output_ = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (!credentials.empty()) {
    const Result<std::string> value = basic_authorization(credentials);
    if (!value) return value.error();
    output_.append("Proxy-Authorization: ").append(*value).append("\r\n");
  }
  output_.append("\r\n");
  state_ = State::http_answer;
  return {};
}

Status ProxyTunnel::begin_socks(std::string_view host, std::uint16_t port,
                                const Credentials& credentials) {
  const bool has_credentials = !credentials.empty();
  const bool fits = credentials.user.size() <= length_max &&
                    credentials.password.size() <= length_max && host.size() <= length_max;
  // RFC 1929 §2: a name of no bytes cannot be said.
  if (!fits || (has_credentials && credentials.user.empty())) return Errc::argument;
  output_ = {socks_version, 1, method_none};
  if (has_credentials) {
    output_ = {socks_version, 2, method_none, method_password};
    password_request_ = {password_version};
    append_counted(password_request_, credentials.user);
    append_counted(password_request_, credentials.password);
  }
  request_ = {socks_version, command_connect, 0};
  append_destination(request_, host, port);
  state_ = State::socks_method;
  return {};
}

ProxyTunnel::State ProxyTunnel::feed(Bytes bytes) {
  if (state_ == State::failed) return state_;  // what it said before is still to be read
  input_.append(as_text(bytes));
  bool goes_on = true;
  while (goes_on) {
    switch (state_) {
      case State::http_answer: goes_on = read_http(); break;
      case State::socks_method: goes_on = read_method(); break;
      case State::socks_password: goes_on = read_password(); break;
      case State::socks_reply: goes_on = read_reply(); break;
      case State::established:
        if (!input_.empty()) fail(Errc::proxy_response);
        return state_;
      case State::failed: return state_;
    }
  }
  return state_;
}

// Each of these takes one answer, and says whether there is anything more to be done now.

bool ProxyTunnel::read_http() {
  const HeadProgress progress = reader_.parse(as_bytes(input_));
  if (progress.kind == HeadProgress::Kind::need_input) return false;
  if (progress.kind == HeadProgress::Kind::failed) return fail(Errc::proxy_response);
  const ResponseHead head = reader_.head(as_bytes(input_));
  // Any 2xx opens the tunnel, and no length that it announces means anything (RFC 9110 §9.3.6).
  if (head.status >= 200 && head.status < 300) {
    input_.erase(0, progress.head_bytes);
    state_ = State::established;
    return true;
  }
  response_ = head;
  has_response_ = true;
  return fail(head.status == 407 ? Errc::proxy_auth : Errc::proxy_refused, head.status);
}

bool ProxyTunnel::read_method() {
  if (input_.size() < 2) return false;
  const char method = input_[1];
  if (input_[0] != socks_version) return fail(Errc::proxy_response);
  input_.erase(0, 2);
  if (method == method_none) {
    output_.append(std::exchange(request_, {}));
    state_ = State::socks_reply;
    return true;
  }
  if (method == method_password && !password_request_.empty()) {
    output_.append(std::exchange(password_request_, {}));
    state_ = State::socks_password;
    return true;
  }
  return fail(method == method_refused ? Errc::proxy_auth : Errc::proxy_response);
}

bool ProxyTunnel::read_password() {
  if (input_.size() < 2) return false;
  if (input_[0] != password_version) return fail(Errc::proxy_response);
  if (input_[1] != 0) return fail(Errc::proxy_auth);
  input_.erase(0, 2);
  output_.append(std::exchange(request_, {}));
  state_ = State::socks_reply;
  return true;
}

// 05, reply, 00, type, address, port. Who says no may leave out the rest.
bool ProxyTunnel::read_reply() {
  if (input_.size() < 2) return false;
  if (input_[0] != socks_version) return fail(Errc::proxy_response);
  if (const auto reply = static_cast<std::uint8_t>(input_[1]); reply != 0) {
    return fail(Errc::proxy_refused, reply);
  }
  if (input_.size() < 5) return false;
  std::size_t address_bytes = 0;
  if (input_[3] == type_ipv4) address_bytes = 4;
  if (input_[3] == type_ipv6) address_bytes = 16;
  if (input_[3] == type_name) address_bytes = 1U + static_cast<std::uint8_t>(input_[4]);
  if (input_[2] != 0 || address_bytes == 0) return fail(Errc::proxy_response);
  const std::size_t whole = 4 + address_bytes + 2;
  if (input_.size() < whole) return false;
  input_.erase(0, whole);
  state_ = State::established;
  return true;
}

bool ProxyTunnel::fail(Errc error, std::uint16_t code) noexcept {
  state_ = State::failed;
  error_ = error;
  code_ = code;
  output_.clear();
  return false;
}

}  // namespace hilo::ws
