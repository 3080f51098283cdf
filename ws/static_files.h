// SPDX-License-Identifier: MIT
//
// StaticFiles: the files below one directory, over plain HTTP.
//
//   server.files("/web", "public", {.cache_control = "no-cache"});
//
//   what     GET and HEAD; ETag and Last-Modified, and the conditions on them (RFC 9110 §13); one
//            range (§14), others are answered with the whole file; "index.html" of a directory
//   never    anything outside of the directory, whatever links there are (net/file.h); names that
//            begin with a dot; names with a slash, a backslash or a control byte in an escape;
//            lists of what is there; anything but regular files. All of these are 404, like what is
//            not there.
//   memory   a file is read piece by piece as the peer takes it; each answer that is on its way
//            holds a descriptor
//   thread   the loop's, which waits for the disk if the file is not in memory
//
// The ETag is made of inode, size and time of change, and is strong: replace files (rename), do not
// write into those that are served. One that shrinks while it is sent resets the connection.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/result.h"
#include "net/fd.h"
#include "net/file.h"
#include "ws/http.h"

namespace hilo::ws {

struct FilesOptions {
  std::string_view index = "index.html";  // of a directory; empty: none
  std::string_view cache_control = {};    // of Cache-Control; empty: no such field
};

// By the ending of a name; application/octet-stream for those that are not known.
std::string_view content_type_of(std::string_view path) noexcept;

class StaticFiles {
 public:
  static Result<StaticFiles> open(std::string_view directory, const FilesOptions& options);

  // Answers with the file of that path, as it came: percent-encoded, without a slash in front.
  void serve(http::Exchange& exchange, std::string_view path) const;

 private:
  StaticFiles(net::Fd directory, const FilesOptions& options)
      : directory_(std::move(directory)),
        index_(options.index),
        cache_control_(options.cache_control) {}

  static void redirect_to_directory(http::Exchange& exchange);
  void answer(http::Exchange& exchange, net::Fd fd, const net::file::Info& info,
              std::string_view content_type) const;

  net::Fd directory_;
  std::string index_;
  std::string cache_control_;
};

}  // namespace hilo::ws
