// SPDX-License-Identifier: MIT

#include "tools/hilo/handover.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "net/socket.h"

namespace hilo::tools {
namespace {

constexpr std::uint8_t ready_byte = 'r';
constexpr int patience_milliseconds = 5000;

std::error_code malformed() noexcept {
  return std::make_error_code(std::errc::protocol_error);
}

bool wait_for(int fd) noexcept {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, patience_milliseconds) == 1;
}

long number_from_environment(const char* name) noexcept {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtol(text, nullptr, 10) : 0;
}

// What a server says with its sockets: that it, or its predecessor, has made the files of those
// that have some; or that somebody else has, to whom they belong.
constexpr std::string_view hello_of_owner = "hilo";
constexpr std::string_view hello_of_guest = "hilo guest";

// Something that is there and is no socket is not a predecessor's, and not ours to replace.
bool is_foreign(const std::string& path) noexcept {
  struct stat status;
  return !path.starts_with('@') && ::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode);
}

}  // namespace

Result<HandoverOffer> HandoverOffer::ask(std::string_view path) {
  HandoverOffer offer;
  const Result<net::Address> address = net::Address::from_unix_path(path);
  if (!address) return address.error();
  if (is_foreign(std::string(path))) return std::make_error_code(std::errc::file_exists);
  Result<net::Fd> fd = net::socket::open_stream(net::Family::unix_path);
  if (!fd) return fd.error();
  const net::Io io = net::socket::connect(fd->value(), *address);
  if (io.kind == net::Io::Kind::failed) {
    const bool nobody = io.error == std::errc::connection_refused ||
                        io.error == std::errc::no_such_file_or_directory;
    return nobody ? Result<HandoverOffer>{std::move(offer)} : Result<HandoverOffer>{io.error};
  }
  std::array<std::uint8_t, 16> hello;
  if (!wait_for(fd->value())) return std::make_error_code(std::errc::timed_out);
  const net::Io received = net::socket::receive_descriptors(fd->value(), offer.sockets_, hello);
  if (received.kind != net::Io::Kind::done || offer.sockets_.empty()) return malformed();
  const std::string_view said = as_text(Bytes{hello}.first(received.bytes));
  offer.files_are_ours_ = said != hello_of_guest;
  offer.predecessor_ = std::move(*fd);
  return offer;
}

void HandoverOffer::accept() noexcept {
  if (!predecessor_) return;
  const Bytes ready{&ready_byte, 1};
  static_cast<void>(net::socket::send(predecessor_.value(), {&ready, 1}));
  predecessor_.reset();
}

HandoverServer::HandoverServer(net::Loop& loop, std::vector<int> sockets, bool files_are_ours,
                               Callback<void()> on_taken)
    : loop_(&loop),
      sockets_(std::move(sockets)),
      hello_(files_are_ours ? hello_of_owner : hello_of_guest),
      on_taken_(std::move(on_taken)),
      listener_(loop) {}

HandoverServer::~HandoverServer() {
  end();
}

Status HandoverServer::listen(std::string_view path) {
  const Result<net::Address> address = net::Address::from_unix_path(path);
  if (!address) return address.error();
  if (sockets_.size() > net::socket::passed_max) {
    return std::make_error_code(std::errc::argument_list_too_long);
  }
  // Ours alone: whoever can connect here can take the ports.
  net::Listener::Options options;
  options.socket.unix_mode = 0600;
  const std::string file(path);
  if (is_foreign(file)) return std::make_error_code(std::errc::file_exists);
  if (file.front() != '@') ::unlink(file.c_str());
  return listener_.open(*address, options,
                        [this](net::Fd fd, const net::Address&) { offer(std::move(fd)); });
}

void HandoverServer::end() noexcept {
  listener_.close();
  forget_successor();
}

// One at a time: who comes second is turned away.
void HandoverServer::offer(net::Fd successor) {
  if (successor_ || sockets_.empty()) return;
  const net::Io io = net::socket::send_descriptors(successor.value(), sockets_, as_bytes(hello_));
  if (io.kind != net::Io::Kind::done) return;
  const Result<net::Token> token = loop_->watch(successor.value(), net::Interest::read, *this);
  if (!token) return;
  token_ = *token;
  successor_ = std::move(successor);
}

void HandoverServer::on_ready(net::Ready ready) {
  static_cast<void>(ready);
  std::array<std::uint8_t, 16> answer;
  const net::Io io = net::socket::receive(successor_.value(), answer);
  if (io.kind == net::Io::Kind::would_block) return;
  forget_successor();
  // It died, or gave up: everything stays as it is.
  if (io.kind != net::Io::Kind::done || answer[0] != ready_byte) return;
  on_taken_();
}

void HandoverServer::forget_successor() noexcept {
  loop_->unwatch(std::exchange(token_, {}));
  successor_.reset();
}

Result<std::vector<net::Fd>> take_systemd_sockets() {
  constexpr int first_descriptor = 3;
  const long count = number_from_environment("LISTEN_FDS");
  const bool ours = number_from_environment("LISTEN_PID") == static_cast<long>(::getpid());
  for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) ::unsetenv(name);
  if (!ours || count <= 0 || count > static_cast<long>(net::socket::passed_max)) {
    return std::make_error_code(std::errc::no_such_process);
  }
  std::vector<net::Fd> sockets;
  for (int i = 0; i < static_cast<int>(count); ++i) sockets.emplace_back(first_descriptor + i);
  return sockets;
}

}  // namespace hilo::tools
