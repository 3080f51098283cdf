/* SPDX-License-Identifier: MIT
 *
 * libwebsockets as an echo, for `hilo conform`. How it is called: run.py. */

#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { message_bytes_max = 1 << 20, waiting_max = 20000, at_once = 16, cases_max = 4096 };

/* A message that is being received, or waits to be sent. */
struct message {
  struct message* next;
  size_t size;
  int binary;
  unsigned char bytes[]; /* behind LWS_PRE */
};

struct session {
  struct message* coming;
  struct message* first; /* those that wait */
  struct message* last;
  int waiting;
};

static char* cases[cases_max];
static int case_count, case_next, cases_open;
static const char *host, *base_path;
static int port, interrupted;
static struct lws_context* context;

static void start_case(void);

static void release(struct session* session) {
  free(session->coming);
  while (session->first) {
    struct message* gone = session->first;
    session->first = gone->next;
    free(gone);
  }
  memset(session, 0, sizeof(*session));
}

static int receive(struct lws* wsi, struct session* session, const void* piece, size_t size) {
  struct message* m = session->coming;
  const size_t had = m ? m->size : 0;
  /* On some broken input the library delivers without end. */
  if (session->waiting > waiting_max) return -1;
  if (had + size > message_bytes_max) {
    lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
    return -1;
  }
  m = realloc(m, sizeof(*m) + LWS_PRE + had + size + 1);
  if (!m) return -1;
  session->coming = m;
  if (size) memcpy(m->bytes + LWS_PRE + had, piece, size);
  m->size = had + size;
  if (lws_is_first_fragment(wsi)) m->binary = lws_frame_is_binary(wsi);
  if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi)) return 0;
  m->next = NULL;
  if (session->first) session->last->next = m;
  else session->first = m;
  session->last = m;
  session->coming = NULL;
  ++session->waiting;
  lws_callback_on_writable(wsi);
  return 0;
}

static int send_next(struct lws* wsi, struct session* session) {
  struct message* m = session->first;
  if (!m) return 0;
  const int written = lws_write(wsi, m->bytes + LWS_PRE, m->size,
                                m->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
  session->first = m->next;
  --session->waiting;
  free(m);
  if (written < 0) return -1;
  if (session->first) lws_callback_on_writable(wsi);
  return 0;
}

static void over(void) {
  --cases_open;
  start_case();
  if (cases_open == 0) {
    interrupted = 1;
    lws_cancel_service(context);
  }
}

static int on_event(struct lws* wsi, enum lws_callback_reasons reason, void* user, void* in,
                    size_t size) {
  switch (reason) {
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE: return receive(wsi, user, in, size);
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE: return send_next(wsi, user);
    case LWS_CALLBACK_CLOSED: release(user); return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
      release(user);
      over();
      return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: over(); return 0;
    default: return 0;
  }
}

static const struct lws_protocols protocols[] = {
    {"echo", on_event, sizeof(struct session), 65536, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};
static const struct lws_extension extensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate,
     "permessage-deflate; client_no_context_takeover; client_max_window_bits"},
    {NULL, NULL, NULL}};

static void start_case(void) {
  while (case_next < case_count) {
    char path[256];
    snprintf(path, sizeof(path), "%s%s", base_path, cases[case_next++]);
    struct lws_client_connect_info info = {0};
    info.context = context;
    info.address = host;
    info.port = port;
    info.path = path;
    info.host = host;
    info.local_protocol_name = "echo";
    ++cases_open;
    if (lws_client_connect_via_info(&info)) return;
    /* LWS_CALLBACK_CLIENT_CONNECTION_ERROR has told so, or nothing will. */
  }
}

static int read_cases(char* url) {
  char line[64];
  const char* scheme;
  if (lws_parse_uri(url, &scheme, &host, &port, &base_path)) return 1;
  static char path[128];
  snprintf(path, sizeof(path), "/%s", base_path);
  base_path = path;
  while (case_count < cases_max && fgets(line, sizeof(line), stdin)) {
    line[strcspn(line, "\n")] = '\0';
    cases[case_count++] = strdup(line);
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc > 1 && !strcmp(argv[1], "version")) {
    const char* version = lws_get_library_version();
    return printf("libwebsockets %.*s\n", (int)strcspn(version, "-"), version) < 0;
  }
  const int is_server = argc > 1 && !strcmp(argv[1], "serve");
  if (!is_server && (argc < 3 || read_cases(argv[2]))) return 2;
  signal(SIGPIPE, SIG_IGN);
  lws_set_log_level(0, NULL);
  struct lws_context_creation_info info = {0};
  info.protocols = protocols;
  info.extensions = extensions;
  info.iface = is_server ? "127.0.0.1" : NULL;
  info.port = is_server ? 0 : CONTEXT_PORT_NO_LISTEN;
  info.options = LWS_SERVER_OPTION_VALIDATE_UTF8;
  context = lws_create_context(&info);
  if (!context) return 1;
  if (is_server) {
    printf("listening on %d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
    fflush(stdout);
  } else {
    for (int i = 0; i < at_once; ++i) start_case();
  }
  while (!interrupted && lws_service(context, 0) >= 0) {}
  lws_context_destroy(context);
  return 0;
}
