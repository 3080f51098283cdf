// SPDX-License-Identifier: MIT
//
// A child enters the sandbox and tries one thing: what is forbidden kills it or fails, and what
// serving needs still works.

#include "tools/hilo/sandbox.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "net/clock.h"
#include "net/entropy.h"
#include "tests/support/folder.h"
#include "tests/support/skip.h"

namespace {

using namespace hilo;
using namespace hilo::tools;
using test::TemporaryFolder;

constexpr int not_entered = 100;

// How a child ended.
struct End {
  int code = -1;  // its exit code, or -1
  int signal = 0;
  bool operator==(const End&) const = default;
};
constexpr End killed{-1, SIGSYS};

doctest::String toString(const End& end) {
  return doctest::String("code ") + doctest::toString(end.code) + ", signal " +
         doctest::toString(end.signal);
}

// Forks; in the child `before` is called, then it enters, and what `inside` returns is its exit
// code.
End end_of(
    const SandboxNeeds& needs, const std::function<int()>& inside,
    const std::function<void()>& before = [] {}) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    // A test that hangs is one that failed.
    ::alarm(60);
    before();
    std::string detail;
    Result<Sandbox> sandbox = Sandbox::prepare(needs, detail);
    if (!sandbox || !sandbox->enter()) ::_exit(not_entered);
    ::_exit(inside());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) return {-1, WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

// 0, or errno.
int errno_of(long result) {
  return result < 0 ? errno : 0;
}
int errno_of_opening(const std::string& path, int flags) {
  return errno_of(::open(path.c_str(), flags | O_CLOEXEC, 0600));
}

int yes(bool condition) {
  return condition ? 0 : 1;
}

bool has_sandbox() {
  std::string detail;
  return static_cast<bool>(Sandbox::prepare({}, detail));
}

// A listening TCP socket, and a client that waits there to be accepted.
struct Pending {
  int listener = -1;
  int client = -1;

  void open() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* const native = reinterpret_cast<sockaddr*>(&address);
    listener = ::socket(AF_INET, SOCK_STREAM, 0);
    client = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::bind(listener, native, bytes) != 0 || ::listen(listener, 8) != 0 ||
        ::getsockname(listener, native, &bytes) != 0 || ::connect(client, native, bytes) != 0) {
      ::_exit(not_entered);
    }
  }
};

struct ForbiddenCall {
  const char* name;
  std::function<long()> make;
};

void check_killed(const std::vector<ForbiddenCall>& calls) {
  for (const ForbiddenCall& call : calls) {
    CAPTURE(call.name);
    CHECK(end_of({}, [&] {
            static_cast<void>(call.make());
            return 0;
          }) == killed);
  }
}

}  // namespace

#define NEEDS_A_SANDBOX() \
  if (!has_sandbox()) HILO_SKIP("this kernel has no Landlock or no filters of system calls")

TEST_CASE("a sandboxed process that starts another, reaches for one or makes code dies by SIGSYS") {
  NEEDS_A_SANDBOX();
  void* const page = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check_killed({
      // Other programs, other processes.
      {"execve", [] { return ::execl("/bin/true", "true", nullptr); }},
      {"fork", [] { return ::fork(); }},
      {"vfork by clone", [] { return ::syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0); }},
      {"ptrace", [] { return ::ptrace(PTRACE_TRACEME, 0, 0, 0); }},
      {"kill", [] { return ::kill(::getpid(), 0); }},
      {"tgkill of another process",
       [] { return ::syscall(SYS_tgkill, ::syscall(SYS_getpid) - 1, 1, 0); }},
      {"process_vm_readv", [] { return ::syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0); }},
      {"pidfd_open", [] { return ::syscall(SYS_pidfd_open, 1, 0); }},
      // Code.
      {"mprotect exec", [&] { return ::mprotect(page, 4096, PROT_READ | PROT_EXEC); }},
      {"mmap exec",
       [] {
         return ::mmap(nullptr, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != nullptr;
       }},
      {"memfd_create", [] { return ::syscall(SYS_memfd_create, "x", 0); }},
      {"personality", [] { return ::personality(READ_IMPLIES_EXEC); }},
  });
  ::munmap(page, 4096);
}

