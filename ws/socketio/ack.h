// SPDX-License-Identifier: MIT
//
// Ack: the answer that the sender of an event waits for.
//
//   socket.on("sum", [](int a, int b, Ack ack) { ack(a + b); });
//
// It may be kept and called later, and does nothing if nobody waits, if the socket is gone, or when
// it is called a second time.

#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "ws/socketio/socket_key.h"
#include "ws/socketio/values.h"

namespace hilo::socketio {

class Ack {
 public:
  Ack() noexcept = default;
  Ack(SocketKey socket, std::uint64_t id) noexcept : socket_(socket), id_(id) {}
  Ack(Ack&& other) noexcept : socket_(other.socket_), id_(std::exchange(other.id_, std::nullopt)) {}
  Ack& operator=(Ack&& other) noexcept {
    socket_ = other.socket_;
    id_ = std::exchange(other.id_, std::nullopt);
    return *this;
  }

  // Whether somebody waits.
  explicit operator bool() const noexcept { return id_.has_value(); }

  template <class... V>
  void operator()(V&&... values) {
    if (!id_) return;
    Json answers = Json::array();
    (answers.push_back(Json(std::forward<V>(values))), ...);
    send(std::move(answers));
  }
  // The same with the values of an array.
  void answer(Json values) {
    if (id_) send(std::move(values));
  }

 private:
  void send(Json answers);

  SocketKey socket_;
  std::optional<std::uint64_t> id_;
};

}  // namespace hilo::socketio
