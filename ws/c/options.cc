// SPDX-License-Identifier: MIT

#include <concepts>
#include <limits>

#include "ws/c/words.h"
#include "ws/sending.h"

using namespace hilo;
using namespace hilo::ws;

namespace hilo::ws::c {
namespace {

// A new limit wants a field at the end of hilo_limits, a line in for_each_limit(), and this number.
static_assert(sizeof(void*) != 8 || sizeof(Limits) == 312);

static_assert(HILO_OVERFLOW_CLOSE == static_cast<int>(Overflow::close));
static_assert(HILO_OVERFLOW_DROP == static_cast<int>(Overflow::drop));
static_assert(HILO_OVERFLOW_REFUSE == static_cast<int>(Overflow::refuse));
static_assert(HILO_LOG_DEBUG == static_cast<int>(LogLevel::debug));
static_assert(HILO_LOG_INFO == static_cast<int>(LogLevel::info));
static_assert(HILO_LOG_WARNING == static_cast<int>(LogLevel::warning));
static_assert(HILO_LOG_ERROR == static_cast<int>(LogLevel::error));

// What a compiled program of this HILO_ABI_VERSION has; they grow at their end alone.
static_assert(sizeof(void*) != 8 || sizeof(hilo_limits) == 304);
static_assert(sizeof(void*) != 8 || sizeof(hilo_loop_options) == 32);
static_assert(sizeof(void*) != 8 || sizeof(hilo_server_options) == 88);
static_assert(sizeof(void*) != 8 || sizeof(hilo_listen_options) == 112);
static_assert(sizeof(void*) != 8 || sizeof(hilo_client_options) == 32);
static_assert(sizeof(void*) != 8 || sizeof(hilo_connect_options) == 232);
static_assert(sizeof(void*) != 8 || sizeof(hilo_handlers) == 96);
static_assert(sizeof(void*) != 8 || sizeof(hilo_close_info) == 32);

// Each limit beside its field; times have a unit in the name of the field.
template <class Visit>
void for_each_limit(Limits& a, hilo_limits& b, Visit visit) noexcept {
  visit(a.tls_handshake_timeout, b.tls_handshake_timeout_ms);
  visit(a.connections_max, b.connections_max);
  visit(a.connections_per_ip_max, b.connections_per_ip_max);
  visit(a.handshakes_per_second_max, b.handshakes_per_second_max);
  visit(a.accepts_per_turn_max, b.accepts_per_turn_max);
  visit(a.bytes_per_turn_max, b.bytes_per_turn_max);
  visit(a.request_line_bytes_max, b.request_line_bytes_max);
  visit(a.field_line_bytes_max, b.field_line_bytes_max);
  visit(a.fields_bytes_max, b.fields_bytes_max);
  visit(a.field_count_max, b.field_count_max);
  visit(a.head_timeout, b.head_timeout_ms);
  visit(a.body_bytes_max, b.body_bytes_max);
  visit(a.body_timeout, b.body_timeout_ms);
  visit(a.keep_alive_timeout, b.keep_alive_timeout_ms);
  visit(a.upgrade_timeout, b.upgrade_timeout_ms);
  visit(a.requests_per_turn_max, b.requests_per_turn_max);
  visit(a.linger_bytes_max, b.linger_bytes_max);
  visit(a.linger_timeout, b.linger_timeout_ms);
  visit(a.message_bytes_max, b.message_bytes_max);
  visit(a.streamed_bytes_max, b.streamed_bytes_max);
  visit(a.fragments_base, b.fragments_base);
  visit(a.bytes_per_fragment, b.bytes_per_fragment);
  visit(a.inflate_ratio_max, b.inflate_ratio_max);
  visit(a.inflate_ratio_free_bytes, b.inflate_ratio_free_bytes);
  visit(a.deflate_memory_bytes_max, b.deflate_memory_bytes_max);
  visit(a.message_timeout, b.message_timeout_ms);
  visit(a.messages_per_turn_max, b.messages_per_turn_max);
  visit(a.control_frames_max, b.control_frames_max);
  visit(a.control_frames_window, b.control_frames_window_ms);
  visit(a.idle_timeout, b.idle_timeout_ms);
  visit(a.ping_interval, b.ping_interval_ms);
  visit(a.pong_timeout, b.pong_timeout_ms);
  visit(a.close_timeout, b.close_timeout_ms);
  visit(a.connection_lifetime_max, b.connection_lifetime_max_ms);
  visit(a.tcp_user_timeout, b.tcp_user_timeout_ms);
  visit(a.queue_bytes_max, b.queue_bytes_max);
  visit(a.queue_bytes_pause, b.queue_bytes_pause);
  visit(a.queue_bytes_low, b.queue_bytes_low);
  visit(a.stall_timeout, b.stall_timeout_ms);
  visit(a.memory_bytes_max, b.memory_bytes_max);
  visit(a.topics_per_connection_max, b.topics_per_connection_max);
  visit(a.topic_bytes_max, b.topic_bytes_max);
  visit(a.publish_bytes_max, b.publish_bytes_max);
  visit(a.connect_timeout, b.connect_timeout_ms);
}

struct ToC {
  void operator()(const net::Duration& from, std::int64_t& to) noexcept {
    to = from.to_milliseconds();
  }
  template <std::unsigned_integral From, std::unsigned_integral To>
  void operator()(const From& from, To& to) noexcept {
    static_assert(sizeof(To) >= sizeof(From));
    to = from;
  }
};

struct FromC {
  bool* is_good;
  void operator()(net::Duration& to, const std::int64_t& from) noexcept {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 1'000'000;
    if (from < 0 || from > most) *is_good = false;
    to = net::Duration::milliseconds(*is_good ? from : 0);
  }
  template <std::unsigned_integral To, std::unsigned_integral From>
  void operator()(To& to, const From& from) noexcept {
    if (from > std::numeric_limits<To>::max()) *is_good = false;
    to = static_cast<To>(from);
  }
};

hilo_limits limit_defaults() noexcept {
  Limits defaults;
  hilo_limits limits = {};
  limits.size = sizeof limits;
  limits.overflow = static_cast<int>(defaults.overflow);
  for_each_limit(defaults, limits, ToC{});
  return limits;
}

}  // namespace

int read_limits(const hilo_limits* given, Limits& limits) noexcept {
  hilo_limits all = limit_defaults();
  if (const int error = read_options(given, all); error != HILO_OK) return error;
  if (all.overflow < HILO_OVERFLOW_CLOSE || all.overflow > HILO_OVERFLOW_REFUSE) return -EINVAL;
  bool is_good = true;
  for_each_limit(limits, all, FromC{&is_good});
  limits.overflow = static_cast<Overflow>(all.overflow);
  return is_good ? HILO_OK : -EINVAL;
}

LogSink log_sink(hilo_log log, void* user) {
  if (log == nullptr) return {};
  return [log, user](LogLevel level, std::string_view line) {
    log(user, static_cast<int>(level), line.data(), line.size());
  };
}

}  // namespace hilo::ws::c

void hilo_limits_init(hilo_limits* limits, size_t size) noexcept {
  c::write_defaults(limits, size, c::limit_defaults());
}
