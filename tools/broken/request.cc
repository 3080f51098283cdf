// SPDX-License-Identifier: MIT

#include "tools/broken/request.h"

#include <vector>

#include "ws/core/http_tokens.h"

namespace hilo::tools::broken {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view some_key = "AAAAAAAAAAAAAAAAAAAAAA==";

// A head as lines, however wrong they are.
class Lines {
 public:
  explicit Lines(std::string_view head) {
    while (!head.empty()) {
      const std::size_t end = head.find(line_end);
      if (end == std::string_view::npos) break;
      if (end > 0) lines_.emplace_back(head.substr(0, end));
      head.remove_prefix(end + line_end.size());
    }
    if (lines_.empty()) lines_.emplace_back();
  }

  std::string& first() { return lines_.front(); }

  // Leaves one field of that name, with this value; with `only_missing` it may have any value.
  void set(std::string_view name, std::string_view value, bool only_missing = false) {
    if (only_missing && count(name) > 0) return;
    std::erase_if(lines_, [&](const std::string& line) { return is_named(line, name); });
    lines_.push_back(std::string(name) + ": " + std::string(value));
  }
  void remove(std::string_view name) {
    std::erase_if(lines_, [&](const std::string& line) { return is_named(line, name); });
  }
  std::string value(std::string_view name) const {
    for (const std::string& line : lines_) {
      if (is_named(line, name)) return line.substr(line.find(':') + 1);
    }
    return {};
  }
  void close_up_colons() {
    for (std::size_t i = 1; i < lines_.size(); ++i) {
      const std::size_t colon = lines_[i].find(':');
      if (colon == std::string::npos) continue;
      const std::size_t end = lines_[i].find_last_not_of(" \t", colon - 1);
      lines_[i].erase(end + 1, colon - end - 1);
    }
  }

  std::string joined() const {
    std::string head;
    for (const std::string& line : lines_) head.append(line).append(line_end);
    return head.append(line_end);
  }

 private:
  static bool is_named(std::string_view line, std::string_view name) {
    return line.size() > name.size() && line[name.size()] == ':' &&
           ws::equals_ignoring_case(line.substr(0, name.size()), name);
  }
  std::size_t count(std::string_view name) const {
    std::size_t count = 0;
    for (const std::string& line : lines_) count += is_named(line, name) ? 1 : 0;
    return count;
  }

  std::vector<std::string> lines_;
};

void replace_method(std::string& line) {
  const std::size_t space = line.find(' ');
  if (space != std::string::npos) line.replace(0, space, "GET");
}

void replace_version(std::string& line) {
  const std::size_t space = line.rfind(' ');
  if (space != std::string::npos) line.replace(space + 1, std::string::npos, "HTTP/1.1");
}

}  // namespace

bool is_overlooked(Fault fault) {
  return fault >= Fault::any_method && fault <= Fault::any_extension_grammar;
}

std::string overlook(Fault fault, std::string_view head) {
  Lines lines{head};
  if (fault == Fault::any_method) {
    replace_method(lines.first());
  } else if (fault == Fault::any_http_version) {
    replace_version(lines.first());
  } else if (fault == Fault::no_host) {
    lines.set("Host", "localhost", true);
  } else if (fault == Fault::two_hosts) {
    if (const std::string host = lines.value("Host"); !host.empty()) lines.set("Host", host);
  } else if (fault == Fault::no_upgrade) {
    lines.set("Upgrade", "websocket");
  } else if (fault == Fault::no_connection) {
    lines.set("Connection", "Upgrade");
  } else if (fault == Fault::no_key) {
    lines.set("Sec-WebSocket-Key", some_key, true);
  } else if (fault == Fault::any_key) {
    lines.set("Sec-WebSocket-Key", some_key);
  } else if (fault == Fault::any_version) {
    lines.set("Sec-WebSocket-Version", "13");
  } else if (fault == Fault::space_before_colon) {
    lines.close_up_colons();
  } else if (fault == Fault::any_extension_grammar) {
    lines.remove("Sec-WebSocket-Extensions");
  }
  return lines.joined();
}

}  // namespace hilo::tools::broken
