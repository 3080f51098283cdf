// SPDX-License-Identifier: MIT

#include "net/socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "tests/support/skip.h"
#include "tests/support/socket_pair.h"

using namespace hilo;
using namespace hilo::net;
using test::SocketPair;

namespace {

Io send_text(int fd, std::string_view text) {
  const Bytes slice = as_bytes(text);
  return socket::send(fd, {&slice, 1});
}

std::string receive_text(int fd) {
  std::array<std::uint8_t, 256> buffer{};
  const Io io = socket::receive(fd, buffer);
  CHECK(io.kind == Io::Kind::done);
  return std::string(as_text(Bytes(buffer).first(io.bytes)));
}

void wait_for(int fd, short events) {
  pollfd entry{fd, events, 0};
  REQUIRE(::poll(&entry, 1, -1) == 1);
}

int option(int fd, int level, int name) {
  int value = 0;
  socklen_t bytes = sizeof value;
  REQUIRE(getsockopt(fd, level, name, &value, &bytes) == 0);
  return value;
}

// A folder of its own for the files of a test.
struct Folder {
  Folder() { REQUIRE(mkdtemp(path.data()) != nullptr); }
  ~Folder() { static_cast<void>(::rmdir(path.c_str())); }
  std::string path = "/tmp/hilo_socket_XXXXXX";
};

}  // namespace

TEST_CASE("what is sent in slices arrives in one piece") {
  const SocketPair pair = test::tcp_pair();
  const Bytes slices[] = {as_bytes("one "), {}, as_bytes("two "), as_bytes("three")};
  const Io sent = socket::send(pair.a.value(), slices);
  CHECK(sent.kind == Io::Kind::done);
  CHECK(sent.bytes == 13);
  wait_for(pair.b.value(), POLLIN);
  CHECK(receive_text(pair.b.value()) == "one two three");

  CHECK(send_text(pair.b.value(), "back").bytes == 4);
  wait_for(pair.a.value(), POLLIN);
  CHECK(receive_text(pair.a.value()) == "back");
}

TEST_CASE("the first sixteen slices are sent") {
  const SocketPair pair = test::socket_pair();
  const std::vector<Bytes> slices(20, as_bytes("ab"));
  CHECK(socket::send(pair.a.value(), slices).bytes == 32);
}

TEST_CASE("nothing to send and nowhere to receive is done at once") {
  const SocketPair pair = test::socket_pair();
  CHECK(socket::send(pair.a.value(), Bytes{}).kind == Io::Kind::done);
  CHECK(socket::send(pair.a.value(), std::span<const Bytes>{}).kind == Io::Kind::done);
  CHECK(send_text(pair.a.value(), "").kind == Io::Kind::done);
  // Even on a stream that has ended, where a read of nothing could pass for its end.
  CHECK(socket::shutdown_write(pair.a.value()));
  const Io io = socket::receive(pair.b.value(), {});
  CHECK(io.kind == Io::Kind::done);
  CHECK(io.bytes == 0);
}

TEST_CASE("an empty and a full socket block, which is no error") {
  const SocketPair pair = test::socket_pair();
  std::array<std::uint8_t, 16> buffer{};
  CHECK(socket::receive(pair.b.value(), buffer).kind == Io::Kind::would_block);

  const std::vector<std::uint8_t> block(1 << 16);
  const Bytes slice(block);
  Io io;
  do {
    io = socket::send(pair.a.value(), {&slice, 1});
  } while (io.kind == Io::Kind::done);
  CHECK(io.kind == Io::Kind::would_block);
  CHECK(!io.error);
}

TEST_CASE("the end of the stream comes after its last byte") {
  const SocketPair pair = test::tcp_pair();
  CHECK(send_text(pair.a.value(), "last").kind == Io::Kind::done);
  CHECK(socket::shutdown_write(pair.a.value()));
  wait_for(pair.b.value(), POLLIN);
  CHECK(receive_text(pair.b.value()) == "last");
  wait_for(pair.b.value(), POLLIN);
  std::array<std::uint8_t, 16> buffer{};
  CHECK(socket::receive(pair.b.value(), buffer).kind == Io::Kind::end);
  CHECK(send_text(pair.b.value(), "still open").kind == Io::Kind::done);
}

