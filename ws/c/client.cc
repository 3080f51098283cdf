// SPDX-License-Identifier: MIT

#include "ws/client.h"
#include "net/tls.h"
#include "ws/c/handlers.h"
#include "ws/c/words.h"
#include "ws/core/http_head.h"

using namespace hilo;
using namespace hilo::ws;

struct hilo_client {
  hilo_client(net::Loop& loop, ClientOptions options) : client(loop, std::move(options)) {}
  Client client;
};

namespace hilo::ws::c {
namespace {

hilo_connect_options connect_defaults() noexcept {
  const ReconnectOptions defaults;
  hilo_connect_options options = {};
  options.size = sizeof options;
  options.reconnect_base_ms = defaults.backoff.base.to_milliseconds();
  options.reconnect_cap_ms = defaults.backoff.cap.to_milliseconds();
  options.reconnect_stable_after_ms = defaults.stable_after.to_milliseconds();
  return options;
}

void set_client_handlers(Client& client, const hilo_handlers& handlers) {
  set_handlers(client, handlers);
  void* const user = handlers.user;
  if (const auto call = handlers.on_failed) {
    client.on_failed([=](std::error_code error) { call(user, code_of(error)); });
  }
  if (const auto call = handlers.on_reconnecting) {
    client.on_reconnecting([=](Reconnecting told) {
      call(user, code_of(told.error), told.delay.to_milliseconds(), told.failures);
    });
  }
}

// Null where nothing is asked for: the client has a context of its own then.
int make_tls(const hilo_connect_options& given, ConnectOptions& options) {
  if (given.ca_file.size == 0 && given.certificate_file.size == 0 && given.key_file.size == 0 &&
      given.tls_insecure == 0) {
    return HILO_OK;
  }
  const net::tls::ClientOptions tls{
      .ca_file = string_of(given.ca_file),
      .certificate = {string_of(given.certificate_file), string_of(given.key_file)},
      .insecure = given.tls_insecure != 0};
  auto context = net::tls::ClientContext::create(tls);
  if (!context) return code_of(context.error());
  options.tls = std::move(*context);
  return HILO_OK;
}

int connect(Client& client, const hilo_connect_options& given, const DeflateOptions& deflate) {
  ConnectOptions options;
  options.url = view(given.url);
  for (std::size_t i = 0; i < given.subprotocol_count; ++i) {
    options.subprotocols.push_back(view(given.subprotocols[i]));
  }
  options.origin = view(given.origin);
  for (std::size_t i = 0; i < given.field_count; ++i) {
    options.fields.push_back({view(given.fields[i].name), view(given.fields[i].value)});
  }
  options.user = view(given.user);
  options.password = view(given.password);
  options.proxy = view(given.proxy);
  options.redirects_max = given.redirects_max;
  options.reconnect = {.enabled = given.reconnect != 0,
                       .backoff = {.base = net::Duration::milliseconds(given.reconnect_base_ms),
                                   .cap = net::Duration::milliseconds(given.reconnect_cap_ms)},
                       .stable_after = net::Duration::milliseconds(given.reconnect_stable_after_ms),
                       .failures_max = given.reconnect_failures_max};
  options.tls_server_name = view(given.tls_server_name);
  options.deflate = deflate;
  if (given.reconnect_base_ms < 0 || given.reconnect_cap_ms < 0 ||
      given.reconnect_stable_after_ms < 0) {
    return -EINVAL;
  }
  if (const int error = make_tls(given, options); error != HILO_OK) return error;
  return code_of(client.connect(options));
}

}  // namespace
}  // namespace hilo::ws::c

void hilo_client_options_init(hilo_client_options* options, size_t size) noexcept {
  c::write_defaults(options, size, {});
}

void hilo_connect_options_init(hilo_connect_options* options, size_t size) noexcept {
  c::write_defaults(options, size, c::connect_defaults());
}

int hilo_client_new(hilo_loop* loop, const hilo_client_options* options,
                    const hilo_handlers* handlers, hilo_client** client) noexcept {
  *client = nullptr;
  hilo_client_options all = {};
  hilo_handlers heard;
  ClientOptions made;
  if (const int error = c::read_options(options, all); error != HILO_OK) return error;
  if (const int error = c::read_handlers(handlers, heard); error != HILO_OK) return error;
  if (const int error = c::read_limits(all.limits, made.limits); error != HILO_OK) return error;
  return c::guarded_code([&] {
    made.log = c::log_sink(all.log, all.log_user);
    auto owner = std::make_unique<hilo_client>(loop->loop, std::move(made));
    c::set_client_handlers(owner->client, heard);
    *client = owner.release();
    return HILO_OK;
  });
}

void hilo_client_free(hilo_client* client) noexcept {
  delete client;
}

int hilo_client_connect(hilo_client* client, const hilo_connect_options* options) noexcept {
  hilo_connect_options all = c::connect_defaults();
  DeflateOptions deflate;
  if (const int error = c::read_options(options, all); error != HILO_OK) return error;
  if (const int error = c::read_deflate(all.deflate, deflate); error != HILO_OK) return error;
  return c::guarded_code([&] { return c::connect(client->client, all, deflate); });
}

int hilo_client_abort(hilo_client* client) noexcept {
  return c::guarded_code([&] {
    client->client.abort();
    return HILO_OK;
  });
}

hilo_connection* hilo_client_connection(hilo_client* client) noexcept {
  return c::handle_of(client->client.connection());
}

int hilo_client_status(const hilo_client* client) noexcept {
  const ResponseHead* const answer = client->client.response();
  return answer == nullptr ? 0 : answer->status;
}

hilo_text hilo_client_tls_failure(const hilo_client* client) noexcept {
  return c::text_of(client->client.tls_failure());
}
