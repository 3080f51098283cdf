// SPDX-License-Identifier: MIT

#include "ws/connection.h"
#include "ws/c/words.h"

using namespace hilo;
using namespace hilo::ws;

static_assert(HILO_SENT_ACCEPTED == static_cast<int>(Sent::accepted));
static_assert(HILO_SENT_DROPPED == static_cast<int>(Sent::dropped));
static_assert(HILO_SENT_REFUSED == static_cast<int>(Sent::refused));
static_assert(HILO_SENT_CLOSED == static_cast<int>(Sent::closed));

static_assert(HILO_CLOSED_BY_US == static_cast<int>(ClosedBy::us));
static_assert(HILO_CLOSED_BY_PEER == static_cast<int>(ClosedBy::peer));
static_assert(HILO_CLOSED_BY_NETWORK == static_cast<int>(ClosedBy::network));

int hilo_connection_send(hilo_connection* connection, int opcode, const void* data,
                         size_t size) noexcept {
  if (!c::is_message_opcode(opcode)) return -EINVAL;
  return c::guarded_code([&] {
    return static_cast<int>(
        c::connection_of(connection).send(static_cast<Opcode>(opcode), c::view(data, size)));
  });
}

int hilo_connection_send_fragment(hilo_connection* connection, int opcode, const void* data,
                                  size_t size, int is_last) noexcept {
  if (!c::is_message_opcode(opcode)) return -EINVAL;
  return c::guarded_code([&] {
    return static_cast<int>(
        c::connection_of(connection)
            .send_fragment(static_cast<Opcode>(opcode), c::view(data, size), is_last != 0));
  });
}

int hilo_connection_ping(hilo_connection* connection, const void* data, size_t size) noexcept {
  return c::guarded_code(
      [&] { return c::code_of(c::connection_of(connection).ping(c::view(data, size))); });
}

int hilo_connection_close(hilo_connection* connection, int code, hilo_text reason) noexcept {
  if (!c::is_close_code(code)) return -EINVAL;
  return c::guarded_code([&] {
    return c::code_of(
        c::connection_of(connection).close(static_cast<CloseCode>(code), c::view(reason)));
  });
}

void hilo_connection_abort(hilo_connection* connection) noexcept {
  c::connection_of(connection).abort();
}

void hilo_connection_pause(hilo_connection* connection) noexcept {
  c::connection_of(connection).pause();
}

void hilo_connection_resume(hilo_connection* connection) noexcept {
  c::connection_of(connection).resume();
}

int hilo_connection_subscribe(hilo_connection* connection, hilo_text topic) noexcept {
  return c::code_of(c::connection_of(connection).subscribe(c::view(topic)));
}

int hilo_connection_unsubscribe(hilo_connection* connection, hilo_text topic) noexcept {
  return c::connection_of(connection).unsubscribe(c::view(topic));
}

uint64_t hilo_connection_id(const hilo_connection* connection) noexcept {
  return c::connection_of(connection).id().value;
}

int hilo_connection_is_open(const hilo_connection* connection) noexcept {
  return c::connection_of(connection).is_open();
}

size_t hilo_connection_buffered_bytes(const hilo_connection* connection) noexcept {
  return c::connection_of(connection).buffered_bytes();
}

hilo_text hilo_connection_path(const hilo_connection* connection) noexcept {
  return c::text_of(c::connection_of(connection).path());
}

hilo_text hilo_connection_subprotocol(const hilo_connection* connection) noexcept {
  return c::text_of(c::connection_of(connection).subprotocol());
}

int hilo_connection_field(const hilo_connection* connection, hilo_text name,
                          hilo_text* value) noexcept {
  return c::answer(c::connection_of(connection).request().header(c::view(name)), value);
}

size_t hilo_connection_peer(const hilo_connection* connection, char* text,
                            size_t capacity) noexcept {
  if (capacity > 0) text[0] = '\0';
  std::size_t size = 0;
  static_cast<void>(c::guarded_code([&] {
    const std::string peer = c::connection_of(connection).peer().to_string();
    size = peer.size();
    if (capacity > 0) text[peer.copy(text, capacity - 1)] = '\0';
    return HILO_OK;
  }));
  return size;
}

int hilo_connection_set_data(hilo_connection* connection, void* data) noexcept {
  return c::guarded_code([&] {
    c::connection_of(connection).emplace_data<void*>(data);
    return HILO_OK;
  });
}

void* hilo_connection_data(hilo_connection* connection) noexcept {
  void** const data = c::connection_of(connection).data<void*>();
  return data == nullptr ? nullptr : *data;
}
