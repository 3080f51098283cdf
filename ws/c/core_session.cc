// SPDX-License-Identifier: MIT

#include <cerrno>
#include <new>
#include <optional>
#include <utility>

#include "net/base/buffer.h"
#include "net/base/pool.h"
#include "ws/c/core_words.h"
#include "ws/core/deflate_contexts.h"
#include "ws/core/deflate_counters.h"
#include "ws/core/session.h"

using namespace hilo;
using namespace hilo::ws;

struct hilo_pool {
  explicit hilo_pool(std::size_t cached_bytes_max) noexcept : pool(cached_bytes_max) {}
  Pool pool;
};

struct hilo_session {
  // A session without a pool to share has little use for blocks that nobody holds.
  static constexpr std::size_t cached_bytes_max = std::size_t{64} << 10;

  hilo_session(const hilo_session_options& options, const MessageLimits& message_limits) noexcept
      : shared{message_limits, &pool(options)},
        session(static_cast<Role>(options.role), shared),
        frame(pool(options)) {}
  // Its own, if it is given none. Asked for while the members behind own_pool are made.
  Pool& pool(const hilo_session_options& options) noexcept {
    if (options.pool != nullptr) return options.pool->pool;
    return own_pool ? *own_pool : own_pool.emplace(cached_bytes_max);
  }

  std::optional<Pool> own_pool;
  Session::Shared shared;
  DeflateCounters deflate_counters;
  std::optional<DeflateContexts> deflate;  // outlives the session, which has a part of it
  Session session;
  // What the last call handed out.
  Outgoing outgoing;
  Buffer frame;  // a client's, or a compressed payload
  hilo_event event = {};
};

namespace hilo::ws::c {
namespace {

constexpr MessageLimits default_limits;

hilo_session_options session_defaults() noexcept {
  return {.size = sizeof(hilo_session_options),
          .role = HILO_ROLE_SERVER,
          .fragments_base = default_limits.fragments_base,
          .message_bytes_max = default_limits.message_bytes_max,
          .streamed_bytes_max = default_limits.streamed_bytes_max,
          .bytes_per_fragment = default_limits.bytes_per_fragment,
          .inflate_ratio_max = default_limits.inflate_ratio_max,
          .inflate_ratio_free_bytes = default_limits.inflate_ratio_free_bytes,
          .pool = nullptr};
}

const hilo_event* shown(hilo_session& self, const Event& event) noexcept {
  self.frame.release();
  if (!event) return nullptr;
  self.event = {.kind = static_cast<int>(event.kind),
                .opcode = static_cast<int>(event.opcode),
                .error = code_of(event.error),
                .code = static_cast<int>(event.code),
                .data = event.payload.data(),
                .size = event.payload.size(),
                .is_first = event.first,
                .is_last = event.final};
  return &self.event;
}

// One way to make bytes for both roles: a server's are `plain()`, a client's are appended to a
// Buffer by `masked()`. Who has nothing to say where something was asked for is not connected.
template <class Plain, class Masked>
int write(hilo_session& self, const std::uint8_t* mask_key, hilo_outgoing& out, Plain&& plain,
          Masked&& masked) noexcept {
  out = {};
  self.frame.release();
  if (self.session.role() == Role::server) {
    self.outgoing = plain();
    const auto [header, payload] = self.outgoing.slices();
    out = {{bytes_of(header), bytes_of(payload)}};
    return HILO_OK;
  }
  if (mask_key == nullptr) return -EINVAL;
  const MaskKey key{mask_key[0], mask_key[1], mask_key[2], mask_key[3]};
  if (const Status status = masked(key, self.frame); !status) return core_code_of(status.error());
  out.slices[0] = bytes_of(static_cast<const Buffer&>(self.frame).readable());
  return HILO_OK;
}

}  // namespace
}  // namespace hilo::ws::c

int hilo_pool_new(size_t cached_bytes_max, hilo_pool** pool) noexcept {
  *pool = new (std::nothrow) hilo_pool(cached_bytes_max);
  return *pool == nullptr ? -ENOMEM : HILO_OK;
}

void hilo_pool_free(hilo_pool* pool) noexcept {
  delete pool;
}

void hilo_session_options_init(hilo_session_options* options, size_t size) noexcept {
  c::write_defaults(options, size, c::session_defaults());
}

int hilo_session_new(const hilo_session_options* options, hilo_session** session) noexcept {
  *session = nullptr;
  hilo_session_options all = c::session_defaults();
  if (const int error = c::read_options(options, all); error != HILO_OK) return error;
  if (all.role != HILO_ROLE_SERVER && all.role != HILO_ROLE_CLIENT) return -EINVAL;
  MessageLimits limits;
  limits.message_bytes_max = static_cast<std::size_t>(all.message_bytes_max);
  limits.streamed_bytes_max = all.streamed_bytes_max;
  limits.fragments_base = all.fragments_base;
  limits.bytes_per_fragment = all.bytes_per_fragment;
  limits.inflate_ratio_max = all.inflate_ratio_max;
  limits.inflate_ratio_free_bytes = static_cast<std::size_t>(all.inflate_ratio_free_bytes);
  *session = new (std::nothrow) hilo_session(all, limits);
  return *session == nullptr ? -ENOMEM : HILO_OK;
}

