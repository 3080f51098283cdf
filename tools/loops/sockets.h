// SPDX-License-Identifier: MIT
//
// The bare sockets under CoreEcho, as any POSIX program would have them: one that listens, and a
// Guest for each connection. Nothing of net/ is used.

#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

#include "tools/loops/core_echo.h"

namespace hilo::loops {

// Of 127.0.0.1, and does not block; -1 if that was not possible.
inline int listen_on(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  if (::listen(fd, SOMAXCONN) != 0 || ::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return -1;
  return fd;
}

inline std::string url_of(int listening) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size);
  return "ws://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
}

// One connection: moves bytes between its socket and its echo.
class Guest {
 public:
  Guest(int fd, Pool& pool) : echo_(pool), fd_(fd) { ::fcntl(fd_, F_SETFL, O_NONBLOCK); }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  ~Guest() { ::close(fd_); }

  int fd() const { return fd_; }
  bool wants_input() const { return echo_.wants_input() || finishing_; }
  bool wants_output() { return !echo_.output().empty(); }
  bool is_gone() const { return gone_; }

  void receive() {
    std::array<std::uint8_t, 65536> block;
    const ssize_t bytes = ::recv(fd_, block.data(), block.size(), 0);
    if (bytes < 0) return note_error();
    // Behind the end of the conversation only the peer's FIN is waited for: who closes with input
    // unread resets the connection, and the last words may be lost.
    gone_ = bytes == 0 && (finishing_ || echo_.output().empty());
    if (bytes == 0) echo_.end();
    if (!finishing_) echo_.take({block.data(), static_cast<std::size_t>(bytes)});
    send();
  }
  void send() {
    Buffer& output = echo_.output();
    while (!output.empty()) {
      const Bytes bytes = output.readable();
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return note_error();
      output.consume(static_cast<std::size_t>(sent));
    }
    if (!echo_.is_over() || finishing_) return;
    finishing_ = true;
    ::shutdown(fd_, SHUT_WR);
  }

 private:
  void note_error() { gone_ = errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR; }

  CoreEcho echo_;
  int fd_;
  bool finishing_ = false;  // our FIN was sent
  bool gone_ = false;
};

}  // namespace hilo::loops
