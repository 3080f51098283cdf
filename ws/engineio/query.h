// SPDX-License-Identifier: MIT
//
// The parameters of an Engine.IO request, and the rules about them that need no session.
//
//   ?EIO=4&transport=polling                 opens a session
//   ?EIO=4&transport=polling&sid=...         is one of it
//   &b64=1   revision 3: no binary bodies    &t=...   against caches: ignored
//   &j=0     revision 3, by option: JSONP (jsonp.h)

#pragma once

#include <optional>
#include <string_view>

#include "ws/engineio/error.h"
#include "ws/engineio/options.h"
#include "ws/engineio/packet.h"
#include "ws/engineio/session.h"

namespace hilo::engineio {

struct Query {
  std::optional<Transport> transport;  // nothing: missing, unknown, or switched off
  std::optional<Revision> revision;    // nothing: missing, unknown, or switched off
  std::string_view sid;                // empty: there is none
  bool base64 = false;
  std::optional<std::string_view> j;  // nothing: missing, or JSONP is switched off
  bool is_repeated = false;           // one of the first three is there more than once

  bool is_jsonp() const noexcept { return j && revision == Revision::v3; }
};

// Views into `query`.
Query read_query(std::string_view query, const Options& options) noexcept;

// How the request came.
struct Arrival {
  bool is_get = true;
  bool is_websocket = false;
};
// Whether it may open a session.
Errc check_opening(const Query& query, const Arrival& arrival) noexcept;

}  // namespace hilo::engineio
