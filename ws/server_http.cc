// SPDX-License-Identifier: MIT
//
// The plain HTTP half of Server: which path leads where, and what its methods are.

#include <new>
#include <utility>

#include "net/clock.h"
#include "ws/core/handshake.h"
#include "ws/guard.h"
#include "ws/server.h"

namespace hilo::ws {
namespace {

// The methods of Allow, in one order for all answers.
struct NamedMethod {
  Method method;
  std::string_view text;
};
constexpr NamedMethod allowable_methods[] = {
    {Method::get, "GET"},         {Method::head, "HEAD"},   {Method::post, "POST"},
    {Method::put, "PUT"},         {Method::patch, "PATCH"}, {Method::delete_, "DELETE"},
    {Method::options, "OPTIONS"},
};

}  // namespace

// --- what is served ------------------------------------------------------------------------------

Server::Path::MethodRoute* Server::Path::find(Method method) noexcept {
  for (MethodRoute& each : routes) {
    if (each.method == method) return &each;
  }
  // RFC 9110 §9.3.2: HEAD is GET without the body.
  return method == Method::head ? find(Method::get) : nullptr;
}

Result<Server::Path*> Server::make_path(std::string_view pattern) {
  const Result<std::uint32_t> place = router_.add(pattern);
  if (!place) return place.error();
  if (*place == paths_.size()) paths_.push_back(std::make_unique<Path>());
  return paths_[*place].get();
}

Server::Path& Server::path_entry(std::string_view pattern) {
  const Result<Path*> path = make_path(pattern);
  if (path) return **path;
  log_.line(LogLevel::error, "bad_pattern", {});
  if (unreachable_path_ == nullptr) unreachable_path_ = std::make_unique<Path>();
  return *unreachable_path_;
}

Service& Server::at(std::string_view pattern) {
  Path& path = path_entry(pattern);
  path.has_service = true;
  return path.service;
}

Server& Server::on(Method method, std::string_view pattern, http::Route route,
                   const http::RouteOptions& options) {
  Path& path = path_entry(pattern);
  for (Path::MethodRoute& each : path.routes) {
    if (each.method != method) continue;
    each.route = std::move(route);
    each.options = options;
    return *this;
  }
  path.routes.push_back({method, std::move(route), options});
  return *this;
}

Status Server::files(std::string_view prefix, std::string_view directory,
                     const FilesOptions& options) {
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  const std::string below = std::string(prefix) + "/*";
  Result<StaticFiles> opened = StaticFiles::open(directory, options);
  if (!opened) return opened.error();
  if (const Result<Path*> path = make_path(below); !path) return path.error();
  auto files = std::make_unique<StaticFiles>(std::move(*opened));
  get(below, [files = std::move(files)](http::Exchange& exchange) {
    files->serve(exchange, exchange.request().parameter("*").value_or(""));
  });
  return {};
}

// --- requests ------------------------------------------------------------------------------------

// The WebSockets of a path: its own service, or the default one where it has no routes either.
Service* Server::service_of(Path* path) noexcept {
  if (path != nullptr && path->has_service) return &path->service;
  const bool is_taken = path != nullptr && !path->routes.empty();
  return has_default_service_ && !is_taken ? &default_service_ : nullptr;
}

void Server::on_request(HttpConnection& connection, http::Exchange& exchange,
                        const Request& request, PathParameters& parameters) {
  const RequestHead& head = request.head();
  const std::optional<std::uint32_t> place = router_.find(head.path, parameters);
  Path* const path = place ? paths_[*place].get() : nullptr;
  switch (head.method) {
    case Method::connect:
    case Method::trace:
    case Method::other: return refuse_method(connection, path);
    case Method::get:
    case Method::head:
    case Method::post:
    case Method::put:
    case Method::delete_:
    case Method::options:
    case Method::patch: break;
  }
  if (stopping_) return connection.refuse(Errc::draining);

  Service* const service = service_of(path);
  if (service != nullptr && wants_websocket(head)) {
    return upgrade(connection, exchange, *service, request);
  }
  if (Path::MethodRoute* found = path != nullptr ? path->find(head.method) : nullptr) {
    return serve_route(connection, exchange, *found);
  }
  const bool is_asterisk = head.form == TargetForm::asterisk;
  const bool is_known = service != nullptr || (path != nullptr && !path->routes.empty());
  if (!is_known && !is_asterisk) return connection.refuse(Errc::http_not_found);
  if (head.method == Method::options) return answer_options(exchange, path);
  const bool is_get = head.method == Method::get || head.method == Method::head;
  if (is_get && service != nullptr) return connection.refuse(Errc::http_upgrade_required);
  refuse_method(connection, path);
}

// RFC 9110 §10.2.1. `into` has room for all of allowable_methods.
std::string_view Server::allowed_methods(Path* path, std::span<char> into) noexcept {
  std::size_t size = 0;
  const auto append = [&](std::string_view text) { size += text.copy(&into[size], text.size()); };
  for (const NamedMethod& each : allowable_methods) {
    const bool is_websocket = each.method == Method::get && service_of(path) != nullptr;
    const bool is_route = path != nullptr && path->find(each.method) != nullptr;
    if (!is_websocket && !is_route && each.method != Method::options) continue;
    if (size != 0) append(", ");
    append(each.text);
  }
  return {into.data(), size};
}

void Server::refuse_method(HttpConnection& connection, Path* path) {
  std::array<char, 64> text;
  connection.refuse(Errc::http_method_not_allowed, allowed_methods(path, text));
}

// RFC 9110 §9.3.7: what may be asked of this path; of the whole server ("*") there is nothing to
// say but that it is there.
void Server::answer_options(http::Exchange& exchange, Path* path) {
  ++metrics_.http_requests;
  std::array<char, 64> text;
  const FieldView allow{"Allow", allowed_methods(path, text)};
  static_cast<void>(exchange.respond(204, {}, {}, {&allow, 1}));
}

// The text is made anew when the second has changed; asking the clock costs no system call.
std::string_view Server::http_date() noexcept {
  if (!options_.date) return {};
  const std::int64_t seconds = net::clock_wall_milliseconds() / 1000;
  if (seconds != date_seconds_) {
    date_seconds_ = seconds;
    date_text_ = write_http_date(seconds);
  }
  return {date_text_.data(), date_text_.size()};
}

// A route that throws may have called later() and lost the id: there is nothing to wait for.
void Server::serve_route(HttpConnection& connection, http::Exchange& exchange,
                         Path::MethodRoute& found) {
  if (connection.has_unread_body() || found.options.streamed) {
    if (!connection.read_body(found.options) || !found.options.streamed) return;
  }
  ++metrics_.http_requests;
  if (guarded([&] { found.route(exchange); })) return;
  log_.line(LogLevel::error, "route_threw", {});
  connection.refuse(500, "the handler failed\n");
}

}  // namespace hilo::ws
