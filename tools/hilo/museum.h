// SPDX-License-Identifier: MIT
//
// Museum: the echo as browsers spoke to it in 2010, by the handshake and the frames of draft 76
// (ws/trace/hixie76.h): `hilo serve --hixie76`. Not for anything but looking: nothing is masked,
// and a proxy on the way may take the eight bytes of the handshake for anything.
//
//   serves  /echo, text alone; every other path is told 404
//   limits  visitors_max at once, who count among the server's connections and those of their
//   address
//           as long as they stay; message_bytes_max a text, time-outs of challenge and silence
//   thread  the loop's
//   life    the loop outlives it; who is there when it goes is reset

#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "net/duration.h"
#include "net/loop.h"
#include "ws/server.h"

namespace hilo::tools {

class Museum final : public ws::Hixie76Taker {
 public:
  static constexpr std::size_t visitors_max = 100;
  static constexpr std::size_t message_bytes_max = std::size_t{64} << 10;
  static constexpr net::Duration challenge_timeout = net::Duration::seconds(10);
  static constexpr net::Duration idle_timeout = net::Duration::seconds(120);

  explicit Museum(net::Loop& loop);
  Museum(const Museum&) = delete;
  Museum& operator=(const Museum&) = delete;
  ~Museum();

  bool prepare(const ws::Request& request, bool is_tls) override;
  void take(std::unique_ptr<net::Stream> stream,
            std::unique_ptr<ws::AdmittedPlace> place) noexcept override;
  // Says good-bye to all who are there.
  void close();

 private:
  class Visitor;
  void leave(Visitor& visitor);

  net::Loop* loop_;
  std::unordered_map<Visitor*, std::unique_ptr<Visitor>> visitors_;
  Visitor* prepared_ = nullptr;  // between prepare() and take()
};

}  // namespace hilo::tools
