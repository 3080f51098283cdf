// SPDX-License-Identifier: MIT
//
// The other way round: a descriptor of your own in hilo's loop. Whatever is typed goes to everybody
// who is connected. A Watcher is told when its descriptor is ready; that it has no bytes at once,
// or only some, is its own business.
//
// So a loop of somebody else's goes into hilo's, too, if it has a descriptor (uv_backend_fd()).

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "net/fd.h"
#include "tools/loops/visit.h"
#include "ws/server.h"

using namespace hilo;
using namespace hilo::loops;

namespace {

class Lines final : public net::Watcher {
 public:
  Lines(net::Loop& loop, int fd, Callback<void(std::string_view)> on_line)
      : loop_(&loop), fd_(fd), on_line_(std::move(on_line)) {
    token_ = must(loop.watch(fd, net::Interest::read, *this));
  }
  ~Lines() { loop_->unwatch(token_); }

 private:
  void on_ready(net::Ready) override {
    std::array<char, 4096> block;
    const ssize_t bytes = ::read(fd_, block.data(), block.size());
    if (bytes <= 0) return loop_->unwatch(token_);  // the end
    text_.append(block.data(), static_cast<std::size_t>(bytes));
    for (std::size_t end; (end = text_.find('\n')) != std::string::npos;) {
      on_line_(std::string_view(text_).substr(0, end));
      text_.erase(0, end + 1);
    }
  }

  net::Loop* loop_;
  int fd_;
  net::Token token_;
  std::string text_;
  Callback<void(std::string_view)> on_line_;
};

// Types a line when it is connected, and wants to hear it.
void check(net::Loop& loop, const std::string& url, int typed_into) {
  ws::Client client{loop};
  client.on_open(
      [&](ws::Connection&) { expect(::write(typed_into, "hola\n", 5) == 5, "a line is typed"); });
  client.on_message([](ws::Connection& c, ws::Message message) {
    expect(message.text() == "hola", "and heard by who is connected");
    must(c.close());
  });
  client.on_close([&](ws::Connection&, ws::CloseInfo) { loop.stop(); });
  client.on_failed([](std::error_code why) { expect(false, why.message().c_str()); });
  must(client.connect({.url = url}));
  must(loop.run());
}

}  // namespace

int main(int argc, char** argv) {
  const bool checks = checking(argc, argv);
  int ends[2] = {STDIN_FILENO, -1};
  expect(!checks || ::pipe(ends) == 0, "there is something to read");
  const net::Fd typed_into{ends[1]};

  net::Loop loop;
  ws::Server server{loop};
  server.on_open([](ws::Connection&) { std::puts("somebody has come"); });
  Lines lines(loop, ends[0], [&](std::string_view line) {
    server.for_each([line](ws::Connection& c) { c.send_text(line); });
  });
  const std::uint16_t port = checks ? 0 : 9001;
  const net::Address bound = must(server.listen({.host = "127.0.0.1", .port = port}));
  const std::string url = "ws://" + bound.to_string() + "/";
  std::printf("lines go out on %s\n", url.c_str());
  if (!checks) return loop.run() ? 0 : 1;
  check(loop, url, typed_into.value());
  return 0;
}
