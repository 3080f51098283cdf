// SPDX-License-Identifier: MIT
//
// What ships: every default of the options and limits, beside the number that was decided on. Who
// changes one changes it here, too, and in the pages that speak of it; who adds a limit adds a row.

#include <doctest/doctest.h>

#include <concepts>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "net/listener.h"
#include "net/stream.h"
#include "net/tls.h"
#include "net/transport_tls.h"
#include "tools/hilo/member_count.h"
#include "ws/admission.h"
#include "ws/client.h"
#include "ws/core/extension.h"
#include "ws/core/handshake.h"
#include "ws/core/origin.h"
#include "ws/core/proxy_protocol.h"
#include "ws/engineio/client.h"
#include "ws/engineio/sid.h"
#include "ws/limits.h"
#include "ws/redirect.h"
#include "ws/server.h"
#include "ws/socketio/manager.h"
#include "ws/socketio/options.h"

using namespace hilo;

namespace {

struct Default {
  std::string_view name;
  std::int64_t ships;
  std::int64_t decided;
};

// Of one type on both sides, so that milliseconds are not taken for seconds, nor bytes for either.
template <class T>
Default row(std::string_view name, T ships, std::type_identity_t<T> decided) {
  const auto number = [](T value) {
    if constexpr (std::same_as<T, net::Duration>) {
      return value.nanoseconds;
    } else {
      return static_cast<std::int64_t>(value);
    }
  };
  return {name, number(ships), number(decided)};
}
#define HILO_DEFAULT(of, member, decided) row(#of "." #member, (of).member, decided)

void check(std::span<const Default> rows) {
  for (const Default& each : rows) {
    CAPTURE(each.name);
    CHECK(each.ships == each.decided);
  }
}

constexpr net::Duration seconds(std::int64_t n) {
  return net::Duration::seconds(n);
}
constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

}  // namespace

TEST_CASE("every limit of a WebSocket server or client is what was decided on") {
  const ws::Limits limits;
  // clang-format off
  const std::vector<Default> rows = {
      HILO_DEFAULT(limits, tls_handshake_timeout, seconds(10)),
      HILO_DEFAULT(limits, connections_max, 0),  // nofile - 64
      HILO_DEFAULT(limits, connections_per_ip_max, 256),
      HILO_DEFAULT(limits, handshakes_per_second_max, 50),
      HILO_DEFAULT(limits, accepts_per_turn_max, 64),
      HILO_DEFAULT(limits, bytes_per_turn_max, 512 * kib),
      HILO_DEFAULT(limits, request_line_bytes_max, 8 * kib),
      HILO_DEFAULT(limits, field_line_bytes_max, 8 * kib),
      HILO_DEFAULT(limits, fields_bytes_max, 16 * kib),
      HILO_DEFAULT(limits, field_count_max, 100),
      HILO_DEFAULT(limits, head_timeout, seconds(10)),
      HILO_DEFAULT(limits, body_bytes_max, 1'000'000),
      HILO_DEFAULT(limits, body_timeout, seconds(30)),
      HILO_DEFAULT(limits, keep_alive_timeout, seconds(60)),
      HILO_DEFAULT(limits, upgrade_timeout, seconds(10)),
      HILO_DEFAULT(limits, requests_per_turn_max, 64),
      HILO_DEFAULT(limits, linger_bytes_max, 64 * kib),
      HILO_DEFAULT(limits, linger_timeout, seconds(5)),
      HILO_DEFAULT(limits, message_bytes_max, mib),
      HILO_DEFAULT(limits, streamed_bytes_max, 0),
      HILO_DEFAULT(limits, fragments_base, 1024),
      HILO_DEFAULT(limits, bytes_per_fragment, 64),
      HILO_DEFAULT(limits, inflate_ratio_max, 100),
      HILO_DEFAULT(limits, inflate_ratio_free_bytes, 64 * kib),
      HILO_DEFAULT(limits, deflate_memory_bytes_max, 256 * mib),
      HILO_DEFAULT(limits, message_timeout, seconds(60)),
      HILO_DEFAULT(limits, messages_per_turn_max, 256),
      HILO_DEFAULT(limits, control_frames_max, 1000),
      HILO_DEFAULT(limits, control_frames_window, seconds(10)),
      HILO_DEFAULT(limits, idle_timeout, seconds(120)),
      HILO_DEFAULT(limits, ping_interval, seconds(30)),
      HILO_DEFAULT(limits, pong_timeout, seconds(20)),
      HILO_DEFAULT(limits, close_timeout, seconds(5)),
      HILO_DEFAULT(limits, connection_lifetime_max, seconds(0)),
      HILO_DEFAULT(limits, tcp_user_timeout, seconds(30)),
      HILO_DEFAULT(limits, queue_bytes_max, 0),  // the larger of 1 MiB and a message and 64 KiB
      HILO_DEFAULT(limits, queue_bytes_pause, 64 * kib),
      HILO_DEFAULT(limits, queue_bytes_low, 0),
      HILO_DEFAULT(limits, stall_timeout, seconds(30)),
      HILO_DEFAULT(limits, overflow, ws::Overflow::close),
      HILO_DEFAULT(limits, memory_bytes_max, 1024 * mib),
      HILO_DEFAULT(limits, topics_per_connection_max, 128),
      HILO_DEFAULT(limits, topic_bytes_max, 256),
      HILO_DEFAULT(limits, publish_bytes_max, 16 * mib),
      HILO_DEFAULT(limits, connect_timeout, seconds(10)),
  };
  // clang-format on
  CHECK(rows.size() == tools::member_count<ws::Limits>());
  check(rows);
  CHECK(limits.queue_bytes_limit() == mib + 64 * kib);
  CHECK(ws::Limits{.message_bytes_max = 1000}.queue_bytes_limit() == mib);
  CHECK(ws::Limits{.queue_bytes_max = 1000}.queue_bytes_limit() == 1000);
}

