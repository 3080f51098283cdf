// SPDX-License-Identifier: MIT

#include "net/listener.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/late_closing.h"
#include "tests/support/stream_pair.h"

using namespace hilo;
using namespace hilo::net;
using namespace hilo::test;

namespace {

Address any_port(const char* ip = "127.0.0.1") {
  Result<Address> address = Address::from_ip(ip, 0);
  REQUIRE(address);
  return *address;
}

// Connects without waiting for the accept. On the loopback the kernel has finished by then.
Fd connect_to(const Address& address) {
  Result<Fd> fd = socket::open_stream(address.family());
  REQUIRE(fd);
  REQUIRE(socket::connect(fd->value(), address).kind != Io::Kind::failed);
  return std::move(*fd);
}

// Lowers the soft limit of descriptors to what is open now, for as long as it lives. What is open
// must have no gaps, or a listener's reserve lies above them and is of no use when it is given up:
// so await_late_closing() stands in front of the loop.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const int lowest_free = ::dup(0);
    REQUIRE(lowest_free >= 0);
    ::close(lowest_free);
    rlimit now = before_;
    now.rlim_cur = static_cast<rlim_t>(lowest_free);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &now) == 0);
  }
  NoDescriptorsLeft(const NoDescriptorsLeft&) = delete;
  NoDescriptorsLeft& operator=(const NoDescriptorsLeft&) = delete;
  ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

// True if the peer of this connection has closed it.
bool is_closed_by_peer(const Fd& fd) {
  std::uint8_t byte;
  const Io io = socket::receive(fd.value(), {&byte, 1});
  return io.kind == Io::Kind::end || io.kind == Io::Kind::failed;
}

}  // namespace

TEST_CASE("every connection is handed over with the address of its peer") {
  for (const char* ip : {"127.0.0.1", "::1"}) {
    CAPTURE(ip);
    Loop loop;
    Listener listener(loop);
    std::vector<Address> peers;
    const Status opened = listener.open(any_port(ip), {}, [&](Fd fd, const Address& peer) {
      CHECK(fd);
      peers.push_back(peer);
    });
    if (!opened) {
      MESSAGE("no such family here: " << opened.error().message());
      continue;
    }
    CHECK(listener.is_open());
    CHECK(listener.address().port() != 0);
    std::vector<Fd> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(connect_to(listener.address()));
    CHECK(turn_until(loop, [&] { return peers.size() == 10; }));
    CHECK(listener.accepted_count() == 10);
    for (std::size_t i = 0; i < clients.size(); ++i) {
      Result<Address> local = socket::local_address(clients[i].value());
      REQUIRE(local);
      CHECK(peers[i] == *local);
    }
  }
}

TEST_CASE("a turn accepts no more than its batch, and the next turn goes on") {
  Loop loop;
  Listener listener(loop);
  std::vector<Fd> accepted;
  REQUIRE(listener.open(any_port(), {.accepts_per_turn_max = 3},
                        [&](Fd fd, const Address&) { accepted.push_back(std::move(fd)); }));
  std::vector<Fd> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(connect_to(listener.address()));
  for (const std::size_t expected : {3u, 6u, 8u, 8u}) {
    REQUIRE(loop.run_once(Duration{}));
    CHECK(accepted.size() == expected);
  }
}

TEST_CASE("an address in use is an error, and the listener stays shut") {
  Loop loop;
  Listener first(loop);
  REQUIRE(first.open(any_port(), {}, [](Fd, const Address&) {}));
  Listener second(loop);
  const Status status = second.open(first.address(), {}, [](Fd, const Address&) {});
  CHECK(status.error() == std::errc::address_in_use);
  CHECK(!second.is_open());
}

TEST_CASE("a Unix socket is listened on, and again after its owner left the file behind") {
  char folder[] = "/tmp/hilo_listener_XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  const std::string path = std::string(folder) + "/socket";
  Result<Address> address = Address::from_unix_path(path);
  REQUIRE(address);
  for (int round = 0; round < 2; ++round) {
    Loop loop;
    Listener listener(loop);
    int accepted = 0;
    REQUIRE(listener.open(*address, {}, [&](Fd, const Address&) { ++accepted; }));
    CHECK(listener.address() == *address);
    const Fd client = connect_to(*address);
    CHECK(turn_until(loop, [&] { return accepted == 1; }));
  }
  ::unlink(path.c_str());
  ::rmdir(folder);
}

TEST_CASE("a socket that listens already is adopted") {
  Loop loop;
  Result<Fd> listening = socket::listen(any_port(), {});
  REQUIRE(listening);
  const int fd = listening->value();
  Listener listener(loop);
  int accepted = 0;
  REQUIRE(listener.adopt(std::move(*listening), {}, [&](Fd, const Address&) { ++accepted; }));
  CHECK(listener.fd() == fd);
  const Fd client = connect_to(listener.address());
  CHECK(turn_until(loop, [&] { return accepted == 1; }));
}

