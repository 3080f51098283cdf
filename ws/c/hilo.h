// SPDX-License-Identifier: MIT
//
// WebSocket servers and clients for C (C99, and any language that calls C), on hilo's own loop. It
// is ws/server.h, ws/client.h, ws/connection.h and net/loop.h, which say more. The echo server:
//
//     static void echo(void* user, hilo_connection* connection, int opcode, uint8_t* data,
//                      size_t size) {
//       hilo_connection_send(connection, opcode, data, size);
//     }
//
//     hilo_handlers handlers;
//     hilo_handlers_init(&handlers, sizeof handlers);
//     handlers.on_message = echo;
//     hilo_loop_new(0, &loop);
//     hilo_server_new(loop, 0, &server);
//     hilo_server_handle(server, 0, &handlers);
//     hilo_server_listen(server, &listen_options, &port);
//     hilo_loop_run(loop);
//
// It links with libhilo, libhilo-os, libhilo-core, -lssl -lcrypto -lz -pthread and the runtime of
// C++. Errors, views, texts, options and growth are those of hilo_session.h. No exception leaves a
// function of hilo's, and none of yours may leave a callback.
//
//   threads   a loop and all that belongs to it live in the thread that runs it. From others:
//             hilo_loop_post(), hilo_loop_stop() and hilo_server_publish()
//   lifetime  loop first, servers and clients after it; free them before it. A hilo_connection* is
//             good within the callback that shows it. What you keep is its id:
//             hilo_server_find() returns null once it is gone
//   texts     of options are copied where they are needed for longer than the call
//   views     what a callback is shown is valid until it returns

#pragma once

#include "ws/c/hilo_session.h"

