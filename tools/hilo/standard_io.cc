// SPDX-License-Identifier: MIT

#include "tools/hilo/standard_io.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "net/last_error.h"

namespace hilo::tools {
namespace {

// A pipe that polls as writable takes this much without waiting (PIPE_BUF, at least one page).
constexpr std::size_t piece_bytes = 4096;

bool can_take(int fd) noexcept {
  pollfd entry{fd, POLLOUT, 0};
  return ::poll(&entry, 1, 0) == 1;
}

Written write_once(int fd, std::string_view text) noexcept {
  ssize_t written;
  do {
    written = ::write(fd, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  if (written >= 0) return {static_cast<std::size_t>(written), {}};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {};
  return {0, net::last_error()};
}

void print_line_to(int fd, std::string_view line) noexcept {
  std::string text{line};
  text.append("\n");
  static_cast<void>(write_without_waiting(fd, text));
}

}  // namespace

void open_standard_descriptors() noexcept {
  for (int fd = standard_input; fd <= standard_error; ++fd) {
    // open() gives the lowest free number, which is the one that was found closed.
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) != fd) return;
  }
}

Written write_without_waiting(int fd, std::string_view text) noexcept {
  // Files always take everything; the disk's time is not avoided by asking first.
  const std::size_t piece = is_file(fd) ? std::max(text.size(), piece_bytes) : piece_bytes;
  Written total;
  while (!text.empty() && can_take(fd)) {
    const Written step = write_once(fd, text.substr(0, piece));
    total.bytes += step.bytes;
    total.error = step.error;
    if (step.bytes == 0) break;
    text.remove_prefix(step.bytes);
  }
  return total;
}

void print_text_to(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    pollfd entry{fd, POLLOUT, 0};
    static_cast<void>(::poll(&entry, 1, -1));
    const Written step = write_once(fd, text);
    if (step.error) return;
    text.remove_prefix(step.bytes);
  }
}

void print_text(std::string_view text) noexcept {
  print_text_to(standard_output, text);
}

void print_error(std::string_view line) noexcept {
  print_line_to(standard_error, line);
}

void print_line(std::string_view line) noexcept {
  print_line_to(standard_output, line);
}

bool is_terminal(int fd) noexcept {
  return ::isatty(fd) == 1;
}

bool is_file(int fd) noexcept {
  struct stat facts;
  return ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
}

}  // namespace hilo::tools
