// SPDX-License-Identifier: MIT

#include <cstdio>

#include "tools/bench/report.h"
#include "tools/hilo/display.h"

namespace hilo::tools::bench {
namespace {

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char text[256];
  const int size = std::snprintf(text, sizeof(text), format, values...);
  return {text, static_cast<std::size_t>(size)};
}

std::string percentiles(const LatencyHistogram& times, bool to_the_end) {
  std::string text = "p50 " + in_words(times.percentile(50)) + "  p90 " +
                     in_words(times.percentile(90)) + "  p99 " + in_words(times.percentile(99));
  if (to_the_end) {
    text += "  p99.9 " + in_words(times.percentile(99.9)) + "  p99.99 " +
            in_words(times.percentile(99.99));
  }
  return text + "  max " + in_words(times.most());
}

const char* unit_of(Mode mode) {
  switch (mode) {
    case Mode::echo: return "messages";
    case Mode::fanout: return "deliveries";
    case Mode::connect: return "visits";
    case Mode::idle: return "connections";
  }
  return "";
}

std::string server_line(const Plan& plan, const Result& result) {
  const ServerUse& use = *result.server;
  constexpr double mebibyte = 1024 * 1024;
  const double resident = static_cast<double>(use.resident_bytes) / mebibyte;
  if (plan.mode == Mode::idle) {
    return formatted("  server       %lld B of resident memory a connection, %.1f MiB in all\n",
                     static_cast<long long>(use.bytes_per_connection.value_or(0)), resident);
  }
  return formatted(
      "  server       %.2f µs of processor time for each, %.0f %% of a core, %.1f MiB resident\n",
      result.server_microseconds(), result.server_busy() * 100, resident);
}

}  // namespace

std::string in_words(net::Duration time) {
  const auto nanoseconds = static_cast<double>(time.nanoseconds);
  if (nanoseconds < 1e3) return formatted("%.0f ns", nanoseconds);
  if (nanoseconds < 1e6) return formatted("%.3g µs", nanoseconds / 1e3);
  if (nanoseconds < 1e9) return formatted("%.3g ms", nanoseconds / 1e6);
  return formatted("%.3g s", nanoseconds / 1e9);
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t place = text.size(); place > 3;) text.insert(place -= 3, ",");
  return text;
}

std::string describe(const Plan& plan) {
  std::string text = grouped(plan.connections) + " connections";
  if (plan.mode == Mode::echo && plan.rate > 0) {
    text += formatted(", open loop at %.0f messages a second", plan.rate);
  } else if (plan.mode == Mode::echo) {
    text += " × " + grouped(plan.in_flight) + " in flight";
  } else if (plan.mode == Mode::fanout) {
    text += ", " + grouped(plan.in_flight) + " broadcasts in flight";
  } else if (plan.mode == Mode::connect) {
    text += plan.resets ? " at once, reset when open" : " at once, closed when open";
  }
  if (plan.mode == Mode::echo || plan.mode == Mode::fanout) {
    text += ", " + grouped(plan.payload_bytes) + " B of ";
    text += plan.protocol == Protocol::socketio ? "text in an event"
            : plan.payload == Payload::binary   ? "binary"
            : plan.payload == Payload::json     ? "JSON"
                                                : "text";
  }
  if (plan.deflate) text += ", compressed";
  text += plan.protocol == Protocol::socketio ? ", Socket.IO" : "";
  text += plan.protocol == Protocol::raw ? ", raw TCP" : "";
  return text + (plan.tls ? ", TLS" : "") + ", " + std::to_string(plan.threads) +
         (plan.threads == 1 ? " thread" : " threads");
}

std::string text_report(const Plan& plan, const Result& result) {
  const Tally& total = result.total;
  std::string text = (result.label.empty() ? plan.url : result.label) + "\n  " + describe(plan);
  text += "\n";
  if (!result.error.empty()) text += "  error        " + printable(result.error) + "\n";
  const double seconds = static_cast<double>(result.measured.nanoseconds) / 1e9;
  text += formatted("  %-11s  %s in %.1f s, %s/s\n", unit_of(plan.mode),
                    grouped(total.messages).c_str(), seconds,
                    grouped(static_cast<std::uint64_t>(result.rate())).c_str());
  if (plan.mode != Mode::idle && seconds > 0) {
    text += formatted("  wire         %.1f MB/s out, %.1f MB/s in\n",
                      static_cast<double>(total.sent_bytes) / seconds / 1e6,
                      static_cast<double>(total.received_bytes) / seconds / 1e6);
  }
  if (total.latency.count() > 0) {
    text += "  latency      " + percentiles(total.latency, true) + "\n";
  }
  if (total.tcp.count() > 0) {
    text += "  connecting   " + percentiles(total.tcp, false) + "\n";
    text += "  opening      " + percentiles(total.opening, false) + "\n";
  }
  if (result.server) text += server_line(plan, result);
  const std::string limit = result.generator_limit(plan);
  if (plan.mode != Mode::idle) {
    text += formatted("  generator    %.0f %% of a core\n", result.generator_busy() * 100);
  }
  if (!limit.empty()) {
    text +=
        "  LIMIT        the generator, not the server, may be what was measured: " + limit + "\n";
  }
  if (total.unanswered > 0) {
    text += "  unanswered   " + grouped(total.unanswered) + ", the longest for " +
            in_words(total.latency.most()) + " by the end\n";
  }
  if (total.failed > 0) {
    text += "  failed       " + grouped(total.failed) +
            " connections; the first: " + printable(total.first_failure) + "\n";
  }
  if (total.odd_messages > 0) {
    text += "  odd          " + grouped(total.odd_messages) +
            " messages of another kind or size than what was sent\n";
  }
  return text;
}

}  // namespace hilo::tools::bench
