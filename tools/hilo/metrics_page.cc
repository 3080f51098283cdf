// SPDX-License-Identifier: MIT

#include "tools/hilo/metrics_page.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <memory>

#include "ws/core/error.h"

namespace hilo::tools {
namespace {

template <class Metrics>
struct Counter {
  std::string_view name;
  std::string_view help;
  std::uint64_t Metrics::*member;
};

// clang-format off
constexpr std::array<Counter<ws::Metrics>, 19> counters = {{
    {"accepts", "TCP and Unix connections accepted", &ws::Metrics::accepted},
    {"shed", "times that connections were dropped for want of descriptors", &ws::Metrics::shed},
    {"http_requests", "plain HTTP requests served", &ws::Metrics::http_requests},
    {"upgrades", "WebSocket connections opened", &ws::Metrics::upgrades},
    {"transfers", "connections that moved from one thread to another", &ws::Metrics::transfers},
    {"messages_in", "messages received", &ws::Metrics::messages_received},
    {"messages_out", "messages accepted for sending", &ws::Metrics::messages_sent},
    {"messages_dropped", "messages lost by --overflow drop", &ws::Metrics::messages_dropped},
    {"bytes_in", "bytes of received messages", &ws::Metrics::payload_bytes_received},
    {"bytes_out", "bytes of messages accepted for sending", &ws::Metrics::payload_bytes_sent},
    {"pongs_ignored", "pongs that answered nothing", &ws::Metrics::pongs_ignored},
    {"bytes_ignored", "bytes behind a Close", &ws::Metrics::bytes_ignored},
    {"log_suppressed", "rejections not logged one by one", &ws::Metrics::log_lines_suppressed},
    {"messages_inflated", "compressed messages received", &ws::Metrics::messages_inflated},
    {"inflated_bytes", "their bytes", &ws::Metrics::inflated_bytes},
    {"inflated_wire_bytes", "their bytes as they came", &ws::Metrics::inflated_wire_bytes},
    {"messages_deflated", "messages that were compressed for sending", &ws::Metrics::messages_deflated},
    {"deflated_bytes", "their bytes", &ws::Metrics::deflated_bytes},
    {"deflated_wire_bytes", "their bytes as they are sent", &ws::Metrics::deflated_wire_bytes},
}};
constexpr std::array<Counter<engineio::Metrics>, 8> engineio_counters = {{
    {"eio_opened", "Engine.IO sessions opened", &engineio::Metrics::opened},
    {"eio_closed", "Engine.IO sessions that are over", &engineio::Metrics::closed},
    {"eio_upgraded", "sessions that moved from polling to a WebSocket", &engineio::Metrics::upgraded},
    {"eio_polls", "GETs answered", &engineio::Metrics::polls},
    {"eio_posts", "POSTs answered", &engineio::Metrics::posts},
    {"eio_messages_in", "Engine.IO messages received", &engineio::Metrics::messages_received},
    {"eio_messages_out", "Engine.IO messages accepted for sending", &engineio::Metrics::messages_sent},
    {"eio_packets_lost", "packets that were accepted and not fetched before the end", &engineio::Metrics::packets_lost},
}};
constexpr std::array<Counter<socketio::Metrics>, 6> socketio_counters = {{
    {"sio_connected", "Socket.IO sockets connected, one to each namespace", &socketio::Metrics::connected},
    {"sio_disconnected", "Socket.IO sockets that are gone", &socketio::Metrics::disconnected},
    {"sio_recovered", "sockets that took up where they were lost", &socketio::Metrics::recovered},
    {"sio_events_in", "events received", &socketio::Metrics::events_received},
    {"sio_packets_out", "Socket.IO packets sent, one to each socket", &socketio::Metrics::packets_sent},
    {"sio_relays_lost", "broadcasts that did not reach another loop", &socketio::Metrics::relays_lost},
}};
// clang-format on
static_assert(sizeof(engineio::Metrics) ==
                      (engineio_counters.size() + engineio::errc_count) * sizeof(std::uint64_t) &&
                  sizeof(socketio::Metrics) ==
                      (socketio_counters.size() + socketio::errc_count) * sizeof(std::uint64_t),
              "everything that is counted has a row");
static_assert(sizeof(ws::Metrics) ==
                  (counters.size() + 1 + ws::errc_count) * sizeof(std::uint64_t) +
                      sizeof(ws::Metrics::closes) + sizeof(net::TimeHistogram),
              "everything that is counted has a row");

constexpr std::array<std::string_view, net::TimeHistogram::bounds.size()> bound_texts = {
    "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025",
    "0.05",   "0.1",     "0.25",   "0.5",   "1",      "2.5",   "5",    "10"};

void append_head(std::string& out, std::string_view name, std::string_view help,
                 std::string_view type) {
  out.append("# HELP hilo_").append(name).append(" ").append(help);
  out.append("\n# TYPE hilo_").append(name).append(" ").append(type).append("\n");
}

void append_value(std::string& out, std::string_view name, std::string_view value) {
  out.append("hilo_").append(name).append(" ").append(value).append("\n");
}
void append_value(std::string& out, std::string_view name, std::uint64_t value) {
  append_value(out, name, std::to_string(value));
}

void append_gauge(std::string& out, std::string_view name, std::string_view help,
                  std::uint64_t value) {
  append_head(out, name, help, "gauge");
  append_value(out, name, value);
}

// `value` / 10^`digits`, exactly.
std::string decimal(std::uint64_t value, std::size_t digits) {
  std::string text = std::to_string(value);
  if (text.size() <= digits) text.insert(0, digits + 1 - text.size(), '0');
  return text.insert(text.size() - digits, 1, '.');
}

void append_histogram(std::string& out, const std::string& name, std::string_view help,
                      const net::TimeHistogram& times) {
  append_head(out, name, help, "histogram");
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < bound_texts.size(); ++i) {
    count += times.count(i);
    append_value(out, name + "_bucket{le=\"" + std::string(bound_texts[i]) + "\"}", count);
  }
  count += times.count(bound_texts.size());
  append_value(out, name + "_bucket{le=\"+Inf\"}", count);
  append_value(out, name + "_sum", decimal(static_cast<std::uint64_t>(times.sum().nanoseconds), 9));
  append_value(out, name + "_count", count);
}

void append_connections(std::string& out, const ws::Census& census) {
  append_head(out, "conns", "connections; those that speak HTTP, their handshakes too, are http",
              "gauge");
  append_value(out, "conns{state=\"http\"}", census.http);
  append_value(out, "conns{state=\"open\"}", census.open);
  append_value(out, "conns{state=\"closing\"}", census.closing);
  append_gauge(out, "sendq_bytes", "bytes that wait to be sent", census.queued_bytes);
  append_gauge(out, "sendq_bytes_max", "those of the connection that has most",
               census.queued_bytes_max);
}

std::string close_code_text(std::size_t close_class) {
  if (close_class < 16) return std::to_string(1000 + close_class);
  return close_class == 16 ? "other" : (close_class == 17 ? "3xxx" : "4xxx");
}

// Codes that never came are left out.
void append_closes(std::string& out, const ws::Metrics& metrics) {
  constexpr std::array<std::string_view, 3> initiators = {"us", "peer", "network"};
  append_head(out, "closes_total", "WebSocket connections that are gone, and who ended them",
              "counter");
  for (std::size_t code = 0; code < ws::close_class_count; ++code) {
    for (std::size_t by = 0; by < initiators.size(); ++by) {
      const std::uint64_t count = metrics.closes[code][by];
      if (count == 0) continue;
      append_value(out,
                   "closes_total{code=\"" + close_code_text(code) + "\",initiator=\"" +
                       std::string(initiators[by]) + "\"}",
                   count);
    }
  }
}

template <class Metrics, std::size_t size>
void append_counters(std::string& out, const std::array<Counter<Metrics>, size>& rows,
                     const Metrics& metrics) {
  for (const Counter<Metrics>& row : rows) {
    const std::string name = std::string(row.name) + "_total";
    append_head(out, name, row.help, "counter");
    append_value(out, name, metrics.*row.member);
  }
}

template <class Metrics, std::size_t size>
void add_counters(const std::array<Counter<Metrics>, size>& rows, Metrics& to,
                  const Metrics& from) {
  for (const Counter<Metrics>& row : rows) to.*row.member += from.*row.member;
  for (std::size_t i = 0; i < to.rejects.size(); ++i) to.rejects[i] += from.rejects[i];
}

std::string reject_label(std::string_view layer, std::string_view reason) {
  std::string label = "{layer=\"";
  return label.append(layer).append("\",reason=\"").append(reason).append("\"}");
}

// Some rules share a label: what the log calls by one name is one counter.
void append_rejects(std::string& out, const MetricsSum& sum) {
  append_head(out, "rejects_total", "peers that broke a rule, by rule", "counter");
  std::map<std::string, std::uint64_t> by_label;
  for (std::size_t i = 1; i < ws::errc_count; ++i) {
    const ws::Rule broken = ws::rule(static_cast<ws::Errc>(i));
    by_label[reject_label(to_string(broken.layer), broken.label)] += sum.counters.rejects[i];
  }
  for (std::size_t i = 1; i < engineio::errc_count; ++i) {
    const std::string_view reason = engineio::rule(static_cast<engineio::Errc>(i)).label;
    by_label[reject_label("eio", reason)] += sum.engineio.rejects[i];
  }
  for (std::size_t i = 1; i < socketio::errc_count; ++i) {
    const std::string_view reason = socketio::rule(static_cast<socketio::Errc>(i)).label;
    by_label[reject_label("sio", reason)] += sum.socketio.rejects[i];
  }
  for (const auto& [label, count] : by_label) append_value(out, "rejects_total" + label, count);
}

// What a message costs, once divided by how many there were.
void append_costs(std::string& out, const MetricsSum& sum) {
  append_head(out, "calls_total", "system calls of loops and streams", "counter");
  append_value(out, "calls_total{call=\"wait\"}", sum.calls.waits);
  append_value(out, "calls_total{call=\"read\"}", sum.calls.reads);
  append_value(out, "calls_total{call=\"write\"}", sum.calls.writes);
  append_head(out, "pool_allocations_total", "times that the pools of the loops asked for memory",
              "counter");
  append_value(out, "pool_allocations_total", sum.allocations);
  append_head(out, "copied_bytes_total", "bytes that buffers and streams of the loops copied",
              "counter");
  append_value(out, "copied_bytes_total", sum.copied_bytes);
  append_head(out, "cpu_seconds_total", "processor time of the process", "counter");
  timespec used{};
  static_cast<void>(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used));
  append_value(out, "cpu_seconds_total",
               decimal(static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000 +
                           static_cast<std::uint64_t>(used.tv_nsec),
                       9));
}

}  // namespace

