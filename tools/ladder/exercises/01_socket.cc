// SPDX-License-Identifier: MIT

#include "tools/ladder/exercises/01_socket.h"

namespace hilo::exercise {

Ends ends_of(int fd) {
  return {};  // yours
}

}  // namespace hilo::exercise
