// SPDX-License-Identifier: MIT

#include "ws/engineio/query.h"

#include "ws/core/percent.h"

namespace hilo::engineio {
namespace {

std::optional<Transport> read_transport(std::string_view text, const Options& options) noexcept {
  if (text == "polling" && options.polling) return Transport::polling;
  if (text == "websocket" && options.websocket) return Transport::websocket;
  return std::nullopt;
}

std::optional<Revision> read_revision(std::string_view text, const Options& options) noexcept {
  if (text == "4") return Revision::v4;
  if (text == "3" && options.revision3) return Revision::v3;
  return std::nullopt;
}

}  // namespace

Query read_query(std::string_view query, const Options& options) noexcept {
  Query read;
  if (const auto value = ws::find_query(query, "transport")) {
    read.transport = read_transport(*value, options);
  }
  if (const auto value = ws::find_query(query, "EIO")) {
    read.revision = read_revision(*value, options);
  }
  read.sid = ws::find_query(query, "sid").value_or(std::string_view{});
  const std::string_view base64 = ws::find_query(query, "b64").value_or(std::string_view{});
  read.base64 = !base64.empty() && base64 != "0" && base64 != "false";
  for (const std::string_view name : {"transport", "EIO", "sid"}) {
    read.is_repeated = read.is_repeated || ws::count_query(query, name) > 1;
  }
  return read;
}

Errc check_opening(const Query& query, const Arrival& arrival) noexcept {
  if (!query.transport) return Errc::transport_unknown;
  if (!arrival.is_get) return Errc::method_handshake;
  if (arrival.is_websocket != (*query.transport == Transport::websocket)) {
    return Errc::transport_handshake;
  }
  return query.revision ? Errc::none : Errc::version_unsupported;
}

}  // namespace hilo::engineio
