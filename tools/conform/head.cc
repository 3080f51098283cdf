// SPDX-License-Identifier: MIT

#include "tools/conform/head.h"

#include <algorithm>

#include "tools/conform/octets.h"

namespace hilo::tools::conform {
namespace {

bool is_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}

void read_field(Head& head, std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {
    head.wrong = "a folded header line (RFC 9112 §5.2)";
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    head.wrong = "a header line without a proper name (RFC 9112 §5)";
    return;
  }
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_value(value)) head.wrong = "a control character in a header value (RFC 9110 §5.5)";
  head.fields.emplace_back(line.substr(0, colon), value);
}

bool is_digits(std::string_view text, std::size_t count) {
  return text.size() == count &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// base64 of exactly 16 bytes: 22 digits, of which the last has only two bits, and "==".
bool is_key(std::string_view text) {
  if (text.size() != 24 || !text.ends_with("==")) return false;
  const std::string_view last = "AQgw";
  return last.find(text[21]) != std::string_view::npos &&
         std::all_of(text.begin(), text.begin() + 22, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  c == '+' || c == '/';
         });
}

bool is_version_line(std::string_view line) {
  return line.starts_with("GET /") && line.ends_with(" HTTP/1.1") &&
         std::count(line.begin(), line.end(), ' ') == 2 && line.find('#') == std::string_view::npos;
}

}  // namespace

std::optional<std::string> Head::find(std::string_view name) const {
  for (const auto& [field, value] : fields) {
    if (same_ignoring_case(field, name)) return value;
  }
  return std::nullopt;
}

std::size_t Head::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(),
                    [&](const auto& field) { return same_ignoring_case(field.first, name); }));
}

bool Head::lists(std::string_view name, std::string_view token) const {
  const std::vector<std::string> members = split_list(joined(name));
  return std::any_of(members.begin(), members.end(),
                     [&](const std::string& each) { return same_ignoring_case(each, token); });
}

std::string Head::joined(std::string_view name) const {
  std::string all;
  for (const auto& [field, value] : fields) {
    if (!same_ignoring_case(field, name)) continue;
    if (!all.empty()) all += ", ";
    all += value;
  }
  return all;
}

int Head::status() const {
  const std::string_view line = first_line;
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') return 0;
  if (!is_digits(line.substr(9, 3), 3) || (line.size() > 12 && line[12] != ' ')) return 0;
  return std::stoi(std::string(line.substr(9, 3)));
}

std::string Head::target() const {
  const std::size_t begin = first_line.find(' ');
  if (begin == std::string::npos) return {};
  const std::size_t end = first_line.find(' ', begin + 1);
  return end == std::string::npos ? "" : first_line.substr(begin + 1, end - begin - 1);
}

std::optional<Head> read_head(std::string_view octets) {
  const std::size_t end = octets.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  Head head;
  head.bytes = end + 4;
  std::string_view rest = octets.substr(0, end + 2);
  if (rest.find('\0') != std::string_view::npos) head.wrong = "a NUL in the head";
  bool first = true;
  while (!rest.empty()) {
    const std::size_t line_end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, line_end);
    rest.remove_prefix(line_end + 2);
    if (line.find_first_of("\r\n") != std::string_view::npos) {
      head.wrong = "a line that does not end with CR LF (RFC 9112 §2.2)";
    }
    if (first) {
      head.first_line = line;
    } else if (!line.empty()) {
      read_field(head, line);
    }
    first = false;
  }
  return head;
}

bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           marks.find(c) != std::string_view::npos;
  });
}

std::vector<std::string> split_list(std::string_view text, char separator) {
  std::vector<std::string> members;
  std::string member;
  bool quoted_part = false;
  const auto finish = [&] {
    if (const std::string_view part = trimmed(member); !part.empty()) members.emplace_back(part);
    member.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted_part && text[i] == '\\' && i + 1 < text.size()) {
      member.push_back(text[i++]);
    } else if (text[i] == '"') {
      quoted_part = !quoted_part;
    } else if (text[i] == separator && !quoted_part) {
      finish();
      continue;
    }
    member.push_back(text[i]);
  }
  finish();
  return members;
}

