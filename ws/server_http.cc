// SPDX-License-Identifier: MIT
//
// The plain HTTP half of Server: which path leads where, and what its methods are.

#include <new>
#include <utility>

#include "net/clock.h"
#include "ws/core/handshake.h"
#include "ws/guard.h"
#include "ws/server_engine.h"

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

constexpr std::uint32_t bit(Method method) noexcept {
  return std::uint32_t{1} << static_cast<unsigned>(method);
}

// RFC 9110 §10.2.1. `into` has room for all of allowable_methods.
std::string_view write_allow(std::uint32_t allowed, std::span<char> into) noexcept {
  std::size_t size = 0;
  const auto append = [&](std::string_view text) { size += text.copy(&into[size], text.size()); };
  for (const NamedMethod& each : allowable_methods) {
    if ((allowed & bit(each.method)) == 0 && each.method != Method::options) continue;
    if (size != 0) append(", ");
    append(each.text);
  }
  return {into.data(), size};
}

}  // namespace

// --- what is served ------------------------------------------------------------------------------

Server::Engine::Path::MethodRoute* Server::Engine::Path::find(Method method) noexcept {
  for (MethodRoute& each : routes) {
    if (each.method == method) return &each;
  }
  // RFC 9110 §9.3.2: HEAD is GET without the body.
  return method == Method::head ? find(Method::get) : nullptr;
}

Server::Engine::MethodSet Server::Engine::Path::methods() const noexcept {
  MethodSet all = has_service ? bit(Method::get) : 0;
  for (const MethodRoute& each : routes) {
    all |= bit(each.method);
    if (each.method == Method::get) all |= bit(Method::head);
  }
  return all;
}

Result<Server::Engine::Path*> Server::Engine::make_path(std::string_view pattern) {
  const Result<std::uint32_t> place = router_.add(pattern);
  if (!place) return place.error();
  if (*place == paths_.size()) {
    paths_.push_back(std::make_unique<Path>(shared_));
    paths_.back()->service.path_ = *place + 1;
  }
  return paths_[*place].get();
}

Server::Engine::Path& Server::Engine::path_entry(std::string_view pattern) {
  const Result<Path*> path = make_path(pattern);
  if (path) return **path;
  log_.line(LogLevel::error, "bad_pattern", {});
  if (unreachable_path_ == nullptr) unreachable_path_ = std::make_unique<Path>(shared_);
  return *unreachable_path_;
}

Service& Server::Engine::at(std::string_view pattern) {
  Path& path = path_entry(pattern);
  path.has_service = true;
  return path.service;
}

void Server::Engine::on(Method method, std::string_view pattern, http::Route route,
                        const http::RouteOptions& options) {
  Path& path = path_entry(pattern);
  for (Path::MethodRoute& each : path.routes) {
    if (each.method != method) continue;
    each.route = std::move(route);
    each.options = options;
    return;
  }
  path.routes.push_back({method, std::move(route), options});
}

Status Server::Engine::files(std::string_view prefix, std::string_view directory,
                             const FilesOptions& options) {
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  const std::string below = std::string(prefix) + "/*";
  Result<StaticFiles> opened = StaticFiles::open(directory, options);
  if (!opened) return opened.error();
  if (const Result<Path*> path = make_path(below); !path) return path.error();
  auto files = std::make_unique<StaticFiles>(std::move(*opened));
  on(Method::get, below,
     [files = std::move(files)](http::Exchange& exchange) {
       files->serve(exchange, exchange.request().parameter("*").value_or(""));
     },
     {});
  return {};
}

// --- requests ------------------------------------------------------------------------------------

// The patterns that fit a path, from the best one on, until one has what is asked for. What the
// others have is what would be allowed. Who may lead to another server has it, until that was asked
// for and says that the request stays.
class Server::Engine::Fitting final : public Router::Filter {
 public:
  Fitting(Engine& server, const RequestHead& head) noexcept
      : server_(&server),
        method_(head.method),
        may_be_websocket_(head.method == Method::get || head.method == Method::head ||
                          wants_websocket(head)) {}

