// SPDX-License-Identifier: MIT

#include "tools/hilo/sandbox_calls.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace hilo::tools {
namespace {

#if defined(__x86_64__) && !defined(__ILP32__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#define HILO_SANDBOX_CALLS
#elif defined(__aarch64__) && defined(__AARCH64EL__) && !defined(__ILP32__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#define HILO_SANDBOX_CALLS
#else
constexpr std::uint32_t architecture = 0;
#endif

// ---- the list ----------------------------------------------------------------------------------

#ifdef HILO_SANDBOX_CALLS
// Of the kernel, and younger than the headers of some systems.
constexpr std::uint32_t level_tls = 282;                 // SOL_TLS
constexpr std::uint32_t prctl_name_memory = 0x53564d41;  // PR_SET_VMA

// What a new thread of glibc and of musl shares with the others: all. musl adds a flag that has had
// no meaning for long.
constexpr std::uint32_t clone_detached = 0x00400000;
constexpr std::uint32_t thread_flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                       CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                                       CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

constexpr ArgumentCondition equals(unsigned argument, std::uint32_t value) {
  return {argument, 0xffffffff, value};
}
constexpr ArgumentCondition lacks(unsigned argument, std::uint32_t flags) {
  return {argument, flags, 0};
}
constexpr CallRule only_if(std::uint32_t number, ArgumentCondition first,
                           ArgumentCondition second = {}) {
  return {number, {first, second}, 0};
}
constexpr CallRule fails(std::uint32_t number, int error) {
  return {number, {}, error};
}

// What is called at the very start alone is not here, and neither is what makes sockets, connects
// them or binds them: that was done before.
constexpr std::uint32_t plain_calls[] = {
    // Connections, and the pipes of wakeups and signals.
    SYS_recvfrom, SYS_read, SYS_write, SYS_accept4, SYS_close, SYS_shutdown,
    // Waiting. glibc takes one or the other, by version and machine.
    SYS_epoll_pwait, SYS_epoll_ctl, SYS_ppoll, SYS_futex,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
#ifdef SYS_poll
    SYS_poll,
#endif
    // Clocks, where the kernel's page of them does not do.
    SYS_clock_gettime, SYS_gettimeofday,
#ifdef SYS_time
    SYS_time,
#endif
    // Memory, none of it to be executed (below).
    SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_getrandom,
    // Files: which, Landlock says. openat2 is how the files of a page are opened.
    SYS_openat, SYS_openat2, SYS_newfstatat, SYS_fstat, SYS_pread64, SYS_lseek,
    // Threads begin and end. A heap of their own is made by how many processors there are; sorting
    // asks (until glibc 2.36) how much memory.
    SYS_set_robust_list, SYS_rseq, SYS_sched_getaffinity, SYS_sysinfo, SYS_gettid, SYS_getpid,
    SYS_exit,
    // Signals, libc's last words where it finds a fault, and the end.
    SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_restart_syscall, SYS_writev,
    SYS_exit_group};

// With arguments. A socket option can hang a program into the kernel, so those that are used are
// named.
std::vector<CallRule> calls_with_arguments() {
  return {
      // TCP Fast Open connects while it sends, even a socket that once was accepted.
      only_if(SYS_sendmsg, lacks(2, MSG_FASTOPEN)),
      only_if(SYS_sendto, lacks(3, MSG_FASTOPEN)),
      only_if(SYS_setsockopt, equals(1, IPPROTO_TCP), equals(2, TCP_NODELAY)),
      only_if(SYS_setsockopt, equals(1, IPPROTO_TCP), equals(2, TCP_USER_TIMEOUT)),
      only_if(SYS_setsockopt, equals(1, SOL_SOCKET), equals(2, SO_LINGER)),
      only_if(SYS_setsockopt, equals(1, SOL_SOCKET), equals(2, SO_SNDBUF)),
      only_if(SYS_setsockopt, equals(1, SOL_SOCKET), equals(2, SO_RCVBUF)),
      only_if(SYS_setsockopt, equals(1, SOL_SOCKET), equals(2, SO_RCVLOWAT)),
      only_if(SYS_getsockopt, equals(1, SOL_SOCKET), equals(2, SO_ERROR)),
      only_if(SYS_getsockopt, equals(1, IPPROTO_TCP), equals(2, TCP_INFO)),
      only_if(SYS_mmap, lacks(2, PROT_EXEC)),
      only_if(SYS_mprotect, lacks(2, PROT_EXEC)),
      // A thread, and no process. The flags of clone3 are in memory, where no filter can see them;
      // where that is missing, libc takes clone.
      fails(SYS_clone3, ENOSYS),
      only_if(SYS_clone, {0, ~clone_detached, thread_flags}),
      // abort() sends a signal to itself.
      only_if(SYS_tgkill, equals(0, static_cast<std::uint32_t>(::getpid()))),
      // stdio, of a file that it opens to append and of one that may be a terminal.
      only_if(SYS_fcntl, equals(1, F_GETFL)),
      only_if(SYS_ioctl, equals(1, TCGETS)),
      // glibc 2.38 names its memory for /proc/PID/maps.
      only_if(SYS_prctl, equals(0, prctl_name_memory)),
  };
}
#endif

// ---- the program -------------------------------------------------------------------------------

using Instruction = sock_filter;

Instruction load(std::size_t offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
}
Instruction load_number() {
  return load(offsetof(seccomp_data, nr));
}
// The lower half, which comes first on little-endian machines.
Instruction load_argument(unsigned index) {
  return load(offsetof(seccomp_data, args) + index * sizeof(std::uint64_t));
}
Instruction mask_by(std::uint32_t mask) {
  return {BPF_ALU | BPF_AND | BPF_K, 0, 0, mask};
}
// Unless what is loaded is the value, so many of the instructions that follow are skipped.
Instruction skip_unless_equal(std::uint32_t value, std::size_t count) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, static_cast<std::uint8_t>(count), value};
}
Instruction skip_if_equal(std::uint32_t value, std::size_t count) {
  return {BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint8_t>(count), 0, value};
}
Instruction skip_if_below(std::uint32_t value, std::size_t count) {
  return {BPF_JMP | BPF_JGE | BPF_K, 0, static_cast<std::uint8_t>(count), value};
}
Instruction end_with(std::uint32_t outcome) {
  return {BPF_RET | BPF_K, 0, 0, outcome};
}

