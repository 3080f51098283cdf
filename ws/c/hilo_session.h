// SPDX-License-Identifier: MIT
//
// The protocol without I/O, for C (C99, and any language that calls C): the opening handshake and
// the session behind it, for either role. A program brings its own sockets, clock and randomness.
// This is ws/core/handshake.h and ws/core/session.h, which say more; it links with libhilo-core.
//
//     hilo_handshake_read(handshake, bytes, size, &head_bytes)      server: until head_bytes != 0
//     hilo_handshake_accept(handshake, &options, &answer)           send the answer
//     while ((event = hilo_session_next(session, &at, &left)) != 0) {
//       if (event->kind == HILO_EVENT_MESSAGE) {
//         hilo_session_send(session, event->opcode, event->data, event->size, 1, key, &out);
//         // write out.slices[0] and out.slices[1], in this order
//       }
//       hilo_session_replies(session, key, &out);                   // and write them, too
//     }
//
//   errors   int: 0 (HILO_OK); below zero an errno, negated (-ENOMEM, -EINVAL, -ENOTCONN); above
//            zero a rule that was broken, HILO_ERROR_*. After an error what was to be filled in is
//            empty, unless a function says otherwise
//   views    pointers that are handed out stay valid until the next call for the same object that
//            does not take it as const; those handed in are used in the call only
//   texts    pointer and length; they need not end with a zero byte, and those handed out do not
//   options  structs that begin with their size: fill them by their init function, then change what
//            you want. A library that is older than the program answers -E2BIG to a field that it
//            does not know, if it is not zero; one that is newer uses its defaults for what is not
//            there. A null pointer stands for all defaults
//   thread   one at a time for each object
//   growth   see hilo_abi_version()

