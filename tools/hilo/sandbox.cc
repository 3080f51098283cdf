// SPDX-License-Identifier: MIT

#include "tools/hilo/sandbox.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "net/last_error.h"
#include "tools/hilo/sandbox_calls.h"

namespace hilo::tools {
namespace {

// ---- Landlock ----------------------------------------------------------------------------------

// As the kernel has it (landlock(7)). The header of the system is older than the kernel as a rule,
// and has half of this.
namespace landlock {

// System calls, on every machine.
constexpr long create_ruleset = 444;
constexpr long add_rule = 445;
constexpr long restrict_self = 446;

constexpr unsigned ask_version = 1;  // a flag of create_ruleset
constexpr int path_beneath = 1;      // the kind of a rule

// Rights to files.
constexpr std::uint64_t write_file = 1 << 1;
constexpr std::uint64_t read_file = 1 << 2;
constexpr std::uint64_t read_directory = 1 << 3;
constexpr std::uint64_t remove_file = 1 << 5;

// All rights up to and with the last of each version.
constexpr std::uint64_t files_of_abi_1 = (1 << 13) - 1;
constexpr std::uint64_t files_of_abi_2 = (1 << 14) - 1;  // to move between directories
constexpr std::uint64_t files_of_abi_3 = (1 << 15) - 1;  // to truncate
constexpr std::uint64_t files_of_abi_5 = (1 << 16) - 1;  // ioctl on devices
constexpr std::uint64_t tcp_of_abi_4 = 3;                // bind, connect
constexpr std::uint64_t scopes_of_abi_6 = 3;             // abstract Unix sockets, signals

// An older kernel takes the whole of it where what it does not know is zero.
struct Ruleset {
  std::uint64_t files;  // rights that are taken away where no rule gives them
  std::uint64_t network;
  std::uint64_t scopes;
};

struct __attribute__((packed)) PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent;
};

}  // namespace landlock

int landlock_version() noexcept {
  return static_cast<int>(::syscall(landlock::create_ruleset, nullptr, 0, landlock::ask_version));
}

landlock::Ruleset all_rights(int abi) noexcept {
  landlock::Ruleset all{landlock::files_of_abi_1, 0, 0};
  if (abi >= 2) all.files = landlock::files_of_abi_2;
  if (abi >= 3) all.files = landlock::files_of_abi_3;
  if (abi >= 4) all.network = landlock::tcp_of_abi_4;
  if (abi >= 5) all.files = landlock::files_of_abi_5;
  if (abi >= 6) all.scopes = landlock::scopes_of_abi_6;
  return all;
}

Status allow(const net::Fd& rules, const std::string& path, std::uint64_t rights) noexcept {
  const net::Fd parent{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (!parent) return net::last_error();
  const landlock::PathBeneath rule{rights, parent.value()};
  if (::syscall(landlock::add_rule, rules.value(), landlock::path_beneath, &rule, 0) != 0) {
    return net::last_error();
  }
  return {};
}

// ---- seccomp -----------------------------------------------------------------------------------

bool kernel_filters_calls() noexcept {
  const std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

Status filter_calls(const std::vector<sock_filter>& program) noexcept {
  sock_fprog attached{};
  attached.len = static_cast<unsigned short>(program.size());
  attached.filter = const_cast<sock_filter*>(program.data());
  const long refused =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &attached);
  if (refused < 0) return net::last_error();
  // The number of a thread that has a filter of its own already.
  if (refused > 0) return std::make_error_code(std::errc::operation_not_permitted);
  return {};
}

std::error_code missing(std::string& detail, std::string_view what) {
  detail = what;
  return std::make_error_code(std::errc::function_not_supported);
}

}  // namespace

Result<Sandbox> Sandbox::prepare(const SandboxNeeds& needs, std::string& detail) {
  if (allowed_calls({}).empty()) return missing(detail, "there is no list for this processor");
  if (!kernel_filters_calls()) return missing(detail, "this kernel has no filters of system calls");
  const int abi = landlock_version();
  if (abi < 1) return missing(detail, "this kernel has no Landlock");
  const landlock::Ruleset all = all_rights(abi);
  net::Fd rules{static_cast<int>(::syscall(landlock::create_ruleset, &all, sizeof all, 0))};
  if (!rules) {
    const std::error_code error = net::last_error();
    detail = "Landlock: " + error.message();
    return error;
  }
  const auto allow_all = [&](const std::vector<std::string>& paths, std::uint64_t rights) {
    for (const std::string& path : paths) {
      if (const Status status = allow(rules, path, rights); !status) {
        detail = path + ": " + status.error().message();
        return status;
      }
    }
    return Status{};
  };
  Status status = allow_all(needs.read_beneath, landlock::read_file | landlock::read_directory);
  if (status) status = allow_all(needs.write_files, landlock::write_file);
  if (status) status = allow_all(needs.remove_beneath, landlock::remove_file);
  // A listener that ran out of descriptors opens it again (net::socket::open_reserve).
  if (status) status = allow_all({"/dev/null"}, landlock::read_file);
  if (!status) return status.error();
  return Sandbox{std::move(rules), abi, needs};
}

Status Sandbox::enter() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return net::last_error();
  if (::syscall(landlock::restrict_self, rules_.value(), 0) != 0) return net::last_error();
  rules_.reset();
  return filter_calls(assemble(allowed_calls(
      {.removes_files = !needs_.remove_beneath.empty(), .kernel_tls = needs_.kernel_tls})));
}

}  // namespace hilo::tools