#ifdef __cplusplus
extern "C" {
#endif

// Beside the rules of hilo_session.h.
enum {
  HILO_ERROR_TLS_SETUP_HANDSHAKE = 1001,
  HILO_ERROR_TLS_SETUP_VERIFY = 1002,
  HILO_ERROR_TLS_SETUP_ALERT = 1003,
  HILO_ERROR_TLS_SETUP_RECORD = 1004,
  HILO_ERROR_TLS_SETUP_TRUNCATED = 1005,
  HILO_ERROR_TLS_SETUP_KEY_UPDATES = 1006,
  HILO_ERROR_TLS_SETUP_RENEGOTIATION = 1007,
  HILO_ERROR_TLS_SETUP_CERTIFICATE_FILE = 1008,
  HILO_ERROR_TLS_SETUP_KEY_FILE = 1009,
  HILO_ERROR_TLS_SETUP_CA_FILE = 1010,
  HILO_ERROR_TLS_SETUP_KEYLOG_FILE = 1011,
  HILO_ERROR_LOOK_UP = 2000  // and the absolute value of what getaddrinfo(3) said
};

// A sentence for a person, about every number that a function or a callback of these headers gives.
// Ends with a zero byte; valid until the next call in the same thread.
const char* hilo_error_text(int error) HILO_NOEXCEPT;

// ---- the loop (net/loop.h) ----------------------------------------------------------------------

typedef struct hilo_loop hilo_loop;

typedef struct hilo_loop_options {
  size_t size;
  uint64_t receive_bytes;  // of the one receive buffer
  uint64_t send_bytes;
  int64_t busy_poll_us;  // ask for so long before waiting; 0: not at all
} hilo_loop_options;

void hilo_loop_options_init(hilo_loop_options* options, size_t size) HILO_NOEXCEPT;

int hilo_loop_new(const hilo_loop_options* options, hilo_loop** loop) HILO_NOEXCEPT;
// All that belongs to it must be gone.
void hilo_loop_free(hilo_loop* loop) HILO_NOEXCEPT;
// Until hilo_loop_stop(), which may also be called in a signal handler.
int hilo_loop_run(hilo_loop* loop) HILO_NOEXCEPT;
void hilo_loop_stop(hilo_loop* loop) HILO_NOEXCEPT;
// One turn, which waits for at most `timeout_ms`; below zero: for ever. For a loop inside another:
// call it with 0 when hilo_loop_fd() becomes readable, and after hilo_loop_until_next_turn_ms() at
// the latest (below zero: whenever).
int hilo_loop_run_once(hilo_loop* loop, int64_t timeout_ms) HILO_NOEXCEPT;
int hilo_loop_fd(const hilo_loop* loop) HILO_NOEXCEPT;
int64_t hilo_loop_until_next_turn_ms(const hilo_loop* loop) HILO_NOEXCEPT;
// From any thread: `call` is called in the loop's thread. Not at all if the loop is freed before.
int hilo_loop_post(hilo_loop* loop, void (*call)(void* user), void* user) HILO_NOEXCEPT;
// `call` is called once, after so long, unless it is cancelled; what has fired may be cancelled
// too.
int hilo_loop_call_after(hilo_loop* loop, int64_t delay_ms, void (*call)(void* user), void* user,
                         uint64_t* timer) HILO_NOEXCEPT;
void hilo_loop_cancel(hilo_loop* loop, uint64_t timer) HILO_NOEXCEPT;

// ---- limits (ws/limits.h) -----------------------------------------------------------------------

enum { HILO_OVERFLOW_CLOSE = 0, HILO_OVERFLOW_DROP = 1, HILO_OVERFLOW_REFUSE = 2 };

// Every bound on what a peer may cost; a time of 0 switches that time-out off.
typedef struct hilo_limits {
  size_t size;
  int64_t tls_handshake_timeout_ms;
  uint64_t connections_max;
  uint32_t connections_per_ip_max;
  uint32_t handshakes_per_second_max;
  uint64_t bytes_per_turn_max;
  uint32_t accepts_per_turn_max;
  uint16_t request_line_bytes_max;
  uint16_t field_line_bytes_max;
  uint16_t fields_bytes_max;
  uint16_t field_count_max;
  uint32_t requests_per_turn_max;
  int64_t head_timeout_ms;
  uint64_t body_bytes_max;
  int64_t body_timeout_ms;
  int64_t keep_alive_timeout_ms;
  int64_t upgrade_timeout_ms;
  uint64_t linger_bytes_max;
  int64_t linger_timeout_ms;
  uint64_t message_bytes_max;
  uint64_t streamed_bytes_max;
  uint32_t fragments_base;
  uint32_t bytes_per_fragment;
  uint64_t inflate_ratio_free_bytes;
  uint32_t inflate_ratio_max;
  uint32_t messages_per_turn_max;
  uint64_t deflate_memory_bytes_max;
  int64_t message_timeout_ms;
  int64_t control_frames_window_ms;
  uint32_t control_frames_max;
  uint32_t topics_per_connection_max;
  int64_t idle_timeout_ms;
  int64_t ping_interval_ms;
  int64_t pong_timeout_ms;
  int64_t close_timeout_ms;
  int64_t connection_lifetime_max_ms;
  int64_t tcp_user_timeout_ms;
  uint64_t queue_bytes_max;
  uint64_t queue_bytes_pause;
  uint64_t queue_bytes_low;
  int64_t stall_timeout_ms;
  uint64_t memory_bytes_max;
  uint64_t topic_bytes_max;
  uint64_t publish_bytes_max;
  int64_t connect_timeout_ms;
  int overflow;
  int reserved;
} hilo_limits;

void hilo_limits_init(hilo_limits* limits, size_t size) HILO_NOEXCEPT;

// ---- what you hear (ws/handlers.h) --------------------------------------------------------------

typedef struct hilo_connection hilo_connection;
typedef struct hilo_upgrade hilo_upgrade;

enum { HILO_CLOSED_BY_US = 0, HILO_CLOSED_BY_PEER = 1, HILO_CLOSED_BY_NETWORK = 2 };

typedef struct hilo_close_info {
  int code;   // HILO_CLOSE_*, or any other that the peer chose
  int by;     // HILO_CLOSED_BY_*
  int error;  // HILO_OK, or the rule that was broken
  int clean;  // both sides said Close
  hilo_text reason;
} hilo_close_info;

// Each may be null. `user` is handed to all of them.
typedef struct hilo_handlers {
  size_t size;
  void* user;
  void (*on_open)(void* user, hilo_connection* connection);
  // A whole message, text or binary, which may be changed in place.
  void (*on_message)(void* user, hilo_connection* connection, int opcode, uint8_t* data,
                     size_t size);
  // In place of on_message: each message in parts, as they arrive.
  void (*on_chunk)(void* user, hilo_connection* connection, int opcode, uint8_t* data, size_t size,
                   int is_first, int is_last);
  // There is room in the queue again.
  void (*on_drained)(void* user, hilo_connection* connection);
  // A message was lost by HILO_OVERFLOW_DROP.
  void (*on_dropped)(void* user, hilo_connection* connection, int opcode, const uint8_t* data,
                     size_t size);
  void (*on_pong)(void* user, hilo_connection* connection, const uint8_t* data, size_t size);
  // Exactly once for each on_open, and last.
  void (*on_close)(void* user, hilo_connection* connection, const hilo_close_info* info);
  // Servers: 0 accepts; a status of HTTP from 400 to 599 refuses. Without it every well-formed
  // handshake of an allowed Origin is accepted.
  int (*on_upgrade)(void* user, hilo_upgrade* upgrade);
  // Clients: the connection could not be opened.
  void (*on_failed)(void* user, int error);
  // Clients: it will be tried again, after so long; `failures` in a row. `error` is 0 where
  // on_close has told why.
  void (*on_reconnecting)(void* user, int error, int64_t delay_ms, uint32_t failures);
} hilo_handlers;

void hilo_handlers_init(hilo_handlers* handlers, size_t size) HILO_NOEXCEPT;

enum { HILO_LOG_DEBUG = 0, HILO_LOG_INFO = 1, HILO_LOG_WARNING = 2, HILO_LOG_ERROR = 3 };
typedef void (*hilo_log)(void* user, int level, const char* line, size_t size);

// ---- a handshake, within on_upgrade (ws/upgrade.h) ----------------------------------------------

hilo_text hilo_upgrade_path(const hilo_upgrade* upgrade) HILO_NOEXCEPT;
hilo_text hilo_upgrade_query(const hilo_upgrade* upgrade) HILO_NOEXCEPT;
// The first field of that name: 1, or 0 if there is none. The same for what stood in the place of
// ":name" in the pattern of the path.
int hilo_upgrade_field(const hilo_upgrade* upgrade, hilo_text name, hilo_text* value) HILO_NOEXCEPT;
int hilo_upgrade_parameter(const hilo_upgrade* upgrade, hilo_text name,
                           hilo_text* value) HILO_NOEXCEPT;
int hilo_upgrade_offers(const hilo_upgrade* upgrade, hilo_text subprotocol) HILO_NOEXCEPT;
// For the answer: one of the offered subprotocols, and field lines.
int hilo_upgrade_choose(hilo_upgrade* upgrade, hilo_text subprotocol) HILO_NOEXCEPT;
int hilo_upgrade_add_field(hilo_upgrade* upgrade, hilo_text name, hilo_text value) HILO_NOEXCEPT;

// ---- connections (ws/connection.h) --------------------------------------------------------------

// What became of a message.
enum { HILO_SENT_ACCEPTED = 0, HILO_SENT_DROPPED = 1, HILO_SENT_REFUSED = 2, HILO_SENT_CLOSED = 3 };

// HILO_SENT_*, or -EINVAL for an opcode that is neither text nor binary. Text must be UTF-8, which
// is not checked.
int hilo_connection_send(hilo_connection* connection, int opcode, const void* data,
                         size_t size) HILO_NOEXCEPT;
// A message in pieces: `is_last` 1 ends it.
int hilo_connection_send_fragment(hilo_connection* connection, int opcode, const void* data,
                                  size_t size, int is_last) HILO_NOEXCEPT;
int hilo_connection_ping(hilo_connection* connection, const void* data, size_t size) HILO_NOEXCEPT;
// Starts the closing handshake; HILO_CLOSE_NONE sends no code.
int hilo_connection_close(hilo_connection* connection, int code, hilo_text reason) HILO_NOEXCEPT;
// Resets; the peer sees no Close.
void hilo_connection_abort(hilo_connection* connection) HILO_NOEXCEPT;
// Stops and restarts the reading of messages.
void hilo_connection_pause(hilo_connection* connection) HILO_NOEXCEPT;
void hilo_connection_resume(hilo_connection* connection) HILO_NOEXCEPT;
// The topics of hilo_server_publish(); unsubscribing answers 1, or 0 if it was not subscribed.
int hilo_connection_subscribe(hilo_connection* connection, hilo_text topic) HILO_NOEXCEPT;
int hilo_connection_unsubscribe(hilo_connection* connection, hilo_text topic) HILO_NOEXCEPT;

uint64_t hilo_connection_id(const hilo_connection* connection) HILO_NOEXCEPT;
int hilo_connection_is_open(const hilo_connection* connection) HILO_NOEXCEPT;
// Accepted, and not yet taken by the kernel.
size_t hilo_connection_buffered_bytes(const hilo_connection* connection) HILO_NOEXCEPT;
hilo_text hilo_connection_path(const hilo_connection* connection) HILO_NOEXCEPT;
hilo_text hilo_connection_subprotocol(const hilo_connection* connection) HILO_NOEXCEPT;
int hilo_connection_field(const hilo_connection* connection, hilo_text name,
                          hilo_text* value) HILO_NOEXCEPT;
// "127.0.0.1:40312" and a zero byte, cut to `capacity`; its whole length without the zero byte.
size_t hilo_connection_peer(const hilo_connection* connection, char* text,
                            size_t capacity) HILO_NOEXCEPT;
// A pointer of yours, for as long as the connection lives; null until it is set.
int hilo_connection_set_data(hilo_connection* connection, void* data) HILO_NOEXCEPT;
void* hilo_connection_data(hilo_connection* connection) HILO_NOEXCEPT;

// ---- servers (ws/server.h) ----------------------------------------------------------------------

typedef struct hilo_server hilo_server;

typedef struct hilo_server_options {
  size_t size;
  const hilo_limits* limits;            // null: the defaults
  const hilo_deflate_options* deflate;  // null: the defaults
  int origin;                           // HILO_ORIGIN_SAME_HOST
  int missing_origin_refused;
  const hilo_text* origins;  // for HILO_ORIGIN_LISTED
  size_t origin_count;
  const hilo_text* subprotocols;  // to choose from where there is no on_upgrade
  size_t subprotocol_count;
  int subprotocol_required;
  int loop_index;  // goes into every id, so that ids of several loops differ; 0 to 255
  hilo_log log;    // null: none
  void* log_user;
} hilo_server_options;

void hilo_server_options_init(hilo_server_options* options, size_t size) HILO_NOEXCEPT;

typedef struct hilo_listen_options {
  size_t size;
  hilo_text host;       // a numeric address, "localhost", or empty for all; 127.0.0.1
  hilo_text unix_path;  // instead of host and port
  int port;             // 0: the kernel chooses
  int backlog;
  int reuse_port;
  int unix_mode;  // -1: what umask leaves
  int proxy_protocol;
  // TLS: PEM files, or a certificate made here and now, for trying things out.
  int tls_self_signed;
  hilo_text certificate_file;
  hilo_text key_file;
  hilo_text client_ca_file;  // clients must show a certificate of these authorities
} hilo_listen_options;

void hilo_listen_options_init(hilo_listen_options* options, size_t size) HILO_NOEXCEPT;

int hilo_server_new(hilo_loop* loop, const hilo_server_options* options,
                    hilo_server** server) HILO_NOEXCEPT;
// Resets what is open and calls on_close for it. Not within a callback of the server's: there
// hilo_server_free_later() is right, after which the loop must turn once more.
void hilo_server_free(hilo_server* server) HILO_NOEXCEPT;
int hilo_server_free_later(hilo_server* server) HILO_NOEXCEPT;

// What is done with the WebSockets of a path ("/chat", "/rooms/:id"), or with a null pattern of all
// others. Before hilo_server_listen(). The handlers are copied.
int hilo_server_handle(hilo_server* server, const char* pattern,
                       const hilo_handlers* handlers) HILO_NOEXCEPT;
// `port`, if it is not null, gets the one that was bound.
int hilo_server_listen(hilo_server* server, const hilo_listen_options* options,
                       int* port) HILO_NOEXCEPT;
// Null once the connection is gone.
hilo_connection* hilo_server_find(hilo_server* server, uint64_t id) HILO_NOEXCEPT;
size_t hilo_server_connection_count(const hilo_server* server) HILO_NOEXCEPT;
// Each open connection. Visits may send and close, not free the server.
int hilo_server_for_each(hilo_server* server,
                         void (*visit)(void* user, hilo_connection* connection),
                         void* user) HILO_NOEXCEPT;

enum { HILO_POSTED_QUEUED = 0, HILO_POSTED_FULL = 1, HILO_POSTED_GONE = 2 };

// To all who are subscribed to the topic, but not to `except` (an id, or 0). From any thread.
int hilo_server_publish(hilo_server* server, hilo_text topic, int opcode, const void* data,
                        size_t size, uint64_t except) HILO_NOEXCEPT;
// Listens no more, sends `code` to all, and calls `on_stopped` (or null) when the last has gone.
int hilo_server_stop(hilo_server* server, int code, void (*on_stopped)(void* user),
                     void* user) HILO_NOEXCEPT;
// The same in peace, bit by bit, over so long.
int hilo_server_drain(hilo_server* server, int code, int64_t window_ms,
                      void (*on_drained)(void* user), void* user) HILO_NOEXCEPT;

// ---- clients (ws/client.h) ----------------------------------------------------------------------

typedef struct hilo_client hilo_client;

typedef struct hilo_client_options {
  size_t size;
  const hilo_limits* limits;  // null: the defaults
  hilo_log log;               // null: none
  void* log_user;
} hilo_client_options;

void hilo_client_options_init(hilo_client_options* options, size_t size) HILO_NOEXCEPT;

typedef struct hilo_connect_options {
  size_t size;
  hilo_text url;                  // ws://, wss://, ws+unix://
  const hilo_text* subprotocols;  // in order of preference
  size_t subprotocol_count;
  hilo_text origin;
  const hilo_field* fields;  // of your own, for example Authorization
  size_t field_count;
  hilo_text user;
  hilo_text password;
  hilo_text proxy;  // http:// or socks5://
  uint32_t redirects_max;
  int reconnect;  // come back when the connection is lost, or cannot be opened
  int64_t reconnect_base_ms;
  int64_t reconnect_cap_ms;
  int64_t reconnect_stable_after_ms;
  uint32_t reconnect_failures_max;  // 0: no limit
  int tls_insecure;                 // trusts everybody: for tests
  hilo_text tls_server_name;
  hilo_text ca_file;  // PEM; empty: the authorities of the system
  hilo_text certificate_file;
  hilo_text key_file;
  const hilo_deflate_options* deflate;  // null: the defaults
} hilo_connect_options;

void hilo_connect_options_init(hilo_connect_options* options, size_t size) HILO_NOEXCEPT;

// The handlers are copied.
int hilo_client_new(hilo_loop* loop, const hilo_client_options* options,
                    const hilo_handlers* handlers, hilo_client** client) HILO_NOEXCEPT;
// Also within a callback of the client's. Calls on_close if that is owed.
void hilo_client_free(hilo_client* client) HILO_NOEXCEPT;
// Starts to connect: ends in on_open (and later on_close) or on_failed, never within the call.
int hilo_client_connect(hilo_client* client, const hilo_connect_options* options) HILO_NOEXCEPT;
// Gives up, or resets; ends reconnecting.
int hilo_client_abort(hilo_client* client) HILO_NOEXCEPT;
// Null while there is none.
hilo_connection* hilo_client_connection(hilo_client* client) HILO_NOEXCEPT;
// Within on_failed: the status of an answer that was no 101, or 0; and what OpenSSL says.
int hilo_client_status(const hilo_client* client) HILO_NOEXCEPT;
hilo_text hilo_client_tls_failure(const hilo_client* client) HILO_NOEXCEPT;

#ifdef __cplusplus
}
#endif
