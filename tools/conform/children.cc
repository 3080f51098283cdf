// SPDX-License-Identifier: MIT

#include "tools/conform/children.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <utility>
#include <vector>

extern char** environ;

namespace hilo::tools::conform {
namespace {

// What posix_spawn wants to know, freed again.
struct Preparation {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;

  Preparation() {
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    sigset_t signals;
    sigemptyset(&signals);
    // It is ignored here, and would be there.
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;
  ~Preparation() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

}  // namespace

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  return *this;
}

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Result<Child> Child::start(std::string_view command, std::string_view url) {
  std::string line{command};
  if (command.find("$URL") == std::string_view::npos) line += " \"$URL\"";
  std::string setting = "URL=" + std::string(url);

  std::vector<char*> environment;
  for (char** each = environ; *each != nullptr; ++each) {
    if (!std::string_view(*each).starts_with("URL=")) environment.push_back(*each);
  }
  environment.push_back(setting.data());
  environment.push_back(nullptr);

  std::string shell = "sh";
  std::string flag = "-c";
  char* const arguments[] = {shell.data(), flag.data(), line.data(), nullptr};
  const Preparation preparation;
  Child child;
  const int error = posix_spawn(&child.pid_, "/bin/sh", &preparation.files, &preparation.attributes,
                                arguments, environment.data());
  if (error != 0) {
    child.pid_ = -1;
    return std::error_code(error, std::generic_category());
  }
  return child;
}

bool Child::ended() {
  if (pid_ < 0) return true;
  siginfo_t end{};
  constexpr int only_look = WEXITED | WNOHANG | WNOWAIT;
  if (::waitid(P_PID, static_cast<id_t>(pid_), &end, only_look) != 0 || end.si_pid == 0)
    return false;
  // What it left behind in its group ends with it: before it is collected, or the group's number
  // might be somebody else's.
  ::kill(-pid_, SIGKILL);
  ::waitpid(std::exchange(pid_, -1), nullptr, 0);
  return true;
}

}  // namespace hilo::tools::conform
