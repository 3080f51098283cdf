// SPDX-License-Identifier: MIT

#include <nlohmann/json.hpp>

#include "tools/bench/report.h"

namespace hilo::tools::bench {
namespace {

using Json = nlohmann::ordered_json;

double microseconds(net::Duration time) {
  return static_cast<double>(time.nanoseconds) / 1e3;
}

Json distribution(const LatencyHistogram& times) {
  return {{"count", times.count()},
          {"mean_us", microseconds(times.mean())},
          {"p50_us", microseconds(times.percentile(50))},
          {"p90_us", microseconds(times.percentile(90))},
          {"p99_us", microseconds(times.percentile(99))},
          {"p99.9_us", microseconds(times.percentile(99.9))},
          {"p99.99_us", microseconds(times.percentile(99.99))},
          {"max_us", microseconds(times.most())}};
}

const char* name_of(Mode mode) {
  switch (mode) {
    case Mode::echo: return "echo";
    case Mode::fanout: return "fanout";
    case Mode::connect: return "connect";
    case Mode::idle: return "idle";
  }
  return "";
}

}  // namespace

std::string json_report(const Plan& plan, const Result& result) {
  const Tally& total = result.total;
  const double seconds = static_cast<double>(result.measured.nanoseconds) / 1e9;
  Json json = {{"url", plan.url},
               {"mode", name_of(plan.mode)},
               {"connections", plan.connections},
               {"in_flight", plan.in_flight},
               {"rate_wanted", plan.rate},
               {"payload_bytes", plan.payload_bytes},
               {"threads", plan.threads},
               {"seconds", seconds},
               {"messages", total.messages},
               {"rate", result.rate()},
               {"sent_bytes", total.sent_bytes},
               {"received_bytes", total.received_bytes},
               {"open", result.connections},
               {"failed", total.failed},
               {"unanswered", total.unanswered},
               {"odd_messages", total.odd_messages},
               {"generator_busy", result.generator_busy()},
               {"generator_limit", result.generator_limit(plan)}};
  if (!result.label.empty()) json["label"] = result.label;
  if (!result.error.empty()) json["error"] = result.error;
  if (total.failed > 0) json["first_failure"] = total.first_failure;
  if (result.server) {
    json["server"] = {{"cpu_us", microseconds(result.server->processor)},
                      {"cpu_us_per_message", result.server_microseconds()},
                      {"busy", result.server_busy()},
                      {"resident_bytes", result.server->resident_bytes}};
    if (const auto bytes = result.server->bytes_per_connection) {
      json["server"]["bytes_per_connection"] = *bytes;
    }
  }
  json["latency"] = distribution(total.latency);
  json["connecting"] = distribution(total.tcp);
  json["opening"] = distribution(total.opening);
  if (plan.rate > 0) json["lateness"] = distribution(total.lateness);
  for (const Interval& each : result.intervals) {
    json["intervals"].push_back({{"at", static_cast<double>(each.at.nanoseconds) / 1e9},
                                 {"messages", each.messages},
                                 {"p50_us", microseconds(each.p50)},
                                 {"p99_us", microseconds(each.p99)},
                                 {"max_us", microseconds(each.most)}});
  }
  // What a server says in a Close comes into it, and need not be UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace hilo::tools::bench
