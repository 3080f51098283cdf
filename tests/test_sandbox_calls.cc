// SPDX-License-Identifier: MIT
//
// The filter of system calls as data: what it would say to each call, without the kernel.

#include "tools/hilo/sandbox_calls.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tests/support/skip.h"

namespace {

using namespace hilo::tools;

#if defined(__x86_64__)
constexpr std::uint32_t own_architecture = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t own_architecture = AUDIT_ARCH_AARCH64;
#endif

struct Call {
  long number = 0;
  std::array<std::uint64_t, 6> arguments = {};
  std::uint32_t architecture = own_architecture;
};

std::uint32_t load(const seccomp_data& data, std::uint32_t offset) {
  REQUIRE(offset + 4 <= sizeof data);
  std::uint32_t word = 0;
  std::memcpy(&word, reinterpret_cast<const char*>(&data) + offset, sizeof word);
  return word;
}

// What the kernel's machine does with the instructions that are used.
std::uint32_t outcome(const std::vector<sock_filter>& program, const Call& call) {
  seccomp_data data{};
  data.nr = static_cast<int>(call.number);
  data.arch = call.architecture;
  std::copy(call.arguments.begin(), call.arguments.end(), data.args);
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& instruction = program[at];
    const auto jump = [&](bool taken) { at += taken ? instruction.jt : instruction.jf; };
    switch (instruction.code) {
      case BPF_LD | BPF_W | BPF_ABS: accumulator = load(data, instruction.k); break;
      case BPF_ALU | BPF_AND | BPF_K: accumulator &= instruction.k; break;
      case BPF_JMP | BPF_JEQ | BPF_K: jump(accumulator == instruction.k); break;
      case BPF_JMP | BPF_JGE | BPF_K: jump(accumulator >= instruction.k); break;
      case BPF_RET | BPF_K: return instruction.k;
      default: FAIL("an instruction that is not used"); return 0;
    }
  }
  FAIL("the program has no end");
  return 0;
}

constexpr CallNeeds everything{.removes_files = true, .kernel_tls = true};

std::vector<sock_filter> program(CallNeeds needs = {}) {
  return assemble(allowed_calls(needs));
}

bool allowed(const Call& call, CallNeeds needs = {}) {
  return outcome(program(needs), call) == SECCOMP_RET_ALLOW;
}

bool is_plain(const CallRule& rule) {
  return !rule.conditions[0].asks() && rule.error == 0;
}

constexpr long numbers_end = 1024;  // the kernel has no call so high

}  // namespace

#define NEEDS_A_LIST() \
  if (allowed_calls({}).empty()) HILO_SKIP("there is no list for this processor")

TEST_CASE("no rule of the sandbox is there twice, and none behind one that says the same of all") {
  NEEDS_A_LIST();
  const std::vector<CallRule> rules = allowed_calls(everything);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (std::size_t j = i + 1; j < rules.size(); ++j) {
      CAPTURE(rules[i].number);
      CHECK_FALSE(rules[i] == rules[j]);
      const bool shadowed = rules[i].number == rules[j].number &&
                            !(rules[i].conditions[0].asks() && rules[j].conditions[0].asks());
      CHECK_FALSE(shadowed);
    }
  }
}

TEST_CASE("every call number is allowed where it is listed without conditions") {
  NEEDS_A_LIST();
  const std::vector<CallRule> rules = allowed_calls(everything);
  const std::vector<sock_filter> built = program(everything);
  CHECK(built.size() < BPF_MAXINSNS);
  // Arguments that fit no condition.
  constexpr std::uint64_t odd = 0xffffffff'ffffffff;
  const std::array<std::uint64_t, 6> arguments = {odd, odd, odd, odd, odd, odd};
  for (long number = 0; number < numbers_end; ++number) {
    CAPTURE(number);
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const CallRule& each) {
      return each.number == static_cast<std::uint32_t>(number);
    });
    const bool listed = rule != rules.end() && is_plain(*rule);
    const std::uint32_t got = outcome(built, {number, arguments});
    if (number == SYS_clone3) {
      CHECK(got == (SECCOMP_RET_ERRNO | ENOSYS));
    } else {
      CHECK(got == (listed ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS));
    }
    // The same numbers mean other calls elsewhere.
    const std::uint32_t i386 = AUDIT_ARCH_I386;
    CHECK(outcome(built, {number, arguments, i386}) == SECCOMP_RET_KILL_PROCESS);
    const long x32 = number | 0x40000000;
    CHECK(outcome(built, {x32, arguments}) == SECCOMP_RET_KILL_PROCESS);
  }
  CHECK(outcome(built, {-1, arguments}) == SECCOMP_RET_KILL_PROCESS);
}

