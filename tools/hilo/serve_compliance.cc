// SPDX-License-Identifier: MIT

#include "tools/hilo/serve_compliance.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/loop.h"
#include "tools/hilo/compliance_socketio.h"
#include "tools/hilo/standard_io.h"
#include "tools/hilo/stop_signals.h"
#include "ws/engineio/server.h"
#include "ws/socketio/server.h"

namespace hilo::tools {
namespace {

constexpr std::string_view protocol4 = "engineio";
constexpr std::string_view protocol3 = "engineio3";
constexpr std::string_view client = "engineio-client";
constexpr std::string_view client3 = "engineio3-client";
constexpr std::string_view echo = "engineio-echo";
constexpr std::string_view socketio_suite = "socketio";
constexpr std::string_view socketio_client = "socketio-client";
constexpr std::string_view socketio_client2 = "socketio-client2";

engineio::Options suite_options(std::string_view suite) {
  engineio::Options options;
  options.cors.origin.allow = ws::OriginPolicy::Allow::any;
  options.revision3 = suite != protocol4 && suite != socketio_suite && suite != socketio_client;
  if (suite == protocol4 || suite == protocol3 || suite == socketio_suite) {
    options.ping_interval = net::Duration::milliseconds(300);
    options.ping_timeout = net::Duration::milliseconds(200);
    options.message_spacing = net::Duration::milliseconds(20);
  } else if (suite == client || suite == client3) {
    options.ping_interval = net::Duration::milliseconds(500);
    if (suite == client) options.payload_bytes_max = 100;
    options.keep_post_fields = true;
  } else if (suite == socketio_client || suite == socketio_client2) {
    options.ping_interval = net::Duration::seconds(2);
  }
  return options;
}

// Of the header that brought the message, as JSON. What the suite sends needs no escapes.
std::string cookie_of(const engineio::Socket& socket) {
  const ws::KeptRequest* const post = socket.post_request();
  const auto cookie = post != nullptr ? post->header("Cookie") : std::nullopt;
  return cookie ? "{\"cookie\":\"" + std::string(*cookie) + "\"}" : "{}";
}

// What the server that comes with the suite of engine.io-client answers.
void serve_client_suite(engineio::Server& engine) {
  engine.allow([](const ws::Request& request) {
    return request.query().find("deny") == std::string_view::npos;
  });
  engine.on_initial_headers([](const ws::Request&, std::vector<ws::Field>& fields) {
    for (const char* cookie :
         {"1=1; Max-Age=86400", "2=2; Path=/; HttpOnly; Secure; SameSite=Strict", "3=3; Max-Age=0",
          "4=4; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}) {
      fields.push_back({"Set-Cookie", cookie});
    }
  });
  engine.on_open([](engineio::Socket& socket) { static_cast<void>(socket.send_text("hi")); });
  engine.on_message([](engineio::Socket& socket, engineio::Message message) {
    constexpr std::array<std::uint8_t, 5> bytes = {0, 1, 2, 3, 4};
    if (!message.binary && message.text() == "give binary") {
      static_cast<void>(socket.send_binary(bytes));
    } else if (!message.binary && message.text() == "give utf8") {
      static_cast<void>(socket.send_text("пойду спать всем спокойной ночи"));
    } else if (!message.binary && message.text() == "sendHeaders") {
      static_cast<void>(socket.send_text(cookie_of(socket)));
    } else {
      static_cast<void>(socket.send(message));
    }
  });
}

// What the suite of Socket.IO's protocol wants on two namespaces.
std::unique_ptr<socketio::Server> serve_socketio(ws::Server& server) {
  socketio::Options options;
  options.engine = suite_options(socketio_suite);
  options.connect_timeout = net::Duration::seconds(1);
  auto io = std::make_unique<socketio::Server>(server, std::move(options));
  const auto tell_auth = [](const socketio::Socket& socket) {
    const socketio::Json& auth = socket.auth();
    socket.emit("auth", auth.is_null() ? socketio::Json::object() : auth);
  };
  io->on_connection([tell_auth](socketio::Socket socket) {
    tell_auth(socket);
    socket.on("message", [socket](const socketio::Arguments& arguments) {
      socket.emit_values("message-back", arguments.copy());
    });
    socket.on("message-with-ack", [](const socketio::Arguments& arguments) {
      if (arguments.ack != nullptr) arguments.ack->answer(arguments.copy());
    });
  });
  io->of("/custom").on_connection(tell_auth);
  return io;
}

std::unique_ptr<socketio::Server> serve_socketio_client(ws::Server& server,
                                                        std::string_view suite) {
  socketio::Options options;
  options.engine = suite_options(suite);
  options.recovery.enabled = suite == socketio_client;
  auto io = std::make_unique<socketio::Server>(server, std::move(options));
  // Some of its cases run out of time before they are let in.
  io->engine().allow_later([&loop = server.loop()](const ws::Request&, engineio::Permission asked) {
    loop.call_after(net::Duration::milliseconds(10),
                    [asked = std::move(asked)]() mutable { asked(); });
  });
  serve_client_tests(*io);
  return io;
}

int failure(std::string_view what, const std::error_code& why) {
  print_error("hilo serve: " + std::string(what) + ": " + why.message());
  return exit_failure;
}

}  // namespace

Complaint take_suite_name(std::string_view value, std::string& into) {
  for (const std::string_view each : {protocol4, protocol3, client, client3, echo, socketio_suite,
                                      socketio_client, socketio_client2}) {
    if (value != each) continue;
    into = value;
    return {};
  }
  return "is none of engineio, engineio3, engineio-client, engineio3-client, engineio-echo, "
         "socketio, socketio-client, socketio-client2";
}

int serve_compliance(const std::string& suite, const std::vector<net::Address>& addresses) {
  net::Loop loop;
  if (!loop.status()) return failure("cannot make an event loop", loop.status().error());
  const StopSignals signals{loop, [&loop](int) { loop.stop(); }};
  if (!signals.status()) return failure("cannot catch signals", signals.status().error());
  ws::ServerOptions options;
  options.origin.allow = ws::OriginPolicy::Allow::any;
  ws::Server server{loop, {}, std::move(options)};
  std::unique_ptr<socketio::Server> io;
  if (suite == socketio_suite) io = serve_socketio(server);
  if (suite == socketio_client || suite == socketio_client2) {
    io = serve_socketio_client(server, suite);
  }
  engineio::Server engine{server, "/engine.io/", suite_options(suite)};
  if (suite == client || suite == client3) {
    serve_client_suite(engine);
  } else {
    engine.on_message([](engineio::Socket& socket, engineio::Message message) {
      static_cast<void>(socket.send(message));
    });
  }
  for (const net::Address& address : addresses) {
    const Result<net::Address> bound = server.listen(address, {});
    if (!bound) return failure("cannot listen on " + address.to_string(), bound.error());
    print_line("listening on " + bound->to_string() + "  http://" + bound->to_string() + "/");
  }
  const Status status = loop.run();
  return status ? exit_ok : failure("the event loop failed", status.error());
}

}  // namespace hilo::tools
