// SPDX-License-Identifier: MIT

#include "tools/hilo/lesson_service.h"

#include "tools/hilo/page_fields.h"
#include "tools/web/assets.h"
#include "ws/socketio/serve_client.h"

namespace hilo::tools {
namespace {

// Clients of all generations at once: those of Socket.IO 1 by polling, too.
socketio::Options options(const LessonSettings& settings) {
  socketio::Options options = settings.limits;
  options.parser = settings.parser;
  options.recovery.enabled = settings.recovery.nanoseconds != 0;
  options.recovery.max_disconnection_duration = settings.recovery;
  options.engine.jsonp = settings.jsonp;
  options.engine.revision3 = true;
  options.engine.framing3 = engineio::Framing3::binary;
  options.engine.double_utf8 = true;
  return options;
}

struct Page {
  std::string_view path;
  std::string_view type;
  std::string_view asset;
};

void serve_page(ws::Server& server, const Page& page) {
  server.get(page.path, [page](ws::http::Exchange& exchange) {
    static_cast<void>(
        exchange.respond(200, page.type, as_text(web::asset(page.asset)), page_fields));
  });
}

}  // namespace

Complaint take_client_bundle(std::string_view value, std::string& into) {
  if (!socketio::has_client_bundle(value)) return "has no socket.io.js";
  into = value;
  return {};
}

LessonService::LessonService(ws::Server& server, const LessonSettings& settings)
    : io_(server, options(settings)), lesson_(io_, HILO_VERSION) {}

std::string find_client_bundle(std::string_view client_bundle) {
  return client_bundle.empty() ? socketio::find_client_bundle() : std::string(client_bundle);
}

void serve_lesson_pages(ws::Server& server, std::string_view client_bundle) {
  constexpr std::string_view html = "text/html; charset=utf-8";
  serve_page(server, {.path = "/chat", .type = html, .asset = "chat.html"});
  serve_page(server, {.path = "/lesson", .type = html, .asset = "lesson.html"});
  // Whoever wants to speak revision 3 of Engine.IO, which the official client has given up.
  serve_page(server, {.path = "/small-client.js",
                      .type = "text/javascript; charset=utf-8",
                      .asset = "socket.io.js"});
  const std::string bundle = find_client_bundle(client_bundle);
  const std::string_view own = as_text(web::asset("socket.io.js"));
  if (!socketio::serve_client(server, bundle, own)) {
    static_cast<void>(socketio::serve_client(server, {}, own));
  }
}

}  // namespace hilo::tools