void MetricsSum::add(ws::Server& server) {
  add(MetricsSum{.counters = server.metrics(),
                 .census = server.census(),
                 .loop_lag = server.loop().lag(),
                 .calls = server.loop().calls(),
                 .allocations = server.loop().pool().allocations(),
                 .copied_bytes = server.loop().pool().copied_bytes(),
                 .timers = server.loop().timers().armed_count(),
                 .memory_bytes = server.loop().pool().taken_bytes(),
                 .cached_bytes = server.loop().pool().cached_bytes()});
}

void MetricsSum::add(socketio::Server& io) {
  add(MetricsSum{.engineio = io.engine().metrics(), .socketio = io.metrics()});
}

void MetricsSum::add(const MetricsSum& other) {
  add_counters(tools::counters, counters, other.counters);
  add_counters(engineio_counters, engineio, other.engineio);
  add_counters(socketio_counters, socketio, other.socketio);
  for (std::size_t i = 0; i < counters.closes.size(); ++i) {
    for (std::size_t by = 0; by < counters.closes[i].size(); ++by) {
      counters.closes[i][by] += other.counters.closes[i][by];
    }
  }
  counters.handshake_time.add(other.counters.handshake_time);
  loop_lag.add(other.loop_lag);
  calls.waits += other.calls.waits;
  calls.reads += other.calls.reads;
  calls.writes += other.calls.writes;
  allocations += other.allocations;
  copied_bytes += other.copied_bytes;
  census.http += other.census.http;
  census.open += other.census.open;
  census.closing += other.census.closing;
  census.queued_bytes += other.census.queued_bytes;
  census.queued_bytes_max = std::max(census.queued_bytes_max, other.census.queued_bytes_max);
  timers += other.timers;
  memory_bytes += other.memory_bytes;
  cached_bytes += other.cached_bytes;
}

