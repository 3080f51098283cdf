// SPDX-License-Identifier: MIT
//
// Reading files below a directory, each system call once. Reads of regular files are not
// non-blocking on any system: what is not in memory costs the time of a disk.
//
//   paths   of at most path_bytes_max bytes without NUL; others are errc::filename_too_long or
//           errc::invalid_argument
//
// Nothing here keeps state.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/result.h"
#include "net/fd.h"

namespace hilo::net::file {

constexpr std::size_t path_bytes_max = 4095;

// A directory to open files below. Symbolic links in its own path are followed, now and never
// again.
Result<Fd> open_directory(std::string_view path) noexcept;

// Opens `path`, relative and of plain names with single slashes between, for reading. Whatever
// links, mounts and renames there are, what is opened lies below `directory`: symbolic links that
// stay there are followed where the system can see to that itself (openat2 of Linux 5.6), and none
// elsewhere. What turns out to be a FIFO or a device is opened without waiting for it.
Result<Fd> open_beneath(int directory, std::string_view path) noexcept;
// The same without openat2, component by component: what open_beneath() falls back on.
Result<Fd> walk_beneath(int directory, std::string_view path) noexcept;

struct Info {
  enum class Kind : std::uint8_t { regular, directory, other };
  Kind kind = Kind::other;
  std::uint64_t bytes = 0;
  std::uint64_t inode = 0;
  std::int64_t modified_seconds = 0;  // since 1970
  std::int64_t modified_nanoseconds = 0;
};
Result<Info> info(int fd) noexcept;

// Reads at `offset` of a regular file. Fewer bytes than asked for only at its end.
Result<std::size_t> read_at(int fd, MutableBytes into, std::uint64_t offset) noexcept;

}  // namespace hilo::net::file
