// SPDX-License-Identifier: MIT

#include "tools/ladder/exercises/05_http_head.h"

namespace hilo::exercise {

Listed lists(std::string_view so_far, std::string_view name, std::string_view token) {
  return Listed::unfinished;  // yours
}

}  // namespace hilo::exercise