TEST_CASE("closing inside the callback ends the batch") {
  Loop loop;
  Listener listener(loop);
  int accepted = 0;
  REQUIRE(listener.open(any_port(), {}, [&](Fd, const Address&) {
    ++accepted;
    listener.close();
    CHECK(!listener.is_open());
  }));
  std::vector<Fd> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(connect_to(listener.address()));
  CHECK(turn_until(loop, [&] { return accepted == 1; }));
  settle(loop);
  CHECK(accepted == 1);
  CHECK(loop.watched_count() == 0);
}

TEST_CASE("a listener is opened again after it was closed") {
  Loop loop;
  Listener listener(loop);
  int accepted = 0;
  for (int round = 1; round <= 3; ++round) {
    REQUIRE(listener.open(any_port(), {}, [&](Fd, const Address&) { ++accepted; }));
    const Fd client = connect_to(listener.address());
    CHECK(turn_until(loop, [&] { return accepted == round; }));
    listener.close();
    listener.close();
  }
}

TEST_CASE("a connection that was reset before it was accepted does no harm") {
  Loop loop;
  Listener listener(loop);
  int accepted = 0;
  REQUIRE(listener.open(any_port(), {}, [&](Fd, const Address&) { ++accepted; }));
  {
    const Fd gone = connect_to(listener.address());
    socket::set_abortive_close(gone.value());
  }
  const Fd client = connect_to(listener.address());
  CHECK(turn_until(loop, [&] { return accepted >= 1; }));
  settle(loop);
  CHECK(listener.is_open());
}

TEST_CASE("without descriptors left the waiting are shed, and the listener pauses and recovers") {
  await_late_closing();
  Loop loop;
  Listener listener(loop);
  std::vector<Fd> accepted;
  int exhausted = 0;
  std::error_code why;
  Listener::Options options;
  options.pause_min = Duration::milliseconds(5);
  REQUIRE(listener.open(
      any_port(), options, [&](Fd fd, const Address&) { accepted.push_back(std::move(fd)); },
      [&](std::error_code error) {
        ++exhausted;
        why = error;
      }));
  std::vector<Fd> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(connect_to(listener.address()));
  {
    const NoDescriptorsLeft limit;
    CHECK(turn_until(loop, [&] { return exhausted == 1; }));
    CHECK(why == std::errc::too_many_files_open);
    CHECK(listener.shed_count() == 3);
    CHECK(accepted.empty());
    // The waiting hear of it: a close, not a hang.
    for (const Fd& client : clients) CHECK(is_closed_by_peer(client));
    // While it pauses, only its timer is of interest to the loop.
    CHECK(loop.watched_count() == 0);
    CHECK(loop.timers().armed_count() == 1);
  }
  const Fd late = connect_to(listener.address());
  CHECK(turn_until(loop, [&] { return accepted.size() == 1; }));
  CHECK(listener.shed_count() == 3);
  CHECK(loop.watched_count() == 1);
}

TEST_CASE("while the lack lasts each pause is twice as long, and the loop does not spin") {
  await_late_closing();
  Loop loop;
  Listener listener(loop);
  int exhausted = 0;
  std::vector<Fd> clients;
  Listener::Options options;
  options.pause_min = Duration::milliseconds(2);
  options.pause_max = Duration::milliseconds(16);
  std::vector<Fd> spare;  // opened now, connected one after the other while there is a lack
  for (int i = 0; i < 6; ++i) {
    Result<Fd> fd = socket::open_stream(Family::ipv4);
    REQUIRE(fd);
    spare.push_back(std::move(*fd));
  }
  const auto connect_next = [&] {
    static_cast<void>(socket::connect(spare.back().value(), listener.address()));
    clients.push_back(std::move(spare.back()));
    spare.pop_back();
  };
  std::vector<Time> times;
  REQUIRE(listener.open(
      any_port(), options, [&](Fd, const Address&) {},
      [&](std::error_code) {
        ++exhausted;
        times.push_back(loop.now());
        if (!spare.empty()) connect_next();
      }));
  connect_next();
  const NoDescriptorsLeft limit;
  int turns = 0;
  CHECK(turn_until(loop, [&] {
    ++turns;
    return exhausted == 6;
  }));
  CHECK(listener.shed_count() == 6);
  // Some turns come to nothing: the wheel moves a timer down, or a wait ends a moment early.
  CHECK(turns < 60);
  // A timer is never early, so these hold however busy the machine is.
  const std::int64_t at_least[] = {2, 4, 8, 16, 16};
  for (std::size_t i = 0; i < std::size(at_least); ++i) {
    CHECK(times[i + 1] - times[i] >= Duration::milliseconds(at_least[i]));
  }
}

TEST_CASE("a listener that pauses may be closed, also from within on_exhausted") {
  for (const bool inside : {false, true}) {
    await_late_closing();
    Loop loop;
    Listener listener(loop);
    int exhausted = 0;
    REQUIRE(listener.open(
        any_port(), {}, [](Fd, const Address&) {},
        [&](std::error_code) {
          ++exhausted;
          if (inside) listener.close();
        }));
    const Fd client = connect_to(listener.address());
    const NoDescriptorsLeft limit;
    CHECK(turn_until(loop, [&] { return exhausted == 1; }));
    listener.close();
    CHECK(loop.timers().armed_count() == 0);
    CHECK(loop.watched_count() == 0);
  }
}