TEST_CASE("compression is off, and without context takeover where it is on") {
  const ws::DeflateOptions deflate;
  const std::vector<Default> rows = {
      HILO_DEFAULT(deflate, enabled, false),
      HILO_DEFAULT(deflate, threshold_bytes, kib),
      HILO_DEFAULT(deflate, server_no_context_takeover, true),
      HILO_DEFAULT(deflate, client_no_context_takeover, true),
      HILO_DEFAULT(deflate, server_max_window_bits, 15),
      HILO_DEFAULT(deflate, client_max_window_bits, 15),
      HILO_DEFAULT(deflate, level, 6),
      HILO_DEFAULT(deflate, memory_level, 8),
  };
  CHECK(rows.size() == tools::member_count<ws::DeflateOptions>());
  check(rows);
}

TEST_CASE("the work of a turn, and how a listener rests, are what was decided on") {
  const net::Listener::Options listener;
  const std::vector<Default> rows = {
      row("Stream::bytes_per_turn_max", net::Stream::bytes_per_turn_max, 512 * kib),
      HILO_DEFAULT(listener, accepts_per_turn_max, 64),
      HILO_DEFAULT(listener, pause_min, net::Duration::milliseconds(10)),
      HILO_DEFAULT(listener, pause_max, seconds(1)),
  };
  check(rows);
}