std::string metrics_text(const MetricsSum& sum, std::uint64_t log_lines_dropped) {
  std::string out;
  append_connections(out, sum.census);
  append_counters(out, counters, sum.counters);
  append_counters(out, engineio_counters, sum.engineio);
  append_counters(out, socketio_counters, sum.socketio);
  append_closes(out, sum.counters);
  append_histogram(out, "loop_lag_seconds", "what the loops did between two waits", sum.loop_lag);
  append_histogram(out, "handshake_seconds", "from accept to 101", sum.counters.handshake_time);
  const std::uint64_t wire_bytes = sum.counters.inflated_wire_bytes;
  append_head(out, "inflate_ratio", "bytes of received messages per compressed byte", "gauge");
  append_value(out, "inflate_ratio",
               decimal(wire_bytes != 0 ? sum.counters.inflated_bytes * 1000 / wire_bytes : 0, 3));
  append_gauge(out, "timers", "timers that run", sum.timers);
  append_gauge(out, "mem_budget_used_bytes", "what --memory-bytes-max bounds", sum.memory_bytes);
  append_gauge(out, "mem_cached_bytes", "memory that is free, and kept for whoever needs some next",
               sum.cached_bytes);
  append_costs(out, sum);
  append_head(out, "log_dropped_total", "log lines that stderr did not take", "counter");
  append_value(out, "log_dropped_total", log_lines_dropped);
  append_rejects(out, sum);
  return out;
}

