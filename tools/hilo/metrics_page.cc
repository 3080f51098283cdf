// SPDX-License-Identifier: MIT

#include "tools/hilo/metrics_page.h"

#include <array>
#include <cstddef>
#include <map>
#include <memory>

#include "ws/core/error.h"

namespace hilo::tools {
namespace {

struct Counter {
  std::string_view name;
  std::string_view help;
  std::uint64_t ws::Metrics::*member;
};

// clang-format off
constexpr std::array<Counter, 17> counters = {{
    {"accepted", "TCP and Unix connections accepted", &ws::Metrics::accepted},
    {"shed", "times that connections were dropped for want of descriptors", &ws::Metrics::shed},
    {"http_requests", "plain HTTP requests served", &ws::Metrics::http_requests},
    {"upgrades", "WebSocket connections opened", &ws::Metrics::upgrades},
    {"closed", "WebSocket connections that are gone", &ws::Metrics::closed},
    {"messages_received", "messages received", &ws::Metrics::messages_received},
    {"messages_sent", "messages accepted for sending", &ws::Metrics::messages_sent},
    {"messages_dropped", "messages lost by --overflow drop", &ws::Metrics::messages_dropped},
    {"payload_bytes_received", "bytes of received messages", &ws::Metrics::payload_bytes_received},
    {"payload_bytes_sent", "bytes of sent messages", &ws::Metrics::payload_bytes_sent},
    {"log_lines_suppressed", "rejections not logged one by one", &ws::Metrics::log_lines_suppressed},
    {"messages_inflated", "compressed messages received", &ws::Metrics::messages_inflated},
    {"inflated_bytes", "their bytes", &ws::Metrics::inflated_bytes},
    {"inflated_wire_bytes", "their bytes as they came", &ws::Metrics::inflated_wire_bytes},
    {"messages_deflated", "messages that were compressed for sending", &ws::Metrics::messages_deflated},
    {"deflated_bytes", "their bytes", &ws::Metrics::deflated_bytes},
    {"deflated_wire_bytes", "their bytes as they are sent", &ws::Metrics::deflated_wire_bytes},
}};
// clang-format on
static_assert(sizeof(ws::Metrics) == (counters.size() + ws::errc_count) * sizeof(std::uint64_t),
              "every counter has a row");

void append_head(std::string& out, std::string_view name, std::string_view help,
                 std::string_view type) {
  out.append("# HELP hilo_").append(name).append(" ").append(help);
  out.append("\n# TYPE hilo_").append(name).append(" ").append(type).append("\n");
}

void append_value(std::string& out, std::string_view name, std::uint64_t value) {
  out.append("hilo_").append(name).append(" ").append(std::to_string(value)).append("\n");
}

// Some rules share a label: what the log calls by one name is one counter.
void append_rejects(std::string& out, const ws::Metrics& metrics) {
  append_head(out, "rejects_total", "peers that broke a rule, by rule", "counter");
  std::map<std::string, std::uint64_t> by_label;
  for (std::size_t i = 1; i < ws::errc_count; ++i) {
    const ws::Rule& broken = ws::rule(static_cast<ws::Errc>(i));
    std::string label = "{layer=\"";
    label.append(to_string(broken.layer)).append("\",reason=\"");
    label.append(broken.label).append("\"}");
    by_label[label] += metrics.rejects[i];
  }
  for (const auto& [label, count] : by_label) append_value(out, "rejects_total" + label, count);
}

}  // namespace

void MetricsSum::add(const ws::Server& server) {
  add(MetricsSum{.counters = server.metrics(),
                 .connections = server.connection_count(),
                 .http_connections = server.http_connection_count()});
}

void MetricsSum::add(const MetricsSum& other) {
  for (const Counter& counter : tools::counters) {
    counters.*counter.member += other.counters.*counter.member;
  }
  for (std::size_t i = 0; i < counters.rejects.size(); ++i) {
    counters.rejects[i] += other.counters.rejects[i];
  }
  connections += other.connections;
  http_connections += other.http_connections;
}

std::string metrics_text(const MetricsSum& sum, std::uint64_t log_lines_dropped) {
  std::string out;
  append_head(out, "connections", "open WebSocket connections", "gauge");
  append_value(out, "connections", sum.connections);
  append_head(out, "http_connections", "connections that speak HTTP", "gauge");
  append_value(out, "http_connections", sum.http_connections);
  for (const Counter& counter : counters) {
    const std::string name = std::string(counter.name) + "_total";
    append_head(out, name, counter.help, "counter");
    append_value(out, name, sum.counters.*counter.member);
  }
  append_head(out, "log_lines_dropped_total", "log lines that stderr did not take", "counter");
  append_value(out, "log_lines_dropped_total", log_lines_dropped);
  append_rejects(out, sum.counters);
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
    MetricsSum sum;
    sum.add(*server_);
    answer(exchange, sum);
  });
}

void MetricsPage::gather(ws::http::ExchangeId id) {
  const auto gathering = std::make_shared<Gathering>();
  gathering->sum.add(*server_);
  gathering->missing = all_.size() - 1;
  gathering->id = id;
  for (ws::Server* other : all_) {
    if (other == server_) continue;
    other->loop().post([this, gathering, other] {
      auto part = std::make_unique<MetricsSum>();
      part->add(*other);
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