constexpr std::uint32_t kill = SECCOMP_RET_KILL_PROCESS;
// On x86_64 the calls of the x32 ABI come with the same architecture and this bit. No call of
// another machine has a number so high.
constexpr std::uint32_t x32_bit = 0x40000000;

constexpr std::size_t instructions_per_condition = 3;  // load, mask, compare

void append(std::vector<Instruction>& program, const CallRule& rule) {
  std::size_t left = 1;  // instructions of this rule behind the next comparison: the return
  for (const ArgumentCondition& condition : rule.conditions) {
    if (condition.asks()) left += instructions_per_condition;
  }
  const bool loads = left > 1;
  program.push_back(skip_unless_equal(rule.number, left));
  for (const ArgumentCondition& condition : rule.conditions) {
    if (!condition.asks()) continue;
    left -= instructions_per_condition;
    program.push_back(load_argument(condition.argument));
    program.push_back(mask_by(condition.mask));
    program.push_back(skip_unless_equal(condition.value, left));
  }
  program.push_back(end_with(rule.error == 0
                                 ? SECCOMP_RET_ALLOW
                                 : SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(rule.error)));
  if (loads) program.push_back(load_number());
}

}  // namespace

std::vector<CallRule> allowed_calls(CallNeeds needs) {
  std::vector<CallRule> rules;
#ifdef HILO_SANDBOX_CALLS
  // In this order, since kernels from 5.11 on remember which calls are allowed whatever their
  // arguments are, and run no filter for them.
  rules = calls_with_arguments();
  for (const std::uint32_t number : plain_calls) rules.push_back({number, {}, 0});
  if (needs.removes_files) {
    rules.push_back({SYS_unlinkat, {}, 0});
#ifdef SYS_unlink
    rules.push_back({SYS_unlink, {}, 0});
#endif
  }
  if (needs.kernel_tls) {
    rules.push_back(only_if(SYS_setsockopt, equals(1, IPPROTO_TCP), equals(2, TCP_ULP)));
    rules.push_back(only_if(SYS_setsockopt, equals(1, level_tls)));
    rules.push_back({SYS_recvmsg, {}, 0});
  }
#else
  static_cast<void>(needs);
#endif
  return rules;
}

std::vector<sock_filter> assemble(std::span<const CallRule> rules) {
  std::vector<Instruction> program;
  program.push_back(load(offsetof(seccomp_data, arch)));
  program.push_back(skip_if_equal(architecture, 1));
  program.push_back(end_with(kill));
  program.push_back(load_number());
  program.push_back(skip_if_below(x32_bit, 1));
  program.push_back(end_with(kill));
  for (const CallRule& rule : rules) append(program, rule);
  program.push_back(end_with(kill));
  return program;
}

}  // namespace hilo::tools
