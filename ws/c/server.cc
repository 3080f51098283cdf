// SPDX-License-Identifier: MIT

#include <deque>
#include <memory>
#include <string>

#include "net/tls.h"
#include "ws/c/handlers.h"
#include "ws/c/words.h"
#include "ws/core/session.h"
#include "ws/server.h"

using namespace hilo;
using namespace hilo::ws;

static_assert(HILO_POSTED_QUEUED == static_cast<int>(Posted::queued));
static_assert(HILO_POSTED_FULL == static_cast<int>(Posted::full));
static_assert(HILO_POSTED_GONE == static_cast<int>(Posted::gone));

namespace hilo::ws::c {
namespace {

// The program's texts, which a server refers to for as long as it lives.
class Texts {
 public:
  std::string_view keep(hilo_text text) { return texts_.emplace_back(view(text)); }
  std::vector<std::string_view> keep(const hilo_text* texts, std::size_t count) {
    std::vector<std::string_view> views;
    for (std::size_t i = 0; i < count; ++i) views.push_back(keep(texts[i]));
    return views;
  }

 private:
  std::deque<std::string> texts_;  // never moves what it holds
};

}  // namespace
}  // namespace hilo::ws::c

struct hilo_server {
  hilo_server(net::Loop& loop, const Limits& limits, const DeflateOptions& deflate,
              const hilo_server_options& given)
      : origins(texts.keep(given.origins, given.origin_count)),
        server(loop, limits, options(deflate, given)) {}

  ServerOptions options(const DeflateOptions& deflate, const hilo_server_options& given) {
    ServerOptions all;
    all.origin = {.allow = static_cast<OriginPolicy::Allow>(given.origin),
                  .list = origins,
                  .missing_allowed = given.missing_origin_refused == 0};
    all.subprotocols = texts.keep(given.subprotocols, given.subprotocol_count);
    all.subprotocol_required = given.subprotocol_required != 0;
    all.deflate = deflate;
    all.loop_index = static_cast<std::uint8_t>(given.loop_index);
    all.log = c::log_sink(given.log, given.log_user);
    return all;
  }

  c::Texts texts;
  std::vector<std::string_view> origins;
  Server server;
};

namespace hilo::ws::c {
namespace {

hilo_listen_options listen_defaults() noexcept {
  const ListenOptions defaults;
  hilo_listen_options options = {};
  options.size = sizeof options;
  options.host = text_of(defaults.host);
  options.backlog = defaults.backlog;
  options.unix_mode = defaults.unix_mode;
  return options;
}

int make_tls(const hilo_listen_options& given, ListenOptions& options) {
  const bool has_files = given.certificate_file.size != 0 || given.key_file.size != 0;
  if (!has_files && given.tls_self_signed == 0) {
    // Whoever wants to see certificates does not want a port that asks for none.
    return given.client_ca_file.size == 0 ? HILO_OK : -EINVAL;
  }
  net::tls::ServerOptions tls;
  if (has_files) {
    tls.certificates.push_back({string_of(given.certificate_file), string_of(given.key_file)});
  }
  tls.self_signed = given.tls_self_signed != 0;
  tls.client_ca_file = string_of(given.client_ca_file);
  auto context = net::tls::ServerContext::create(std::move(tls));
  if (!context) return code_of(context.error());
  options.tls = std::move(*context);
  return HILO_OK;
}

bool may_close_with(int code) noexcept {
  return is_close_code(code) && Session::check_close(static_cast<CloseCode>(code), {});
}

Callback<void()> callback_of(void (*call)(void* user), void* user) {
  if (call == nullptr) return {};
  return [call, user] { call(user); };
}

}  // namespace
}  // namespace hilo::ws::c

void hilo_server_options_init(hilo_server_options* options, size_t size) noexcept {
  c::write_defaults(options, size, {});
}

void hilo_listen_options_init(hilo_listen_options* options, size_t size) noexcept {
  c::write_defaults(options, size, c::listen_defaults());
}

void hilo_handlers_init(hilo_handlers* handlers, size_t size) noexcept {
  c::write_defaults(handlers, size, {});
}

int hilo_server_new(hilo_loop* loop, const hilo_server_options* options,
                    hilo_server** server) noexcept {
  *server = nullptr;
  hilo_server_options all = {};
  Limits limits;
  DeflateOptions deflate;
  if (const int error = c::read_options(options, all); error != HILO_OK) return error;
  if (const int error = c::read_limits(all.limits, limits); error != HILO_OK) return error;
  if (const int error = c::read_deflate(all.deflate, deflate); error != HILO_OK) return error;
  if (all.origin < HILO_ORIGIN_SAME_HOST || all.origin > HILO_ORIGIN_ANY) return -EINVAL;
  if (all.loop_index < 0 || all.loop_index > 255) return -EINVAL;
  return c::guarded_code([&] {
    *server = std::make_unique<hilo_server>(loop->loop, limits, deflate, all).release();
    return HILO_OK;
  });
}

void hilo_server_free(hilo_server* server) noexcept {
  delete server;
}