TEST_CASE("bounds without a flag are what the page of limits says") {
  const std::vector<Default> rows = {
      row("method_bytes_max", ws::method_bytes_max, 32),
      row("field_count_limit", ws::field_count_limit, 100),
      row("origin_bytes_max", ws::origin_bytes_max, 1024),
      row("subprotocols_max", ws::subprotocols_max, 32),
      row("extension_offers_max", ws::extension_offers_max, 16),
      row("ResponseReader::interim_max", ws::ResponseReader::interim_max, 8),
      row("redirects_followed_max", ws::redirects_followed_max, 5),
      row("proxy_line_bytes_max", ws::proxy_line_bytes_max, 107),
      row("proxy_header_bytes_max", ws::proxy_header_bytes_max, 536),
      row("Admission::remembered_max", ws::Admission::remembered_max, 4096),
      row("TlsTransport::key_updates_max", net::tls::TlsTransport::key_updates_max, 32),
      row("Stream::reads_per_turn_max", net::Stream::reads_per_turn_max, 32),
  };
  check(rows);
  std::ifstream file("ws/LIMITS.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::size_t at = page.find("## Bounds without a flag");
  REQUIRE_MESSAGE(at != std::string::npos, "tests run in the folder of the Makefile");
  for (const Default& each : rows) {
    const std::string cells = "| `" + std::string(each.name) + "` | " + std::to_string(each.ships);
    CAPTURE(cells);
    CHECK(page.find(cells + " |", at) != std::string::npos);
  }
}

TEST_CASE("TLS asks who the other side is, and nothing weak is on") {
  const net::tls::ServerOptions server;
  const net::tls::ClientOptions client;
  const std::vector<Default> rows = {
      HILO_DEFAULT(server, self_signed, false),
      HILO_DEFAULT(server, client_certificate_required, true),
      HILO_DEFAULT(server, kernel_tls, false),
      HILO_DEFAULT(client, insecure, false),
      HILO_DEFAULT(client, kernel_tls, false),
      row("TlsTransport::key_update_window", net::tls::TlsTransport::key_update_window,
          seconds(60)),
  };
  check(rows);
  CHECK(server.keylog_file.empty());
  CHECK(client.keylog_file.empty());
}

TEST_CASE("a server listens to this machine, and to pages of its own host") {
  const ws::ServerOptions server;
  const ws::ListenOptions listen;
  const ws::DrainOptions drain;
  const std::vector<Default> rows = {
      HILO_DEFAULT(server, origin.allow, ws::OriginPolicy::Allow::same_host),
      HILO_DEFAULT(server, origin.missing_allowed, true),
      HILO_DEFAULT(server, subprotocol_required, false),
      HILO_DEFAULT(server, count_local, false),
      HILO_DEFAULT(server, deflate.enabled, false),
      HILO_DEFAULT(server, log_rejects_per_second_max, 20),
      HILO_DEFAULT(listen, proxy_protocol, false),
      HILO_DEFAULT(listen, reuse_port, false),
      HILO_DEFAULT(drain, window, seconds(30)),
      HILO_DEFAULT(drain, code, ws::CloseCode::going_away),
  };
  check(rows);
  CHECK(server.trusted_proxies.empty());
  CHECK(listen.host == "127.0.0.1");
}

TEST_CASE("a client follows nobody, and comes back only if it is told to") {
  const ws::ConnectOptions connect;
  const std::vector<Default> rows = {
      HILO_DEFAULT(connect, redirects_max, 0),
      HILO_DEFAULT(connect, reconnect.enabled, false),
      HILO_DEFAULT(connect, reconnect.backoff.base, seconds(1)),
      HILO_DEFAULT(connect, reconnect.backoff.cap, seconds(30)),
      HILO_DEFAULT(connect, reconnect.stable_after, seconds(10)),
      HILO_DEFAULT(connect, reconnect.failures_max, 0),
      HILO_DEFAULT(connect, deflate.enabled, false),
  };
  check(rows);
}

TEST_CASE("Engine.IO has the times of the reference, and limits where that has none") {
  const engineio::Options options;
  const engineio::ClientOptions client;
  const std::vector<Default> rows = {
      HILO_DEFAULT(options, ping_interval, seconds(25)),
      HILO_DEFAULT(options, ping_timeout, seconds(20)),
      HILO_DEFAULT(options, upgrade_timeout, seconds(10)),
      HILO_DEFAULT(options, allow_timeout, seconds(10)),
      HILO_DEFAULT(options, close_timeout, seconds(30)),
      HILO_DEFAULT(options, payload_bytes_max, 1'000'000),
      HILO_DEFAULT(options, packets_per_payload_max, 4096),
      HILO_DEFAULT(options, queue_bytes_max, 2 * mib),
      HILO_DEFAULT(options, websocket, true),
      HILO_DEFAULT(options, polling, true),
      HILO_DEFAULT(options, upgrades, true),
      HILO_DEFAULT(options, revision3, false),
      HILO_DEFAULT(options, jsonp, false),
      HILO_DEFAULT(options, double_utf8, false),
      HILO_DEFAULT(options, message_spacing, seconds(0)),
      HILO_DEFAULT(options, cors.origin.allow, ws::OriginPolicy::Allow::same_host),  // no header
      HILO_DEFAULT(options, cors.credentials, false),
      HILO_DEFAULT(options, polling_sessions_max, 0),  // as many as connections
      HILO_DEFAULT(options, polling_sessions_per_ip_max, 256),
      row("sid_random_bytes", engineio::sid_random_bytes, 160 / 8),
      HILO_DEFAULT(options, sid_misses_max, 10),
      HILO_DEFAULT(options, sid_misses_window, seconds(10)),
      HILO_DEFAULT(client, open_timeout, seconds(20)),
      HILO_DEFAULT(client, packets_per_post_max, 16),
      HILO_DEFAULT(client, upgrade_timeout, seconds(10)),
  };
  check(rows);
  CHECK(options.cookie.name.empty());
  CHECK(options.cookie.http_only);
  CHECK(options.cookie.same_site == engineio::SameSite::lax);
}

TEST_CASE("Socket.IO bounds what a packet and a client may have") {
  const socketio::Options options;
  const socketio::PacketLimits packet;
  const socketio::ReconnectionOptions reconnection;
  const std::vector<Default> rows = {
      HILO_DEFAULT(options, connect_timeout, seconds(20)),
      HILO_DEFAULT(options, attachment_timeout, seconds(10)),
      HILO_DEFAULT(options, namespaces_per_client_max, 32),
      HILO_DEFAULT(options, dynamic_namespaces_max, 10'000),
      HILO_DEFAULT(options, servers_timeout, seconds(5)),
      HILO_DEFAULT(options, acks_max, 1000),
      HILO_DEFAULT(options, recovery.enabled, false),
      HILO_DEFAULT(options, recovery.max_disconnection_duration, seconds(120)),
      HILO_DEFAULT(options, recovery.sessions_max, 10'000),
      HILO_DEFAULT(options, recovery.event_bytes_max, 16 * mib),
      row("id_max", socketio::id_max, 9'007'199'254'740'991),
      HILO_DEFAULT(reconnection, delay, seconds(1)),
      HILO_DEFAULT(reconnection, delay_max, seconds(30)),
      HILO_DEFAULT(reconnection, attempts_max, 0),
  };
  check(rows);
  CHECK(reconnection.randomization == 0.5);
  const std::vector<Default> of_a_packet = {
      HILO_DEFAULT(packet, attachments_max, 10),
      HILO_DEFAULT(packet, namespace_bytes_max, 256),
      HILO_DEFAULT(packet, event_bytes_max, 256),
      HILO_DEFAULT(packet, json_depth_max, 64),
      HILO_DEFAULT(packet, attachment_bytes_max, 1'000'000),
  };
  CHECK(of_a_packet.size() == tools::member_count<socketio::PacketLimits>());
  check(of_a_packet);
}
