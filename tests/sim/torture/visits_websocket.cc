// SPDX-License-Identifier: MIT

#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "net/base/check.h"
#include "net/tls.h"
#include "tests/sim/torture/visit.h"
#include "ws/client.h"

namespace hilo::sim::torture {
namespace {

constexpr std::size_t large_bytes = 300'000;  // more than two peers' queues hold
constexpr std::string_view echo_url = "ws://server.test:9001/echo";

// Nothing that compresses to next to nothing, which would be refused.
std::string large_text() {
  Random random(1);
  std::string text(large_bytes, ' ');
  for (char& each : text) each = static_cast<char>('a' + random.below(26));
  return text;
}

// Texts, fragments, a ping, a large message, and the closing handshake.
class WebSocketVisit final : public Visit {
 public:
  WebSocketVisit(Stage& stage, ws::ConnectOptions options)
      : stage_(&stage), options_(std::move(options)), large_(large_text()) {}

  void begin() override {
    client_.emplace(stage_->world.loop);
    client_->on_open([this](ws::Connection& c) { open(c); })
        .on_message([this](ws::Connection& c, ws::Message m) { hear(c, m.text()); })
        .on_pong([this](ws::Connection& c, Bytes) { hear(c, "pong"); })
        .on_close([this](ws::Connection&, ws::CloseInfo info) {
          --open_;
          is_clean_ = info.clean;
          if (!options_.reconnect.enabled) ++ends_;
        })
        .on_failed([this](std::error_code) { ++ends_; });
    if (Status status = client_->connect(options_); !status) return;
    has_begun_ = true;
  }
  void leave() override {
    if (client_) client_->abort();
  }

  bool is_whole() const override { return heard_ == expected && is_clean_; }
  std::string complaint() const override {
    if (open_ != 0) return "on_open and on_close of a client differ";
    if (is_wrong_) return "an echo of something else";
    if (!options_.reconnect.enabled && has_begun_ != (ends_ == 1)) {
      return "a client heard of " + std::to_string(ends_) + " ends";
    }
    return {};
  }

 private:
  static constexpr int expected = 5;

  void open(ws::Connection& connection) {
    ++open_;
    heard_ = 0;
    is_clean_ = false;
    const ws::SendOptions compressed{.compress = connection.compresses()};
    connection.send_text("hello, hello, hello, hello, hello", compressed);
    connection.send_binary(as_bytes(std::string_view{"some bytes"}), compressed);
    connection.send_fragment(ws::Opcode::text, as_bytes(std::string_view{"in "}), false);
    connection.send_fragment(ws::Opcode::text, as_bytes(std::string_view{"three "}), false);
    connection.send_fragment(ws::Opcode::text, as_bytes(std::string_view{"pieces"}), true);
    static_cast<void>(connection.ping());
  }

  void hear(ws::Connection& connection, std::string_view text) {
    if (text == large_) {
      ++heard_;
      static_cast<void>(connection.close());
      return;
    }
    is_wrong_ = is_wrong_ || (text != "hello, hello, hello, hello, hello" && text != "some bytes" &&
                              text != "in three pieces" && text != "pong");
    if (++heard_ == expected - 1) {
      connection.send_text(large_, {.compress = connection.compresses()});
    }
  }

  Stage* stage_;
  ws::ConnectOptions options_;
  std::string large_;
  bool has_begun_ = false;
  bool is_clean_ = false;
  bool is_wrong_ = false;
  int open_ = 0;
  int heard_ = 0;
  int ends_ = 0;
  std::optional<ws::Client> client_;
};

}  // namespace

std::unique_ptr<Visit> make_websocket_visit(Stage& stage) {
  return std::make_unique<WebSocketVisit>(stage, ws::ConnectOptions{.url = echo_url});
}

std::unique_ptr<Visit> make_compressed_visit(Stage& stage) {
  ws::ConnectOptions options{.url = echo_url};
  options.deflate.enabled = true;
  return std::make_unique<WebSocketVisit>(stage, std::move(options));
}

// Trusts everybody, so that what fails is not the certificate. One for all visits, which then
// resume each other's sessions, as the clients of a program do.
std::unique_ptr<Visit> make_tls_visit(Stage& stage) {
  static const auto context = net::tls::ClientContext::create({.insecure = true});
  HILO_CHECK(context);
  return std::make_unique<WebSocketVisit>(
      stage, ws::ConnectOptions{.url = "wss://server.test:9002/echo", .tls = *context});
}

std::unique_ptr<Visit> make_returning_visit(Stage& stage) {
  ws::ConnectOptions options{.url = echo_url};
  options.reconnect.enabled = true;
  return std::make_unique<WebSocketVisit>(stage, std::move(options));
}

}  // namespace hilo::sim::torture
