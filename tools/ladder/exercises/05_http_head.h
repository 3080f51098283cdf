// SPDX-License-Identifier: MIT
//
// Exercise 5: does a request list this token in that field?
//
// A client that wants a WebSocket says "Connection: Upgrade", and Firefox says it in a list:
//
//     GET /chat HTTP/1.1 CR LF               the request line, which is no field
//     Connection: keep-alive, Upgrade CR LF  a name, a colon, a list of tokens and commas
//     CR LF                                  the head ends here; what follows is not part of it
//
//   - Names and tokens are the same in upper and lower case. A token is all of its place in the
//     list: "Upgrades" is not "Upgrade".
//   - Around a token may stand spaces and tabs; an empty place in a list (", ,") means nothing.
//   - The same name may stand on several lines: all of them together are the list.
//   - TCP knows no lines: as long as the empty line has not come, nobody can know.
//
// The head is well-formed: each line ends with CR LF, and no space stands in front of a colon.
//
//   to know   std::string_view: find, substr, find_first_not_of; strncasecmp(3)
//   RFC       9112 §2.1, §5; 9110 §5.6.1 for lists
//   stuck?    ws/core/http_fields.cc, lists_token()

#pragma once

#include <cstdint>
#include <string_view>

namespace hilo::exercise {

enum class Listed : std::uint8_t { unfinished, no, yes };

// `so_far`: all that has come, from the first byte on.
Listed lists(std::string_view so_far, std::string_view name, std::string_view token);

}  // namespace hilo::exercise
