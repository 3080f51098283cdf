// SPDX-License-Identifier: MIT

#include "ws/engineio/query.h"

#include "ws/core/percent.h"

namespace hilo::engineio {
namespace {

// A client counts its transports there.
constexpr std::size_t j_chars_max = 20;

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
  int transports = 0;
  int revisions = 0;
  int sids = 0;
  int base64s = 0;
  ws::QueryReader reader(query);
  while (const auto each = reader.next()) {
    const auto is = [&](std::string_view name) {
      return ws::percent_equals(each->name, name, ws::Plus::is_space);
    };
    // The first of a name counts.
    if (is("transport")) {
      if (transports++ == 0) read.transport = read_transport(each->value, options);
    } else if (is("EIO")) {
      if (revisions++ == 0) read.revision = read_revision(each->value, options);
    } else if (is("sid")) {
      if (sids++ == 0) read.sid = each->value;
    } else if (is("b64")) {
      if (base64s++ != 0) continue;
      read.base64 = !each->value.empty() && each->value != "0" && each->value != "false";
    } else if (options.jsonp && is("j")) {
      if (!read.j) read.j = each->value.substr(0, j_chars_max);
    }
  }
  read.is_repeated = transports > 1 || revisions > 1 || sids > 1;
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