  Path* find(const RequestHead& head, PathParameters& parameters) {
    allowed = 0;
    leading_ = 0;
    const std::optional<std::uint32_t> place = server_->router_.find(head.path, parameters, this);
    return place ? server_->paths_[*place].get() : nullptr;
  }
  // What find() has found leads elsewhere; it is passed over from now on.
  bool leads() const noexcept { return leading_ > passed_over_; }
  void pass_over() noexcept { ++passed_over_; }

  MethodSet allowed = 0;

 private:
  bool takes(std::uint32_t pattern) override {
    Path& path = *server_->paths_[pattern];
    const bool may_lead = path.destination != nullptr || path.destination_of;
    if (may_lead && ++leading_ > passed_over_) return true;
    allowed |= path.methods();
    return (path.has_service && may_be_websocket_) || path.find(method_) != nullptr;
  }

  Engine* server_;
  Method method_;
  bool may_be_websocket_;
  int leading_ = 0;      // patterns that may lead elsewhere, so far
  int passed_over_ = 0;  // so many of them, which find() meets in the same order each time
};

void Server::Engine::on_request(HttpConnection& connection, http::Exchange& exchange,
                                const Request& request, PathParameters& parameters) {
  const RequestHead& head = request.head();
  Fitting fitting(*this, head);
  Path* path = fitting.find(head, parameters);
  while (fitting.leads()) {
    if (!stopping_ && leaves(connection, *path, request)) return;
    fitting.pass_over();
    path = fitting.find(head, parameters);
  }
  Service* service = path != nullptr && path->has_service ? &path->service : nullptr;
  // The service of all other paths.
  if (fitting.allowed == 0 && has_default_service_) {
    service = &default_service_;
    fitting.allowed = bit(Method::get);
  }
  switch (head.method) {
    case Method::connect:
    case Method::trace:
    case Method::other: return refuse_method(connection, fitting.allowed);
    case Method::get:
    case Method::head:
    case Method::post:
    case Method::put:
    case Method::delete_:
    case Method::options:
    case Method::patch: break;
  }
  if (stopping_) return connection.refuse(Errc::draining);
  if (service != nullptr && wants_websocket(head)) {
    return upgrade(connection, exchange, *service, request);
  }
  if (Path::MethodRoute* found = path != nullptr ? path->find(head.method) : nullptr) {
    return serve_route(connection, exchange, *found);
  }
  const bool is_asterisk = head.form == TargetForm::asterisk;
  if (fitting.allowed == 0 && !is_asterisk) return connection.refuse(Errc::http_not_found);
  if (head.method == Method::options) return answer_options(exchange, fitting.allowed);
  const bool is_get = head.method == Method::get || head.method == Method::head;
  if (is_get && service != nullptr) return connection.refuse(Errc::http_upgrade_required);
  refuse_method(connection, fitting.allowed);
}

void Server::Engine::refuse_method(HttpConnection& connection, MethodSet allowed) {
  std::array<char, 64> text;
  connection.refuse(Errc::http_method_not_allowed, write_allow(allowed, text));
}

// RFC 9110 §9.3.7: what may be asked of this path; of the whole server ("*") there is nothing to
// say but that it is there.
void Server::Engine::answer_options(http::Exchange& exchange, MethodSet allowed) {
  ++metrics_.http_requests;
  std::array<char, 64> text;
  const FieldView allow{"Allow", write_allow(allowed, text)};
  static_cast<void>(exchange.respond(204, {}, {}, {&allow, 1}));
}

// The text is made anew when the second has changed; asking the clock costs no system call.
std::string_view Server::Engine::http_date() noexcept {
  if (!options_.date) return {};
  const std::int64_t seconds = net::clock_wall_milliseconds() / 1000;
  if (seconds != date_seconds_) {
    date_seconds_ = seconds;
    date_text_ = write_http_date(seconds);
  }
  return {date_text_.data(), date_text_.size()};
}

// A route that throws may have called later() and lost the id: there is nothing to wait for.
void Server::Engine::serve_route(HttpConnection& connection, http::Exchange& exchange,
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
