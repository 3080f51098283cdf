// SPDX-License-Identifier: MIT

#include "tools/hilo/tls_flags.h"

#include <utility>

#include "tools/hilo/flags.h"

namespace hilo::tools {
namespace {

FlagText file(std::string name, std::string text) {
  return {.name = std::move(name), .value = "FILE", .text = std::move(text), .short_name = {}};
}

FlagText toggle(std::string name, std::string text) {
  return {.name = std::move(name), .value = {}, .text = std::move(text), .short_name = {}};
}

FlagText kernel_toggle() {
  return toggle("--tls-kernel", "let the kernel encrypt, where OpenSSL and the kernel can do that");
}

}  // namespace

FlagGroup tls_serve_flags(TlsServeSettings& settings) {
  FlagGroup group{.title = "TLS (then every TCP address speaks https and wss, and no Unix socket)",
                  .flags = {}};
  group.flags = {
      texts_flag(file("--tls-cert",
                      "certificate chain in PEM, our own first; of several, the one "
                      "that has the name the client asks for is shown, or else the "
                      "first"),
                 settings.certificate_files),
      texts_flag(file("--tls-key", "its private key; for each --tls-cert, in the same order"),
                 settings.key_files),
      switch_flag(toggle("--tls-self-signed",
                         "a certificate made up now, for a try-out: clients "
                         "have reason to complain"),
                  settings.self_signed),
      text_flag(file("--tls-client-ca", "clients must show a certificate signed by one of these"),
                settings.client_ca_file),
      switch_flag(toggle("--tls-client-optional", "... or show none"), settings.client_optional),
      text_flag(file("--tls-keylog",
                     "the keys of all connections are appended, for hilo explain and Wireshark: "
                     "who has them can read everything"),
                settings.keylog_file),
      switch_flag(kernel_toggle(), settings.kernel_tls),
  };
  return group;
}

FlagGroup tls_connect_flags(TlsConnectSettings& settings) {
  FlagGroup group{.title = "TLS (wss)", .flags = {}};
  group.flags = {
      text_flag(file("--ca-file", "whom to trust, in PEM, instead of the CAs of the system"),
                settings.ca_file),
      switch_flag(toggle("--insecure",
                         "believe any server; who can reach the network in between "
                         "can read and change everything"),
                  settings.insecure),
      text_flag({.name = "--tls-server-name",
                 .value = "NAME",
                 .text = "the name that the server's certificate must have, instead of the URL's "
                         "host",
                 .short_name = {}},
                settings.server_name),
      text_flag(file("--tls-cert", "our own certificate chain in PEM, if the server asks for one"),
                settings.certificate_file),
      text_flag(file("--tls-key", "its private key"), settings.key_file),
      text_flag(file("--tls-keylog",
                     "the keys of its connections are appended, for hilo explain and Wireshark: "
                     "who has them can read everything"),
                settings.keylog_file),
      switch_flag(kernel_toggle(), settings.kernel_tls),
  };
  return group;
}

FlagGroup tls_conform_flags(TlsConformSettings& settings) {
  FlagGroup group{.title = "TLS (wss)", .flags = {}};
  group.flags = {
      text_flag(file("--ca-file", "whom to trust, in PEM, instead of the CAs of the system"),
                settings.ca_file),
      switch_flag(toggle("--insecure", "believe any server"), settings.insecure),
      text_flag(file("--tls-cert",
                     "our own certificate chain in PEM: with --listen clients speak wss then; "
                     "to a server it is shown if that asks for one"),
                settings.certificate_file),
      text_flag(file("--tls-key", "its private key"), settings.key_file),
      switch_flag(toggle("--tls-self-signed", "with --listen: a certificate made up now"),
                  settings.self_signed),
  };
  return group;
}

Complaint check(const TlsServeSettings& settings) {
  if (settings.certificate_files.size() > settings.key_files.size()) {
    return "each --tls-cert needs a --tls-key";
  }
  if (settings.certificate_files.size() < settings.key_files.size()) {
    return "each --tls-key needs a --tls-cert";
  }
  if (settings.self_signed && !settings.certificate_files.empty()) {
    return "--tls-self-signed and --tls-cert exclude each other";
  }
  if (settings.client_optional && settings.client_ca_file.empty()) {
    return "--tls-client-optional needs --tls-client-ca";
  }
  const bool more =
      !settings.client_ca_file.empty() || !settings.keylog_file.empty() || settings.kernel_tls;
  if (more && !settings.wanted()) return "there is no TLS without --tls-cert or --tls-self-signed";
  return {};
}

Complaint check(const TlsConnectSettings& settings) {
  if (settings.certificate_file.empty() != settings.key_file.empty()) {
    return "--tls-cert and --tls-key need each other";
  }
  if (settings.insecure && !settings.ca_file.empty()) {
    return "--insecure and --ca-file exclude each other";
  }
  return {};
}

Complaint check(const TlsConformSettings& settings) {
  if (settings.self_signed && !settings.certificate_file.empty()) {
    return "--tls-self-signed and --tls-cert exclude each other";
  }
  return check(TlsConnectSettings{.ca_file = settings.ca_file,
                                  .insecure = settings.insecure,
                                  .certificate_file = settings.certificate_file,
                                  .key_file = settings.key_file,
                                  .keylog_file = {},
                                  .server_name = {},
                                  .kernel_tls = false});
}

}  // namespace hilo::tools
