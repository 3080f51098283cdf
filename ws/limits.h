// SPDX-License-Identifier: MIT
//
// Limits: every bound on what a peer may cost us, in one struct, with the unit in the name.
//
// The values here are what ships. `hilo serve` has a flag for each, by the same name
// (message_bytes_max: --message-bytes-max). A Duration of zero switches that time-out off. What an
// open connection may take for anything but its whole life is 45 days, where more is said.

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "net/duration.h"
#include "ws/core/head_limits.h"
#include "ws/core/message_limits.h"

namespace hilo::ws {

// What happens to a message that does not fit into a connection's queue.
enum class Overflow : std::uint8_t {
  close,   // the connection is reset: a peer that does not read is not worth the memory
  drop,    // the message is lost and on_dropped is told
  refuse,  // send() says so, nothing is lost that was accepted
};

struct Limits {
  // From accept to the end of the TLS handshake, where there is one. The head's deadline counts
  // from then on.
  net::Duration tls_handshake_timeout = net::Duration::seconds(10);

  // Connections in all; 0: as many as there are descriptors, less 64 or half of them. And from one
  // address (see admission.h): open at a time, and new ones per second. 0: no limit.
  std::size_t connections_max = 0;
  std::uint32_t connections_per_ip_max = 256;
  std::uint32_t handshakes_per_second_max = 50;

  // Work of one turn before others have theirs: connections accepted by one listener, and bytes
  // received from one peer, counted after each receive. That brings as much as the loop's receive
  // buffer holds (net::Loop::Options), so that a smaller number means one receive.
  std::uint32_t accepts_per_turn_max = 64;
  std::size_t bytes_per_turn_max = std::size_t{512} << 10;

  // The request head (RFC 9112 §3, §5). The deadline counts from the first byte, or from accept.
  std::uint16_t request_line_bytes_max = 8192;
  std::uint16_t field_line_bytes_max = 8192;
  std::uint16_t fields_bytes_max = 16384;
  std::uint16_t field_count_max = 100;
  net::Duration head_timeout = net::Duration::seconds(10);
  // The body of a plain HTTP request, and how long it may take to come. A route may have a limit of
  // its own (http::RouteOptions).
  std::size_t body_bytes_max = 1'000'000;
  net::Duration body_timeout = net::Duration::seconds(30);
  // A kept-alive HTTP connection between two requests.
  net::Duration keep_alive_timeout = net::Duration::seconds(60);
  // The application's answer to a handshake that it decides about later
  // (Service::on_upgrade_later).
  net::Duration upgrade_timeout = net::Duration::seconds(10);
  // HTTP requests served in one turn before others have theirs. 0: no limit.
  std::uint32_t requests_per_turn_max = 64;
  // After a refusal: how much, and for how long, we still read so that the answer arrives.
  std::size_t linger_bytes_max = std::size_t{64} << 10;
  net::Duration linger_timeout = net::Duration::seconds(5);

  // Messages.
  std::size_t message_bytes_max = std::size_t{1} << 20;
  // One that is received in chunks (on_chunk), which holds none of it; 0: no limit.
  std::size_t streamed_bytes_max = 0;
  std::uint32_t fragments_base = 1024;
  std::uint32_t bytes_per_fragment = 64;
  std::uint32_t inflate_ratio_max = 100;
  std::size_t inflate_ratio_free_bytes = std::size_t{64} << 10;
  // All compression contexts of a server or client together. A server agrees on context takeover
  // only while this has room for it. Without memory messages go out uncompressed, and a compressed
  // one that comes costs its connection (1011).
  std::size_t deflate_memory_bytes_max = std::size_t{256} << 20;
  net::Duration message_timeout = net::Duration::seconds(60);
  // Messages handled in one turn before others have theirs. 0: no limit.
  std::uint32_t messages_per_turn_max = 256;
  std::uint32_t control_frames_max = 1000;                           // 65,534 at most
  net::Duration control_frames_window = net::Duration::seconds(10);  // from 1 ms to 49 days

