// SPDX-License-Identifier: MIT

#include "tools/hilo/limits_flags.h"

#include <array>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <variant>

#include "tools/hilo/flags.h"
#include "tools/hilo/member_count.h"
#include "tools/hilo/values.h"

namespace hilo::tools {
namespace {

using Member = std::variant<std::uint16_t ws::Limits::*, std::uint32_t ws::Limits::*,
                            std::size_t ws::Limits::*, net::Duration ws::Limits::*,
                            ws::Overflow ws::Limits::*>;

struct Row {
  std::string_view name;  // as in the struct
  Member member;
  std::string_view group;
  std::string_view text;
  std::uint64_t least = 0;
};

constexpr std::string_view connections = "Limits: connections";
constexpr std::string_view http = "Limits: requests";
constexpr std::string_view messages = "Limits: messages";
constexpr std::string_view silence =
    "Limits: silence and the end (0 switches a time-out off; 45 days at most)";
constexpr std::string_view queue = "Limits: what waits to be sent";

// The name comes from the member itself, so the two cannot differ.
#define HILO_LIMIT(name) #name, &ws::Limits::name
// clang-format off
constexpr auto rows = std::to_array<Row>({
    {HILO_LIMIT(connections_max), connections,
     "connections in all; 0: as many as there are descriptors, less 64 or half of them"},
    {HILO_LIMIT(connections_per_ip_max), connections,
     "open connections of one address (IPv6: of a /64), but this machine's own; 0: no limit"},
    {HILO_LIMIT(handshakes_per_second_max), connections,
     "new connections of one address in a second; 0: no limit"},
    {HILO_LIMIT(accepts_per_turn_max), connections, "connections accepted before others have their turn", 1},
    {HILO_LIMIT(bytes_per_turn_max), connections,
     "bytes received from one peer before others have their turn; one receive may bring 512KiB", 1},
    {HILO_LIMIT(request_line_bytes_max), http, "the first line of a request or of its answer"},
    {HILO_LIMIT(field_line_bytes_max), http, "one header line"},
    {HILO_LIMIT(fields_bytes_max), http, "all header lines of a request together"},
    {HILO_LIMIT(field_count_max), http, "number of header lines; above 100 means 100"},
    {HILO_LIMIT(tls_handshake_timeout), http, "time for a TLS handshake; 0: none"},
    {HILO_LIMIT(head_timeout), http, "time for a whole request head to arrive; 0: none"},
    {HILO_LIMIT(body_bytes_max), http, "bytes of a request body"},
    {HILO_LIMIT(body_timeout), http, "time for a whole request body to arrive; 0: none"},
    {HILO_LIMIT(keep_alive_timeout), http, "time between two requests of a connection; 0: none"},
    {HILO_LIMIT(upgrade_timeout), http,
     "time for an application that decides later whether to upgrade; 0: none"},
    {HILO_LIMIT(requests_per_turn_max), http, "requests served before others have their turn", 1},
    {HILO_LIMIT(linger_bytes_max), http, "bytes still read after a refusal"},
    {HILO_LIMIT(linger_timeout), http, "time they are read for"},
    {HILO_LIMIT(connect_timeout), http,
     "time for a client's look-up, TCP and handshake; servers have no use for it"},
    {HILO_LIMIT(message_bytes_max), messages, "one message, all its fragments together"},
    {HILO_LIMIT(streamed_bytes_max), messages, "one message that is received in chunks; 0: no limit"},
    {HILO_LIMIT(fragments_base), messages, "fragments that any message may have"},
    {HILO_LIMIT(bytes_per_fragment), messages, "one more fragment for every so many bytes", 1},
    {HILO_LIMIT(inflate_ratio_max), messages,
     "a compressed message may inflate to so many times its size; 0: no such limit"},
    {HILO_LIMIT(inflate_ratio_free_bytes), messages, "and to this in any case"},
    {HILO_LIMIT(deflate_memory_bytes_max), messages, "memory of all compression contexts of a loop"},
    {HILO_LIMIT(message_timeout), messages, "time from a message's first byte to its last; 0: none"},
    {HILO_LIMIT(messages_per_turn_max), messages, "messages handled before others have their turn", 1},
    {HILO_LIMIT(control_frames_max), messages, "pings and pongs within --control-frames-window; above 65534 means 65534"},
    {HILO_LIMIT(control_frames_window), messages, "the time in which they are counted"},
    {HILO_LIMIT(idle_timeout), silence, "without a byte from the peer the connection is closed"},
    {HILO_LIMIT(ping_interval), silence, "after so much silence the peer is pinged"},
    {HILO_LIMIT(pong_timeout), silence, "time for its answer"},
    {HILO_LIMIT(close_timeout), silence, "time for the peer's answer to our Close"},
    {HILO_LIMIT(connection_lifetime_max), silence, "after so long, however long, a connection is closed with 1001"},
    {HILO_LIMIT(tcp_user_timeout), silence,
     "time in which the peer's system must acknowledge what was sent (Linux)"},
    {HILO_LIMIT(queue_bytes_max), queue,
     "for one connection; 0: the larger of 1MiB and --message-bytes-max + 64KiB"},
    {HILO_LIMIT(queue_bytes_pause), queue, "with more than this the same peer is not read from"},
    {HILO_LIMIT(queue_bytes_low), queue, "with no more than this an application goes on sending"},
    {HILO_LIMIT(stall_timeout), queue, "time in which the peer must take something; 0: none"},
    {HILO_LIMIT(overflow), queue,
     "when the queue is full: close the connection, drop the message, or refuse it"},
    {HILO_LIMIT(memory_bytes_max), queue,
     "what one loop holds for all its connections; above it those who hold most are ended; 0: no "
     "limit"},
    {HILO_LIMIT(topics_per_connection_max), queue, "topics that one connection may subscribe to"},
    {HILO_LIMIT(topic_bytes_max), queue, "the name of a topic"},
    {HILO_LIMIT(publish_bytes_max), queue, "publications on their way to other threads"},
});
// clang-format on
#undef HILO_LIMIT

constexpr bool all_different() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (rows[i].name == rows[j].name) return false;
    }
  }
  return true;
}
static_assert(rows.size() == member_count<ws::Limits>() && all_different(),
              "every member of ws::Limits has one row, and so one flag");

