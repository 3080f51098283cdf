// SPDX-License-Identifier: MIT

#include "tools/hilo/lesson_service.h"

#include <unistd.h>

#include <array>

#include "tools/web/assets.h"

namespace hilo::tools {
namespace {

// Their scripts stand inside, but for the client's, which is a file of ours.
constexpr std::array<ws::FieldView, 5> page_fields = {
    {{"Content-Security-Policy",
      "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; "
      "img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'"},
     {"X-Content-Type-Options", "nosniff"},
     {"Referrer-Policy", "no-referrer"},
     {"Cross-Origin-Opener-Policy", "same-origin"},
     {"Cache-Control", "no-cache"}}};
constexpr std::array<ws::FieldView, 2> script_fields = {
    {{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-cache"}}};

constexpr char script[] = "/socket.io.js";

bool has_script(std::string_view directory) {
  return access((std::string(directory) + script).c_str(), R_OK) == 0;
}

std::string find_bundle(std::string_view named) {
  if (!named.empty()) return std::string(named);
  for (const std::string_view place :
       {"node_modules/socket.io-client/dist", "node_modules/socket.io/client-dist"}) {
    if (has_script(place)) return std::string(place);
  }
  return {};
}

// Clients of all generations at once: those of Socket.IO 1 by polling, too.
socketio::Options options(const LessonSettings& settings) {
  socketio::Options options;
  options.parser = settings.parser;
  options.recovery.enabled = settings.recovery.nanoseconds != 0;
  options.recovery.max_disconnection_duration = settings.recovery;
  options.engine.jsonp = settings.jsonp;
  options.engine.revision3 = true;
  options.engine.framing3 = engineio::Framing3::binary;
  options.engine.double_utf8 = true;
  return options;
}

void serve_asset(ws::Server& server, std::string_view path, std::string_view name) {
  const bool is_page = name.ends_with(".html");
  server.get(path, [name, is_page](ws::http::Exchange& exchange) {
    const std::string_view type =
        is_page ? "text/html; charset=utf-8" : "text/javascript; charset=utf-8";
    const std::span<const ws::FieldView> fields =
        is_page ? std::span<const ws::FieldView>(page_fields) : script_fields;
    static_cast<void>(exchange.respond(200, type, as_text(web::asset(name)), fields));
  });
}

}  // namespace

Complaint take_client_bundle(std::string_view value, std::string& into) {
  if (!has_script(value)) return "has no socket.io.js";
  into = value;
  return {};
}

LessonService::LessonService(ws::Server& server, const LessonSettings& settings)
    : io_(server, options(settings)), lesson_(io_, HILO_VERSION) {}

void serve_lesson_pages(ws::Server& server, std::string_view client_bundle) {
  serve_asset(server, "/chat", "chat.html");
  serve_asset(server, "/lesson", "lesson.html");
  const std::string bundle = find_bundle(client_bundle);
  if (bundle.empty() || !server.files("/socket.io", bundle, {.cache_control = "no-cache"})) {
    serve_asset(server, "/socket.io/socket.io.js", "socket.io.js");
  }
}

}  // namespace hilo::tools
