// SPDX-License-Identifier: MIT

#include "ws/client_plan.h"

#include <algorithm>

#include "ws/core/http_tokens.h"
#include "ws/redirect.h"

namespace hilo::ws {

ClientPlan::ClientPlan(const ConnectOptions& options)
    : url(options.url),
      subprotocols(options.subprotocols.begin(), options.subprotocols.end()),
      origin(options.origin),
      credentials{std::string(options.user), std::string(options.password)},
      proxy(options.proxy),
      tls(options.tls),
      tls_server_name(options.tls_server_name),
      deflate(options.deflate),
      observers(options.observers),
      redirects_left(std::min(options.redirects_max, redirects_followed_max)),
      follows_redirects(options.redirects_max != 0) {
  fields.reserve(options.fields.size());
  for (const FieldView& field : options.fields) fields.emplace_back(field.name, field.value);
}

// Which field holds a secret (Authorization, Cookie, X-Api-Key ...) only the application knows, so
// all of them stay behind but one that never does.
void ClientPlan::go_to(std::string url_text, bool same_origin) {
  url = std::move(url_text);
  --redirects_left;
  if (same_origin) return;
  std::erase_if(fields,
                [](const auto& field) { return !equals_ignoring_case(field.first, "User-Agent"); });
  credentials = {};
  // That name was meant for the certificate of another server.
  tls_server_name.clear();
}

}  // namespace hilo::ws