int hilo_server_free_later(hilo_server* server) noexcept {
  if (server == nullptr) return HILO_OK;
  return c::guarded_code([&] {
    // Should the post fail the server lives on, and may be freed another time.
    server->server.loop().post([server] { delete server; });
    return HILO_OK;
  });
}

int hilo_server_handle(hilo_server* server, const char* pattern,
                       const hilo_handlers* handlers) noexcept {
  hilo_handlers all;
  if (const int error = c::read_handlers(handlers, all); error != HILO_OK) return error;
  return c::guarded_code([&] {
    const auto set = [&](auto& target) {
      c::set_handlers(target, all);
      c::set_upgrade_handler(target, all);
    };
    pattern == nullptr ? set(server->server) : set(server->server.at(pattern));
    return HILO_OK;
  });
}

int hilo_server_listen(hilo_server* server, const hilo_listen_options* options,
                       int* port) noexcept {
  if (port != nullptr) *port = 0;
  hilo_listen_options all = c::listen_defaults();
  if (const int error = c::read_options(options, all); error != HILO_OK) return error;
  if (all.port < 0 || all.port > 0xFFFF) return -EINVAL;
  return c::guarded_code([&] {
    ListenOptions listen{.host = c::view(all.host),
                         .port = static_cast<std::uint16_t>(all.port),
                         .unix_path = c::view(all.unix_path),
                         .backlog = all.backlog,
                         .reuse_port = all.reuse_port != 0,
                         .unix_mode = all.unix_mode,
                         .proxy_protocol = all.proxy_protocol != 0};
    if (const int error = c::make_tls(all, listen); error != HILO_OK) return error;
    const Result<net::Address> bound = server->server.listen(listen);
    if (!bound) return c::code_of(bound.error());
    if (port != nullptr) *port = bound->port();
    return static_cast<int>(HILO_OK);
  });
}

hilo_connection* hilo_server_find(hilo_server* server, uint64_t id) noexcept {
  ConnectionId wanted;
  wanted.value = id;
  return c::handle_of(server->server.find(wanted));
}

size_t hilo_server_connection_count(const hilo_server* server) noexcept {
  return server->server.connection_count();
}

int hilo_server_for_each(hilo_server* server,
                         void (*visit)(void* user, hilo_connection* connection),
                         void* user) noexcept {
  return c::guarded_code([&] {
    server->server.for_each(
        [&](Connection& connection) { visit(user, c::handle_of(&connection)); });
    return HILO_OK;
  });
}

int hilo_server_publish(hilo_server* server, hilo_text topic, int opcode, const void* data,
                        size_t size, uint64_t except) noexcept {
  if (!c::is_message_opcode(opcode)) return -EINVAL;
  PublishOptions options;
  options.except.value = except;
  return static_cast<int>(server->server.publish(c::view(topic), static_cast<Opcode>(opcode),
                                                 c::view(data, size), options));
}

int hilo_server_stop(hilo_server* server, int code, void (*on_stopped)(void* user),
                     void* user) noexcept {
  if (!c::may_close_with(code)) return -EINVAL;
  return c::guarded_code([&] {
    server->server.stop(static_cast<CloseCode>(code), c::callback_of(on_stopped, user));
    return HILO_OK;
  });
}

int hilo_server_drain(hilo_server* server, int code, int64_t window_ms,
                      void (*on_drained)(void* user), void* user) noexcept {
  if (!c::may_close_with(code) || window_ms < 0) return -EINVAL;
  return c::guarded_code([&] {
    server->server.drain(
        {.window = net::Duration::milliseconds(window_ms), .code = static_cast<CloseCode>(code)},
        c::callback_of(on_drained, user));
    return HILO_OK;
  });
}

hilo_text hilo_upgrade_path(const hilo_upgrade* upgrade) noexcept {
  return c::text_of(upgrade->request->path());
}

hilo_text hilo_upgrade_query(const hilo_upgrade* upgrade) noexcept {
  return c::text_of(upgrade->request->query());
}

int hilo_upgrade_field(const hilo_upgrade* upgrade, hilo_text name, hilo_text* value) noexcept {
  return c::answer(upgrade->request->header(c::view(name)), value);
}

int hilo_upgrade_parameter(const hilo_upgrade* upgrade, hilo_text name, hilo_text* value) noexcept {
  return c::answer(upgrade->request->parameter(c::view(name)), value);
}

int hilo_upgrade_offers(const hilo_upgrade* upgrade, hilo_text subprotocol) noexcept {
  FieldListReader offered = upgrade->request->subprotocols();
  while (const auto offer = offered.next()) {
    if (*offer == c::view(subprotocol)) return 1;
  }
  return 0;
}

int hilo_upgrade_choose(hilo_upgrade* upgrade, hilo_text subprotocol) noexcept {
  if (hilo_upgrade_offers(upgrade, subprotocol) == 0) return -EINVAL;
  return c::guarded_code([&] {
    upgrade->accept.subprotocol = c::view(subprotocol);
    return HILO_OK;
  });
}

int hilo_upgrade_add_field(hilo_upgrade* upgrade, hilo_text name, hilo_text value) noexcept {
  return c::guarded_code([&] {
    upgrade->accept.fields.push_back({c::string_of(name), c::string_of(value)});
    return HILO_OK;
  });
}
