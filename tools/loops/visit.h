// SPDX-License-Identifier: MIT
//
// visit(): how the programs of this folder check themselves. A client comes over a real socket,
// from a thread and a loop of its own, and wants from an echo server what a client may: a mebibyte
// back, a pong to its ping, a short text, and its Close answered with the code that it gave.

#pragma once

#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "net/base/callback.h"
#include "tools/ladder/expect.h"
#include "ws/client.h"

namespace hilo::loops {

using ladder::checking;
using ladder::expect;
using ladder::must;

constexpr auto farewell = static_cast<ws::CloseCode>(4321);

inline void visit_here(const std::string& url) {
  const std::string large(std::size_t{1} << 20, 'l');
  net::Loop loop;
  ws::Client client{loop};
  client.on_open([&](ws::Connection& c) { c.send_binary(as_bytes(large)); });
  client.on_message([&](ws::Connection& c, ws::Message message) {
    if (!message.is_text()) {
      expect(as_text(message.payload) == large, "a mebibyte comes back");
      must(c.ping(as_bytes("still there?")));
    } else {
      expect(message.text() == "hola", "a text comes back");
      must(c.close(farewell, "adios"));
    }
  });
  client.on_pong([](ws::Connection& c, Bytes payload) {
    expect(as_text(payload) == "still there?", "a ping has its pong");
    c.send_text("hola");
  });
  client.on_close([&](ws::Connection&, ws::CloseInfo info) {
    expect(info.clean && info.code == farewell, "a Close is answered with its code");
    loop.stop();
  });
  client.on_failed([](std::error_code why) { expect(false, why.message().c_str()); });
  must(client.connect({.url = url}));
  must(loop.run());
}

// `on_done` is called in the visitor's thread.
inline std::jthread visit(std::string url, Callback<void()> on_done = nullptr) {
  return std::jthread([url = std::move(url), done = std::move(on_done)]() mutable {
    visit_here(url);
    if (done) done();
  });
}

}  // namespace hilo::loops
