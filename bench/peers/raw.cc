// SPDX-License-Identifier: MIT
//
// The floor: what the kernel alone costs. One thread, epoll, one receive and one send for what is
// there, and no protocol at all; bytes come back as they are. `hilo bench tcp://...` sends it the
// very frames that the other servers get.
//
//   raw echo              what comes goes back at once
//   raw hold BYTES        ... when so many are there, each XORed: what a server must do that
//                         assembles a message and unmasks it
//   raw broadcast BYTES   each message of so many bytes goes to all, by one send for each
//
// Prints "listening on PORT".

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t buffer_bytes = std::size_t{512} << 10;

struct Connection {
  std::string unsent;  // what the kernel did not take
  std::string held;    // less than what is waited for
};

class RawServer {
 public:
  enum class Mode { echo, hold, broadcast };

  RawServer(Mode mode, std::size_t message_bytes) : mode_(mode), message_bytes_(message_bytes) {}

  void run() {
    listen_on_any_port();
    std::array<epoll_event, 1024> events;
    for (;;) {
      const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const int fd = event.data.fd;
        if (fd == listener_) {
          accept_all();
        } else if ((event.events & EPOLLOUT) != 0) {
          send_rest(fd);
        } else {
          receive(fd);
        }
      }
    }
  }

 private:
  static void die(const char* what) {
    std::perror(what);
    std::exit(1);
  }

  void listen_on_any_port() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int on = 1;
    setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // inherited
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* const native = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, native, bytes) != 0 || ::listen(listener_, 4096) != 0) die("listen");
    getsockname(listener_, native, &bytes);
    poll_ = epoll_create1(0);
    watch(listener_, EPOLLIN, EPOLL_CTL_ADD);
    std::printf("listening on %d\n", ntohs(address.sin_port));
    std::fflush(stdout);
  }

  void watch(int fd, std::uint32_t what, int operation) {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    epoll_ctl(poll_, operation, fd, &event);
  }

  void accept_all() {
    for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
      const auto place = static_cast<std::size_t>(fd);
      if (connections_.size() <= place) connections_.resize(place + 1);
      connections_[place] = std::make_unique<Connection>();
      watch(fd, EPOLLIN, EPOLL_CTL_ADD);
    }
  }

  void drop(int fd) {
    connections_[static_cast<std::size_t>(fd)].reset();
    ::close(fd);
  }

  void receive(int fd) {
    const ssize_t taken = ::recv(fd, buffer_, buffer_bytes, 0);
    if (taken < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (taken <= 0) return drop(fd);
    const std::string_view bytes(buffer_, static_cast<std::size_t>(taken));
    switch (mode_) {
      case Mode::echo: return send(fd, bytes);
      case Mode::hold: return hold(fd, bytes);
      case Mode::broadcast: return broadcast(fd, bytes);
    }
  }

  void hold(int fd, std::string_view bytes) {
    std::string& held = connections_[static_cast<std::size_t>(fd)]->held;
    held += bytes;
    if (held.size() < message_bytes_) return;
    for (char& each : held) each = static_cast<char>(each ^ 0x55);
    send(fd, held);
    held.clear();
  }

  void broadcast(int fd, std::string_view bytes) {
    std::string& held = connections_[static_cast<std::size_t>(fd)]->held;
    held += bytes;
    std::size_t done = 0;
    for (; held.size() - done >= message_bytes_; done += message_bytes_) {
      const std::string_view message = std::string_view(held).substr(done, message_bytes_);
      for (std::size_t to = 0; to < connections_.size(); ++to) {
        if (connections_[to]) send(static_cast<int>(to), message);
      }
    }
    held.erase(0, done);
  }

  void send(int fd, std::string_view bytes) {
    std::string& unsent = connections_[static_cast<std::size_t>(fd)]->unsent;
    if (unsent.empty()) {
      const ssize_t taken = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (taken == static_cast<ssize_t>(bytes.size())) return;
      if (taken > 0) bytes.remove_prefix(static_cast<std::size_t>(taken));
      // Nothing is read from who does not read, or else its bytes would pile up here.
      watch(fd, mode_ == Mode::broadcast ? EPOLLIN | EPOLLOUT : EPOLLOUT, EPOLL_CTL_MOD);
    }
    unsent += bytes;
  }

  void send_rest(int fd) {
    std::string& unsent = connections_[static_cast<std::size_t>(fd)]->unsent;
    const ssize_t taken = ::send(fd, unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN) return drop(fd);
    if (taken > 0) unsent.erase(0, static_cast<std::size_t>(taken));
    if (unsent.empty()) watch(fd, EPOLLIN, EPOLL_CTL_MOD);
  }

  const Mode mode_;
  const std::size_t message_bytes_;
  int listener_ = -1;
  int poll_ = -1;
  // In the middle of a page, where recv copies fastest (net/base/mid_page.h says why).
  std::unique_ptr<char, decltype(&std::free)> memory_{
      static_cast<char*>(std::aligned_alloc(4096, buffer_bytes + 4096)), &std::free};
  char* const buffer_ = memory_.get() + 2048;
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
};

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "echo";
  const std::size_t bytes = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (mode == "echo") RawServer(RawServer::Mode::echo, bytes).run();
  if (mode == "hold" && bytes > 0) RawServer(RawServer::Mode::hold, bytes).run();
  if (mode == "broadcast" && bytes > 0) RawServer(RawServer::Mode::broadcast, bytes).run();
  std::fputs("raw echo | hold BYTES | broadcast BYTES\n", stderr);
  return 2;
}