#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#define HILO_NOEXCEPT noexcept
extern "C" {
#else
#define HILO_NOEXCEPT
#endif

// The numbers and structs of these headers. Functions, enumerators and fields at the end of structs
// may be added without a new number; whatever would break a compiled program has one.
#define HILO_ABI_VERSION 1
// Of the library that was linked: compare it with HILO_ABI_VERSION first of all.
int hilo_abi_version(void) HILO_NOEXCEPT;

typedef struct hilo_bytes {
  const uint8_t* data;
  size_t size;
} hilo_bytes;

typedef struct hilo_text {
  const char* data;
  size_t size;
} hilo_text;

// Of a string that ends with a zero byte; null is an empty text.
static inline hilo_text hilo_text_of(const char* string) {
  hilo_text text;
  text.data = string;
  text.size = string == 0 ? 0 : strlen(string);
  return text;
}

// A field line of HTTP.
typedef struct hilo_field {
  hilo_text name;
  hilo_text value;
} hilo_field;

// ---- numbers ------------------------------------------------------------------------------------

enum { HILO_OK = 0 };

enum { HILO_ROLE_SERVER = 0, HILO_ROLE_CLIENT = 1 };

enum {
  HILO_OPCODE_CONTINUATION = 0x0,
  HILO_OPCODE_TEXT = 0x1,
  HILO_OPCODE_BINARY = 0x2,
  HILO_OPCODE_CLOSE = 0x8,
  HILO_OPCODE_PING = 0x9,
  HILO_OPCODE_PONG = 0xA
};

enum {
  HILO_CLOSE_NONE = 0,  // no code at all; its peer hears HILO_CLOSE_NO_STATUS
  HILO_CLOSE_NORMAL = 1000,
  HILO_CLOSE_GOING_AWAY = 1001,
  HILO_CLOSE_PROTOCOL_ERROR = 1002,
  HILO_CLOSE_UNSUPPORTED_DATA = 1003,
  HILO_CLOSE_NO_STATUS = 1005,  // never sent: the peer's Close had no code
  HILO_CLOSE_ABNORMAL = 1006,   // never sent: there was no Close
  HILO_CLOSE_INVALID_PAYLOAD = 1007,
  HILO_CLOSE_POLICY_VIOLATION = 1008,
  HILO_CLOSE_MESSAGE_TOO_BIG = 1009,
  HILO_CLOSE_MANDATORY_EXTENSION = 1010,
  HILO_CLOSE_INTERNAL_ERROR = 1011,
  HILO_CLOSE_SERVICE_RESTART = 1012,
  HILO_CLOSE_TRY_AGAIN_LATER = 1013,
  HILO_CLOSE_BAD_GATEWAY = 1014,
  HILO_CLOSE_TLS_HANDSHAKE = 1015  // never sent
};

// The rules that a peer, a page or a caller can break: ws/core/error.h says more about each.
enum {
  HILO_ERROR_IDLE_PREFACE = 1,
  HILO_ERROR_SLOW_CONSUMER = 2,
  HILO_ERROR_WRITE_STALLED = 3,
  HILO_ERROR_IDLE_TIMEOUT = 4,
  HILO_ERROR_NO_MEMORY = 5,
  HILO_ERROR_MEMORY_PRESSURE = 6,
  HILO_ERROR_NO_ENTROPY = 7,
  HILO_ERROR_IP_CONNECTIONS = 8,
  HILO_ERROR_IP_RATE = 9,
  HILO_ERROR_CONNECTIONS_FULL = 10,
  HILO_ERROR_PROXY_HEADER = 11,
  HILO_ERROR_NO_DESCRIPTORS = 12,
  HILO_ERROR_HANDLER_THREW = 13,
  HILO_ERROR_TLS_TIMEOUT = 14,
  HILO_ERROR_TLS_HANDSHAKE = 15,
  HILO_ERROR_TLS_VERIFY = 16,
  HILO_ERROR_TLS_ALERT = 17,
  HILO_ERROR_TLS_RECORD = 18,
  HILO_ERROR_TLS_KEY_UPDATES = 19,
  HILO_ERROR_TLS_RENEGOTIATION = 20,
  HILO_ERROR_HEAD_TIMEOUT = 21,
  HILO_ERROR_TLS_ON_PLAIN = 22,
  HILO_ERROR_HTTP_LINE_END = 23,
  HILO_ERROR_HTTP_PREFACE = 24,
  HILO_ERROR_HTTP_METHOD = 25,
  HILO_ERROR_HTTP_TARGET = 26,
  HILO_ERROR_HTTP_TARGET_TOO_LONG = 27,
  HILO_ERROR_HTTP_VERSION = 28,
  HILO_ERROR_HTTP_VERSION_UNSUPPORTED = 29,
  HILO_ERROR_HTTP_FIELD_NAME = 30,
  HILO_ERROR_HTTP_FIELD_VALUE = 31,
  HILO_ERROR_HTTP_HOST = 32,
  HILO_ERROR_HTTP_FIELD_TOO_LONG = 33,
  HILO_ERROR_HTTP_HEAD_TOO_LONG = 34,
  HILO_ERROR_HTTP_TOO_MANY_FIELDS = 35,
  HILO_ERROR_HTTP_FRAMING = 36,
  HILO_ERROR_HTTP_TRANSFER_CODING = 37,
  HILO_ERROR_HTTP_BODY_TOO_BIG = 38,
  HILO_ERROR_HTTP_BODY_TIMEOUT = 39,
  HILO_ERROR_HTTP_BODY_INCOMPLETE = 40,
  HILO_ERROR_HTTP_EXPECTATION = 41,
  HILO_ERROR_HTTP_METHOD_NOT_ALLOWED = 42,
  HILO_ERROR_HTTP_NOT_FOUND = 43,
  HILO_ERROR_HTTP_UPGRADE_REQUIRED = 44,
  HILO_ERROR_DRAINING = 45,
  HILO_ERROR_UPGRADE_HEADER = 46,
  HILO_ERROR_UPGRADE_CONNECTION = 47,
  HILO_ERROR_UPGRADE_METHOD = 48,
  HILO_ERROR_UPGRADE_KEY = 49,
  HILO_ERROR_UPGRADE_HIXIE76 = 50,
  HILO_ERROR_UPGRADE_VERSION = 51,
  HILO_ERROR_UPGRADE_VERSION_MALFORMED = 52,
  HILO_ERROR_UPGRADE_ORIGIN = 53,
  HILO_ERROR_UPGRADE_ORIGIN_MALFORMED = 54,
  HILO_ERROR_UPGRADE_PROTOCOL_MALFORMED = 55,
  HILO_ERROR_UPGRADE_PROTOCOL_REQUIRED = 56,
  HILO_ERROR_UPGRADE_EXTENSIONS_MALFORMED = 57,
  HILO_ERROR_UPGRADE_EXTENSIONS_TOO_MANY = 58,
  HILO_ERROR_UPGRADE_REFUSED = 59,
  HILO_ERROR_UPGRADE_TIMEOUT = 60,
  HILO_ERROR_RESPONSE_MALFORMED = 61,
  HILO_ERROR_RESPONSE_TOO_LONG = 62,
  HILO_ERROR_RESPONSE_INTERIM = 63,
  HILO_ERROR_RESPONSE_STATUS = 64,
  HILO_ERROR_RESPONSE_UPGRADE = 65,
  HILO_ERROR_RESPONSE_CONNECTION = 66,
  HILO_ERROR_RESPONSE_ACCEPT = 67,
  HILO_ERROR_RESPONSE_EXTENSION = 68,
  HILO_ERROR_RESPONSE_PROTOCOL = 69,
  HILO_ERROR_RESPONSE_TIMEOUT = 70,
  HILO_ERROR_REDIRECT_COUNT = 71,
  HILO_ERROR_REDIRECT_LOCATION = 72,
  HILO_ERROR_REDIRECT_DOWNGRADE = 73,
  HILO_ERROR_PROXY_AUTH = 74,
  HILO_ERROR_PROXY_REFUSED = 75,
  HILO_ERROR_PROXY_RESPONSE = 76,
  HILO_ERROR_URL_SCHEME = 77,
  HILO_ERROR_URL_USERINFO = 78,
  HILO_ERROR_URL_HOST = 79,
  HILO_ERROR_URL_PORT = 80,
  HILO_ERROR_URL_TARGET = 81,
  HILO_ERROR_URL_FRAGMENT = 82,
  HILO_ERROR_PROXY_URL = 83,
  HILO_ERROR_ARGUMENT = 84,
  HILO_ERROR_FRAME_RSV = 85,
  HILO_ERROR_FRAME_OPCODE = 86,
  HILO_ERROR_FRAME_LENGTH_NOT_MINIMAL = 87,
  HILO_ERROR_FRAME_LENGTH_MSB = 88,
  HILO_ERROR_FRAME_UNMASKED = 89,
  HILO_ERROR_FRAME_MASKED = 90,
  HILO_ERROR_CONTROL_TOO_LONG = 91,
  HILO_ERROR_CONTROL_FRAGMENTED = 92,
  HILO_ERROR_CONTINUATION_UNEXPECTED = 93,
  HILO_ERROR_CONTINUATION_EXPECTED = 94,
  HILO_ERROR_MESSAGE_TOO_BIG = 95,
  HILO_ERROR_FRAGMENT_BUDGET = 96,
  HILO_ERROR_TEXT_NOT_UTF8 = 97,
  HILO_ERROR_CLOSE_LENGTH = 98,
  HILO_ERROR_CLOSE_CODE = 99,
  HILO_ERROR_CLOSE_REASON_NOT_UTF8 = 100,
  HILO_ERROR_MESSAGE_TIMEOUT = 101,
  HILO_ERROR_CONTROL_FLOOD = 102,
  HILO_ERROR_CLOSE_TIMEOUT = 103,
  HILO_ERROR_PING_TIMEOUT = 104,
  HILO_ERROR_END_WITHOUT_CLOSE = 105,
  HILO_ERROR_INFLATE_TOO_BIG = 106,
  HILO_ERROR_INFLATE_RATIO = 107,
  HILO_ERROR_INFLATE_BLOCKS = 108,
  HILO_ERROR_INFLATE_DATA = 109,
  HILO_ERROR_INFLATE_CUT = 110
};

// A sentence about a HILO_ERROR_* of this header, for a person; ends with a zero byte, lives for
// ever. For other numbers it is empty.
const char* hilo_rule_text(int error) HILO_NOEXCEPT;
// What the peer is told: a status of HTTP below 1000, a close code from 1000 on, or 0: nothing.
int hilo_rule_answer(int error) HILO_NOEXCEPT;

// ---- permessage-deflate (RFC 7692, ws/core/deflate_options.h) -----------------------------------

// What one side is ready to do. For handshakes null means that it is not spoken of.
typedef struct hilo_deflate_options {
  size_t size;
  int enabled;
  int level;  // 1 is fastest, 9 smallest
  int memory_level;
  int server_context_takeover;  // 1: compresses better, and costs memory for each connection
  int client_context_takeover;
  int server_max_window_bits;
  int client_max_window_bits;
  int reserved;
  uint64_t threshold_bytes;  // shorter messages go out as they are
} hilo_deflate_options;

void hilo_deflate_options_init(hilo_deflate_options* options, size_t size) HILO_NOEXCEPT;

// ---- the opening handshake (RFC 6455 §4) --------------------------------------------------------

// One handshake, of a server or of a client. Everything it hands out stays valid until it is freed
// or read again, and while the bytes given to hilo_handshake_read() stay where they are.
typedef struct hilo_handshake hilo_handshake;

int hilo_handshake_new(int role, hilo_handshake** handshake) HILO_NOEXCEPT;
void hilo_handshake_free(hilo_handshake* handshake) HILO_NOEXCEPT;

// Reads the peer's head: of a request as a server, of the answer as a client. `data` is everything
// that came so far, and begins with the same bytes each time. `*head_bytes` is 0 while more is
// needed; then the head's size: what stands behind it belongs to the session. An error is final:
// send what hilo_handshake_refuse() makes of it, as a server, and close.
int hilo_handshake_read(hilo_handshake* handshake, const uint8_t* data, size_t size,
                        size_t* head_bytes) HILO_NOEXCEPT;

// The fields of the head that was read. The value of the first with that name, in any case: 1, or 0
// if there is none.
int hilo_handshake_field(const hilo_handshake* handshake, hilo_text name,
                         hilo_text* value) HILO_NOEXCEPT;
size_t hilo_handshake_field_count(const hilo_handshake* handshake) HILO_NOEXCEPT;
// -EINVAL for an index that is not below the count.
int hilo_handshake_field_at(const hilo_handshake* handshake, size_t index,
                            hilo_field* field) HILO_NOEXCEPT;

// -- as a server --

// What was asked for. Nothing is decoded.
typedef struct hilo_request {
  hilo_text method;
  hilo_text target;  // as it came
  hilo_text path;
  hilo_text query;  // without the '?'
  hilo_text host;   // without port and brackets
  int port;         // of Host; 0: none
} hilo_request;

// Null before the head was read.
const hilo_request* hilo_handshake_request(const hilo_handshake* handshake) HILO_NOEXCEPT;
// Does it ask for a WebSocket, well or badly? Otherwise it is plain HTTP: hilo_handshake_respond().
int hilo_handshake_wants_websocket(const hilo_handshake* handshake) HILO_NOEXCEPT;

// Which web pages may connect (ws/core/origin_policy.h).
enum { HILO_ORIGIN_SAME_HOST = 0, HILO_ORIGIN_LISTED = 1, HILO_ORIGIN_ANY = 2 };

typedef struct hilo_accept_options {
  size_t size;
  int origin;                  // HILO_ORIGIN_SAME_HOST
  int missing_origin_refused;  // 1: programs that are no browsers may not connect
  int is_tls;                  // the connection came by TLS that ended here
  int subprotocol_required;
  const hilo_text* origins;  // for HILO_ORIGIN_LISTED
  size_t origin_count;
  const hilo_text* subprotocols;  // that you speak; the client's order decides
  size_t subprotocol_count;
  const hilo_field* fields;  // of your own, for example Set-Cookie
  size_t field_count;
  const hilo_deflate_options* deflate;  // accepted where a client offers it; null: not
} hilo_accept_options;

void hilo_accept_options_init(hilo_accept_options* options, size_t size) HILO_NOEXCEPT;

// Judges the request by every rule of §4.2 and writes the answer: the 101, and 0; or the refusal,
// and the error why: send it and close. -EINVAL before the head was read, -E2BIG for lists of more
// than 100, both without an answer.
int hilo_handshake_accept(hilo_handshake* handshake, const hilo_accept_options* options,
                          hilo_bytes* answer) HILO_NOEXCEPT;
// The subprotocol that was agreed on, by either role; empty: none.
hilo_text hilo_handshake_subprotocol(const hilo_handshake* handshake) HILO_NOEXCEPT;

// The answer to a broken rule, by its HILO_ERROR_*; empty where silence is the answer.
int hilo_handshake_refuse(hilo_handshake* handshake, int error, hilo_bytes* answer) HILO_NOEXCEPT;
// Any other answer, after which the connection is to be closed: status, content type and body.
int hilo_handshake_respond(hilo_handshake* handshake, int status, hilo_text content_type,
                           hilo_text body, hilo_bytes* answer) HILO_NOEXCEPT;

// -- as a client --

enum { HILO_SCHEME_WS = 0, HILO_SCHEME_WSS = 1, HILO_SCHEME_WS_UNIX = 2 };

// The parts of ws://, wss:// and ws+unix:// (ws/core/url.h), as views into the text.
typedef struct hilo_url {
  int scheme;
  int port;
  hilo_text host;       // without brackets; where to connect to
  hilo_text authority;  // for Host
  hilo_text userinfo;
  hilo_text socket_path;  // of ws+unix
  hilo_text path;
  hilo_text query;
} hilo_url;

int hilo_url_parse(hilo_text text, hilo_url* url, size_t url_size) HILO_NOEXCEPT;

typedef struct hilo_ask_options {
  size_t size;
  hilo_text url;                  // its path, query and Host are asked for
  hilo_text origin;               // empty: not sent
  const hilo_text* subprotocols;  // in order of preference, at most 32
  size_t subprotocol_count;
  const hilo_field* fields;  // of your own, for example Authorization
  size_t field_count;
  const hilo_deflate_options* deflate;  // offered; null: not
} hilo_ask_options;

void hilo_ask_options_init(hilo_ask_options* options, size_t size) HILO_NOEXCEPT;

#define HILO_NONCE_BYTES 16
// Writes the request. `nonce` is HILO_NONCE_BYTES of fresh randomness (§4.1).
int hilo_handshake_ask(hilo_handshake* handshake, const hilo_ask_options* options,
                       const uint8_t* nonce, hilo_bytes* request) HILO_NOEXCEPT;
// Once the answer was read: its status, and whether it is the one to what was asked.
int hilo_handshake_status(const hilo_handshake* handshake) HILO_NOEXCEPT;
int hilo_handshake_check(hilo_handshake* handshake) HILO_NOEXCEPT;

// ---- the session (RFC 6455 §5 to §7) ------------------------------------------------------------

// Memory that several sessions of one thread share, so that blocks are used again; outlives them.
typedef struct hilo_pool hilo_pool;
int hilo_pool_new(size_t cached_bytes_max, hilo_pool** pool) HILO_NOEXCEPT;
void hilo_pool_free(hilo_pool* pool) HILO_NOEXCEPT;

typedef struct hilo_session_options {
  size_t size;
  int role;
  uint32_t fragments_base;  // a message may have so many, and one more
  uint64_t message_bytes_max;
  uint64_t streamed_bytes_max;  // of a message that is received in chunks; 0: no limit
  uint32_t bytes_per_fragment;  // for every so many bytes
  uint32_t inflate_ratio_max;   // times its compressed size a message may have, 0: no limit, ...
  uint64_t inflate_ratio_free_bytes;  // ... beyond so many bytes
  hilo_pool* pool;                    // null: one of its own
} hilo_session_options;

// A server's, with the limits of ws/core/message.h.
void hilo_session_options_init(hilo_session_options* options, size_t size) HILO_NOEXCEPT;

typedef struct hilo_session hilo_session;
int hilo_session_new(const hilo_session_options* options, hilo_session** session) HILO_NOEXCEPT;
void hilo_session_free(hilo_session* session) HILO_NOEXCEPT;
// Once, before anything is read or sent: whole messages are compressed from now on, and compressed
// ones inflated, if the handshake has agreed on that. 1 if it has, else 0; -ENOMEM.
int hilo_session_compress(hilo_session* session, const hilo_handshake* handshake) HILO_NOEXCEPT;

enum {
  HILO_EVENT_MESSAGE = 1,  // opcode; data: the whole message
  HILO_EVENT_CHUNK = 2,    // a part of it, after hilo_session_receive_chunks()
  HILO_EVENT_PING = 3,     // data; the Pong is in hilo_session_replies()
  HILO_EVENT_PONG = 4,     // data
  HILO_EVENT_CLOSE = 5,    // the peer's Close: code, and the reason in data
  HILO_EVENT_FAILURE = 6   // error, and what the peer is told in code
};

typedef struct hilo_event {
  int kind;
  int opcode;
  int error;
  int code;
  uint8_t* data;  // in your input or in the session; may be changed
  size_t size;
  int is_first;  // of a chunk
  int is_last;
} hilo_event;

// To be sent in this order; either may be empty. A server's payload is the bytes that you passed.
typedef struct hilo_outgoing {
  hilo_bytes slices[2];
} hilo_outgoing;

// The next event in the `*size` bytes at `*data`, which are used from the front and changed; null
// once all of them were used.
const hilo_event* hilo_session_next(hilo_session* session, uint8_t** data,
                                    size_t* size) HILO_NOEXCEPT;
// The stream has ended: a failure unless both sides had said Close; else null.
const hilo_event* hilo_session_end_of_input(hilo_session* session) HILO_NOEXCEPT;
// Your own verdict on the peer, a deadline for example, by its HILO_ERROR_*; null for others.
const hilo_event* hilo_session_fail(hilo_session* session, int error) HILO_NOEXCEPT;

// While a large frame is on its way: room to read up to `hint` bytes of it into, which saves a
// copy; 0 if there is none. hilo_session_commit() has to follow at once, with how many were read.
size_t hilo_session_receive_space(hilo_session* session, size_t hint, uint8_t** data) HILO_NOEXCEPT;
const hilo_event* hilo_session_commit(hilo_session* session, size_t bytes) HILO_NOEXCEPT;
// From the next message on: each in parts, as they arrive, and none is held.
void hilo_session_receive_chunks(hilo_session* session, int on) HILO_NOEXCEPT;

// What follows makes bytes to send. `mask_key`: 4 bytes that nobody can foresee, fresh for each
// call, as a client; unused as a server. -ENOTCONN once closing has begun, -EINVAL for arguments
// that must not be on the wire.

// A message, or a part of one: after a call with `is_last` 0 the next ones continue it. Text must
// be UTF-8, which is not checked.
int hilo_session_send(hilo_session* session, int opcode, const void* data, size_t size, int is_last,
                      const uint8_t* mask_key, hilo_outgoing* out) HILO_NOEXCEPT;
// At most 125 bytes.
int hilo_session_ping(hilo_session* session, const void* data, size_t size, const uint8_t* mask_key,
                      hilo_outgoing* out) HILO_NOEXCEPT;
int hilo_session_close(hilo_session* session, int code, hilo_text reason, const uint8_t* mask_key,
                       hilo_outgoing* out) HILO_NOEXCEPT;
// What is owed after an event: a Pong, the answer to a Close, the Close that tells of a failure.
// Usually empty. Take it after every event, before the next.
int hilo_session_replies(hilo_session* session, const uint8_t* mask_key,
                         hilo_outgoing* out) HILO_NOEXCEPT;

// Messages may be sent: neither side has said Close.
int hilo_session_is_open(const hilo_session* session) HILO_NOEXCEPT;
// Nothing is left to say: send what is queued, then end the connection, the server first (§7.1.1).
int hilo_session_wants_transport_close(const hilo_session* session) HILO_NOEXCEPT;
// A frame, or a message in fragments, has begun and not ended.
int hilo_session_is_unfinished(const hilo_session* session) HILO_NOEXCEPT;

#ifdef __cplusplus
}
#endif
