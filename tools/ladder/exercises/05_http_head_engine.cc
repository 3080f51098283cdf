// SPDX-License-Identifier: MIT
//
// How hilo answers exercise 5: ws::RequestParser reads the head, and would also refuse a bad one;
// ws::Fields looks into it.

#include "tools/ladder/exercises/05_http_head.h"
#include "ws/core/http_head.h"

namespace hilo::exercise {

Listed lists(std::string_view so_far, std::string_view name, std::string_view token) {
  ws::RequestParser parser;
  const Bytes bytes = as_bytes(so_far);
  if (parser.parse(bytes).kind != ws::HeadProgress::Kind::complete) return Listed::unfinished;
  return parser.head(bytes).fields.lists_token(name, token) ? Listed::yes : Listed::no;
}

}  // namespace hilo::exercise