void hilo_session_free(hilo_session* session) noexcept {
  delete session;
}

int hilo_session_compress(hilo_session* session, const hilo_handshake* handshake) noexcept {
  const c::DeflateAgreement* const agreement = c::agreement_of(*handshake);
  if (agreement == nullptr) return 0;
  session->deflate.emplace(agreement->options, DeflateMemory::unlimited, session->deflate_counters);
  CompressionPointer made = session->deflate->make(session->session.role(), agreement->parameters);
  if (made == nullptr) return -ENOMEM;
  session->session.compress_with(std::move(made));
  return 1;
}

const hilo_event* hilo_session_next(hilo_session* session, uint8_t** data, size_t* size) noexcept {
  MutableBytes input{*data, *size};
  const Event event = session->session.next(input);
  *data = input.data();
  *size = input.size();
  return c::shown(*session, event);
}

const hilo_event* hilo_session_end_of_input(hilo_session* session) noexcept {
  return c::shown(*session, session->session.end_of_input());
}

const hilo_event* hilo_session_fail(hilo_session* session, int error) noexcept {
  const Errc known = c::rule_of(error);
  return known == Errc::none ? nullptr : c::shown(*session, session->session.fail_with(known));
}

size_t hilo_session_receive_space(hilo_session* session, size_t hint, uint8_t** data) noexcept {
  const MutableBytes space = session->session.receive_space(hint);
  *data = space.data();
  return space.size();
}

const hilo_event* hilo_session_commit(hilo_session* session, size_t bytes) noexcept {
  return c::shown(*session, session->session.commit(bytes));
}

void hilo_session_receive_chunks(hilo_session* session, int on) noexcept {
  session->session.receive_chunks(on != 0);
}

int hilo_session_send(hilo_session* session, int opcode, const void* data, size_t size, int is_last,
                      const uint8_t* mask_key, hilo_outgoing* out) noexcept {
  *out = {};
  Session& self = session->session;
  if (!self.is_open()) return -ENOTCONN;
  if (opcode != HILO_OPCODE_TEXT && opcode != HILO_OPCODE_BINARY) return -EINVAL;
  const auto as = static_cast<Opcode>(opcode);
  const Bytes payload = c::view(data, size);
  if (is_last != 0 && !self.is_sending_fragments()) {  // else it is sent as it is
    return c::write(
        *session, mask_key, *out, [&] { return self.send_compressed(as, payload, session->frame); },
        [&](MaskKey key, Buffer& into) { return self.send_compressed(as, payload, key, into); });
  }
  return c::write(
      *session, mask_key, *out, [&] { return self.send(as, payload, is_last != 0); },
      [&](MaskKey key, Buffer& into) { return self.send(as, payload, key, into, is_last != 0); });
}

int hilo_session_ping(hilo_session* session, const void* data, size_t size, const uint8_t* mask_key,
                      hilo_outgoing* out) noexcept {
  *out = {};
  Session& self = session->session;
  if (!self.is_open()) return -ENOTCONN;
  if (size > control_payload_bytes_max) return -EINVAL;
  const Bytes payload = c::view(data, size);
  return c::write(
      *session, mask_key, *out, [&] { return self.ping(payload); },
      [&](MaskKey key, Buffer& into) { return self.ping(payload, key, into); });
}

int hilo_session_close(hilo_session* session, int code, hilo_text reason, const uint8_t* mask_key,
                       hilo_outgoing* out) noexcept {
  *out = {};
  Session& self = session->session;
  if (!self.is_open()) return -ENOTCONN;
  if (code < 0 || code > 0xFFFF) return -EINVAL;
  const auto as = static_cast<CloseCode>(code);
  if (!Session::check_close(as, c::view(reason))) return -EINVAL;
  return c::write(
      *session, mask_key, *out, [&] { return self.close(as, c::view(reason)); },
      [&](MaskKey key, Buffer& into) { return self.close(as, c::view(reason), key, into); });
}

int hilo_session_replies(hilo_session* session, const uint8_t* mask_key,
                         hilo_outgoing* out) noexcept {
  *out = {};
  Session& self = session->session;
  if (!self.has_replies()) return HILO_OK;
  return c::write(
      *session, mask_key, *out, [&] { return self.take_replies(); },
      [&](MaskKey key, Buffer& into) { return self.take_replies(key, into); });
}

int hilo_session_is_open(const hilo_session* session) noexcept {
  return session->session.is_open();
}

int hilo_session_wants_transport_close(const hilo_session* session) noexcept {
  return session->session.wants_transport_close();
}

int hilo_session_is_unfinished(const hilo_session* session) noexcept {
  return session->session.unfinished();
}
