// SPDX-License-Identifier: MIT

#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "tests/sim/torture/visit.h"
#include "ws/engineio/client.h"
#include "ws/socketio/manager.h"

namespace hilo::sim::torture {
namespace {

constexpr std::string_view url = "http://server.test:9001";

// By polling, and on over a WebSocket.
class EngineVisit final : public Visit {
 public:
  explicit EngineVisit(Stage& stage) : stage_(&stage) {}

  void begin() override {
    client_.emplace(stage_->world.loop);
    client_
        ->on_open([this](engineio::Client& client) {
          ++open_;
          client.send_text("by polling");
          client.send_binary(as_bytes(std::string_view{"bytes"}));
        })
        .on_upgraded([](engineio::Client& client) { client.send_text("by WebSocket"); })
        .on_message([this](engineio::Client& client, engineio::Message) {
          if (++heard_ == 3) client.close();
        })
        .on_close([this](engineio::Client&, engineio::CloseReason) { --open_, ++ends_; })
        .on_failed([this](engineio::Client&, std::error_code) { ++ends_; });
    if (Status status = client_->connect({.url = url}); !status) return;
    has_begun_ = true;
  }
  void leave() override {
    if (client_) client_->close();
  }

  bool is_whole() const override { return heard_ == 3 && ends_ == 1; }
  std::string complaint() const override {
    if (open_ != 0) return "on_open and on_close of an engine.io client differ";
    if (has_begun_ == (ends_ == 1)) return {};
    return "an engine.io client heard of " + std::to_string(ends_) + " ends";
  }

 private:
  Stage* stage_;
  bool has_begun_ = false;
  int open_ = 0;
  int heard_ = 0;
  int ends_ = 0;
  std::optional<engineio::Client> client_;
};

// Two events that are answered, one of them with bytes, and one that comes; and in a namespace of
// its own, which is left before the rest, one whose values have values. It goes on until it
// succeeds.
class SocketVisit final : public Visit {
 public:
  explicit SocketVisit(Stage& stage) : stage_(&stage) {}

  void begin() override {
    manager_.emplace(stage_->world.loop, url);
    socket_ = manager_->socket();
    // One that could not be set up is not counted.
    socket_.on("disconnect", [this](std::string_view) { open_ -= is_set_up_; })
        .on("connect", [this] { connect(); })
        .on("news", [this](std::string_view) { heard(news); });
    side_ = manager_->socket("/side");
    side_.on("connect", [this] {
      side_.timeout(net::Duration::seconds(5))
          .emit("tree", tree_, [this](std::error_code error, const socketio::Json& same) {
            if (error) return;
            if (same == tree_) heard(tree);
            side_.disconnect();
          });
    });
    is_set_up_ = true;
  }
  void leave() override {
    if (manager_) manager_->close();
  }

  bool is_whole() const override { return heard_ == (count | bytes | news | tree); }
  std::string complaint() const override {
    return open_ != 0 ? "connect and disconnect of a client differ" : "";
  }

 private:
  enum : unsigned { count = 1, bytes = 2, news = 4, tree = 8 };

  void connect() {
    open_ += is_set_up_;
    auto waiting = socket_.timeout(net::Duration::seconds(5));
    waiting.emit("count", 1, "a text", [this](std::error_code error, std::int64_t) {
      if (!error) heard(count);
    });
    waiting.emit("bytes", socketio::Binary{as_bytes(std::string_view{"some bytes"})},
                 [this](std::error_code error, socketio::Binary) {
                   if (!error) heard(bytes);
                 });
  }
  void heard(unsigned what) {
    heard_ |= what;
    if (is_whole()) manager_->close();
  }

  Stage* stage_;
  int open_ = 0;
  bool is_set_up_ = false;
  unsigned heard_ = 0;
  std::optional<socketio::Manager> manager_;
  socketio::ClientSocket socket_;
  socketio::ClientSocket side_;
  const socketio::Json tree_ = {{"leaves", {1, "two", {{"three", nullptr}}}},
                                {"more", {{"a", {}}}}};
};

}  // namespace

std::unique_ptr<Visit> make_engine_visit(Stage& stage) {
  return std::make_unique<EngineVisit>(stage);
}

std::unique_ptr<Visit> make_socketio_visit(Stage& stage) {
  return std::make_unique<SocketVisit>(stage);
}

}  // namespace hilo::sim::torture
