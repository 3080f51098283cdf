// SPDX-License-Identifier: MIT
//
// Sandbox: what is left to a process once it has opened all that it needs (`hilo serve --sandbox`).
// Who takes the process over by a fault in it finds the same walls: no program can be started, no
// connection made, no file read or written beyond those named here.
//
//   no_new_privs  no set-user-ID program gives it anything; the other two need that
//   Landlock      files: to read below the directories of SandboxNeeds and /dev/null, to write the
//                 files named there, to remove below the directories named there, and no other. The
//                 kernel answers EACCES. Where it knows how (ABI 4 and 6): no TCP port is bound or
//                 connected to, no signal goes out and no abstract Unix socket is reached. What it
//                 does not cover: whether a path exists, and how large a file is, can be asked.
//   seccomp       system calls: those of sandbox_calls.cc, some with certain arguments only. Any
//                 other ends the whole process by SIGSYS, and the kernel's log has the number.
//
//   when    prepare() after files and sockets are open, enter() before the first byte of a peer
//   thread  enter() before others are started: Landlock holds for the caller, and for the threads
//           that it starts afterwards. (seccomp holds for all.)
//   undone  never
//   where   Linux on x86_64 and on little-endian aarch64, with seccomp filters (4.14) and Landlock
//           (5.13). Elsewhere prepare() fails: half a sandbox would be none that is asked for.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "net/base/result.h"
#include "net/fd.h"

namespace hilo::tools {

// Paths are looked up by prepare(), and never again: a directory that comes in the place of a named
// one later is not what was named.
struct SandboxNeeds {
  std::vector<std::string> read_beneath = {};    // directories
  std::vector<std::string> write_files = {};     // files that exist
  std::vector<std::string> remove_beneath = {};  // directories out of which files are removed
  bool kernel_tls = false;                       // the calls of TLS by the kernel
};

class Sandbox {
 public:
  // What stands in the way is errc::function_not_supported, or why a path could not be opened, and
  // `detail` says it in words.
  static Result<Sandbox> prepare(const SandboxNeeds& needs, std::string& detail);

  // From now on for good. After an error the process has part of it and should end.
  Status enter();

  // The version of Landlock that the kernel has: 1 and more.
  int landlock_abi() const noexcept { return landlock_abi_; }

 private:
  Sandbox(net::Fd rules, int landlock_abi, const SandboxNeeds& needs)
      : rules_(std::move(rules)), landlock_abi_(landlock_abi), needs_(needs) {}

  net::Fd rules_;  // of Landlock
  int landlock_abi_;
  SandboxNeeds needs_;
};

}  // namespace hilo::tools
