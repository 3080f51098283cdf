// SPDX-License-Identifier: MIT
//
// A server and its clients in C, by hilo.h, over real sockets. Each case is a loop of its own that
// runs until somebody stops it; one that nobody stops is stopped by a timer, and has failed.

// For threads and sockets; C99 alone has neither.
#define _POSIX_C_SOURCE 200809L

#include "ws/c/hilo.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/c/expect.h"

typedef struct scene {
  hilo_loop* loop;
  hilo_server* server;
  hilo_client* client;
  int port;
  // What happened.
  int opened;
  int echoed;
  int pongs;
  int closed;
  int failed;
  int stopped;
  int error;
  int status;
  int lines;
  int offers_deflate;
  int closed_by;
  uint64_t kept_id;
  hilo_close_info info;
  char text[256];  // of the Close that the server got
  char subprotocol[16];
} scene;

static int is_text(hilo_text text, const char* expected) {
  return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

static void too_late(void* user) {
  scene* const self = user;
  EXPECT(!"the case has come to an end");
  hilo_loop_stop(self->loop);
}

static void count_line(void* user, int level, const char* line, size_t size) {
  scene* const self = user;
  EXPECT(level >= HILO_LOG_DEBUG && size > 0 && line != 0);
  ++self->lines;
}

static void on_stopped(void* user) {
  scene* const self = user;
  ++self->stopped;
  hilo_loop_stop(self->loop);
}

static void stop(scene* self) {
  EXPECT(hilo_server_stop(self->server, 66536, on_stopped, self) == -EINVAL);
  EXPECT(hilo_server_drain(self->server, HILO_CLOSE_GOING_AWAY, -1, on_stopped, self) == -EINVAL);
  EXPECT(hilo_server_stop(self->server, HILO_CLOSE_GOING_AWAY, on_stopped, self) == HILO_OK);
}

// ---- the server ---------------------------------------------------------------------------------

static int server_upgrade(void* user, hilo_upgrade* upgrade) {
  hilo_text value;
  (void)user;
  if (is_text(hilo_upgrade_path(upgrade), "/private")) {
    EXPECT(hilo_upgrade_add_field(upgrade, hilo_text_of("WWW-Authenticate"),
                                  hilo_text_of("Basic")) == HILO_OK);
    return 401;
  }
  EXPECT(hilo_upgrade_field(upgrade, hilo_text_of("host"), &value) == 1 && value.size > 0);
  EXPECT(hilo_upgrade_parameter(upgrade, hilo_text_of("room"), &value) == 0);
  if (hilo_upgrade_offers(upgrade, hilo_text_of("chat"))) {
    EXPECT(hilo_upgrade_choose(upgrade, hilo_text_of("other")) == -EINVAL);
    EXPECT(hilo_upgrade_choose(upgrade, hilo_text_of("chat")) == HILO_OK);
  }
  return 0;
}

static void server_open(void* user, hilo_connection* connection) {
  scene* const self = user;
  hilo_text offer;
  self->offers_deflate =
      hilo_connection_field(connection, hilo_text_of("Sec-WebSocket-Extensions"), &offer);
  ++self->opened;
  self->kept_id = hilo_connection_id(connection);
  EXPECT(hilo_connection_set_data(connection, &self->port) == HILO_OK);
  EXPECT(hilo_server_find(self->server, self->kept_id) == connection);
  EXPECT(hilo_connection_subscribe(connection, hilo_text_of("news")) == HILO_OK);
}

static void server_message(void* user, hilo_connection* connection, int opcode, uint8_t* data,
                           size_t size) {
  scene* const self = user;
  EXPECT(hilo_connection_data(connection) == &self->port);
  EXPECT(hilo_connection_send(connection, opcode, data, size) == HILO_SENT_ACCEPTED);
}

static void server_close(void* user, hilo_connection* connection, const hilo_close_info* info) {
  scene* const self = user;
  (void)connection;
  self->closed_by = info->by;
  snprintf(self->text, sizeof self->text, "%.*s", (int)info->reason.size, info->reason.data);
  ++self->closed;
  if (self->closed == self->opened) stop(self);
}

// ---- the client ---------------------------------------------------------------------------------

static void client_open(void* user, hilo_connection* connection) {
  scene* const self = user;
  const hilo_text agreed = hilo_connection_subprotocol(connection);
  snprintf(self->subprotocol, sizeof self->subprotocol, "%.*s", (int)agreed.size, agreed.data);
  EXPECT(hilo_connection_is_open(connection));
  EXPECT(hilo_connection_send(connection, HILO_OPCODE_PING, "", 0) == -EINVAL);
  EXPECT(hilo_connection_send(connection, HILO_OPCODE_TEXT, "hola", 4) == HILO_SENT_ACCEPTED);
}

static void client_message(void* user, hilo_connection* connection, int opcode, uint8_t* data,
                           size_t size) {
  scene* const self = user;
  ++self->echoed;
  if (self->echoed == 1) {
    EXPECT(opcode == HILO_OPCODE_TEXT && size == 4 && memcmp(data, "hola", 4) == 0);
    EXPECT(hilo_connection_send_fragment(connection, HILO_OPCODE_BINARY, "\0\1", 2, 0) ==
           HILO_SENT_ACCEPTED);
    EXPECT(hilo_connection_send_fragment(connection, HILO_OPCODE_BINARY, "\2", 1, 1) ==
           HILO_SENT_ACCEPTED);
    return;
  }
  EXPECT(opcode == HILO_OPCODE_BINARY && size == 3 && memcmp(data, "\0\1\2", 3) == 0);
  EXPECT(hilo_connection_ping(connection, "are you there", 13) == HILO_OK);
}

static void client_pong(void* user, hilo_connection* connection, const uint8_t* data, size_t size) {
  scene* const self = user;
  ++self->pongs;
  EXPECT(size == 13 && memcmp(data, "are you there", 13) == 0);
  EXPECT(hilo_connection_close(connection, 1005, hilo_text_of("")) == -EINVAL);
  EXPECT(hilo_connection_close(connection, HILO_CLOSE_NORMAL, hilo_text_of("bye")) == HILO_OK);
  EXPECT(hilo_connection_send(connection, HILO_OPCODE_TEXT, "late", 4) == HILO_SENT_CLOSED);
}

static void client_close(void* user, hilo_connection* connection, const hilo_close_info* info) {
  scene* const self = user;
  (void)connection;
  self->info = *info;
  self->info.reason = hilo_text_of("");
}

static void client_failed(void* user, int error) {
  scene* const self = user;
  ++self->failed;
  self->error = error;
  self->status = hilo_client_status(self->client);
  hilo_loop_stop(self->loop);
}

// ---- the stage ----------------------------------------------------------------------------------

static void begin(scene* self, const hilo_server_options* options,
                  const hilo_listen_options* listen) {
  hilo_handlers handlers;
  hilo_limits limits;
  memset(self, 0, sizeof *self);
  EXPECT(hilo_loop_new(0, &self->loop) == HILO_OK);
  EXPECT(hilo_server_new(self->loop, options, &self->server) == HILO_OK);
  hilo_handlers_init(&handlers, sizeof handlers);
  handlers.user = self;
  handlers.on_upgrade = server_upgrade;
  handlers.on_open = server_open;
  handlers.on_message = server_message;
  handlers.on_close = server_close;
  EXPECT(hilo_server_handle(self->server, 0, &handlers) == HILO_OK);
  EXPECT(hilo_server_listen(self->server, listen, &self->port) == HILO_OK && self->port > 0);
  EXPECT(hilo_loop_call_after(self->loop, 60000, too_late, self, 0) == HILO_OK);
  hilo_limits_init(&limits, sizeof limits);
  EXPECT(limits.message_bytes_max == 1048576 && limits.idle_timeout_ms == 120000);
}

static void connect_to(scene* self, const char* scheme, const char* path,
                       hilo_connect_options* options) {
  char url[64];
  hilo_client_options client;
  hilo_handlers handlers;
  hilo_client_options_init(&client, sizeof client);
  client.log = count_line;
  client.log_user = self;
  hilo_handlers_init(&handlers, sizeof handlers);
  handlers.user = self;
  handlers.on_open = client_open;
  handlers.on_message = client_message;
  handlers.on_pong = client_pong;
  handlers.on_close = client_close;
  handlers.on_failed = client_failed;
  EXPECT(hilo_client_new(self->loop, &client, &handlers, &self->client) == HILO_OK);
  snprintf(url, sizeof url, "%s://127.0.0.1:%d%s", scheme, self->port, path);
  options->url = hilo_text_of(url);
  EXPECT(hilo_client_connect(self->client, options) == HILO_OK);
  EXPECT(hilo_client_connect(self->client, options) == -EALREADY ||
         hilo_client_connect(self->client, options) == -EISCONN);
}

static void end(scene* self) {
  hilo_client_free(self->client);
  hilo_server_free(self->server);
  hilo_loop_free(self->loop);
}

static void expect_conversation(const scene* self) {
  EXPECT(self->opened == 1 && self->echoed == 2 && self->pongs == 1 && self->closed == 1);
  EXPECT(self->failed == 0 && self->stopped == 1);
  EXPECT(self->info.code == HILO_CLOSE_NORMAL && self->info.clean && self->info.error == HILO_OK);
  EXPECT(strcmp(self->text, "bye") == 0 && self->info.by == HILO_CLOSED_BY_US);
  EXPECT(self->closed_by == HILO_CLOSED_BY_PEER);
}

// ---- the cases ----------------------------------------------------------------------------------

static void test_echo(void) {
  const hilo_text spoken[2] = {{"older", 5}, {"chat", 4}};
  hilo_connect_options connect;
  scene self;
  begin(&self, 0, 0);
  hilo_connect_options_init(&connect, sizeof connect);
  connect.subprotocols = spoken;
  connect.subprotocol_count = 2;
  connect_to(&self, "ws", "/echo", &connect);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  expect_conversation(&self);
  EXPECT(strcmp(self.subprotocol, "chat") == 0);
  EXPECT(hilo_server_find(self.server, self.kept_id) == 0);
  EXPECT(hilo_server_connection_count(self.server) == 0);
  EXPECT(hilo_client_connection(self.client) == 0);
  end(&self);
  told("texts, fragments, a ping and a Close go to a server and come back");
}

static void test_tls(void) {
  hilo_listen_options listen;
  hilo_connect_options connect;
  hilo_server_options options;
  hilo_deflate_options deflate;
  scene self;
  hilo_deflate_options_init(&deflate, sizeof deflate);
  deflate.enabled = 1;
  hilo_server_options_init(&options, sizeof options);
  options.deflate = &deflate;
  hilo_listen_options_init(&listen, sizeof listen);
  listen.tls_self_signed = 1;
  begin(&self, &options, &listen);
  hilo_connect_options_init(&connect, sizeof connect);
  connect.tls_insecure = 1;
  connect.deflate = &deflate;
  connect_to(&self, "wss", "/echo", &connect);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  expect_conversation(&self);
  EXPECT(self.offers_deflate == 1);
  end(&self);

  begin(&self, &options, &listen);
  hilo_connect_options_init(&connect, sizeof connect);
  connect_to(&self, "wss", "/echo", &connect);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  EXPECT(self.failed == 1 && self.error == HILO_ERROR_TLS_VERIFY && self.opened == 0);
  end(&self);
  told("the same over TLS, with compression offered; a certificate that nobody knows is refused");
}

static void test_failures(void) {
  hilo_connect_options connect;
  hilo_listen_options listen;
  hilo_server* other;
  scene self;
  begin(&self, 0, 0);
  hilo_connect_options_init(&connect, sizeof connect);
  connect_to(&self, "ws", "/private", &connect);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  EXPECT(self.failed == 1 && self.error == HILO_ERROR_RESPONSE_STATUS && self.status == 401);
  EXPECT(self.lines == 1);
  connect.url = hilo_text_of("ftp://127.0.0.1/");
  EXPECT(hilo_client_connect(self.client, &connect) == HILO_ERROR_URL_SCHEME);
  connect.reconnect_cap_ms = -1;
  EXPECT(hilo_client_connect(self.client, &connect) == -EINVAL);
  hilo_connect_options_init(&connect, sizeof connect);
  hilo_listen_options_init(&listen, sizeof listen);
  listen.client_ca_file = hilo_text_of("authorities.pem");
  EXPECT(hilo_server_listen(self.server, &listen, &self.port) == -EINVAL);
  end(&self);

  begin(&self, 0, 0);
  hilo_server_free(self.server);
  self.server = 0;
  connect_to(&self, "ws", "/", &connect);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  EXPECT(self.failed == 1 && self.error == -ECONNREFUSED);
  EXPECT(strstr(hilo_error_text(self.error), "refused") != 0);
  end(&self);

  begin(&self, 0, 0);
  EXPECT(hilo_server_new(self.loop, 0, &other) == HILO_OK);
  hilo_listen_options_init(&listen, sizeof listen);
  listen.port = self.port;
  EXPECT(hilo_server_listen(other, &listen, 0) == -EADDRINUSE);
  listen.certificate_file = hilo_text_of("/nowhere/certificate.pem");
  listen.key_file = hilo_text_of("/nowhere/key.pem");
  EXPECT(hilo_server_listen(other, &listen, 0) == HILO_ERROR_TLS_SETUP_CERTIFICATE_FILE);
  EXPECT(hilo_error_text(HILO_ERROR_TLS_SETUP_CERTIFICATE_FILE)[0] != '\0');
  EXPECT(hilo_error_text(HILO_ERROR_RESPONSE_STATUS)[0] != '\0');
  EXPECT(strcmp(hilo_error_text(HILO_OK), "success") == 0);
  hilo_server_free(other);
  end(&self);
  told("what goes wrong has a number and a sentence");
}

// ---- limits, topics, other threads --------------------------------------------------------------

static void send_too_much(void* user, hilo_connection* connection) {
  static uint8_t bytes[101];
  (void)user;
  EXPECT(hilo_connection_send(connection, HILO_OPCODE_BINARY, bytes, sizeof bytes) ==
         HILO_SENT_ACCEPTED);
}

static void connect_handlers(scene* self, const hilo_handlers* handlers) {
  hilo_connect_options connect;
  char url[64];
  EXPECT(hilo_client_new(self->loop, 0, handlers, &self->client) == HILO_OK);
  hilo_connect_options_init(&connect, sizeof connect);
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", self->port);
  connect.url = hilo_text_of(url);
  EXPECT(hilo_client_connect(self->client, &connect) == HILO_OK);
}

static void test_limits(void) {
  hilo_limits limits;
  hilo_loop_options sizes;
  hilo_server_options options;
  hilo_handlers handlers;
  scene self;
  hilo_limits_init(&limits, sizeof limits);
  limits.message_bytes_max = 100;
  hilo_server_options_init(&options, sizeof options);
  options.limits = &limits;
  begin(&self, &options, 0);
  hilo_handlers_init(&handlers, sizeof handlers);
  handlers.user = &self;
  handlers.on_open = send_too_much;
  handlers.on_close = client_close;
  connect_handlers(&self, &handlers);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  EXPECT(self.info.code == HILO_CLOSE_MESSAGE_TOO_BIG && self.info.by == HILO_CLOSED_BY_PEER);
  end(&self);

  EXPECT(hilo_loop_new(0, &self.loop) == HILO_OK);
  limits.idle_timeout_ms = -1;
  EXPECT(hilo_server_new(self.loop, &options, &self.server) == -EINVAL && self.server == 0);
  hilo_loop_free(self.loop);
  hilo_loop_options_init(&sizes, sizeof sizes);
  sizes.receive_bytes = UINT64_MAX;
  EXPECT(hilo_loop_new(&sizes, &self.loop) == -EINVAL && self.loop == 0);
  told("limits are the server's, and those that cannot be are refused");
}

static void* publish(void* user) {
  scene* const self = user;
  EXPECT(hilo_server_publish(self->server, hilo_text_of("news"), HILO_OPCODE_TEXT, "extra", 5, 0) ==
         HILO_POSTED_QUEUED);
  return 0;
}

static void start_publisher(void* user, hilo_connection* connection) {
  scene* const self = user;
  pthread_t thread;
  (void)connection;
  EXPECT(pthread_create(&thread, 0, publish, self) == 0);
  EXPECT(pthread_join(thread, 0) == 0);
}

static void close_by_id(void* user) {
  scene* const self = user;
  hilo_connection* const connection = hilo_server_find(self->server, self->kept_id);
  EXPECT(connection != 0);
  if (connection == 0) return;
  EXPECT(hilo_connection_close(connection, HILO_CLOSE_SERVICE_RESTART, hilo_text_of("")) ==
         HILO_OK);
}

static void hear_news(void* user, hilo_connection* connection, int opcode, uint8_t* data,
                      size_t size) {
  scene* const self = user;
  (void)connection;
  EXPECT(opcode == HILO_OPCODE_TEXT && size == 5 && memcmp(data, "extra", 5) == 0);
  ++self->echoed;
  EXPECT(hilo_loop_post(self->loop, close_by_id, self) == HILO_OK);
}

// Waits in a poll(2) of its own for the loop's descriptor, as one would nest it.
static void run_nested(scene* self) {
  while (self->stopped == 0 && failures == failures_before) {
    struct pollfd waiting;
    waiting.fd = hilo_loop_fd(self->loop);
    waiting.events = POLLIN;
    // A poller without a descriptor of its own waits itself.
    if (waiting.fd >= 0) {
      EXPECT(poll(&waiting, 1, (int)hilo_loop_until_next_turn_ms(self->loop)) >= 0);
    }
    EXPECT(hilo_loop_run_once(self->loop, waiting.fd >= 0 ? 0 : 10) == HILO_OK);
  }
}

static void test_topics(void) {
  hilo_handlers handlers;
  scene self;
  begin(&self, 0, 0);
  hilo_handlers_init(&handlers, sizeof handlers);
  handlers.user = &self;
  handlers.on_open = start_publisher;
  handlers.on_message = hear_news;
  handlers.on_close = client_close;
  connect_handlers(&self, &handlers);
  run_nested(&self);
  EXPECT(self.echoed == 1 && self.info.code == HILO_CLOSE_SERVICE_RESTART);
  end(&self);
  told("another thread publishes to who has subscribed, and an id finds the connection");
}

// ---- the end ------------------------------------------------------------------------------------

static void count_call(void* user) {
  ++*(int*)user;
}

static void free_all(void* user, hilo_connection* connection) {
  scene* const self = user;
  (void)connection;
  hilo_client_free(self->client);
  self->client = 0;
}

static void free_server(void* user, hilo_connection* connection, const hilo_close_info* info) {
  scene* const self = user;
  (void)connection;
  (void)info;
  EXPECT(hilo_server_free_later(self->server) == HILO_OK);
  self->server = 0;
  hilo_loop_stop(self->loop);
}

static void test_destruction(void) {
  hilo_connect_options connect;
  hilo_handlers handlers;
  char url[64];
  uint64_t timer;
  int calls = 0;
  scene self;
  begin(&self, 0, 0);
  EXPECT(hilo_loop_call_after(self.loop, 0, count_call, &calls, &timer) == HILO_OK);
  hilo_loop_cancel(self.loop, timer);
  hilo_handlers_init(&handlers, sizeof handlers);
  handlers.user = &self;
  handlers.on_close = free_server;
  EXPECT(hilo_server_handle(self.server, "/end/:name", &handlers) == HILO_OK);
  handlers.on_open = free_all;
  handlers.on_close = 0;
  EXPECT(hilo_client_new(self.loop, 0, &handlers, &self.client) == HILO_OK);
  hilo_connect_options_init(&connect, sizeof connect);
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/end/now", self.port);
  connect.url = hilo_text_of(url);
  EXPECT(hilo_client_connect(self.client, &connect) == HILO_OK);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  EXPECT(self.client == 0 && self.server == 0 && calls == 0);
  EXPECT(hilo_loop_run_once(self.loop, 0) == HILO_OK);
  end(&self);
  told("a client and its server are freed within their own callbacks");
}

int main(void) {
  test_echo();
  test_tls();
  test_failures();
  test_limits();
  test_topics();
  test_destruction();
  return failures != 0;
}