TEST_CASE("a sandboxed process that connects, changes files or enters the kernel elsewhere dies") {
  NEEDS_A_SANDBOX();
  sockaddr_in elsewhere{};
  elsewhere.sin_family = AF_INET;
  elsewhere.sin_port = htons(80);
  elsewhere.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const address = reinterpret_cast<const sockaddr*>(&elsewhere);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sock_fprog none{};
  check_killed({
      // Connections of its own.
      {"socket AF_INET", [] { return ::socket(AF_INET, SOCK_STREAM, 0); }},
      {"socket AF_UNIX", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); }},
      {"socket AF_NETLINK", [] { return ::socket(AF_NETLINK, SOCK_RAW, 0); }},
      {"socket AF_PACKET", [] { return ::socket(AF_PACKET, SOCK_RAW, 0); }},
      {"connect", [&] { return ::connect(fd, address, sizeof elsewhere); }},
      {"connecting by Fast Open",
       [&] { return ::sendto(fd, "x", 1, MSG_FASTOPEN, address, sizeof elsewhere); }},
      {"bind", [&] { return ::bind(fd, address, sizeof elsewhere); }},
      {"listen", [&] { return ::listen(fd, 1); }},
      {"SO_ATTACH_FILTER",
       [&] { return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &none, sizeof none); }},
      {"TCP_ULP", [&] { return ::setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 3); }},
      {"ioctl", [] { return ::ioctl(0, TIOCSTI, "x"); }},
      // Files.
      {"unlink", [] { return ::unlink("none"); }},
      {"rename", [] { return ::rename("none", "no"); }},
      {"mkdir", [] { return ::mkdir("none", 0700); }},
      {"symlink", [] { return ::symlink("none", "no"); }},
      {"chmod", [] { return ::chmod("none", 0777); }},
      {"truncate", [] { return ::truncate("none", 0); }},
      {"chroot", [] { return ::chroot("/"); }},
      {"mount", [] { return ::syscall(SYS_mount, 0, 0, 0, 0, 0); }},
      // The kernel's large doors.
      {"bpf", [] { return ::syscall(SYS_bpf, 0, 0, 0); }},
      {"io_uring_setup", [] { return ::syscall(SYS_io_uring_setup, 1, 0); }},
      {"perf_event_open", [] { return ::syscall(SYS_perf_event_open, 0, 0, 0, 0, 0); }},
      {"userfaultfd", [] { return ::syscall(SYS_userfaultfd, 0); }},
      {"unshare", [] { return ::unshare(CLONE_NEWUSER); }},
      {"keyctl", [] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }},
      {"prctl", [] { return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }},
      {"setuid", [] { return ::setuid(0); }},
      {"a number that no call has", [] { return ::syscall(9999); }},
#ifdef __x86_64__
      {"a call of x32", [] { return ::syscall(0x40000000 | SYS_getpid); }},
#endif
  });
  ::close(fd);
}

#ifdef __x86_64__
TEST_CASE("a sandboxed process that calls as 32-bit programs do dies") {
  NEEDS_A_SANDBOX();
  const End end = end_of({}, [] {
    long result = 20;  // getpid there, writev here
    asm volatile("int $0x80" : "+a"(result) : : "memory");
    return 0;
  });
  // A kernel without 32-bit programs has no such door at all.
  const bool died = end.signal == SIGSYS || end.signal == SIGSEGV;
  CHECK(died);
}
#endif

TEST_CASE("a sandboxed process reads below the directories it named, and nothing else") {
  NEEDS_A_SANDBOX();
  const TemporaryFolder folder;
  folder.make_directory("mine/below");
  folder.make_directory("other");
  folder.write("mine/page", "page");
  folder.write("mine/below/page", "page");
  folder.write("other/page", "page");
  folder.link("../other/page", "mine/link");
  const SandboxNeeds needs{.read_beneath = {folder.path("mine")}};
  const auto opening = [&](const std::string& path, int flags) {
    return end_of(needs, [&] { return errno_of_opening(path, flags); });
  };
  const End opened{0, 0};
  const End refused{EACCES, 0};
  CHECK(opening(folder.path("mine/page"), O_RDONLY) == opened);
  CHECK(opening(folder.path("mine/below/page"), O_RDONLY) == opened);
  CHECK(opening(folder.path("mine/below"), O_RDONLY | O_DIRECTORY) == opened);
  CHECK(opening("/dev/null", O_RDONLY) == opened);
  CHECK(opening("/etc/passwd", O_RDONLY) == refused);
  CHECK(opening("/", O_RDONLY | O_DIRECTORY) == refused);
  CHECK(opening("/proc/self/maps", O_RDONLY) == refused);
  CHECK(opening(folder.path("other/page"), O_RDONLY) == refused);
  CHECK(opening(folder.path("mine/link"), O_RDONLY) == refused);
  CHECK(opening(folder.path("mine/page"), O_WRONLY) == refused);
  CHECK(opening(folder.path("mine/page"), O_RDONLY | O_TRUNC) == refused);
  CHECK(opening(folder.path("mine/new"), O_WRONLY | O_CREAT) == refused);
  CHECK(opening("/dev/null", O_WRONLY) == refused);
}

