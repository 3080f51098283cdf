// SPDX-License-Identifier: MIT

#include "tools/bench/process.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace hilo::tools::bench {

std::optional<ProcessUse> look_at_process(int pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  ProcessUse use;
  std::error_code error;
  bool has_threads = false;
  for (const auto& task : std::filesystem::directory_iterator(folder + "/task", error)) {
    // Nanoseconds on a processor, finer than the ticks of stat.
    std::ifstream file(task.path() / "schedstat");
    std::int64_t nanoseconds = 0;
    if (!(file >> nanoseconds)) continue;  // it has ended meanwhile
    use.processor = use.processor + net::Duration{nanoseconds};
    has_threads = true;
  }
  std::ifstream memory(folder + "/statm");
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  if (error || !has_threads || !(memory >> pages >> resident)) return {};
  use.resident_bytes = resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return use;
}

}  // namespace hilo::tools::bench