TEST_CASE("calls that are allowed with certain arguments only") {
  NEEDS_A_LIST();
  constexpr std::uint64_t upper = std::uint64_t{1} << 32;
  CHECK(allowed({SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS}}));
  CHECK_FALSE(allowed({SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC}}));
  CHECK(allowed({SYS_mprotect, {0, 4096, PROT_NONE}}));
  CHECK_FALSE(allowed({SYS_mprotect, {0, 4096, PROT_EXEC}}));
  CHECK_FALSE(allowed({SYS_mprotect, {0, 4096, upper | PROT_EXEC}}));

  constexpr std::uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                   CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                                   CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  CHECK(allowed({SYS_clone, {thread}}));
  CHECK(allowed({SYS_clone, {thread | 0x00400000}}));
  CHECK_FALSE(allowed({SYS_clone, {thread | CLONE_NEWUSER}}));
  CHECK_FALSE(allowed({SYS_clone, {thread & ~std::uint64_t{CLONE_THREAD}}}));
  CHECK_FALSE(allowed({SYS_clone, {SIGCHLD}}));

  CHECK(allowed({SYS_tgkill, {static_cast<std::uint64_t>(::getpid()), 1, SIGABRT}}));
  CHECK_FALSE(allowed({SYS_tgkill, {static_cast<std::uint64_t>(::getppid()), 1, SIGABRT}}));
  CHECK(allowed({SYS_sendto, {7, 0, 0, MSG_NOSIGNAL}}));
  CHECK_FALSE(allowed({SYS_sendto, {7, 0, 0, MSG_NOSIGNAL | MSG_FASTOPEN}}));
  CHECK(allowed({SYS_sendmsg, {7, 0, MSG_NOSIGNAL}}));
  CHECK_FALSE(allowed({SYS_sendmsg, {7, 0, MSG_FASTOPEN}}));
  CHECK(allowed({SYS_fcntl, {0, F_GETFL}}));
  CHECK_FALSE(allowed({SYS_fcntl, {0, F_SETOWN}}));
  CHECK(allowed({SYS_ioctl, {0, TCGETS}}));
  CHECK_FALSE(allowed({SYS_ioctl, {0, TIOCSTI}}));
}

TEST_CASE("options of sockets, and files that are removed, are allowed to whom needs them") {
  NEEDS_A_LIST();
  CHECK(allowed({SYS_setsockopt, {7, IPPROTO_TCP, TCP_NODELAY}}));
  CHECK(allowed({SYS_setsockopt, {7, SOL_SOCKET, SO_LINGER}}));
  CHECK(allowed({SYS_setsockopt, {7, SOL_SOCKET, SO_RCVLOWAT}}));
  CHECK_FALSE(allowed({SYS_setsockopt, {7, SOL_SOCKET, SO_ATTACH_FILTER}}));
  // The level of one row and the name of another.
  CHECK_FALSE(allowed({SYS_setsockopt, {7, SOL_SOCKET, TCP_NODELAY}}));
  constexpr Call tls_by_kernel{SYS_setsockopt, {7, IPPROTO_TCP, TCP_ULP}};
  CHECK_FALSE(allowed(tls_by_kernel));
  CHECK(allowed(tls_by_kernel, {.kernel_tls = true}));
  CHECK_FALSE(allowed({SYS_recvmsg}));
  CHECK(allowed({SYS_recvmsg}, {.kernel_tls = true}));
  CHECK_FALSE(allowed({SYS_unlinkat}));
  CHECK(allowed({SYS_unlinkat}, {.removes_files = true}));
}
