// SPDX-License-Identifier: MIT

#include "ws/engineio/handshake.h"

#include <nlohmann/json.hpp>

namespace hilo::engineio {
namespace {

using Json = nlohmann::json;

// A day: whatever is longer is no heartbeat.
constexpr std::int64_t milliseconds_max = 86'400'000;

// Zero: it is not there, or no time.
net::Duration read_time(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_number()) return {};
  const double milliseconds = member->get<double>();
  if (!(milliseconds >= 1) || milliseconds > static_cast<double>(milliseconds_max)) return {};
  return net::Duration::milliseconds(static_cast<std::int64_t>(milliseconds));
}

}  // namespace

bool read_handshake(std::string_view json, Handshake& into) {
  const Json object = Json::parse(json, nullptr, false);
  if (!object.is_object()) return false;
  Handshake read;
  const auto sid = object.find("sid");
  if (sid == object.end() || !sid->is_string()) return false;
  read.sid = sid->get<std::string>();
  read.ping_interval = read_time(object, "pingInterval");
  read.ping_timeout = read_time(object, "pingTimeout");
  if (read.sid.empty() || read.ping_interval.nanoseconds == 0 ||
      read.ping_timeout.nanoseconds == 0) {
    return false;
  }
  const auto payload = object.find("maxPayload");
  if (payload != object.end() && payload->is_number_unsigned()) {
    read.payload_bytes_max = payload->get<std::size_t>();
  }
  const auto upgrades = object.find("upgrades");
  if (upgrades != object.end() && upgrades->is_array()) {
    for (const Json& each : *upgrades) read.can_upgrade = read.can_upgrade || each == "websocket";
  }
  into = std::move(read);
  return true;
}

}  // namespace hilo::engineio
