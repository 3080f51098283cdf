// SPDX-License-Identifier: MIT
//
// The protocol in C: a program that uses hilo_session.h and nothing else of hilo, linked with the
// core alone. It plays both roles against itself, and has the bytes of RFC 6455 to compare with.

#include "ws/c/hilo_session.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/c/expect.h"

// RFC 6455 §1.3, §5.7.
static const char sample_request[] =
    "GET /chat HTTP/1.1\r\n"
    "Host: server.example.com\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Origin: http://server.example.com\r\n"
    "Sec-WebSocket-Protocol: chat, superchat\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";
static const uint8_t sample_key[4] = {0x37, 0xfa, 0x21, 0x3d};

static int is_text(hilo_text text, const char* expected) {
  return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

static int contains(hilo_bytes bytes, const char* part) {
  const size_t size = strlen(part);
  size_t i;
  for (i = 0; i + size <= bytes.size; ++i) {
    if (memcmp(bytes.data + i, part, size) == 0) return 1;
  }
  return 0;
}

// What was handed out, in one piece.
typedef struct wire {
  uint8_t bytes[1 << 18];
  size_t size;
} wire;

static void collect(wire* to, const hilo_outgoing* out) {
  int i;
  for (i = 0; i < 2; ++i) {
    if (out->slices[i].size == 0) continue;
    memcpy(to->bytes + to->size, out->slices[i].data, out->slices[i].size);
    to->size += out->slices[i].size;
  }
}

static int equals(const wire* sent, const char* bytes, size_t size) {
  return sent->size == size && memcmp(sent->bytes, bytes, size) == 0;
}

static hilo_session* new_session(int role) {
  hilo_session_options options;
  hilo_session* session;
  hilo_session_options_init(&options, sizeof options);
  options.role = role;
  EXPECT(hilo_session_new(&options, &session) == HILO_OK);
  return session;
}

static const hilo_event* feed(hilo_session* session, const char* bytes, size_t size,
                              uint8_t* room) {
  uint8_t* at = room;
  size_t left = size;
  memcpy(room, bytes, size);
  return hilo_session_next(session, &at, &left);
}

static void test_numbers(void) {
  EXPECT(hilo_abi_version() == HILO_ABI_VERSION);
  EXPECT(strstr(hilo_rule_text(HILO_ERROR_FRAME_UNMASKED), "mask") != 0);
  EXPECT(hilo_rule_answer(HILO_ERROR_FRAME_UNMASKED) == 1002);
  EXPECT(hilo_rule_answer(HILO_ERROR_UPGRADE_ORIGIN) == 403);
  EXPECT(hilo_rule_text(HILO_OK)[0] == '\0' && hilo_rule_text(-ENOMEM)[0] == '\0');
  EXPECT(hilo_rule_text(1 << 20)[0] == '\0' && hilo_rule_answer(1 << 20) == 0);
  told("the library is of the version that the header names, and its rules have words");
}

static void test_server_handshake(void) {
  const size_t size = sizeof sample_request - 1;
  const uint8_t* const bytes = (const uint8_t*)sample_request;
  const hilo_text spoken = hilo_text_of("superchat");
  hilo_accept_options options;
  hilo_handshake* handshake;
  hilo_bytes answer;
  hilo_text value;
  hilo_field field;
  size_t head_bytes = 0;
  size_t arrived = 0;
  EXPECT(hilo_handshake_new(HILO_ROLE_SERVER, &handshake) == HILO_OK);
  EXPECT(hilo_handshake_accept(handshake, 0, &answer) == -EINVAL && answer.size == 0);
  while (head_bytes == 0 && arrived < size) {
    EXPECT(hilo_handshake_read(handshake, bytes, ++arrived, &head_bytes) == HILO_OK);
  }
  EXPECT(arrived == size && head_bytes == size);
  EXPECT(is_text(hilo_handshake_request(handshake)->path, "/chat"));
  EXPECT(is_text(hilo_handshake_request(handshake)->host, "server.example.com"));
  EXPECT(hilo_handshake_field(handshake, hilo_text_of("ORIGIN"), &value) == 1);
  EXPECT(is_text(value, "http://server.example.com"));
  EXPECT(hilo_handshake_field(handshake, hilo_text_of("Cookie"), &value) == 0);
  EXPECT(hilo_handshake_field_count(handshake) == 7);
  EXPECT(hilo_handshake_field_at(handshake, 0, &field) == HILO_OK && is_text(field.name, "Host"));
  EXPECT(hilo_handshake_field_at(handshake, 7, &field) == -EINVAL);
  EXPECT(hilo_handshake_wants_websocket(handshake));
  hilo_accept_options_init(&options, sizeof options);
  options.subprotocols = &spoken;
  options.subprotocol_count = 1;
  EXPECT(hilo_handshake_accept(handshake, &options, &answer) == HILO_OK);
  EXPECT(contains(answer, "HTTP/1.1 101 "));
  EXPECT(contains(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT(contains(answer, "Sec-WebSocket-Protocol: superchat\r\n"));
  EXPECT(is_text(hilo_handshake_subprotocol(handshake), "superchat"));
  hilo_handshake_free(handshake);
  told("a server reads the request of RFC 6455 byte by byte and answers as it says");
}

static void test_refusals(void) {
  static const char foreign[] =
      "GET / HTTP/1.1\r\nHost: here.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://there.example\r\n"
      "Sec-WebSocket-Version: 13\r\n\r\n";
  static const char broken[] = "GET / HTTP/1.1\r\nHost : a\r\n\r\n";
  hilo_accept_options options;
  hilo_handshake* handshake;
  hilo_bytes answer;
  size_t head_bytes;
  int error;
  hilo_accept_options_init(&options, sizeof options);
  EXPECT(hilo_handshake_new(HILO_ROLE_SERVER, &handshake) == HILO_OK);
  EXPECT(hilo_handshake_read(handshake, (const uint8_t*)foreign, sizeof foreign - 1, &head_bytes) ==
         HILO_OK);
  EXPECT(hilo_handshake_accept(handshake, &options, &answer) == HILO_ERROR_UPGRADE_ORIGIN);
  EXPECT(contains(answer, "HTTP/1.1 403 "));
  options.origin = HILO_ORIGIN_ANY;
  options.subprotocol_required = 1;
  EXPECT(hilo_handshake_accept(handshake, &options, &answer) ==
         HILO_ERROR_UPGRADE_PROTOCOL_REQUIRED);
  options.subprotocol_required = 0;
  EXPECT(hilo_handshake_accept(handshake, &options, &answer) == HILO_OK);
  EXPECT(hilo_handshake_respond(handshake, 404, hilo_text_of("text/plain"), hilo_text_of("no"),
                                &answer) == HILO_OK);
  EXPECT(contains(answer, "HTTP/1.1 404 ") && contains(answer, "\r\n\r\nno"));
  EXPECT(hilo_handshake_respond(handshake, 99, hilo_text_of(""), hilo_text_of(""), &answer) ==
         -EINVAL);
  hilo_handshake_free(handshake);

  EXPECT(hilo_handshake_new(HILO_ROLE_SERVER, &handshake) == HILO_OK);
  error = hilo_handshake_read(handshake, (const uint8_t*)broken, sizeof broken - 1, &head_bytes);
  EXPECT(error == HILO_ERROR_HTTP_FIELD_NAME && head_bytes == 0);
  EXPECT(hilo_handshake_request(handshake) == 0);
  EXPECT(hilo_handshake_refuse(handshake, error, &answer) == HILO_OK);
  EXPECT(contains(answer, "HTTP/1.1 400 "));
  hilo_handshake_free(handshake);
  told("a server refuses foreign pages and broken heads, each with its answer");
}

static void test_client_handshake(void) {
  static const char response[] =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
      "Sec-WebSocket-Protocol: chat\r\n\r\n";
  char wrong[sizeof response];
  const hilo_text spoken[2] = {{"chat", 4}, {"superchat", 9}};
  hilo_field cookie = {{"Cookie", 6}, {"a=b", 3}};
  hilo_ask_options options;
  hilo_handshake* handshake;
  hilo_bytes request;
  size_t head_bytes;
  hilo_ask_options_init(&options, sizeof options);
  options.url = hilo_text_of("ws://server.example.com/chat?room=1");
  options.subprotocols = spoken;
  options.subprotocol_count = 2;
  options.fields = &cookie;
  options.field_count = 1;
  EXPECT(hilo_handshake_new(HILO_ROLE_CLIENT, &handshake) == HILO_OK);
  EXPECT(hilo_handshake_ask(handshake, &options, (const uint8_t*)"the sample nonce", &request) ==
         HILO_OK);
  EXPECT(contains(request, "GET /chat?room=1 HTTP/1.1\r\nHost: server.example.com\r\n"));
  EXPECT(contains(request, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
  EXPECT(contains(request, "Sec-WebSocket-Protocol: chat, superchat\r\n"));
  EXPECT(contains(request, "Cookie: a=b\r\n"));
  EXPECT(hilo_handshake_read(handshake, (const uint8_t*)response, sizeof response - 1,
                             &head_bytes) == HILO_OK);
  EXPECT(head_bytes == sizeof response - 1 && hilo_handshake_status(handshake) == 101);
  EXPECT(hilo_handshake_check(handshake) == HILO_OK);
  EXPECT(is_text(hilo_handshake_subprotocol(handshake), "chat"));
  hilo_handshake_free(handshake);

  memcpy(wrong, response, sizeof wrong);
  *strstr(wrong, "s3p") = 'S';
  EXPECT(hilo_handshake_new(HILO_ROLE_CLIENT, &handshake) == HILO_OK);
  EXPECT(hilo_handshake_ask(handshake, &options, (const uint8_t*)"the sample nonce", &request) ==
         HILO_OK);
  EXPECT(hilo_handshake_read(handshake, (const uint8_t*)wrong, sizeof wrong - 1, &head_bytes) ==
         HILO_OK);
  EXPECT(hilo_handshake_check(handshake) == HILO_ERROR_RESPONSE_ACCEPT);
  cookie.value = hilo_text_of("a\r\nb");
  EXPECT(hilo_handshake_ask(handshake, &options, (const uint8_t*)"the sample nonce", &request) ==
         HILO_ERROR_ARGUMENT);
  EXPECT(request.size == 0);
  hilo_handshake_free(handshake);
  told("a client asks as RFC 6455 says and knows a wrong answer");
}

static void test_urls(void) {
  hilo_url url;
  EXPECT(hilo_url_parse(hilo_text_of("wss://[2001:db8::1]/a?b"), &url, sizeof url) == HILO_OK);
  EXPECT(url.scheme == HILO_SCHEME_WSS && url.port == 443);
  EXPECT(is_text(url.host, "2001:db8::1") && is_text(url.authority, "[2001:db8::1]"));
  EXPECT(is_text(url.path, "/a") && is_text(url.query, "b"));
  EXPECT(hilo_url_parse(hilo_text_of("ws://a/#b"), &url, sizeof url) == HILO_ERROR_URL_FRAGMENT);
  EXPECT(url.host.size == 0);
  told("a URL is taken apart");
}

static void test_vectors(void) {
  uint8_t room[32];
  static wire sent;
  hilo_outgoing out;
  const hilo_event* event;
  hilo_session* const server = new_session(HILO_ROLE_SERVER);
  hilo_session* const client = new_session(HILO_ROLE_CLIENT);
  sent.size = 0;
  EXPECT(hilo_session_send(server, HILO_OPCODE_TEXT, "Hello", 5, 1, 0, &out) == HILO_OK);
  collect(&sent, &out);
  EXPECT(equals(&sent, "\x81\x05Hello", 7));
  sent.size = 0;
  EXPECT(hilo_session_send(client, HILO_OPCODE_TEXT, "Hello", 5, 1, sample_key, &out) == HILO_OK);
  collect(&sent, &out);
  EXPECT(equals(&sent, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11));
  sent.size = 0;
  EXPECT(hilo_session_send(server, HILO_OPCODE_TEXT, "Hel", 3, 0, 0, &out) == HILO_OK);
  collect(&sent, &out);
  EXPECT(hilo_session_send(server, HILO_OPCODE_TEXT, "lo", 2, 1, 0, &out) == HILO_OK);
  collect(&sent, &out);
  EXPECT(equals(&sent, "\x01\x03Hel\x80\x02lo", 9));

  event = feed(server, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11, room);
  EXPECT(event != 0 && event->kind == HILO_EVENT_MESSAGE && event->opcode == HILO_OPCODE_TEXT);
  EXPECT(event->size == 5 && memcmp(event->data, "Hello", 5) == 0);
  event = feed(client, "\x89\x05Hello", 7, room);
  EXPECT(event != 0 && event->kind == HILO_EVENT_PING && event->size == 5);
  sent.size = 0;
  EXPECT(hilo_session_replies(client, sample_key, &out) == HILO_OK);
  collect(&sent, &out);
  EXPECT(equals(&sent, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11));
  EXPECT(hilo_session_replies(client, sample_key, &out) == HILO_OK && out.slices[0].size == 0);
  hilo_session_free(server);
  hilo_session_free(client);
  told("frames are those of RFC 6455 section 5.7, to the byte");
}

// Everything that `from` has sent, given to `to` in pieces; what that answers is collected.
static size_t deliver(const wire* sent, size_t piece, hilo_session* to, wire* answers) {
  static uint8_t room[1 << 18];
  size_t messages = 0;
  size_t begin;
  hilo_outgoing out;
  for (begin = 0; begin < sent->size; begin += piece) {
    const size_t size = sent->size - begin < piece ? sent->size - begin : piece;
    uint8_t* at = room;
    size_t left = size;
    const hilo_event* event;
    memcpy(room, sent->bytes + begin, size);
    while ((event = hilo_session_next(to, &at, &left)) != 0) {
      EXPECT(event->kind != HILO_EVENT_FAILURE);
      if (event->kind == HILO_EVENT_MESSAGE) {
        ++messages;
        EXPECT(hilo_session_send(to, event->opcode, event->data, event->size, 1, sample_key,
                                 &out) == HILO_OK);
        collect(answers, &out);
      }
      EXPECT(hilo_session_replies(to, sample_key, &out) == HILO_OK);
      collect(answers, &out);
    }
  }
  return messages;
}

static void test_echo(size_t piece) {
  static wire from_client;
  static wire from_server;
  static wire back;
  static uint8_t payload[70000];
  hilo_session* const server = new_session(HILO_ROLE_SERVER);
  hilo_session* const client = new_session(HILO_ROLE_CLIENT);
  const size_t sizes[] = {0, 1, 125, 126, 65535, 65536, 70000};
  hilo_outgoing out;
  size_t i;
  for (i = 0; i < sizeof payload; ++i) payload[i] = (uint8_t)(i * 7);
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    from_client.size = from_server.size = back.size = 0;
    EXPECT(hilo_session_send(client, HILO_OPCODE_BINARY, payload, sizes[i], 1, sample_key, &out) ==
           HILO_OK);
    collect(&from_client, &out);
    EXPECT(deliver(&from_client, piece, server, &from_server) == 1);
    EXPECT(deliver(&from_server, piece, client, &back) == 1);
    EXPECT(back.size == from_client.size && memcmp(back.bytes, from_client.bytes, back.size) == 0);
  }
  from_client.size = from_server.size = back.size = 0;
  EXPECT(hilo_session_close(client, 1000, hilo_text_of("done"), sample_key, &out) == HILO_OK);
  collect(&from_client, &out);
  EXPECT(!hilo_session_is_open(client) && !hilo_session_wants_transport_close(client));
  deliver(&from_client, piece, server, &from_server);
  deliver(&from_server, piece, client, &back);
  EXPECT(hilo_session_wants_transport_close(server) && hilo_session_wants_transport_close(client));
  EXPECT(hilo_session_end_of_input(client) == 0);
  hilo_session_free(server);
  hilo_session_free(client);
}

// Both ends of a connection for which compression was agreed on.
static void agree(hilo_session* server, hilo_session* client) {
  hilo_deflate_options deflate;
  hilo_ask_options ask;
  hilo_accept_options accept;
  hilo_handshake* asking;
  hilo_handshake* answering;
  hilo_bytes head;
  size_t head_bytes;
  hilo_deflate_options_init(&deflate, sizeof deflate);
  deflate.enabled = 1;
  hilo_ask_options_init(&ask, sizeof ask);
  ask.url = hilo_text_of("ws://server.example.com/");
  ask.deflate = &deflate;
  hilo_accept_options_init(&accept, sizeof accept);
  EXPECT(hilo_handshake_new(HILO_ROLE_CLIENT, &asking) == HILO_OK);
  EXPECT(hilo_handshake_new(HILO_ROLE_SERVER, &answering) == HILO_OK);
  EXPECT(hilo_handshake_ask(asking, &ask, (const uint8_t*)"the sample nonce", &head) == HILO_OK);
  EXPECT(contains(head, "Sec-WebSocket-Extensions: permessage-deflate"));
  EXPECT(hilo_handshake_read(answering, head.data, head.size, &head_bytes) == HILO_OK);
  EXPECT(hilo_handshake_accept(answering, &accept, &head) == HILO_OK);
  EXPECT(!contains(head, "permessage-deflate") && hilo_session_compress(server, answering) == 0);
  accept.deflate = &deflate;
  EXPECT(hilo_handshake_accept(answering, &accept, &head) == HILO_OK);
  EXPECT(contains(head, "Sec-WebSocket-Extensions: permessage-deflate"));
  EXPECT(hilo_session_compress(server, answering) == 1);
  EXPECT(hilo_handshake_read(asking, head.data, head.size, &head_bytes) == HILO_OK);
  EXPECT(hilo_handshake_check(asking) == HILO_OK && hilo_session_compress(client, asking) == 1);
  hilo_handshake_free(asking);
  hilo_handshake_free(answering);
}

static void test_compression(void) {
  static wire from_client;
  static wire from_server;
  static wire back;
  static uint8_t payload[20000];
  hilo_outgoing out;
  hilo_session* const server = new_session(HILO_ROLE_SERVER);
  hilo_session* const client = new_session(HILO_ROLE_CLIENT);
  agree(server, client);
  memset(payload, 'a', sizeof payload);
  EXPECT(hilo_session_send(client, HILO_OPCODE_TEXT, payload, sizeof payload, 1, sample_key,
                           &out) == HILO_OK);
  collect(&from_client, &out);
  EXPECT(from_client.size < 200 && (from_client.bytes[0] & 0x40) != 0);
  EXPECT(deliver(&from_client, 7, server, &from_server) == 1);
  EXPECT(from_server.size < 200 && (from_server.bytes[0] & 0x40) != 0);
  EXPECT(deliver(&from_server, 7, client, &back) == 1);
  EXPECT(back.size == from_client.size && memcmp(back.bytes, from_client.bytes, back.size) == 0);
  hilo_session_free(server);
  hilo_session_free(client);
  told("what a handshake has agreed on is compressed, and inflated");
}

static void test_failures(void) {
  uint8_t room[32];
  hilo_outgoing out;
  const hilo_event* event;
  hilo_session* session = new_session(HILO_ROLE_SERVER);
  EXPECT(hilo_session_close(session, 1005, hilo_text_of(""), 0, &out) == -EINVAL);
  EXPECT(hilo_session_close(session, -1, hilo_text_of(""), 0, &out) == -EINVAL);
  EXPECT(hilo_session_send(session, HILO_OPCODE_PING, "", 0, 1, 0, &out) == -EINVAL);
  EXPECT(hilo_session_ping(session, room, 126, 0, &out) == -EINVAL);
  event = feed(session, "\x81\x05Hello", 7, room);
  EXPECT(event != 0 && event->kind == HILO_EVENT_FAILURE);
  EXPECT(event->error == HILO_ERROR_FRAME_UNMASKED && event->code == 1002);
  EXPECT(hilo_session_replies(session, 0, &out) == HILO_OK && out.slices[0].size > 2);
  EXPECT(memcmp(out.slices[0].data, "\x88", 1) == 0);
  EXPECT(hilo_session_wants_transport_close(session));
  EXPECT(hilo_session_send(session, HILO_OPCODE_TEXT, "a", 1, 1, 0, &out) == -ENOTCONN);
  EXPECT(out.slices[0].size == 0);
  hilo_session_free(session);

  session = new_session(HILO_ROLE_CLIENT);
  EXPECT(hilo_session_send(session, HILO_OPCODE_TEXT, "a", 1, 1, 0, &out) == -EINVAL);
  event = hilo_session_end_of_input(session);
  EXPECT(event != 0 && event->error == HILO_ERROR_END_WITHOUT_CLOSE && event->code == 1006);
  hilo_session_free(session);

  session = new_session(HILO_ROLE_SERVER);
  EXPECT(hilo_session_fail(session, -EIO) == 0);
  event = hilo_session_fail(session, HILO_ERROR_PING_TIMEOUT);
  EXPECT(event != 0 && event->kind == HILO_EVENT_FAILURE && event->code == 1011);
  hilo_session_free(session);
  told("what a peer or a caller does wrong has its number, and its Close");
}

static void test_chunks(void) {
  uint8_t room[32];
  const hilo_event* event;
  hilo_session* const client = new_session(HILO_ROLE_CLIENT);
  hilo_session_receive_chunks(client, 1);
  event = feed(client, "\x82\x06xyz", 5, room);
  EXPECT(event != 0 && event->kind == HILO_EVENT_CHUNK && event->size == 3);
  EXPECT(event->is_first && !event->is_last && hilo_session_is_unfinished(client));
  event = feed(client, "xyz", 3, room);
  EXPECT(event != 0 && event->kind == HILO_EVENT_CHUNK && !event->is_first && event->is_last);
  hilo_session_free(client);
  told("messages come in chunks, if that is asked for");
}

static void test_receive_space(void) {
  static uint8_t first[20000];
  const size_t total = 0x8000;
  hilo_session* const client = new_session(HILO_ROLE_CLIENT);
  const hilo_event* event = 0;
  size_t arrived = sizeof first - 4;
  uint8_t* at = first;
  size_t left = sizeof first;
  // Of nothing there is nothing to read.
  uint8_t* none;
  EXPECT(hilo_session_receive_space(client, 1 << 16, &none) == 0);
  EXPECT(hilo_session_commit(client, 0) == 0);
  // 16 KiB have to be there before it pays.
  memset(first, 'a', sizeof first);
  memcpy(first, "\x82\x7e\x80\x00", 4);
  EXPECT(hilo_session_next(client, &at, &left) == 0 && hilo_session_is_unfinished(client));
  while (event == 0) {
    uint8_t* space;
    const size_t size = hilo_session_receive_space(client, 1 << 16, &space);
    EXPECT(size > 0);
    if (size == 0) break;
    memset(space, 'b', size);
    event = hilo_session_commit(client, size);
    arrived += size;
  }
  EXPECT(arrived == total && event != 0 && event->kind == HILO_EVENT_MESSAGE);
  EXPECT(event != 0 && event->size == total);
  EXPECT(event != 0 && event->data[0] == 'a' && event->data[total - 1] == 'b');
  hilo_session_free(client);
  told("a large message is read straight to where it is put together");
}

static void test_growth(void) {
  struct newer {
    hilo_session_options known;
    uint64_t unknown;
  } newer;
  uint8_t room[32];
  hilo_session_options older;
  hilo_session* session;
  hilo_pool* pool;
  const hilo_event* event;
  // An older program knew the fields up to the limit of a message.
  const size_t older_size = offsetof(hilo_session_options, streamed_bytes_max);
  memset(&older, 0xFF, sizeof older);
  hilo_session_options_init(&older, older_size);
  EXPECT(older.size == older_size && older.streamed_bytes_max == UINT64_MAX);
  older.message_bytes_max = 4;
  EXPECT(hilo_session_new(&older, &session) == HILO_OK);
  event = feed(session, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11, room);
  EXPECT(event != 0 && event->error == HILO_ERROR_MESSAGE_TOO_BIG && event->code == 1009);
  hilo_session_free(session);
  // A newer one may know more, as long as it asks for nothing that this library does not know.
  EXPECT(hilo_pool_new(1 << 20, &pool) == HILO_OK);
  hilo_session_options_init(&newer.known, sizeof newer);
  newer.known.pool = pool;
  EXPECT(newer.known.size == sizeof newer && newer.unknown == 0);
  EXPECT(hilo_session_new(&newer.known, &session) == HILO_OK);
  hilo_session_free(session);
  newer.unknown = 1;
  EXPECT(hilo_session_new(&newer.known, &session) == -E2BIG && session == 0);
  newer.known.size = 1;
  EXPECT(hilo_session_new(&newer.known, &session) == -EINVAL);
  EXPECT(hilo_session_new(0, &session) == HILO_OK);
  hilo_session_free(session);
  hilo_pool_free(pool);
  told("options of older and of newer programs are read right");
}

int main(void) {
  test_numbers();
  test_server_handshake();
  test_refusals();
  test_client_handshake();
  test_urls();
  test_vectors();
  test_echo(1 << 18);
  test_echo(1);
  test_echo(1021);
  told("a client and a server echo every size, whole, byte by byte and in pieces, and close");
  test_compression();
  test_failures();
  test_chunks();
  test_receive_space();
  test_growth();
  return failures != 0;
}
