// SPDX-License-Identifier: MIT
//
// Writing to stdout and stderr, whatever they are: a terminal, a file on a full disk, a pipe nobody
// reads, or closed. Nothing here throws, kills the process or keeps an error to itself that
// matters.
//
// O_NONBLOCK is never set on them: it would be set for all who share the terminal or the pipe.

#pragma once

#include <cstddef>
#include <string_view>
#include <system_error>

namespace hilo::tools {

inline constexpr int standard_input = 0;
inline constexpr int standard_output = 1;
inline constexpr int standard_error = 2;

// Opens /dev/null in place of the first three descriptors that are closed, so that no socket gets
// their numbers and with it what is printed. To be called before anything is opened.
void open_standard_descriptors() noexcept;

struct Written {
  std::size_t bytes = 0;
  std::error_code error;
};
// Writes as much as can be taken without waiting, which may be nothing.
Written write_without_waiting(int fd, std::string_view text) noexcept;

// Writes all of it and waits if need be; what cannot be written is lost. For short-lived commands.
void print_text(std::string_view text) noexcept;
void print_text_to(int fd, std::string_view text) noexcept;
// A line on stderr, or on stdout, given up where it would have to wait.
void print_error(std::string_view line) noexcept;
void print_line(std::string_view line) noexcept;

bool is_terminal(int fd) noexcept;
bool is_file(int fd) noexcept;  // on a disk

}  // namespace hilo::tools
