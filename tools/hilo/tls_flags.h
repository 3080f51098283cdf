// SPDX-License-Identifier: MIT
//
// The flags about TLS of `hilo serve`, `hilo connect` and `hilo conform`, and what they set.

#pragma once

#include <string>
#include <vector>

#include "tools/hilo/command.h"

namespace hilo::tools {

struct TlsServeSettings {
  std::vector<std::string> certificate_files;  // each with the key at the same place of key_files
  std::vector<std::string> key_files;
  std::string client_ca_file;    // clients must show a certificate that it signed; empty: none need
  bool client_optional = false;  // ... or none at all
  bool self_signed = false;
  std::string keylog_file;
  bool kernel_tls = false;

  bool wanted() const { return self_signed || !certificate_files.empty(); }
};

struct TlsConnectSettings {
  std::string ca_file;  // instead of the CAs of the system
  bool insecure = false;
  std::string certificate_file;
  std::string key_file;
  std::string keylog_file;
  std::string server_name;  // for SNI and verification, instead of the URL's host
  bool kernel_tls = false;
};

// `hilo conform` is client or server.
struct TlsConformSettings {
  std::string ca_file;  // whom to trust as a client, instead of the CAs of the system
  bool insecure = false;
  std::string certificate_file;  // of our own
  std::string key_file;
  bool self_signed = false;  // as a server

  bool serves() const { return self_signed || !certificate_file.empty(); }
};

FlagGroup tls_serve_flags(TlsServeSettings& settings);
FlagGroup tls_connect_flags(TlsConnectSettings& settings);
FlagGroup tls_conform_flags(TlsConformSettings& settings);

// What is wrong with them together: "--tls-key is missing". Nothing if they can be tried.
Complaint check(const TlsServeSettings& settings);
Complaint check(const TlsConnectSettings& settings);
Complaint check(const TlsConformSettings& settings);

}  // namespace hilo::tools