std::string flag_name(std::string_view member) {
  std::string name = "--";
  for (const char c : member) name.push_back(c == '_' ? '-' : c);
  return name;
}

std::string_view to_string(ws::Overflow overflow) {
  switch (overflow) {
    case ws::Overflow::close: return "close";
    case ws::Overflow::drop: return "drop";
    case ws::Overflow::refuse: return "refuse";
  }
  return "";
}

Flag make_flag(FlagText text, const Row&, net::Duration& into) {
  text.value = "TIME";
  Flag flag = duration_flag(std::move(text), into);
  flag.preset = format_duration(into);
  return flag;
}

Flag make_flag(FlagText text, const Row&, ws::Overflow& into) {
  text.value = "close|drop|refuse";
  std::string unused;
  Flag flag = text_flag(std::move(text), unused);
  flag.preset = to_string(into);
  flag.take = [&into](std::string_view value) -> Complaint {
    for (const auto overflow : {ws::Overflow::close, ws::Overflow::drop, ws::Overflow::refuse}) {
      if (value != to_string(overflow)) continue;
      into = overflow;
      return {};
    }
    return "is none of close, drop, refuse";
  };
  return flag;
}

template <class Number>
Flag make_flag(FlagText text, const Row& row, Number& into) {
  const bool bytes = row.name.find("bytes") != std::string_view::npos;
  text.value = bytes ? "SIZE" : "N";
  Flag flag = number_flag(std::move(text), {row.least, std::numeric_limits<Number>::max()}, into);
  flag.preset = bytes ? format_size(into) : std::to_string(into);
  return flag;
}

}  // namespace

std::vector<FlagGroup> limits_flags(ws::Limits& limits) {
  std::vector<FlagGroup> groups;
  for (const Row& row : rows) {
    if (groups.empty() || groups.back().title != row.group) {
      groups.push_back({.title = std::string(row.group), .flags = {}});
    }
    FlagText text{
        .name = flag_name(row.name), .value = {}, .text = std::string(row.text), .short_name = {}};
    groups.back().flags.push_back(std::visit(
        [&](auto member) { return make_flag(std::move(text), row, limits.*member); }, row.member));
  }
  return groups;
}

}  // namespace hilo::tools
