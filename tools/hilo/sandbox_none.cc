// SPDX-License-Identifier: MIT
//
// The sandbox where there is none (see sandbox.h): every system but Linux.

#include "tools/hilo/sandbox.h"

namespace hilo::tools {

Result<Sandbox> Sandbox::prepare(const SandboxNeeds&, std::string& detail) {
  detail = "there is none on this system";
  return std::make_error_code(std::errc::function_not_supported);
}

Status Sandbox::enter() {
  return std::make_error_code(std::errc::function_not_supported);
}

}  // namespace hilo::tools
