// SPDX-License-Identifier: MIT

#include "tools/hilo/serve_sandbox.h"

#include <array>
#include <filesystem>

#include "net/entropy.h"
#include "tools/hilo/lesson_service.h"

namespace hilo::tools {
namespace {

namespace fs = std::filesystem;

std::string directory_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path().string() : std::string(".");
}

void add_directories(const std::string& file, std::vector<std::string>& into) {
  if (file.empty()) return;
  into.push_back(directory_of(file));
  std::error_code error;
  const fs::path behind_links = fs::canonical(file, error);
  if (!error) into.push_back(directory_of(behind_links));
}

// Its configuration; sources of random numbers.
void use_openssl() {
  std::array<std::uint8_t, 1> scrap;
  static_cast<void>(net::entropy_fill(scrap));
}

}  // namespace

SandboxNeeds sandbox_needs(const ServeSettings& settings, std::span<const std::string> files) {
  use_openssl();
  SandboxNeeds needs;
  if (!settings.files.empty()) needs.read_beneath.push_back(settings.files);
  const std::string bundle = find_client_bundle(settings.client_bundle);
  if (!bundle.empty()) needs.read_beneath.push_back(bundle);

  const TlsServeSettings& tls = settings.tls;
  for (const std::string& file : tls.certificate_files) add_directories(file, needs.read_beneath);
  for (const std::string& file : tls.key_files) add_directories(file, needs.read_beneath);
  add_directories(tls.client_ca_file, needs.read_beneath);
  if (!tls.keylog_file.empty()) needs.write_files.push_back(tls.keylog_file);
  needs.kernel_tls = tls.kernel_tls;

  for (const std::string& file : files) needs.remove_beneath.push_back(directory_of(file));
  const std::string& handover = settings.handover_path;
  if (!handover.empty() && handover.front() != '@') {
    needs.remove_beneath.push_back(directory_of(handover));
  }
  return needs;
}

}  // namespace hilo::tools
