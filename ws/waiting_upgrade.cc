// SPDX-License-Identifier: MIT

#include "ws/waiting_upgrade.h"

#include <algorithm>
#include <new>

namespace hilo::ws {
namespace {

// Calls put(text) for each piece of the head in its shortest form, which fits into whatever limits
// the head itself was within.
template <class Put>
void for_each_piece(const RequestHead& head, Put&& put) noexcept {
  put(head.method_text);
  put(" ");
  put(head.target);
  const char version[] = {
      ' ', 'H', 'T', 'T', 'P', '/', '1', '.', static_cast<char>('0' + head.version_minor)};
  put(std::string_view{version, sizeof version});
  put("\r\n");
  for (const FieldView field : head.fields) {
    put(field.name);
    put(":");
    put(field.value);
    put("\r\n");
  }
  put("\r\n");
}

}  // namespace

Status WaitingUpgrade::keep(const RequestHead& head) noexcept {
  for_each_piece(head, [this](std::string_view piece) { head_bytes_ += piece.size(); });
  head_.reset(new (std::nothrow) char[head_bytes_]);
  if (head_ == nullptr) return out_of_memory();
  char* to = head_.get();
  for_each_piece(head,
                 [&to](std::string_view piece) { to = std::copy(piece.begin(), piece.end(), to); });
  return {};
}

void WaitingUpgrade::on_timer(net::Time now) {
  static_cast<void>(now);
  host_->settle(*this);
}

}  // namespace hilo::ws
