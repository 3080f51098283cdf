// SPDX-License-Identifier: MIT
//
// What can be asked of a connection in C, and the ends of it that are not polite: chunks, a full
// queue, pausing, resetting, coming back, draining. Over real sockets, as in server.c.

#include "ws/c/hilo.h"

#include <errno.h>
#include <stdio.h>

#include "tests/c/expect.h"

typedef struct scene {
  hilo_loop* loop;
  hilo_server* server;
  hilo_client* client;
  int port;
  int visited;
  int reconnects;
  int closed;
  int close_code;
  int error;
  int drained;
  int dropped;
  size_t arrived;
  int chunks;
  int last_seen;
} scene;

static void too_late(void* user) {
  scene* const self = user;
  EXPECT(!"the case has come to an end");
  hilo_loop_stop(self->loop);
}

static void stop(void* user) {
  scene* const self = user;
  hilo_loop_stop(self->loop);
}

static int is_text(hilo_text text, const char* expected) {
  return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

static void prepare(scene* self, hilo_handlers* serving, hilo_handlers* asking) {
  hilo_handlers_init(serving, sizeof *serving);
  hilo_handlers_init(asking, sizeof *asking);
  serving->user = asking->user = self;
}

static void begin(scene* self, const hilo_limits* limits, const hilo_handlers* handlers) {
  hilo_loop_options loop;
  hilo_server_options server;
  memset(self, 0, sizeof *self);
  hilo_loop_options_init(&loop, sizeof loop);
  EXPECT(loop.receive_bytes > 0 && loop.busy_poll_us == 0);
  EXPECT(hilo_loop_new(&loop, &self->loop) == HILO_OK);
  hilo_server_options_init(&server, sizeof server);
  server.limits = limits;
  EXPECT(hilo_server_new(self->loop, &server, &self->server) == HILO_OK);
  EXPECT(hilo_server_handle(self->server, 0, handlers) == HILO_OK);
  EXPECT(hilo_server_listen(self->server, 0, &self->port) == HILO_OK);
  EXPECT(hilo_loop_call_after(self->loop, 60000, too_late, self, 0) == HILO_OK);
}

static void connect_to(scene* self, const char* path, const hilo_handlers* handlers,
                       int reconnect) {
  char url[64];
  hilo_connect_options options;
  EXPECT(hilo_client_new(self->loop, 0, handlers, &self->client) == HILO_OK);
  hilo_connect_options_init(&options, sizeof options);
  EXPECT(options.reconnect_cap_ms == 30000);
  snprintf(url, sizeof url, "ws://127.0.0.1:%d%s", self->port, path);
  options.url = hilo_text_of(url);
  options.reconnect = reconnect;
  options.reconnect_base_ms = 1;
  EXPECT(hilo_client_connect(self->client, &options) == HILO_OK);
}

static void end(scene* self) {
  hilo_client_free(self->client);
  hilo_server_free(self->server);
  hilo_loop_free(self->loop);
}

static void note_close(void* user, hilo_connection* connection, const hilo_close_info* info) {
  scene* const self = user;
  (void)connection;
  ++self->closed;
  self->close_code = info->code;
}

static void note_close_and_stop(void* user, hilo_connection* connection,
                                const hilo_close_info* info) {
  note_close(user, connection, info);
  stop(user);
}

static void note_failure(void* user, int error) {
  scene* const self = user;
  self->error = error;
  hilo_loop_stop(self->loop);
}

static void greet(void* user, hilo_connection* connection) {
  (void)user;
  EXPECT(hilo_connection_send(connection, HILO_OPCODE_TEXT, "hello", 5) == HILO_SENT_ACCEPTED);
}

// ---- facts --------------------------------------------------------------------------------------

static int check_query(void* user, hilo_upgrade* upgrade) {
  (void)user;
  EXPECT(is_text(hilo_upgrade_query(upgrade), "b=c"));
  return 999;  // no status of a refusal: 500
}

static void visit(void* user, hilo_connection* connection) {
  scene* const self = user;
  char peer[64];
  char cut[4];
  const size_t size = hilo_connection_peer(connection, peer, sizeof peer);
  ++self->visited;
  EXPECT(size == strlen(peer) && strncmp(peer, "127.0.0.1:", 10) == 0);
  EXPECT(hilo_connection_peer(connection, cut, sizeof cut) == size && strcmp(cut, "127") == 0);
  EXPECT(is_text(hilo_connection_path(connection), "/a"));
  EXPECT(hilo_connection_subscribe(connection, hilo_text_of("news")) == HILO_OK);
  EXPECT(hilo_connection_unsubscribe(connection, hilo_text_of("news")) == 1);
  EXPECT(hilo_connection_unsubscribe(connection, hilo_text_of("news")) == 0);
  EXPECT(hilo_connection_data(connection) == 0);
  EXPECT(hilo_connection_buffered_bytes(connection) == 0);  // the 101 has left
  EXPECT(hilo_connection_send(connection, HILO_OPCODE_TEXT, "a", 1) == HILO_SENT_ACCEPTED);
  EXPECT(hilo_connection_buffered_bytes(connection) > 0);
  hilo_connection_abort(connection);
  EXPECT(!hilo_connection_is_open(connection));
}

static void visit_all(void* user, hilo_connection* connection, int opcode, uint8_t* data,
                      size_t size) {
  scene* const self = user;
  (void)connection;
  (void)data;
  EXPECT(opcode == HILO_OPCODE_TEXT && size == 5);
  EXPECT(hilo_server_for_each(self->server, visit, self) == HILO_OK);
}

static void test_facts(void) {
  hilo_handlers serving;
  hilo_handlers asking;
  scene self;
  prepare(&self, &serving, &asking);
  serving.on_message = visit_all;
  asking.on_open = greet;
  asking.on_close = note_close_and_stop;
  begin(&self, 0, &serving);
  connect_to(&self, "/a", &asking, 0);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  EXPECT(self.visited == 1 && self.closed == 1 && self.close_code == HILO_CLOSE_ABNORMAL);
  end(&self);

  serving.on_upgrade = check_query;
  asking.on_failed = note_failure;
  begin(&self, 0, &serving);
  connect_to(&self, "/a?b=c", &asking, 0);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  EXPECT(self.error == HILO_ERROR_RESPONSE_STATUS);
  end(&self);
  told("a connection says who it is, and is reset");
}

// ---- chunks and a queue that is full ------------------------------------------------------------

enum { large_bytes = 300000 };

// More than the queue takes at once: what is refused comes after on_drained.
static void send_large(void* user, hilo_connection* connection) {
  scene* const self = user;
  static uint8_t bytes[1000];
  while (self->arrived < large_bytes) {
    const int is_last = self->arrived + sizeof bytes == large_bytes;
    const int sent =
        hilo_connection_send_fragment(connection, HILO_OPCODE_BINARY, bytes, sizeof bytes, is_last);
    if (sent == HILO_SENT_REFUSED) return;
    EXPECT(sent == HILO_SENT_ACCEPTED);
    if (sent != HILO_SENT_ACCEPTED) return;
    self->arrived += sizeof bytes;
  }
}

static void drained(void* user, hilo_connection* connection) {
  scene* const self = user;
  ++self->drained;
  send_large(user, connection);
}

static void count_chunk(void* user, hilo_connection* connection, int opcode, uint8_t* data,
                        size_t size, int is_first, int is_last) {
  scene* const self = user;
  (void)data;
  EXPECT(opcode == HILO_OPCODE_BINARY && is_first == (self->chunks == 0));
  ++self->chunks;
  self->last_seen += (int)size;
  if (self->chunks == 1) {
    hilo_connection_pause(connection);
    hilo_connection_resume(connection);
  }
  if (is_last) {
    EXPECT(hilo_connection_close(connection, HILO_CLOSE_NORMAL, hilo_text_of("")) == HILO_OK);
  }
}

static void test_chunks(void) {
  hilo_handlers serving;
  hilo_handlers asking;
  hilo_limits limits;
  scene self;
  hilo_limits_init(&limits, sizeof limits);
  limits.queue_bytes_max = 10000;
  limits.overflow = HILO_OVERFLOW_DROP;
  prepare(&self, &serving, &asking);
  serving.on_open = send_large;
  serving.on_drained = drained;
  serving.on_close = note_close;
  asking.on_chunk = count_chunk;
  asking.on_close = note_close_and_stop;
  begin(&self, &limits, &serving);
  connect_to(&self, "/", &asking, 0);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  EXPECT(self.arrived == large_bytes && self.last_seen == large_bytes && self.chunks > 1);
  EXPECT(self.close_code == HILO_CLOSE_NORMAL);
  end(&self);
  told("a message larger than the queue goes in pieces and is heard in chunks");
}

static void count_dropped(void* user, hilo_connection* connection, int opcode, const uint8_t* data,
                          size_t size) {
  scene* const self = user;
  (void)connection;
  EXPECT(opcode == HILO_OPCODE_BINARY && data != 0 && size == 20000);
  ++self->dropped;
}

static void send_too_much(void* user, hilo_connection* connection) {
  static uint8_t bytes[20000];
  EXPECT(hilo_connection_send(connection, HILO_OPCODE_BINARY, bytes, sizeof bytes) ==
         HILO_SENT_DROPPED);
  stop(user);
}

static void test_dropping(void) {
  hilo_handlers serving;
  hilo_handlers asking;
  hilo_limits limits;
  scene self;
  hilo_limits_init(&limits, sizeof limits);
  limits.queue_bytes_max = 10000;
  limits.overflow = HILO_OVERFLOW_DROP;
  prepare(&self, &serving, &asking);
  serving.on_open = send_too_much;
  serving.on_dropped = count_dropped;
  begin(&self, &limits, &serving);
  connect_to(&self, "/", &asking, 0);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  EXPECT(self.dropped == 1);
  end(&self);
  told("what does not fit is dropped where that was asked for, and told");
}

// ---- going and coming back ----------------------------------------------------------------------

static void reset(void* user, hilo_connection* connection, int opcode, uint8_t* data, size_t size) {
  scene* const self = user;
  (void)opcode;
  (void)data;
  (void)size;
  if (self->reconnects < 2) hilo_connection_abort(connection);
  if (self->reconnects == 2) {
    EXPECT(hilo_server_drain(self->server, HILO_CLOSE_SERVICE_RESTART, 10000, stop, self) ==
           HILO_OK);
  }
}

static void reconnecting(void* user, int error, int64_t delay_ms, uint32_t count) {
  scene* const self = user;
  EXPECT(error == HILO_OK && delay_ms >= 0 && count == 0);
  ++self->reconnects;
  if (self->reconnects == 3) EXPECT(hilo_client_abort(self->client) == HILO_OK);
}

static void test_reconnecting(void) {
  hilo_handlers serving;
  hilo_handlers asking;
  scene self;
  prepare(&self, &serving, &asking);
  serving.on_message = reset;
  asking.on_open = greet;
  asking.on_close = note_close;
  asking.on_reconnecting = reconnecting;
  begin(&self, 0, &serving);
  connect_to(&self, "/", &asking, 1);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  EXPECT(self.reconnects == 3 && self.closed == 3);
  EXPECT(self.close_code == HILO_CLOSE_SERVICE_RESTART);
  EXPECT(hilo_client_tls_failure(self.client).size == 0);
  end(&self);

  hilo_handlers_init(&asking, sizeof asking);
  asking.user = &self;
  asking.on_failed = note_failure;
  begin(&self, 0, &serving);
  connect_to(&self, "/", &asking, 0);
  EXPECT(hilo_client_abort(self.client) == HILO_OK);
  EXPECT(hilo_loop_run(self.loop) == HILO_OK);
  EXPECT(self.error == -ECANCELED);
  end(&self);
  told("a client comes back until it has enough, and a server drains");
}

int main(void) {
  test_facts();
  test_chunks();
  test_dropping();
  test_reconnecting();
  return failures != 0;
}
