// SPDX-License-Identifier: MIT
//
// calls: what a server asks of the kernel, call by call, from the first visitor's coming to its
// going. net/README.md shows its output.
//
// The functions of libc that make the calls are defined here once more: they tell what they did and
// go on in libc. So this is what the server called, and not what it says of itself. Waits in which
// nothing happened are left out, for how many those are depends on the time.

#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "net/loop.h"
#include "tools/chapters/visitor.h"
#include "ws/server.h"

using namespace hilo;
using chapters::client_frame;
using chapters::must;
using chapters::upgrade_request;
using chapters::Visitor;

namespace {

// Off while the visitor calls, who is in this process, too.
constinit bool telling = false;

void tell(const char* call, const std::string& outcome) {
  if (telling) std::printf("  %-12s %s\n", call, outcome.c_str());
}
std::string bytes(ssize_t count) {
  if (count < 0) return errno == EAGAIN ? "nothing is there" : "failed";
  if (count == 0) return "the end";
  return std::to_string(count) + " bytes";
}

}  // namespace

// What libc has of that name.
#define HILO_REAL(name) reinterpret_cast<decltype(&::name)>(::dlsym(RTLD_NEXT, #name))

extern "C" {

int epoll_wait(int fd, epoll_event* events, int count, int timeout) {
  const int ready = HILO_REAL(epoll_wait)(fd, events, count, timeout);
  if (ready > 0) tell("epoll_wait", std::to_string(ready) + " ready");
  return ready;
}
int epoll_ctl(int fd, int operation, int subject, epoll_event* event) noexcept {
  const int result = HILO_REAL(epoll_ctl)(fd, operation, subject, event);
  tell("epoll_ctl", operation == EPOLL_CTL_ADD   ? "one more to watch"
                    : operation == EPOLL_CTL_DEL ? "one less"
                                                 : "another interest");
  return result;
}
int accept4(int fd, sockaddr* peer, socklen_t* size, int flags) {
  const int accepted = HILO_REAL(accept4)(fd, peer, size, flags);
  tell("accept4", accepted >= 0 ? "a connection" : bytes(accepted));
  return accepted;
}
ssize_t recv(int fd, void* into, std::size_t size, int flags) {
  const ssize_t count = HILO_REAL(recv)(fd, into, size, flags);
  tell("recv", bytes(count));
  return count;
}
ssize_t send(int fd, const void* from, std::size_t size, int flags) {
  const ssize_t count = HILO_REAL(send)(fd, from, size, flags);
  tell("send", bytes(count));
  return count;
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  const ssize_t count = HILO_REAL(sendmsg)(fd, message, flags);
  tell("sendmsg", bytes(count) + " in " + std::to_string(message->msg_iovlen) +
                      (message->msg_iovlen == 1 ? " piece" : " pieces"));
  return count;
}
int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept {
  const int result = HILO_REAL(getsockopt)(fd, level, name, value, size);
  tell("getsockopt", level == IPPROTO_TCP && name == TCP_INFO ? "how many wait" : "an option");
  return result;
}
int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
  const int result = HILO_REAL(setsockopt)(fd, level, name, value, size);
  tell("setsockopt", "an option");
  return result;
}
int shutdown(int fd, int direction) noexcept {
  const int result = HILO_REAL(shutdown)(fd, direction);
  tell("shutdown", "no more will be sent");
  return result;
}
int close(int fd) {
  const int result = HILO_REAL(close)(fd);
  tell("close", "the descriptor is free");
  return result;
}

}  // extern "C"

namespace {

// The server's turns until `done()`, which may be a question to the visitor, with what it called.
template <class Done>
void turns(Visitor& visitor, const char* what, Done&& done) {
  std::puts(what);
  visitor.turn_until([&] {
    telling = false;
    const bool is_done = done();
    telling = !is_done;
    return is_done;
  });
}

}  // namespace

int main() {
  net::Loop loop;
  ws::Server server{loop};
  std::size_t echoes = 0;
  bool open = false;
  bool closed = false;
  server.on_open([&](ws::Connection&) { open = true; });
  server.on_message([&](ws::Connection& c, ws::Message message) {
    c.send(message);
    ++echoes;
  });
  server.on_close([&](ws::Connection&, ws::CloseInfo) { closed = true; });
  const net::Address address = must(server.listen({.host = "127.0.0.1", .port = 0}));

  Visitor visitor{loop, address};
  turns(visitor, "somebody connects", [&] { return server.http_connection_count() == 1; });
  visitor.say(upgrade_request("/"));
  turns(visitor, "asks for a WebSocket", [&] { return open; });
  const std::string hello = client_frame(ws::Opcode::text, "Hello");
  visitor.say(hello);
  turns(visitor, "says Hello", [&] { return echoes == 1; });
  std::string many;
  for (int i = 0; i < 16; ++i) many += hello;
  visitor.say(many);
  turns(visitor, "says it sixteen times at once", [&] { return echoes == 17; });
  const std::string goodbye = "\x03\xe8";
  visitor.say(client_frame(ws::Opcode::close, goodbye));
  turns(visitor, "says goodbye", [&] { return visitor.hears(goodbye); });
  visitor.hang_up();
  turns(visitor, "hangs up", [&] { return closed; });
  return 0;
}
