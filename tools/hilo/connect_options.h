// SPDX-License-Identifier: MIT
//
// What `hilo connect` was told, and what of it becomes options of a client's.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/duration.h"
#include "tools/hilo/tls_flags.h"
#include "ws/backoff.h"
#include "ws/client.h"
#include "ws/engineio/client.h"
#include "ws/limits.h"
#include "ws/socketio/packet.h"

namespace hilo::tools {

struct HeaderField {
  std::string name;
  std::string value;
};

// Of `hilo connect --socketio`.
struct SocketioSettings {
  bool on = false;
  bool revision3 = false;  // Engine.IO 3: servers of Socket.IO 1 and 2
  std::string path = "/socket.io/";
  engineio::Transports transports = engineio::Transports::polling_first;
  socketio::Parser parser = socketio::Parser::json;
  std::vector<std::string> namespaces;  // none: that of the URL
  std::string auth;                     // JSON; empty: none
  std::vector<std::string> lines;       // instead of those of stdin
  bool listens = false;                 // the end of the input is not the end
  net::Duration ack_timeout = net::Duration::seconds(20);
};

struct ConnectSettings {
  std::string url;
  std::vector<HeaderField> fields;
  std::vector<std::string> subprotocols;
  std::string origin;
  std::string user;  // Basic credentials, instead of those of the URL
  std::string password;
  std::string proxy;
  std::uint32_t redirects = 0;  // to be followed
  bool reconnect = false;
  ws::BackoffOptions backoff;  // between attempts to reconnect

  bool binary = false;      // send binary messages, print what comes as it is
  bool hex = false;         // lines are hexadecimal, both ways
  bool one = false;         // all of stdin is one message
  bool echo = false;        // send everything back; stdin and stdout are not used
  bool timestamps = false;  // in front of each message
  bool quiet = false;       // nothing on stderr but failures
  bool trace = false;       // what passes, on stderr

  bool ping = false;         // once, when open
  net::Duration ping_every;  // 0: not again
  std::uint64_t count = 0;   // messages to receive before we close; 0: no such number
  bool waits = false;        // `wait` was given
  net::Duration wait;        // from the end of the input to our Close
  std::uint16_t close_code = 1000;
  std::string close_reason;
  ws::DeflateOptions deflate;
  TlsConnectSettings tls;
  ws::Limits limits;
  SocketioSettings socketio;
};

// What a user may be shown of the URL: all but what it may hold of secrets.
std::string without_userinfo(std::string_view url);

// Fills in what clients of both kinds are told, but for the URL and whether to come back. The texts
// are those of the settings, which must outlive `into`. False if that fails, which has been told.
bool fill_options(const ConnectSettings& settings, ws::ConnectOptions& into);

}  // namespace hilo::tools
