// SPDX-License-Identifier: MIT
//
// Tally: what one thread of a generator has counted since it was asked last. Those of several
// threads, or of several intervals, add up.

#pragma once

#include <cstdint>
#include <string>

#include "net/duration.h"
#include "tools/bench/histogram.h"

namespace hilo::tools::bench {

struct Tally {
  std::uint64_t messages = 0;  // echo: answered; fanout: delivered; connect: opened and closed
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t odd_messages = 0;  // of another kind or size than what was sent
  // Messages, or deliveries, that nobody has answered by the end, though they have waited longer
  // than any that was; and those of the open loop for which no connection was left. The time that
  // they have waited is part of the latency.
  std::uint64_t unanswered = 0;
  std::uint64_t opened = 0;   // connections
  std::uint64_t failed = 0;   // connections that did not open, or ended unasked
  std::string first_failure;  // why the first of them did
  net::Duration processor;    // spent by the thread
  LatencyHistogram latency;
  LatencyHistogram tcp;       // from connect() to the TCP connection
  LatencyHistogram opening;   // from there to the open WebSocket, TLS included
  LatencyHistogram lateness;  // open loop: how late messages left behind their plan

  void add(const Tally& other) {
    messages += other.messages;
    sent_bytes += other.sent_bytes;
    received_bytes += other.received_bytes;
    odd_messages += other.odd_messages;
    unanswered += other.unanswered;
    opened += other.opened;
    if (failed == 0) first_failure = other.first_failure;
    failed += other.failed;
    processor = processor + other.processor;
    latency.add(other.latency);
    tcp.add(other.tcp);
    opening.add(other.opening);
    lateness.add(other.lateness);
  }
};

}  // namespace hilo::tools::bench
