// SPDX-License-Identifier: MIT
//
// How a session of Engine.IO begins, on both sides: the query of the first request, whose
// parameters lie in it and are those that a slow reader finds; and the JSON of a server's open
// packet, of which nothing gets past its rules.
//
//   input   the options in the bits of the first byte, then a query, or the JSON

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/check.h"
#include "ws/core/percent.h"
#include "ws/engineio/handshake.h"
#include "ws/engineio/query.h"

namespace {

using namespace hilo;
using namespace hilo::engineio;

void check_query(std::string_view text, const Options& options) {
  const Query query = read_query(text, options);
  const auto first = [&](std::string_view name) { return ws::find_query(text, name).value_or(""); };
  const auto count = [&](std::string_view name) { return ws::count_query(text, name); };
  HILO_CHECK(query.sid == first("sid"));
  HILO_CHECK(!query.transport || (*query.transport == Transport::polling
                                      ? options.polling && first("transport") == "polling"
                                      : options.websocket && first("transport") == "websocket"));
  HILO_CHECK(!query.revision || first("EIO") == (*query.revision == Revision::v4 ? "4" : "3"));
  HILO_CHECK(query.revision != Revision::v3 || options.revision3);
  HILO_CHECK(query.is_repeated == (count("transport") > 1 || count("EIO") > 1 || count("sid") > 1));
  HILO_CHECK(query.j.has_value() == (options.jsonp && count("j") != 0));
  HILO_CHECK(!query.is_jsonp() || options.jsonp);

  const Errc as_get = check_opening(query, {.is_get = true, .is_websocket = false});
  const Errc as_websocket = check_opening(query, {.is_get = true, .is_websocket = true});
  HILO_CHECK(as_get != Errc::none || as_websocket != Errc::none);
  HILO_CHECK(as_get != Errc::none || (query.revision && query.transport == Transport::polling));
  HILO_CHECK(check_opening(query, {.is_get = false, .is_websocket = false}) != Errc::none);
}

void check_handshake(std::string_view json) {
  const Handshake before{.sid = "before"};
  Handshake read = before;
  if (!read_handshake(json, read)) {
    HILO_CHECK(read.sid == before.sid && !read.can_upgrade && read.payload_bytes_max == 0);
    return;
  }
  HILO_CHECK(!read.sid.empty());
  for (const net::Duration time : {read.ping_interval, read.ping_timeout}) {
    HILO_CHECK(time >= net::Duration::milliseconds(1) && time <= net::Duration::seconds(86'400));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 2048) return 0;
  Options options;
  options.revision3 = (data[0] & 1) != 0;
  options.jsonp = (data[0] & 2) != 0;
  options.polling = (data[0] & 4) == 0;
  options.websocket = (data[0] & 8) == 0;
  const std::string_view text = as_text(Bytes{data + 1, size - 1});
  check_query(text, options);
  check_handshake(text);
  return 0;
}
