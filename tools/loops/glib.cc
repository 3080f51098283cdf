// SPDX-License-Identifier: MIT
//
// A ws::Server in a GLib main loop, as GTK programs have it. net::Loop becomes a GSource, whose
// three functions are the three questions of the nesting: how long may the wait be, is there
// something to do, and then do it.

#include <glib.h>

#include <cstdio>
#include <string>
#include <thread>

#include "tools/loops/nested.h"
#include "tools/loops/visit.h"
#include "ws/server.h"

using namespace hilo;
using namespace hilo::loops;

namespace {

// GLib makes and frees it, as plain memory that begins with a GSource.
struct LoopSource {
  GSource base;
  net::Loop* loop;
  gpointer descriptor;
};

LoopSource& of(GSource* source) {
  return *reinterpret_cast<LoopSource*>(source);
}

gboolean prepare(GSource* source, gint* timeout) {
  *timeout = static_cast<gint>(milliseconds_to_turn(*of(source).loop));
  return *timeout == 0 ? TRUE : FALSE;
}

gboolean check(GSource* source) {
  const LoopSource& self = of(source);
  const bool readable =
      self.descriptor != nullptr && g_source_query_unix_fd(source, self.descriptor) != 0;
  return readable || milliseconds_to_turn(*self.loop) == 0 || self.descriptor == nullptr ? TRUE
                                                                                         : FALSE;
}

gboolean dispatch(GSource* source, GSourceFunc, gpointer) {
  must(of(source).loop->run_once({}));
  return G_SOURCE_CONTINUE;
}

GSourceFuncs functions = {prepare, check, dispatch, nullptr, nullptr, nullptr};

GSource* attach(net::Loop& loop) {
  GSource* const source = g_source_new(&functions, sizeof(LoopSource));
  of(source).loop = &loop;
  of(source).descriptor =
      loop.fd() < 0 ? nullptr : g_source_add_unix_fd(source, loop.fd(), G_IO_IN);
  g_source_attach(source, nullptr);
  return source;
}

}  // namespace

int main(int argc, char** argv) {
  const bool checks = checking(argc, argv);
  net::Loop loop;
  ws::Server server{loop};
  server.on_message([](ws::Connection& c, ws::Message m) { c.send(m); });
  const std::uint16_t port = checks ? 0 : 9001;
  const net::Address bound = must(server.listen({.host = "127.0.0.1", .port = port}));
  const std::string url = "ws://" + bound.to_string() + "/";
  std::printf("an echo on %s\n", url.c_str());

  GMainLoop* const host = g_main_loop_new(nullptr, FALSE);
  GSource* const source = attach(loop);
  std::jthread visitor;
  if (checks) visitor = visit(url, [&] { loop.post([host] { g_main_loop_quit(host); }); });
  g_main_loop_run(host);
  g_source_destroy(source);
  g_source_unref(source);
  g_main_loop_unref(host);
  return 0;
}
