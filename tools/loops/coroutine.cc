// SPDX-License-Identifier: MIT
//
// No loop of its own, and no callbacks either: the server's half of a conversation and the
// client's, each from top to bottom in a coroutine. Both run in the one loop.

#include <cstdio>
#include <string>
#include <thread>

#include "tools/loops/visit.h"
#include "ws/coroutine.h"

using namespace hilo;
using namespace hilo::loops;
using namespace hilo::net::literals;

namespace {

ws::Task echo(ws::Conversation c) {
  while (const auto message = co_await c.receive()) {
    c.send(*message);
    co_await c.drained();  // a peer that does not read has to wait
  }
}

ws::Task tick(ws::Conversation c) {
  while (co_await c.sleep(1_s)) c.send_text("tick");
}

// Asks, waits for the answer, and asks again.
ws::Task check(ws::Caller& caller, std::string url, std::jthread& visitor) {
  const Result<ws::Conversation> c = co_await caller.connect({.url = url});
  expect(static_cast<bool>(c), "the client is connected");
  for (const char* text : {"uno", "dos", "tres"}) {
    c->send_text(text);
    const auto answer = co_await c->receive();
    expect(answer && answer->text() == text, text);
    co_await c->sleep(5_ms);
  }
  must(c->close(farewell, "adios"));
  expect(!co_await c->receive(), "nothing comes any more");
  expect(c->close_info().clean && c->close_info().code == farewell, "both sides have said it");

  // The conversation of the other kind: a thread, a mebibyte, a ping.
  visitor = visit(url, [&loop = c->loop()] { loop.stop(); });
}

}  // namespace

int main(int argc, char** argv) {
  const bool checks = checking(argc, argv);
  net::Loop loop;
  ws::Server server{loop};
  ws::on_coroutine(server, echo);
  ws::on_coroutine(server, "/ticks", tick);
  const std::uint16_t port = checks ? 0 : 9001;
  const net::Address bound = must(server.listen({.host = "127.0.0.1", .port = port}));
  const std::string url = "ws://" + bound.to_string() + "/";
  std::printf("an echo on %s\n", url.c_str());
  ws::Caller caller{loop};
  std::jthread visitor;
  if (checks) check(caller, url, visitor);
  return loop.run() ? 0 : 1;
}
