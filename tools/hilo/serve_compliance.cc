// SPDX-License-Identifier: MIT

#include "tools/hilo/serve_compliance.h"

#include "net/loop.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/stop_signals.h"
#include "ws/engineio/server.h"

namespace hilo::tools {
namespace {

constexpr std::string_view engineio_suite = "engineio";
constexpr std::string_view engineio3_suite = "engineio3";

// What the suites of both revisions want to see.
engineio::Options suite_options(const std::string& suite) {
  engineio::Options options;
  options.ping_interval = net::Duration::milliseconds(300);
  options.ping_timeout = net::Duration::milliseconds(200);
  options.payload_bytes_max = 1'000'000;
  options.revision3 = suite == engineio3_suite;
  options.message_spacing = net::Duration::milliseconds(3);
  options.cors.origin.allow = ws::OriginPolicy::Allow::any;
  return options;
}

int failure(std::string_view what, const std::error_code& why) {
  print_error("hilo serve: " + std::string(what) + ": " + why.message());
  return exit_failure;
}

}  // namespace

Complaint take_suite_name(std::string_view value, std::string& into) {
  if (value != engineio_suite && value != engineio3_suite) {
    return "is none of engineio, engineio3";
  }
  into = value;
  return {};
}

int serve_compliance(const std::string& suite, const std::vector<net::Address>& addresses) {
  net::Loop loop;
  if (!loop.status()) return failure("cannot make an event loop", loop.status().error());
  const StopSignals signals{loop, [&loop](int) { loop.stop(); }};
  if (!signals.status()) return failure("cannot catch signals", signals.status().error());
  ws::ServerOptions options;
  options.origin.allow = ws::OriginPolicy::Allow::any;
  ws::Server server{loop, {}, std::move(options)};
  engineio::Server engine{server, "/engine.io/", suite_options(suite)};
  engine.on_message([](engineio::Socket& socket, engineio::Message message) {
    static_cast<void>(socket.send(message));
  });
  for (const net::Address& address : addresses) {
    const Result<net::Address> bound = server.listen(address, {});
    if (!bound) return failure("cannot listen on " + address.to_string(), bound.error());
    print_line("listening on " + bound->to_string());
  }
  const Status status = loop.run();
  return status ? exit_ok : failure("the event loop failed", status.error());
}

}  // namespace hilo::tools