// The question on its way through the loops. Touched in the asking loop's thread only.
struct MetricsPage::Gathering {
  MetricsSum sum;
  std::size_t missing = 0;
  ws::http::ExchangeId id;
};

void MetricsPage::open(ws::Server& server) {
  server_ = &server;
  server.get("/metrics", [this](ws::http::Exchange& exchange) {
    if (all_.size() > 1) return gather(exchange.later());
    answer(exchange, here());
  });
}

MetricsSum MetricsPage::here() const {
  MetricsSum sum;
  sum.add(*server_);
  if (io_ != nullptr) sum.add(*io_);
  return sum;
}

void MetricsPage::gather(ws::http::ExchangeId id) {
  const auto gathering = std::make_shared<Gathering>();
  gathering->sum = here();
  gathering->missing = all_.size() - 1;
  gathering->id = id;
  for (const MetricsPage* other : all_) {
    if (other == this) continue;
    other->server_->loop().post([this, gathering, other] {
      auto part = std::make_unique<MetricsSum>(other->here());
      server_->loop().post([this, gathering, part = std::move(part)] {
        gathering->sum.add(*part);
        if (--gathering->missing != 0) return;
        if (auto* exchange = server_->exchange(gathering->id)) answer(*exchange, gathering->sum);
      });
    });
  }
}

void MetricsPage::answer(ws::http::Exchange& exchange, const MetricsSum& sum) const {
  static_cast<void>(exchange.respond(200, "text/plain; version=0.0.4; charset=utf-8",
                                     metrics_text(sum, log_->dropped())));
}

}  // namespace hilo::tools
