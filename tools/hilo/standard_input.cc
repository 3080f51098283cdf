// SPDX-License-Identifier: MIT

#include "tools/hilo/standard_input.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "net/last_error.h"
#include "tools/hilo/standard_io.h"

namespace hilo::tools {
namespace {

// epoll refuses such a descriptor, as it refuses /dev/null; kqueue takes it, and never tells of its
// end.
bool is_file() noexcept {
  struct stat status;
  return ::fstat(standard_input, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

StandardInput::StandardInput(net::Loop& loop, Callback<void(Bytes)> on_bytes,
                             Callback<void(std::error_code)> on_end)
    : loop_(&loop),
      on_bytes_(std::move(on_bytes)),
      on_end_(std::move(on_end)),
      piece_(piece_bytes) {}

// Not just without interest: the end of a pipe would be reported over and over.
void StandardInput::pause() noexcept {
  loop_->unwatch(token_);
  token_ = {};
}

void StandardInput::stop() noexcept {
  pause();
  ended_ = true;
}

void StandardInput::resume() {
  if (ended_ || token_) return;
  Result<net::Token> token = std::make_error_code(std::errc::operation_not_permitted);
  if (!is_file()) token = loop_->watch(standard_input, net::Interest::read, *this);
  always_ready_ = !token && token.error() == std::errc::operation_not_permitted;
  if (always_ready_) token = loop_->watch(-1, net::Interest::none, *this);
  if (!token) return end(token.error());
  token_ = *token;
  if (always_ready_) loop_->schedule(token_, net::Phase::resume);
}

void StandardInput::on_ready(net::Ready ready) {
  static_cast<void>(ready);
  read_piece();
}

void StandardInput::on_resume() {
  read_piece();
  if (token_) loop_->schedule(token_, net::Phase::resume);
}

void StandardInput::read_piece() {
  const ssize_t size = ::read(standard_input, piece_.data(), piece_.size());
  if (size > 0) return on_bytes_(Bytes{piece_.data(), static_cast<std::size_t>(size)});
  if (size == 0) return end({});
  if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) return;
  // A process in the background of a terminal, and whatever else there is.
  end(net::last_error());
}

void StandardInput::end(std::error_code error) {
  stop();
  on_end_(error);
}

}  // namespace hilo::tools
