// SPDX-License-Identifier: MIT

#include "tools/hilo/socketio_limits_flags.h"

#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "tools/hilo/flags.h"
#include "tools/hilo/values.h"

namespace hilo::tools {
namespace {

// "--eio-" and the member's name.
FlagText flag_text(std::string_view prefix, std::string_view member, std::string_view text) {
  std::string name(prefix);
  for (const char c : member) name.push_back(c == '_' ? '-' : c);
  return {.name = std::move(name), .value = {}, .text = std::string(text), .short_name = {}};
}

Flag make_flag(FlagText text, net::Duration& into) {
  text.value = "TIME";
  Flag flag = duration_flag(std::move(text), into);
  flag.preset = format_duration(into);
  return flag;
}

template <class Number>
Flag make_flag(FlagText text, Number& into) {
  const bool bytes = text.name.find("bytes") != std::string::npos;
  text.value = bytes ? "SIZE" : "N";
  Flag flag = number_flag(std::move(text), {0, std::numeric_limits<Number>::max()}, into);
  flag.preset = bytes ? format_size(into) : std::to_string(into);
  return flag;
}

// The heartbeat's times have to be there.
Flag make_beat(FlagText text, net::Duration& into) {
  Flag flag = make_flag(std::move(text), into);
  flag.take = [&into](std::string_view value) -> Complaint {
    net::Duration time;
    if (Complaint complaint = take_duration(value, time)) return complaint;
    if (time < net::Duration::milliseconds(1)) return "is below 1ms";
    into = time;
    return {};
  };
  return flag;
}

// The name comes from the member itself, so the two cannot differ.
#define HILO_EIO(member, text) make_flag(flag_text("--eio-", #member, text), options.member)
#define HILO_BEAT(member, text) make_beat(flag_text("--eio-", #member, text), options.member)
#define HILO_SIO(of, member, text) make_flag(flag_text("--sio-", #member, text), (of).member)

// clang-format off
FlagGroup engineio_group(engineio::Options& options) {
  return {
      .title = "Limits: Engine.IO",
      .flags = {
          HILO_BEAT(ping_interval, "a client is pinged every so often (EIO=3: it pings)"),
          HILO_BEAT(ping_timeout, "time for its pong"),
          HILO_EIO(upgrade_timeout, "time from an upgrade's WebSocket to its last word; 0: none"),
          HILO_EIO(close_timeout, "time for a client that polls to fetch what is left; 0: none"),
          HILO_EIO(payload_bytes_max, "one request body, or one packet: maxPayload"),
          HILO_EIO(packets_per_payload_max, "packets in one request body"),
          HILO_EIO(queue_bytes_max, "what waits for a client that polls"),
          HILO_EIO(polling_sessions_max, "sessions that poll; 0: as many as connections"),
          HILO_EIO(polling_sessions_per_ip_max, "of one address; 0: no limit"),
          HILO_EIO(sid_misses_max, "requests of one address for sessions that are not there"),
          HILO_EIO(sid_misses_window, "the time in which they are counted"),
      }};
}

FlagGroup socketio_group(socketio::Options& options) {
  return {
      .title = "Limits: Socket.IO",
      .flags = {
          HILO_SIO(options, connect_timeout, "time for the first namespace; 0: none"),
          HILO_SIO(options, attachment_timeout, "time for a packet's attachments; 0: none"),
          HILO_SIO(options.packet, attachments_max, "attachments of one packet"),
          HILO_SIO(options.packet, attachment_bytes_max, "the same, their bytes together"),
          HILO_SIO(options.packet, namespace_bytes_max, "the name of a namespace"),
          HILO_SIO(options.packet, event_bytes_max, "the name of an event"),
          HILO_SIO(options.packet, json_depth_max, "arrays and objects in each other"),
          HILO_SIO(options, namespaces_per_client_max, "namespaces of one connection"),
          HILO_SIO(options, dynamic_namespaces_max, "namespaces that clients have made"),
          HILO_SIO(options, acks_max, "answers that may be waited for, of one socket"),
      }};
}
// clang-format on
#undef HILO_EIO
#undef HILO_BEAT
#undef HILO_SIO

}  // namespace

std::vector<FlagGroup> socketio_limits_flags(socketio::Options& options) {
  std::vector<FlagGroup> groups;
  groups.push_back(engineio_group(options.engine));
  groups.push_back(socketio_group(options));
  return groups;
}

}  // namespace hilo::tools
