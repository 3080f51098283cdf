// SPDX-License-Identifier: MIT

#include "fuzz/served.h"

#include <csignal>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <utility>

#include "net/base/check.h"
#include "ws/metrics.h"

namespace hilo::fuzz {

using namespace hilo::net::literals;

namespace {

constexpr net::Duration drain_window = 20_s;
constexpr std::size_t large_bytes = 60'000;

// Whether a connection is open, as its callbacks were told.
struct Life {
  bool is_open = true;
  bool in_chunk = false;
};

Life& life_of(ws::Connection& connection) {
  Life* const life = connection.data<Life>();
  HILO_CHECK(life != nullptr && life->is_open);
  return *life;
}

struct EngineLife final : engineio::Attachment {
  bool is_open = true;
};

EngineLife& life_of(engineio::Socket& socket) {
  auto* const life = static_cast<EngineLife*>(socket.attachment());
  HILO_CHECK(life != nullptr && life->is_open);
  return *life;
}

ws::Limits limits_of(std::uint8_t choices) {
  ws::Limits limits;
  if ((choices & 1) == 0) return limits;
  limits.message_bytes_max = 400;
  limits.queue_bytes_max = 3000;
  limits.queue_bytes_pause = 1000;
  limits.body_bytes_max = 300;
  limits.bytes_per_turn_max = 100;
  limits.messages_per_turn_max = 3;
  limits.requests_per_turn_max = 2;
  limits.control_frames_max = 20;
  limits.memory_bytes_max = 40'000;
  limits.overflow = (choices & 2) != 0 ? ws::Overflow::drop : ws::Overflow::refuse;
  return limits;
}

ws::ServerOptions options_of(std::uint8_t choices) {
  ws::ServerOptions options;
  options.deflate.enabled = (choices & 4) != 0;
  options.subprotocols = {"chat", "superchat"};
  options.measure_round_trips = (choices & 8) != 0;
  if ((choices & 16) != 0) options.trusted_proxies = {*net::AddressRange::parse("127.0.0.0/8")};
  if ((choices & 8) != 0) options.forwarded_by = ws::ForwardedBy::forwarded;
  options.count_local = (choices & 32) != 0;
  options.log = [](ws::LogLevel, std::string_view line) { HILO_CHECK(!line.empty()); };
  return options;
}

engineio::Options engine_options_of(std::uint8_t choices) {
  engineio::Options options;
  options.revision3 = true;
  options.jsonp = (choices & 64) != 0;
  options.double_utf8 = (choices & 64) != 0;
  options.framing3 = (choices & 8) != 0 ? engineio::Framing3::binary : engineio::Framing3::text;
  options.keep_post_fields = (choices & 2) != 0;
  options.cookie.name = (choices & 2) != 0 ? "io" : "";
  if ((choices & 1) != 0) {
    options.payload_bytes_max = 400;
    options.queue_bytes_max = 2000;
  }
  return options;
}

}  // namespace

// Hears SIGTERM, as tools/hilo/serve_process.cc does.
class Served::Terminator final : private net::Watcher {
 public:
  explicit Terminator(Served& served) : served_(&served) {
    const Result<net::Token> token =
        served.world_.loop.watch(signals_.fd(), net::Interest::read, *this);
    HILO_CHECK(token);
    token_ = *token;
  }
  Terminator(const Terminator&) = delete;
  Terminator& operator=(const Terminator&) = delete;
  ~Terminator() { served_->world_.loop.unwatch(token_); }

 private:
  void on_ready(net::Ready) override {
    while (signals_.take() != 0) served_->terminate();
  }