TEST_CASE("writing to a peer that is gone fails without a signal") {
  SocketPair pair = test::socket_pair();
  pair.b.reset();
  // SIGPIPE would end the test here.
  const Io io = send_text(pair.a.value(), "x");
  CHECK(io.kind == Io::Kind::failed);
  CHECK(io.error == std::errc::broken_pipe);
  const Bytes slices[] = {as_bytes("x"), as_bytes("y")};
  CHECK(socket::send(pair.a.value(), slices).error == std::errc::broken_pipe);
}

TEST_CASE("an abortive close resets the connection") {
  SocketPair pair = test::tcp_pair();
  socket::set_abortive_close(pair.a.value());
  pair.a.reset();
  wait_for(pair.b.value(), POLLIN);
  std::array<std::uint8_t, 16> buffer{};
  const Io io = socket::receive(pair.b.value(), buffer);
  CHECK(io.kind == Io::Kind::failed);
  CHECK(io.error == std::errc::connection_reset);
}

TEST_CASE("descriptors are non-blocking and close on exec from birth, and without delay") {
  const SocketPair pair = test::tcp_pair();
  for (const int fd : {pair.a.value(), pair.b.value()}) {
    CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(option(pair.b.value(), IPPROTO_TCP, TCP_NODELAY) != 0);
  CHECK(option(pair.a.value(), IPPROTO_TCP, TCP_NODELAY) == 0);
  CHECK(socket::set_no_delay(pair.a.value()));
  CHECK(option(pair.a.value(), IPPROTO_TCP, TCP_NODELAY) != 0);
}

TEST_CASE("options of a listener can be left away") {
  const SocketPair pair = test::tcp_pair({.no_delay = false});
  CHECK(option(pair.b.value(), IPPROTO_TCP, TCP_NODELAY) == 0);
}

TEST_CASE("buffers take the size they are told, as far as the kernel agrees") {
  const SocketPair pair = test::socket_pair();
  CHECK(socket::set_send_buffer(pair.a.value(), 8192));
  CHECK(socket::set_receive_buffer(pair.a.value(), 8192));
  CHECK(option(pair.a.value(), SOL_SOCKET, SO_SNDBUF) >= 8192);
  CHECK(option(pair.a.value(), SOL_SOCKET, SO_RCVBUF) >= 8192);
}

TEST_CASE("both ends know both addresses") {
  Result<Fd> listening = socket::listen(*Address::parse("127.0.0.1:0"), {});
  REQUIRE(listening);
  const Address address = *socket::local_address(listening->value());
  CHECK(address.port() != 0);
  Result<Fd> connected = socket::open_stream(Family::ipv4);
  REQUIRE(connected);
  CHECK(socket::connect(connected->value(), address).kind != Io::Kind::failed);
  Address peer;
  Result<Fd> accepted = socket::accept(listening->value(), &peer);
  REQUIRE(accepted);
  CHECK(socket::finish_connect(connected->value()));
  CHECK(peer == *socket::local_address(connected->value()));
  CHECK(*socket::peer_address(connected->value()) == address);
  CHECK(*socket::peer_address(accepted->value()) == peer);
}

TEST_CASE("an empty queue of connections blocks, which accept says by its error") {
  Result<Fd> listening = socket::listen(*Address::parse("127.0.0.1:0"), {});
  REQUIRE(listening);
  const Result<Fd> accepted = socket::accept(listening->value(), nullptr);
  CHECK(accepted.error() == std::errc::operation_would_block);
}

TEST_CASE("a connection that is refused says so, at once or when it is finished") {
  Address address;
  {
    Result<Fd> listening = socket::listen(*Address::parse("127.0.0.1:0"), {});
    REQUIRE(listening);
    address = *socket::local_address(listening->value());
  }
  Result<Fd> fd = socket::open_stream(Family::ipv4);
  REQUIRE(fd);
  const Io io = socket::connect(fd->value(), address);
  std::error_code error = io.error;
  if (io.kind == Io::Kind::would_block) {
    wait_for(fd->value(), POLLOUT);
    error = socket::finish_connect(fd->value()).error();
  }
  CHECK(error == std::errc::connection_refused);
}

TEST_CASE("a socket that never connected has not finished connecting") {
  Result<Fd> fd = socket::open_stream(Family::ipv4);
  REQUIRE(fd);
  CHECK(socket::finish_connect(fd->value()).error() == std::errc::not_connected);
  CHECK(socket::shutdown_write(fd->value()).error() == std::errc::not_connected);
}

TEST_CASE("errors of the system arrive as they are") {
  std::array<std::uint8_t, 16> buffer{};
  CHECK(socket::receive(-1, buffer).error == std::errc::bad_file_descriptor);
  CHECK(send_text(-1, "x").error == std::errc::bad_file_descriptor);
  CHECK(socket::accept(-1, nullptr).error() == std::errc::bad_file_descriptor);
  CHECK(socket::connect(-1, *Address::parse("127.0.0.1:1")).error ==
        std::errc::bad_file_descriptor);
  CHECK(socket::finish_connect(-1).error() == std::errc::bad_file_descriptor);
  CHECK(socket::local_address(-1).error() == std::errc::bad_file_descriptor);
  CHECK(socket::set_no_delay(-1).error() == std::errc::bad_file_descriptor);
  CHECK(socket::open_stream(Family::none).error() == std::errc::address_family_not_supported);
  CHECK(socket::listen(Address(), {}).error() == std::errc::address_family_not_supported);
  // TEST-NET-1 is nobody's address, so it is not this machine's either.
  CHECK(socket::listen(*Address::parse("192.0.2.1:0"), {}).error() ==
        std::errc::address_not_available);
}

TEST_CASE("a port is shared only when both ask for it") {
  Result<Fd> first = socket::listen(*Address::parse("127.0.0.1:0"), {.reuse_port = true});
  REQUIRE(first);
  const Address address = *socket::local_address(first->value());
  CHECK(socket::listen(address, {.reuse_port = true}));
  CHECK(socket::listen(address, {}).error() == std::errc::address_in_use);
}

TEST_CASE("IPv6 alone leaves the port to IPv4") {
  Result<Fd> v6 = socket::listen(*Address::parse("[::]:0"), {});
  if (!v6) HILO_SKIP("this machine has no IPv6");
  CHECK(option(v6->value(), IPPROTO_IPV6, IPV6_V6ONLY) != 0);
  Result<Fd> both = socket::listen(*Address::parse("[::]:0"), {.ipv6_only = false});
  REQUIRE(both);
  CHECK(option(both->value(), IPPROTO_IPV6, IPV6_V6ONLY) == 0);
}

TEST_CASE("a Unix socket file that nobody listens on is replaced") {
  const Folder folder;
  const std::string path = folder.path + "/s";
  const Address address = *Address::from_unix_path(path);
  { REQUIRE(socket::listen(address, {})); }
  REQUIRE(::access(path.c_str(), F_OK) == 0);

  Result<Fd> second = socket::listen(address, {});
  REQUIRE(second);
  Result<Fd> client = socket::open_stream(Family::unix_path);
  CHECK(socket::connect(client->value(), address).kind == Io::Kind::done);
  Address peer;
  CHECK(socket::accept(second->value(), &peer));
  CHECK(peer.family() == Family::unix_path);
  ::unlink(path.c_str());
}

TEST_CASE("a Unix socket that is in use is left alone") {
  const Folder folder;
  const std::string path = folder.path + "/s";
  const Address address = *Address::from_unix_path(path);
  Result<Fd> first = socket::listen(address, {});
  REQUIRE(first);
  CHECK(socket::listen(address, {}).error() == std::errc::address_in_use);
  Result<Fd> client = socket::open_stream(Family::unix_path);
  CHECK(socket::connect(client->value(), address).kind == Io::Kind::done);
  ::unlink(path.c_str());
}

TEST_CASE("an ordinary file is never removed") {
  const Folder folder;
  const std::string path = folder.path + "/precious";
  { const Fd file(::open(path.c_str(), O_CREAT | O_WRONLY, 0600)); }
  CHECK(socket::listen(*Address::from_unix_path(path), {}).error() == std::errc::address_in_use);
  CHECK(::access(path.c_str(), F_OK) == 0);
  ::unlink(path.c_str());
}

TEST_CASE("a Unix socket whose queue is full fails instead of waiting for nothing") {
  const Folder folder;
  const std::string path = folder.path + "/s";
  const Address address = *Address::from_unix_path(path);
  Result<Fd> listening = socket::listen(address, {.backlog = 0});
  REQUIRE(listening);
  std::vector<Fd> clients;
  Io io;
  while (clients.size() < 16) {
    Result<Fd> client = socket::open_stream(Family::unix_path);
    REQUIRE(client);
    io = socket::connect(client->value(), address);
    clients.push_back(std::move(*client));
    if (io.kind != Io::Kind::done) break;
  }
  CHECK(io.kind == Io::Kind::failed);
  ::unlink(path.c_str());
}

TEST_CASE("descriptors pass over a Unix socket as copies that close on exec") {
  SocketPair pair = test::socket_pair();
  SocketPair passed = test::socket_pair();
  const std::array<int, 2> numbers{passed.a.value(), passed.b.value()};
  const Io sent = socket::send_descriptors(pair.a.value(), numbers, as_bytes("two"));
  REQUIRE(sent.kind == Io::Kind::done);
  CHECK(sent.bytes == 3);
  std::vector<Fd> got;
  std::array<std::uint8_t, 8> beside{};
  Io io = socket::receive_descriptors(pair.b.value(), got, beside);
  REQUIRE(io.kind == Io::Kind::done);
  CHECK(as_text(Bytes(beside).first(io.bytes)) == "two");
  REQUIRE(got.size() == 2);
  for (const Fd& each : got) CHECK((fcntl(each.value(), F_GETFD) & FD_CLOEXEC) != 0);
  passed = {};
  CHECK(send_text(got[0].value(), "through").kind == Io::Kind::done);
  CHECK(receive_text(got[1].value()) == "through");

  CHECK(socket::send_descriptors(pair.a.value(), {}, as_bytes("none")).kind == Io::Kind::done);
  io = socket::receive_descriptors(pair.b.value(), got, beside);
  CHECK(io.bytes == 4);
  CHECK(got.size() == 2);
  pair.a.reset();
  CHECK(socket::receive_descriptors(pair.b.value(), got, beside).kind == Io::Kind::end);
  CHECK(socket::send_descriptors(pair.b.value(), {}, as_bytes("x")).kind == Io::Kind::failed);
}

TEST_CASE("the reserve is a descriptor like any other") {
  Result<Fd> reserve = socket::open_reserve();
  REQUIRE(reserve);
  CHECK(reserve->value() >= 0);
  CHECK((fcntl(reserve->value(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("the soft limit of descriptors is raised to the hard one") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit lowered = before;
  lowered.rlim_cur = 64;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &lowered) == 0);
  const std::uint64_t raised = socket::raise_descriptor_limit();
  rlimit after{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &after) == 0);
  CHECK(raised == after.rlim_cur);
  CHECK(raised > 64);
  CHECK(socket::raise_descriptor_limit() == raised);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("an Fd closes once, and what it let go not at all") {
  SocketPair pair = test::socket_pair();
  const int number = pair.a.value();
  Fd moved(std::move(pair.a));
  CHECK(!pair.a);
  CHECK(moved.value() == number);
  const int released = moved.release();
  CHECK(!moved);
  CHECK(fcntl(released, F_GETFD) >= 0);
  Fd again(released);
  again = Fd();
  CHECK(fcntl(number, F_GETFD) < 0);
}
