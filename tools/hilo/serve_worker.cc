// SPDX-License-Identifier: MIT

#include "tools/hilo/serve_worker.h"

#include <algorithm>

#include "tools/explain/wire_trace.h"
#include "tools/hilo/echo.h"
#include "tools/hilo/page_fields.h"
#include "tools/hilo/standard_io.h"
#include "tools/web/assets.h"
#include "ws/core/percent.h"

namespace hilo::tools {
namespace {

// A turn that takes so long is worth a line: whoever else is there has waited for it.
constexpr net::Duration stall_logged = net::Duration::seconds(1);

// By itself only where nobody but this machine's own users can come.
bool shows_layers(const ServeSettings& settings) {
  if (settings.layers != "auto") return settings.layers == "on";
  const bool is_behind_something = settings.systemd || settings.proxy_protocol ||
                                   !settings.trusted_proxies.empty() ||
                                   !settings.handover_path.empty() || !settings.files.empty();
  return !is_behind_something &&
         std::all_of(settings.addresses.begin(), settings.addresses.end(), [](const auto& each) {
           return each.is_loopback() && each.family() != net::Family::unix_path;
         });
}

// All workers write to one place.
Callback<std::shared_ptr<net::WireObserver>(const net::PeerAddress&)> tracer() {
  static const explain::Speaker speaker = explain::make_speaker();
  return [](const net::PeerAddress& peer) -> std::shared_ptr<net::WireObserver> {
    explain::Style style{.name = peer.to_string(), .speaker = speaker};
    style.text.colour = is_terminal(standard_output);
    auto trace = std::make_shared<explain::WireTrace>(
        trace::Direction::to_server, style, [](std::string_view text) { print_text(text); });
    trace->tell_costs();
    return trace;
  };
}

// A page that wants to see compression asks for it, and for short messages, too.
void compress_by_wish(ws::ServerOptions& options) {
  options.deflate.enabled = true;
  options.deflate.threshold_bytes = 0;
  options.may_compress = [](const ws::Request& request) {
    return ws::find_query(request.query(), "deflate") == "on";
  };
}

ws::ServerOptions server_options(const ServeSettings& settings,
                                 std::span<const std::string_view> origins, LogWriter& log,
                                 std::uint8_t index, std::shared_ptr<ws::Admission> admission,
                                 TraceRooms& rooms, Museum& museum) {
  ws::ServerOptions options;
  options.admission = std::move(admission);
  if (settings.origin_any) {
    options.origin.allow = ws::OriginPolicy::Allow::any;
  } else if (!origins.empty()) {
    options.origin.allow = ws::OriginPolicy::Allow::listed;
    options.origin.list = origins;
  }
  options.subprotocols.assign(settings.subprotocols.begin(), settings.subprotocols.end());
  options.subprotocol_required = settings.subprotocol_required;
  options.keep_request_fields = settings.keep_request_fields;
  options.deflate = settings.deflate;
  options.trusted_proxies = settings.trusted_proxies;
  options.forwarded_by = settings.forwarded_by;
  options.loop_index = index;
  options.log = log.sink();
  if (settings.hixie76) options.hixie76 = &museum;
  if (settings.trace) options.observe_accepted = tracer();
  if (shows_layers(settings)) {
    options.observe_request = [&rooms](const ws::Request& request, net::WireObserver* so_far) {
      return rooms.observe(request, so_far);
    };
    if (!settings.deflate.enabled) compress_by_wish(options);
  }
  return options;
}

}  // namespace

ServeWorker::ServeWorker(const ServeSettings& settings, std::span<const std::string_view> origins,
                         LogWriter& log, std::uint8_t index,
                         std::shared_ptr<ws::Admission> admission, TraceRooms& rooms)
    : loop_({.busy_poll = net::Duration{std::int64_t{settings.busy_poll_us} * 1000}}),
      museum_(loop_),
      metrics_(log),
      server_(loop_, settings.limits,
              server_options(settings, origins, log, index, std::move(admission), rooms, museum_)) {
  loop_.on_stall(stall_logged, [&log, index](net::Duration took) {
    log.event(ws::LogLevel::warning, "loop_stall",
              "loop=" + std::to_string(index) + " ms=" + std::to_string(took.to_milliseconds()));
  });
  settings.files.empty() ? serve_page() : serve_files(settings.files);
  serve_paths(settings);
  if (shows_layers(settings)) rooms.open(server_);
}

void ServeWorker::serve_page() {
  server_.get("/", [](ws::http::Exchange& exchange) {
    const Bytes page = web::asset("index.html");
    const std::uint16_t status = page.empty() ? 404 : 200;
    static_cast<void>(
        exchange.respond(status, "text/html; charset=utf-8", as_text(page), page_fields));
  });
}

// Browsers ask again each time, so that who works on the files sees what is there.
void ServeWorker::serve_files(const std::string& directory) {
  status_ = server_.files("/", directory, {.cache_control = "no-cache"});
}

void ServeWorker::serve_paths(const ServeSettings& settings) {
  // Who asks whether to send more connections here is told not to before they would be refused; a
  // successor that has taken the sockets over refuses none.
  server_.get("/health", [this](ws::http::Exchange& exchange) {
    const bool goes = goes_ || server_.refuses_handshakes();
    static_cast<void>(exchange.respond(goes ? 503 : 200, "text/plain; charset=utf-8",
                                       goes ? "draining\n" : "ok\n"));
  });
  server_.post("/body", [](ws::http::Exchange& exchange) {
    static_cast<void>(exchange.respond(200, "application/octet-stream", as_text(exchange.body())));
  });
  serve_echo(server_, shows_layers(settings));
  // Empty, pages are without.
  const Bytes layers = shows_layers(settings) ? web::asset("layers.js") : Bytes{};
  server_.get("/layers.js", [layers](ws::http::Exchange& exchange) {
    static_cast<void>(
        exchange.respond(200, "text/javascript; charset=utf-8", as_text(layers), page_fields));
  });
  room_.open(server_);
  metrics_.open(server_);
  serve_lesson_pages(server_, settings.client_bundle);
}

void ServeWorker::open_lesson(const ServeSettings& settings) {
  lesson_ = std::make_unique<LessonService>(server_, settings.lesson);
  metrics_.count(lesson_->io());
}

void ServeWorker::drain_polls(net::Duration at_most, Callback<void()> on_told) {
  if (lesson_ == nullptr) return on_told();
  lesson_->io().drain();
  if (lesson_->io().engine().poll_count() == 0) return on_told();
  lesson_->io().engine().when_told(at_most, std::move(on_told));
}

// The server first, so that polls are answered for the last time on their connection.
void ServeWorker::drain(const ws::DrainOptions& options, Callback<void()> on_drained) {
  server_.drain(options, std::move(on_drained));
  museum_.close();
  if (lesson_ != nullptr) lesson_->io().drain(options.handed_over);
}

void ServeWorker::stop(ws::CloseCode code, Callback<void()> on_stopped) {
  server_.stop(code, std::move(on_stopped));
  museum_.close();
  if (lesson_ != nullptr) lesson_->io().drain();
}

}  // namespace hilo::tools
