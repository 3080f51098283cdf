// SPDX-License-Identifier: MIT

#include "ws/socketio/serve_client.h"

#include <unistd.h>

#include <array>

namespace hilo::socketio {
namespace {

constexpr std::string_view script = "socket.io.js";
// Browsers ask again each time: who updates npm's packages has their pages updated, too.
constexpr std::string_view cache_control = "no-cache";

std::string join(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && !path.ends_with('/')) path += '/';
  return path.append(name);
}

}  // namespace

bool has_client_bundle(std::string_view directory) {
  return ::access(join(directory, script).c_str(), R_OK) == 0;
}

std::string find_client_bundle(std::string_view root) {
  for (const std::string_view place :
       {"node_modules/socket.io-client/dist", "node_modules/socket.io/client-dist"}) {
    std::string directory = join(root, place);
    if (has_client_bundle(directory)) return directory;
  }
  return {};
}

Status serve_client(ws::Server& http, std::string_view directory, std::string_view own,
                    std::string_view path) {
  if (!directory.empty()) {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    return http.files(path, directory, {.cache_control = std::string(cache_control)});
  }
  if (own.empty()) return {};
  http.get(join(path, script), [own](ws::http::Exchange& exchange) {
    constexpr std::array<ws::FieldView, 2> fields = {
        {{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", cache_control}}};
    static_cast<void>(exchange.respond(200, "text/javascript; charset=utf-8", own, fields));
  });
  return {};
}

}  // namespace hilo::socketio