std::string check_101(const Head& head, std::string_view key,
                      const std::vector<std::string>& offered) {
  if (!head.wrong.empty()) return head.wrong;
  if (!head.first_line.starts_with("HTTP/1.1 ")) return "a 101 that is not HTTP/1.1 (§4.2.2)";
  if (head.count("Upgrade") != 1 || !same_ignoring_case(*head.find("Upgrade"), "websocket")) {
    return "Upgrade is not 'websocket' (§4.2.2)";
  }
  if (!head.lists("Connection", "upgrade")) return "Connection does not list 'Upgrade' (§4.2.2)";
  if (head.count("Sec-WebSocket-Accept") != 1) {
    return "not exactly one Sec-WebSocket-Accept (§4.2.2)";
  }
  if (*head.find("Sec-WebSocket-Accept") != accept_for(key)) {
    return "Sec-WebSocket-Accept does not answer the key (§4.2.2)";
  }
  if (head.count("Sec-WebSocket-Version") != 0) {
    return "Sec-WebSocket-Version in a 101 (§4.4: it is for refusals)";
  }
  // RFC 9110 §8.6, §6.1 of RFC 9112: a 1xx response has neither.
  if (head.count("Content-Length") != 0) return "Content-Length in a 101 (RFC 9110 §8.6)";
  if (head.count("Transfer-Encoding") != 0) return "Transfer-Encoding in a 101 (RFC 9112 §6.1)";
  if (const std::size_t count = head.count("Sec-WebSocket-Protocol"); count > 0) {
    const std::string chosen = *head.find("Sec-WebSocket-Protocol");
    if (count > 1) return "two subprotocols were chosen (§11.3.4)";
    if (std::find(offered.begin(), offered.end(), chosen) == offered.end()) {
      return "a subprotocol was chosen that was not offered (§4.2.2)";
    }
  }
  return {};
}

std::string check_refusal(const Head& head) {
  if (!head.wrong.empty()) return head.wrong;
  const int status = head.status();
  if (status == 0) return "no status line (RFC 9112 §4)";
  if (status == 405 && head.count("Allow") == 0) return "405 without Allow (RFC 9110 §15.5.6)";
  if (status == 426 && head.count("Upgrade") == 0) return "426 without Upgrade (RFC 9110 §15.5.22)";
  if (status == 401 && head.count("WWW-Authenticate") == 0) {
    return "401 without WWW-Authenticate (RFC 9110 §15.5.2)";
  }
  if (head.count("Sec-WebSocket-Accept") != 0) return "a refusal with Sec-WebSocket-Accept";
  if (head.count("Content-Length") > 1) return "two Content-Length fields (RFC 9110 §8.6)";
  return {};
}

std::string check_request(const Head& head) {
  if (!head.wrong.empty()) return head.wrong;
  if (!is_version_line(head.first_line)) return "the request line is no GET of HTTP/1.1 (§4.1)";
  for (const std::string_view name :
       {"Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"}) {
    if (head.count(name) == 0) return "no " + std::string(name) + " (§4.1)";
    if (head.count(name) > 1) return std::string(name) + " twice (§4.1)";
  }
  if (!head.lists("Upgrade", "websocket")) return "Upgrade does not list 'websocket' (§4.1)";
  if (!head.lists("Connection", "upgrade")) return "Connection does not list 'Upgrade' (§4.1)";
  if (*head.find("Sec-WebSocket-Version") != "13") return "Sec-WebSocket-Version is not 13 (§4.1)";
  if (!is_key(*head.find("Sec-WebSocket-Key"))) {
    return "Sec-WebSocket-Key is not base64 of 16 bytes (§4.1)";
  }
  if (head.count("Origin") > 1) return "Origin twice (RFC 6454 §7.3)";
  if (head.count("Content-Length") + head.count("Transfer-Encoding") > 0) {
    return "a body is announced (§4.1)";
  }
  for (const std::string& name : split_list(head.joined("Sec-WebSocket-Protocol"))) {
    if (!is_token(name)) return "a subprotocol that is no token (§4.1)";
  }
  return {};
}

}  // namespace hilo::tools::conform
