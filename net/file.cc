// SPDX-License-Identifier: MIT

#include "net/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "net/last_error.h"

#if defined(__linux__) && __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#include <sys/syscall.h>
#endif

namespace hilo::net::file {
namespace {

// Without O_NONBLOCK the opening of a FIFO would wait for a writer.
constexpr int open_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

// A path as the kernel wants it, with a NUL behind it and none before.
class PathText {
 public:
  Status assign(std::string_view path) noexcept {
    if (path.size() > path_bytes_max) return std::make_error_code(std::errc::filename_too_long);
    if (path.find('\0') != std::string_view::npos) {
      return std::make_error_code(std::errc::invalid_argument);
    }
    *std::copy(path.begin(), path.end(), text_.begin()) = '\0';
    return {};
  }
  char* begin() noexcept { return text_.data(); }
  const char* c_str() const noexcept { return text_.data(); }

 private:
  std::array<char, path_bytes_max + 1> text_;
};

Result<Fd> open_at(int directory, const char* name, int flags) noexcept {
  int fd;
  do {
    fd = ::openat(directory, name, flags);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return last_error();
  return Fd{fd};
}

#if defined(SYS_openat2) && defined(RESOLVE_BENEATH)
// EAGAIN: a rename or a mount was in the way and the kernel could not be sure.
constexpr int attempts_max = 8;

Result<Fd> open_beneath_at_once(int directory, const char* path) noexcept {
  open_how how{};
  how.flags = open_flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    fd = ::syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) break;
  }
  if (fd < 0) return last_error();
  return Fd{static_cast<int>(fd)};
}
#else
Result<Fd> open_beneath_at_once(int, const char*) noexcept {
  return std::make_error_code(std::errc::function_not_supported);
}
#endif

}  // namespace

Result<Fd> open_directory(std::string_view path) noexcept {
  PathText text;
  if (Status status = text.assign(path); !status) return status.error();
  return open_at(AT_FDCWD, text.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
}

Result<Fd> open_beneath(int directory, std::string_view path) noexcept {
  PathText text;
  if (Status status = text.assign(path); !status) return status.error();
  Result<Fd> opened = open_beneath_at_once(directory, text.c_str());
  if (opened) return opened;
  // Older kernels do not have it, and filters of system calls say EPERM.
  const bool is_missing = opened.error() == std::errc::function_not_supported ||
                          opened.error() == std::errc::operation_not_permitted;
  return is_missing ? walk_beneath(directory, path) : Result<Fd>{opened.error()};
}

Result<Fd> walk_beneath(int directory, std::string_view path) noexcept {
  PathText text;
  if (Status status = text.assign(path); !status) return status.error();
  Fd parent;
  char* name = text.begin();
  for (;;) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty() || segment == "." || segment == "..") {
      return std::make_error_code(std::errc::no_such_file_or_directory);
    }
    const bool is_last = slash == std::string_view::npos;
    if (!is_last) name[slash] = '\0';
    Result<Fd> opened = open_at(parent ? parent.value() : directory, name,
                                open_flags | O_NOFOLLOW | (is_last ? 0 : O_DIRECTORY));
    if (!opened || is_last) return opened;
    parent = std::move(*opened);
    name += slash + 1;
    path.remove_prefix(slash + 1);
  }
}

Result<Info> info(int fd) noexcept {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return last_error();
  Info info;
  if (S_ISREG(status.st_mode)) info.kind = Info::Kind::regular;
  if (S_ISDIR(status.st_mode)) info.kind = Info::Kind::directory;
  info.bytes = static_cast<std::uint64_t>(status.st_size);
  info.inode = static_cast<std::uint64_t>(status.st_ino);
#ifdef __APPLE__
  info.modified_seconds = status.st_mtimespec.tv_sec;
  info.modified_nanoseconds = status.st_mtimespec.tv_nsec;
#else
  info.modified_seconds = status.st_mtim.tv_sec;
  info.modified_nanoseconds = status.st_mtim.tv_nsec;
#endif
  return info;
}

static_assert(sizeof(::off_t) == sizeof(std::uint64_t), "define _FILE_OFFSET_BITS=64");
Result<std::size_t> read_at(int fd, MutableBytes into, std::uint64_t offset) noexcept {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const ::ssize_t got = ::pread(fd, into.data() + filled, into.size() - filled,
                                  static_cast<::off_t>(offset + filled));
    if (got == 0) break;
    if (got > 0) {
      filled += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      return last_error();
    }
  }
  return filled;
}

}  // namespace hilo::net::file
