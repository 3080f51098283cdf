// SPDX-License-Identifier: MIT
//
// What an Engine.IO server can be told: times, limits, who may connect.
//
// The values here are what ships. A Duration of zero switches that time-out off, except for the
// heartbeat's, which have to be there.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "net/duration.h"
#include "ws/admission.h"
#include "ws/core/origin_policy.h"

namespace hilo::engineio {

// Which web pages may ask by polling, and which may read the answers (CORS, Fetch §3.2).
struct Cors {
  // Pages of other origins that may. `same_host` means no headers at all, the default; `any`
  // answers "*", or the page's own origin where credentials are allowed: think twice. The texts of
  // its list are copied.
  ws::OriginPolicy origin = {};
  bool credentials = false;
  std::string headers = "Content-Type";  // allowed beside the safe ones, comma separated
  net::Duration max_age = net::Duration::seconds(600);
};

// When a browser sends a cookie with what other sites ask for (RFC 6265bis). It takes `none` of
// secure ones alone.
enum class SameSite : std::uint8_t { lax, strict, none };

// A cookie that carries the sid, for load balancers.
struct Cookie {
  std::string name = {};  // empty: none
  std::string path = "/";
  std::string domain = {};     // empty: this host alone
  net::Duration max_age = {};  // in whole seconds; zero: as long as the browser runs
  SameSite same_site = SameSite::lax;
  bool http_only = true;  // scripts do not see it
  bool secure = false;
};

// How the answers to GETs of revision 3 look that did not ask for base64 (b64=1) when the session
// was opened.
enum class Framing3 : std::uint8_t {
  text,    // text unless a packet is binary, as Socket.IO 2
  binary,  // always binary, as Socket.IO 1: Python's socketIO_client reads nothing else
};

struct Options {
  // The heartbeat. Revision 4: a ping after each interval, its pong within the time-out. Revision
  // 3: a ping of the client's within both together.
  net::Duration ping_interval = net::Duration::seconds(25);
  net::Duration ping_timeout = net::Duration::seconds(20);
  // From the WebSocket of an upgrade to the client's last word about it.
  net::Duration upgrade_timeout = net::Duration::seconds(10);
  // From the question of Server::allow_later() to its answer; who had none is refused.
  net::Duration allow_timeout = net::Duration::seconds(10);
  // How long a session that we close waits for the client to fetch what is left.
  net::Duration close_timeout = net::Duration::seconds(30);

  // maxPayload: a request body, and a packet over a WebSocket. Of a ws::Server whose
  // Limits::message_bytes_max is smaller, that one counts.
  std::size_t payload_bytes_max = 1'000'000;
  std::uint32_t packets_per_payload_max = 4096;
  // What waits for a client to fetch it by polling. Whoever lets it run full is gone.
  std::size_t queue_bytes_max = std::size_t{1} << 21;

  bool websocket = true;  // as a transport, and to upgrade to
  bool polling = true;
  bool upgrades = true;

  bool revision3 = false;  // EIO=3 beside EIO=4
  Framing3 framing3 = Framing3::text;
  // Polling by scripts and forms (jsonp.h), in revision 3. Pages of any origin then may, whatever
  // Cors says: a browser names no origin to scripts.
  bool jsonp = false;
  // Text of revision 3 by polling that is UTF-8 of UTF-8 is decoded twice: Socket.IO 1 sends that.
  // A session that has sent text which cannot be such is one of Socket.IO 2 from then on; what
  // happens to look so before that is misread.
  bool double_utf8 = false;
  // Time between two messages to one WebSocket, and behind the 101. Zero, but for clients that lose
  // the second of two that arrive together, as the official test suites do.
  net::Duration message_spacing = {};
  // Keep the header of each POST while its messages are handled (Socket::post_request()).
  bool keep_post_fields = false;
  Cors cors = {};
  Cookie cookie = {};
  // Sessions that poll: in all (0: as many as there may be connections), and from one address,
  // counted as ws::Limits::connections_per_ip_max counts. 0: no limit. A session is no connection:
  // one of those could open them all.
  std::size_t polling_sessions_max = 0;
  std::uint32_t polling_sessions_per_ip_max = 256;
  // Requests for sessions that are not there, of one address in a window (sid_misses.h).
  std::uint32_t sid_misses_max = 10;
  net::Duration sid_misses_window = net::Duration::seconds(10);
  ws::AdmissionOptions admission = {};
};

}  // namespace hilo::engineio