  Served* served_;
  net::Signals signals_{SIGTERM};
  net::Token token_;
};

Served::Served(sim::World& world, std::uint8_t choices)
    : world_(world), server_(world.loop, limits_of(choices), options_of(choices)) {
  terminator_ = std::make_unique<Terminator>(*this);
  serve_websockets();
  serve_pages();
  engine_ = std::make_unique<engineio::Server>(server_, "/engine.io/", engine_options_of(choices));
  serve_engine();
  socketio::Options options;
  options.engine = engine_options_of(choices);
  options.recovery.enabled = (choices & 128) != 0;
  io_ = std::make_unique<socketio::Server>(server_, options);
  serve_socketio();
  HILO_CHECK(server_.listen({.port = port}));
  HILO_CHECK(server_.listen({.port = proxy_port, .proxy_protocol = true}));
}

Served::~Served() {
  io_ = nullptr;
  engine_ = nullptr;
}

// --- what is served ------------------------------------------------------------------------------

void Served::serve_websockets() {
  const auto opened = [this](ws::Connection& connection) {
    ++opened_;
    HILO_CHECK(connection.is_open() && connection.data<Life>() == nullptr);
    connection.emplace_data<Life>();
  };
  const auto closed = [this](ws::Connection& connection, ws::CloseInfo) {
    ++closed_;
    life_of(connection).is_open = false;
    HILO_CHECK(connection.is_gone() && connection.send_text("late") == ws::Sent::closed);
  };
  const auto set_up = [&](auto& service) {
    service.on_open(opened)
        .on_message([this](ws::Connection& connection, ws::Message message) {
          hear(connection, as_text(message.payload), message.opcode);
        })
        .on_pong([](ws::Connection& connection, Bytes) { life_of(connection); })
        .on_drained([](ws::Connection& connection) { life_of(connection); })
        .on_close(closed);
  };
  set_up(server_);
  set_up(server_.at("/later").on_upgrade_later(
      [this](ws::PendingUpgrade& upgrade) { waiting_.push_back(upgrade.id()); }));
  server_.at("/chunks")
      .on_open(opened)
      .on_chunk([](ws::Connection& connection, ws::Chunk chunk) {
        Life& life = life_of(connection);
        HILO_CHECK(chunk.first != life.in_chunk && (chunk.final || !chunk.bytes.empty()));
        life.in_chunk = !chunk.final;
        static_cast<void>(connection.send_fragment(chunk.opcode, chunk.bytes, chunk.final));
      })
      .on_close(closed);
}

// The first byte of a message is what it makes us do.
void Served::hear(ws::Connection& connection, std::string_view text, ws::Opcode opcode) {
  life_of(connection);
  ++messages_;
  switch (text.empty() ? '\0' : text[0]) {
    case 'c': static_cast<void>(connection.close(ws::CloseCode::normal, "bye")); break;
    case 'a': connection.abort(); break;
    case 'p':
      if (may_pause_) connection.pause();
      break;
    case 't': throw std::runtime_error("as it was told");
    case 's': static_cast<void>(connection.subscribe(text)); break;
    case 'u': static_cast<void>(connection.unsubscribe(text)); break;
    case 'n': server_.publish("s", ws::Opcode::text, as_bytes(text)); break;
    case 'f': static_cast<void>(connection.send_fragment(opcode, as_bytes(text), false)); break;
    case 'F': static_cast<void>(connection.send_fragment(opcode, as_bytes(text), true)); break;
    case 'b': static_cast<void>(connection.send_text(std::string(large_bytes, 'b'))); break;
    case 'g': static_cast<void>(connection.ping(as_bytes(text.substr(0, 125)))); break;
    case 'o':
      server_.for_each([](ws::Connection& each) { static_cast<void>(each.close()); });
      break;
    default: static_cast<void>(connection.send(opcode, as_bytes(text))); break;
  }
}

void Served::serve_pages() {
  server_.get("/page", [](ws::http::Exchange& exchange) {
    static_cast<void>(exchange.respond(200, "text/plain", exchange.request().query()));
  });
  server_.get("/large", [](ws::http::Exchange& exchange) {
    static_cast<void>(exchange.respond(200, "text/plain", std::string(large_bytes, 'l')));
  });
  server_.get("/later",
              [this](ws::http::Exchange& exchange) { unanswered_.push_back(exchange.later()); });
  server_.post("/form", [](ws::http::Exchange& exchange) {
    static_cast<void>(exchange.respond(200, "text/plain", as_text(exchange.body())));
  });
  server_.post("/stream/:name",
               [](ws::http::Exchange& exchange) {
                 exchange.on_body([](ws::http::Exchange& now, Bytes, bool final) {
                   if (final) static_cast<void>(now.respond(200, "text/plain", "all of it"));
                 });
               },
               {.streamed = true});
}

void Served::serve_engine() {
  engine_
      ->on_open([this](engineio::Socket& socket) {
        ++engine_opened_;
        HILO_CHECK(socket.is_open() && socket.attachment() == nullptr);
        socket.attach(std::make_unique<EngineLife>());
      })
      .on_message([](engineio::Socket& socket, engineio::Message message) {
        life_of(socket);
        switch (message.payload.empty() ? '\0' : message.text()[0]) {
          case 'c': socket.close(); break;
          case 'b': static_cast<void>(socket.send_text(std::string(large_bytes, 'b'))); break;
          case 't': throw std::runtime_error("as it was told");
          default: static_cast<void>(socket.send(message)); break;
        }
      })
      .on_upgraded([](engineio::Socket& socket) {
        life_of(socket);
        HILO_CHECK(socket.transport() == engineio::Transport::websocket);
      })
      .on_drained([](engineio::Socket& socket) { life_of(socket); })
      .on_close([this](engineio::Socket& socket, engineio::CloseReason) {
        ++engine_closed_;
        life_of(socket).is_open = false;
        HILO_CHECK(!socket.is_open() && socket.send_text("late") == ws::Sent::closed);
      });
}

void Served::serve_socketio() {
  const auto connected = [this](socketio::Socket socket) {
    ++sockets_opened_;
    const auto is_open = std::make_shared<bool>(true);
    socket.on("echo", [socket, is_open](socketio::Json value, socketio::Ack ack) {
      HILO_CHECK(*is_open && socket.connected());
      socket.emit("echo", value);
      ack(value);
    });
    socket.on("bytes", [](socketio::Binary bytes, socketio::Ack ack) { ack(bytes); });
    socket.on("join", [socket](std::string_view room) { socket.join(room); });
    socket.on("leave", [socket](std::string_view room) { socket.leave(room); });
    socket.on("all", [this](std::string_view room) { io_->to(room).emit("all", room); });
    socket.on("bye", [socket](bool all) { socket.disconnect(all); });
    socket.on("ask", [socket](std::optional<int> seconds) {
      socket.timeout(net::Duration::seconds(1 + seconds.value_or(0) % 30))
          .emit("ask", [](std::error_code, std::optional<socketio::Json>) {});
    });
    socket.on("throw", [] { throw std::runtime_error("as it was told"); });
    socket.on("disconnect", [this, is_open](std::string_view) {
      HILO_CHECK(std::exchange(*is_open, false));
      ++sockets_closed_;
    });
  };
  io_->on_connection(connected);
  io_->of("/room").on_connection(connected);
  io_->of([](std::string_view name, const socketio::Json&) { return name.starts_with("/dynamic"); },
          [connected](socketio::Namespace& made) { made.on_connection(connected); });
}

// --- what is done of our own accord --------------------------------------------------------------

void Served::act(std::uint8_t what, std::string_view text) {
  switch (what % 16) {
    case 0:
      engine_->for_each([&](engineio::Socket& each) {
        static_cast<void>(each.send_text(text.empty() ? "x" : "engine"));
      });
      break;
    case 1: engine_->for_each([](engineio::Socket& each) { each.close(); }); break;
    case 2: static_cast<void>(io_->emit("news", socketio::Json{{"bytes", text.size()}})); break;
    case 3: io_->disconnect_sockets(!text.empty()); break;
    case 4:
      io_->timeout(3_s).emit("vote", [](std::error_code, std::vector<socketio::Json>) {});
      break;
    case 5: answer_upgrades(true); break;
    case 6: answer_upgrades(false); break;
    case 7:
      for (const ws::http::ExchangeId id : std::exchange(unanswered_, {})) {
        ws::http::Exchange* const exchange = server_.exchange(id);
        if (exchange != nullptr) static_cast<void>(exchange->respond(200, "text/plain", "now"));
      }
      break;
    case 8: world_.network.raise(SIGTERM); break;
    case 9:
      if (!is_going()) server_.stop(ws::CloseCode::going_away, [this] { is_drained_ = true; });
      break;
    case 10: engine_->close_all(); break;
    case 11: io_->close(); break;
    default: act_on_websockets(what % 16, text); break;
  }
}

void Served::resume_all() {
  server_.for_each([](ws::Connection& each) { each.resume(); });
}

void Served::read_to_the_end() {
  may_pause_ = false;
  resume_all();
}

void Served::act_on_websockets(std::uint8_t what, std::string_view text) {
  if (what == 12) {
    server_.publish("s", ws::Opcode::binary, as_bytes(text));
    return resume_all();
  }
  server_.for_each([&](ws::Connection& each) {
    // Those of Engine.IO have an owner who speaks for them.
    if (each.data<Life>() == nullptr) return;
    switch (what) {
      case 13: static_cast<void>(each.ping(as_bytes(text.substr(0, 125)))); break;
      case 14: static_cast<void>(each.close()); break;
      default: static_cast<void>(each.send_binary(as_bytes(text))); break;
    }
  });
}

void Served::answer_upgrades(bool accepts) {
  for (const ws::UpgradeId id : std::exchange(waiting_, {})) {
    static_cast<void>(accepts ? server_.accept(id) : server_.reject(id));
  }
}

void Served::terminate() {
  if (is_going()) return;
  engine_->drain();
  io_->drain();
  server_.drain({.window = drain_window}, [this] { is_drained_ = true; });
}

// --- the invariants ------------------------------------------------------------------------------

void Served::check_at_rest() {
  HILO_CHECK(opened_ == closed_);
  HILO_CHECK(engine_opened_ == engine_closed_);
  HILO_CHECK(sockets_opened_ == sockets_closed_);
  HILO_CHECK(is_drained_ == is_going());
  HILO_CHECK(server_.connection_count() == 0 && server_.http_connection_count() == 0);
  HILO_CHECK(server_.pending_upgrade_count() == 0);
  HILO_CHECK(engine_->socket_count() == 0 && io_->client_count() == 0);

  const ws::Metrics& metrics = server_.metrics();
  std::uint64_t closes = 0;
  for (const auto& by_whom : metrics.closes) {
    closes = std::accumulate(by_whom.begin(), by_whom.end(), closes);
  }
  HILO_CHECK(metrics.upgrades == metrics.closed && metrics.closed == closes);
  HILO_CHECK(metrics.closed >= closed_ && metrics.messages_received >= messages_);
  HILO_CHECK(metrics.upgrades <= metrics.accepted);
  for (const engineio::Server* const each : {engine_.get(), &io_->engine()}) {
    HILO_CHECK(each->metrics().opened == each->metrics().closed);
  }
  HILO_CHECK(engine_->metrics().opened == engine_opened_);
  HILO_CHECK(io_->metrics().connected == io_->metrics().disconnected);
  HILO_CHECK(io_->metrics().connected == sockets_opened_);
}

}  // namespace hilo::fuzz
