// SPDX-License-Identifier: MIT
//
// HTTP heads as the tester reads them: a request of a client, a response of a server, strictly by
// RFC 9112, and what RFC 6455 §4 asks of them.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hilo::tools::conform {

struct Head {
  std::string first_line;
  std::vector<std::pair<std::string, std::string>> fields;
  std::size_t bytes = 0;  // the head's own, with the empty line
  std::string wrong;      // what breaks the grammar, or empty

  // The value of the first field of that name, or nothing. Names are compared ignoring case.
  std::optional<std::string> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  // Whether a comma-separated list has this token, ignoring case.
  bool lists(std::string_view name, std::string_view token) const;
  // All values of the name as one list.
  std::string joined(std::string_view name) const;

  // Of a response: its status, or 0 if the first line is no status line.
  int status() const;
  // Of a request: the target, or empty.
  std::string target() const;
};

// The head in front of `octets`, as soon as its empty line is there.
std::optional<Head> read_head(std::string_view octets);

bool is_token(std::string_view text);
// The members of a comma-separated list, quoted strings kept whole; empty ones are left out.
std::vector<std::string> split_list(std::string_view text, char separator = ',');

// What is wrong with a 101 that answers this key, extensions left aside; empty: nothing.
// `offered`: the subprotocols of the request.
std::string check_101(const Head& head, std::string_view key,
                      const std::vector<std::string>& offered);
// What is wrong with any other answer by itself: 405 without Allow, and so on.
std::string check_refusal(const Head& head);
// What is wrong with a client's request (RFC 6455 §4.1); empty: nothing.
std::string check_request(const Head& head);

}  // namespace hilo::tools::conform