TEST_CASE("a sandboxed process writes the files it named, and removes where it said") {
  NEEDS_A_SANDBOX();
  const TemporaryFolder folder;
  folder.make_directory("sockets");
  folder.make_directory("other");
  folder.write("keys", "");
  folder.write("sockets/one", "");
  folder.write("other/one", "");
  const SandboxNeeds needs{.write_files = {folder.path("keys")},
                           .remove_beneath = {folder.path("sockets")}};
  CHECK(end_of(needs, [&] {
          return errno_of_opening(folder.path("keys"), O_WRONLY | O_CREAT | O_APPEND);
        }) == End{0, 0});
  CHECK(end_of(needs, [&] { return errno_of_opening(folder.path("keys"), O_RDONLY); }) ==
        End{EACCES, 0});
  CHECK(end_of(needs, [&] { return errno_of_opening(folder.path("new"), O_WRONLY | O_CREAT); }) ==
        End{EACCES, 0});
  const auto removing = [&](const std::string& path) {
    return end_of(needs, [&] { return errno_of(::unlink(path.c_str())); });
  };
  CHECK(removing(folder.path("sockets/one")) == End{0, 0});
  CHECK(removing(folder.path("other/one")) == End{EACCES, 0});
}

TEST_CASE("what was open before stays usable in the sandbox") {
  NEEDS_A_SANDBOX();
  const TemporaryFolder folder;
  folder.write("log", "");
  int log = -1;
  const auto open_log = [&] { log = ::open(folder.path("log").c_str(), O_WRONLY | O_APPEND); };
  CHECK(end_of(
            {}, [&] { return yes(::write(log, "line\n", 5) == 5); }, open_log) == End{0, 0});
}

TEST_CASE("what a server does goes on in the sandbox") {
  NEEDS_A_SANDBOX();
  Pending pending;
  const auto serve = [&] {
    const int connection = ::accept4(pending.listener, nullptr, nullptr, SOCK_CLOEXEC);
    const int on = 1;
    if (connection < 0) return 1;
    if (::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) return 2;
    if (::send(connection, "hello", 5, MSG_NOSIGNAL) != 5) return 3;
    std::array<char, 8> into;
    if (::recv(pending.client, into.data(), into.size(), 0) != 5) return 4;
    if (::shutdown(connection, SHUT_WR) != 0 || ::close(connection) != 0) return 5;
    std::array<std::uint8_t, 32> random;
    if (!net::entropy_fill(random)) return 6;
    return yes(net::clock_wall_milliseconds() > 0);
  };
  CHECK(end_of({}, serve, [&] { pending.open(); }) == End{0, 0});

  CHECK(end_of({}, [] {
          std::vector<char> much(std::size_t{64} << 20, 'x');
          much.resize(much.size() * 2);
          return yes(much.back() == '\0');
        }) == End{0, 0});
  CHECK(end_of({}, [] {
          try {
            throw std::runtime_error("x");
          } catch (const std::runtime_error&) {
            return 0;
          }
        }) == End{0, 0});
}

TEST_CASE("threads start, allocate and end in the sandbox, and share it") {
  NEEDS_A_SANDBOX();
  const TemporaryFolder folder;
  folder.write("page", "page");
  CHECK(end_of({}, [] {
          std::vector<std::thread> threads;
          std::array<int, 4> done = {};
          for (int& each : done) {
            threads.emplace_back([&each] { each = std::vector<int>(1 << 20, 1).back(); });
          }
          for (std::thread& thread : threads) thread.join();
          return yes(done == std::array<int, 4>{1, 1, 1, 1});
        }) == End{0, 0});
  CHECK(end_of({}, [&] {
          int outcome = 0;
          std::thread{[&] { outcome = errno_of_opening(folder.path("page"), O_RDONLY); }}.join();
          return outcome;
        }) == End{EACCES, 0});
}

TEST_CASE("a thread that was there before is held by the filter, and takes all along") {
  NEEDS_A_SANDBOX();
  std::array<int, 2> pipe;
  std::thread early;
  const auto start = [&] {
    if (::pipe(pipe.data()) != 0) ::_exit(not_entered);
    early = std::thread{[&] {
      char byte = 0;
      if (::read(pipe[0], &byte, 1) == 1) static_cast<void>(::socket(AF_INET, SOCK_STREAM, 0));
    }};
  };
  const auto release = [&] {
    if (::write(pipe[1], "x", 1) != 1) return 1;
    early.join();
    return 0;
  };
  CHECK(end_of({}, release, start) == killed);
}

TEST_CASE("abort() in the sandbox ends the process as it does outside") {
  NEEDS_A_SANDBOX();
  // doctest has a handler for it.
  const auto forget_handler = [] { ::signal(SIGABRT, SIG_DFL); };
  CHECK(end_of(
            {}, []() -> int { std::abort(); }, forget_handler) == End{-1, SIGABRT});
}

TEST_CASE("where the kernel tells threads by clone3, it is told that there is none") {
  NEEDS_A_SANDBOX();
  CHECK(end_of({}, [] { return errno_of(::syscall(SYS_clone3, nullptr, 0)); }) == End{ENOSYS, 0});
}

TEST_CASE("a path that is not there is an error that names it") {
  NEEDS_A_SANDBOX();
  std::string detail;
  const Result<Sandbox> sandbox = Sandbox::prepare({.read_beneath = {"/none/such"}}, detail);
  CHECK_FALSE(sandbox);
  CHECK(sandbox.error() == std::errc::no_such_file_or_directory);
  CHECK(detail == "/none/such: No such file or directory");
}
