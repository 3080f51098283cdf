// SPDX-License-Identifier: MIT

#include "tools/hilo/connect_options.h"

#include <utility>

#include "net/tls.h"
#include "tools/explain/wire_trace.h"
#include "tools/hilo/standard_io.h"
#include "ws/core/url.h"

namespace hilo::tools {
namespace {

// False if it cannot be made, which has been told.
bool make_tls(const TlsConnectSettings& from, ws::ConnectOptions& into) {
  into.tls_server_name = from.server_name;
  std::string detail;
  auto context = net::tls::ClientContext::create(
      {.ca_file = from.ca_file,
       .certificate = {.certificate = from.certificate_file, .key = from.key_file},
       .insecure = from.insecure,
       .keylog_file = from.keylog_file,
       .kernel_tls = from.kernel_tls},
      &detail);
  if (!context) {
    print_error("hilo connect: TLS: " + detail);
    return false;
  }
  into.tls = std::move(*context);
  if (from.insecure) {
    print_error(
        "hilo connect: --insecure: the server is not asked who it is; anyone on the way can read "
        "and change everything");
  }
  return true;
}

}  // namespace

std::string without_userinfo(std::string_view url) {
  std::string shown(url);
  const Result<ws::Url> parsed = ws::parse_url(url);
  if (!parsed || parsed->userinfo.empty()) return shown;
  const auto begin = static_cast<std::size_t>(parsed->userinfo.data() - url.data());
  return shown.erase(begin, parsed->userinfo.size() + 1);
}

bool fill_options(const ConnectSettings& settings, ws::ConnectOptions& into) {
  into.subprotocols.assign(settings.subprotocols.begin(), settings.subprotocols.end());
  into.origin = settings.origin;
  for (const HeaderField& field : settings.fields) into.fields.push_back({field.name, field.value});
  into.user = settings.user;
  into.password = settings.password;
  into.proxy = settings.proxy;
  into.redirects_max = settings.redirects;
  into.deflate = settings.deflate;
  if (settings.trace) {
    explain::Style style;
    style.text.colour = is_terminal(standard_error);
    into.observers = std::make_shared<explain::WireTraces>(
        style, [](std::string_view text) { print_text_to(standard_error, text); });
  }
  // Reading the authorities of the system takes its time: not for those who will not ask them.
  const Result<ws::Url> url = ws::parse_url(settings.url);
  const bool may_change = settings.redirects != 0;
  if (!url || (!may_change && url->scheme != ws::Url::Scheme::wss)) return true;
  return make_tls(settings.tls, into);
}

}  // namespace hilo::tools