  // The time a connection may be silent, and how we find out whether it still lives. Not counted
  // while it takes what we have sent, slowly: stall_timeout watches it then.
  net::Duration idle_timeout = net::Duration::seconds(120);
  net::Duration ping_interval = net::Duration::seconds(30);
  net::Duration pong_timeout = net::Duration::seconds(20);
  net::Duration close_timeout = net::Duration::seconds(5);
  // However lively: after so long a connection is closed with 1001, which asks the peer to come
  // again (1000 would tell it that all is done). 0: it may live for ever.
  net::Duration connection_lifetime_max = net::Duration::seconds(0);
  // What the kernel may hold without an acknowledgement (TCP_USER_TIMEOUT), for peers that vanish
  // while it has something to deliver. 0: the kernel's own, which is many minutes. Linux only.
  net::Duration tcp_user_timeout = net::Duration::seconds(30);

  // What waits to be sent, counted as it was written: frames, compressed where they are. (TLS makes
  // records of them only as they leave; one that has left in part counts as a whole.) A message is
  // let in by its plain size all the same, even if little of it would be left: what a context that
  // is taken over has compressed it cannot forget, so there is no finding out first.
  // One that is larger than all of it never fits, not even where nothing waits.
  // 0 stands for the larger of 1 MiB and message_bytes_max + 64 KiB.
  std::size_t queue_bytes_max = 0;
  // With more than this waiting a server stops reading from the same peer. A client reads on, or
  // each of the two could wait for the other to read.
  std::size_t queue_bytes_pause = std::size_t{64} << 10;
  // on_drained is called when no more than this waits.
  std::size_t queue_bytes_low = 0;
  net::Duration stall_timeout = net::Duration::seconds(30);
  Overflow overflow = Overflow::close;

  // What one loop holds for all who are connected: unfinished messages, output that waits, request
  // bodies, what coroutines have not received and sessions of Engine.IO have not fetched. Above it
  // those who hold most are ended (1013, 503) until an eighth of it is free again.
  // 0: no limit.
  std::size_t memory_bytes_max = std::size_t{1} << 30;

  // Topics (hub.h): how many a connection may be subscribed to, how long a name may be, and how
  // much of what one hub was given to publish may be on its way to loops.
  std::uint32_t topics_per_connection_max = 128;
  std::size_t topic_bytes_max = 256;
  std::size_t publish_bytes_max = std::size_t{16} << 20;

  // A client's opening handshake, from the look-up of the name to the 101.
  net::Duration connect_timeout = net::Duration::seconds(10);

  std::size_t queue_bytes_limit() const noexcept {
    constexpr std::size_t least = std::size_t{1} << 20;
    constexpr std::size_t more = std::size_t{64} << 10;
    const bool fits = message_bytes_max <= std::numeric_limits<std::size_t>::max() - more;
    const std::size_t room = fits ? message_bytes_max + more : message_bytes_max;
    return queue_bytes_max != 0 ? queue_bytes_max : (room > least ? room : least);
  }
  MessageLimits message() const noexcept {
    return {.message_bytes_max = message_bytes_max,
            .streamed_bytes_max = streamed_bytes_max,
            .fragments_base = fragments_base,
            .bytes_per_fragment = bytes_per_fragment,
            .inflate_ratio_max = inflate_ratio_max,
            .inflate_ratio_free_bytes = inflate_ratio_free_bytes};
  }
  HeadLimits head() const noexcept {
    return {request_line_bytes_max, field_line_bytes_max, fields_bytes_max, field_count_max};
  }
};

// When a time-out that began at `since` is over; `never` for a Duration of zero.
inline constexpr net::Time never{std::numeric_limits<std::int64_t>::max()};
constexpr net::Time due(net::Time since, net::Duration patience) noexcept {
  return patience.nanoseconds == 0 ? never : since + patience;
}

}  // namespace hilo::ws
