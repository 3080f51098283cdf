// SPDX-License-Identifier: MIT
//
// The clients of `make bench-socketio`: raw packets of Socket.IO 4 over WebSocket on plain sockets,
// so cheap that the server is what is measured, and the processor time that a server of any make
// spends on them.
//
//   socketio_load ADDRESS PROCESS ...
//     echo CLIENTS IN_FLIGHT SECONDS        events that want an answer
//     burst CLIENTS IN_FLIGHT SECONDS       the same, the next when all came
//     broadcast CLIENTS IN_FLIGHT SECONDS   to a room with all, the next when all came; deliveries
//     connect CLIENTS SECONDS               in, CONNECT, out, so many at once
//     idle CLIENTS [SIGNAL]                 bytes of resident memory
//
// Prints "<operations> <microseconds of the server> <microseconds passed>", or the bytes of each
// client; SIGNAL is sent to the server before memory is looked at.

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"
#include "net/base/bytes.h"
#include "net/base/check.h"
#include "net/clock.h"
#include "net/fd.h"
#include "net/loop.h"
#include "net/socket.h"

namespace {

using namespace hilo;

std::string client_frame(std::string_view text, char first = '\x81') {
  constexpr std::array<char, 4> mask = {'\x37', '\x5a', '\x11', '\xc6'};
  HILO_CHECK(text.size() < 126);
  std::string frame{first, static_cast<char>(0x80 | text.size())};
  frame.append(mask.data(), mask.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    frame += static_cast<char>(text[i] ^ mask[i % mask.size()]);
  }
  return frame;
}

class Client;

// What is done with clients that are in.
class Load {
 public:
  virtual ~Load() = default;
  virtual void on_connected(Client& client) = 0;
  // How many messages came at once.
  virtual void on_messages(Client& client, std::size_t count) = 0;
  virtual void on_closed(Client& client) = 0;
};

class Client final : private net::Watcher {
 public:
  Client(net::Loop& loop, Load& load) noexcept : loop_(loop), load_(load) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { loop_.unwatch(token_); }

  void connect(const net::Address& address) {
    input_.clear();
    state_ = State::connecting;
    auto fd = net::socket::open_stream(address.family());
    HILO_CHECK(fd);
    fd_ = std::move(*fd);
    static_cast<void>(net::socket::set_no_delay(fd_.value()));
    HILO_CHECK(net::socket::connect(fd_.value(), address).kind != net::Io::Kind::failed);
    const auto token = loop_.watch(fd_.value(), net::Interest::write, *this);
    HILO_CHECK(token);
    token_ = *token;
  }

  // What the load counts of it.
  std::size_t answered = 0;

  void send(std::string_view frames) {
    const Bytes bytes = as_bytes(frames);
    HILO_CHECK(net::socket::send(fd_.value(), {&bytes, 1}).bytes == bytes.size());
  }

 private:
  enum class State : std::uint8_t { connecting, upgrading, opening, joining, connected };

  void on_ready(net::Ready ready) override {
    if (state_ == State::connecting) {
      if (!ready.writable) return;
      HILO_CHECK(net::socket::finish_connect(fd_.value()));
      HILO_CHECK(loop_.change(token_, net::Interest::read));
      state_ = State::upgrading;
      return send(
          "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
          "Upgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    }
    const MutableBytes buffer{loop_.receive_buffer().data, loop_.receive_buffer().size};
    const net::Io io = net::socket::receive(fd_.value(), buffer);
    if (io.kind == net::Io::Kind::would_block) return;
    if (io.kind != net::Io::Kind::done) return closed();
    const std::string_view text = as_text(buffer.first(io.bytes));
    if (input_.empty()) {
      const std::size_t taken = take(text);
      input_ = text.substr(taken);
    } else {
      input_ += text;
      input_.erase(0, take(input_));
    }
  }

  std::size_t take(std::string_view text) {
    std::size_t taken = 0;
    if (state_ == State::upgrading) {
      const std::size_t end = text.find("\r\n\r\n");
      if (end == text.npos) return 0;
      HILO_CHECK(text.starts_with("HTTP/1.1 101"));
      taken = end + 4;
      state_ = State::opening;
    }
    std::size_t messages = 0;
    while (const std::size_t size = frame_size(text.substr(taken))) {
      messages += take_frame(text.substr(taken, size)) ? 1 : 0;
      taken += size;
    }
    if (messages > 0) load_.on_messages(*this, messages);
    return taken;
  }

  // 0 if it is not all there.
  static std::size_t frame_size(std::string_view text) noexcept {
    if (text.size() < 2) return 0;
    std::size_t size = 2 + static_cast<std::uint8_t>(text[1]);
    if (size == 2 + 126) {
      if (text.size() < 4) return 0;
      size = 4 + static_cast<std::size_t>(static_cast<std::uint8_t>(text[2]) << 8 |
                                          static_cast<std::uint8_t>(text[3]));
    }
    return size <= text.size() ? size : 0;
  }

  // True for a message of a client that is in.
  bool take_frame(std::string_view frame) {
    const std::string_view payload =
        frame.substr(static_cast<std::uint8_t>(frame[1]) < 126 ? 2 : 4);
    if (frame[0] == '\x88') return false;
    if (payload == "2") {
      send(client_frame("3"));
    } else if (state_ == State::opening) {
      HILO_CHECK(payload.starts_with("0{"));
      state_ = State::joining;
      send(client_frame("40"));
    } else if (state_ == State::joining) {
      HILO_CHECK(payload.starts_with("40{"));
      state_ = State::connected;
      load_.on_connected(*this);
    } else {
      return true;
    }
    return false;
  }

  void closed() {
    loop_.unwatch(token_);
    token_ = {};
    fd_.reset();
    load_.on_closed(*this);
  }

  net::Loop& loop_;
  Load& load_;
  net::Token token_{};
  net::Fd fd_;
  State state_ = State::connecting;
  std::string input_;  // the beginning of a frame
};

// ---- the server's process ----

std::uint64_t number_in(const std::string& path, const char* format) {
  std::FILE* const file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return 0;
  unsigned long long value = 0;
  const int fields = std::fscanf(file, format, &value);
  std::fclose(file);
  return fields == 1 ? value : 0;
}

// Of all its threads, by the scheduler's count, which is finer than utime and stime.
std::int64_t processor_microseconds(const std::string& process) {
  const std::string folder = "/proc/" + process + "/task/";
  DIR* const tasks = ::opendir(folder.c_str());
  HILO_CHECK(tasks != nullptr);
  std::uint64_t nanoseconds = 0;
  while (const dirent* const task = ::readdir(tasks)) {
    if (task->d_name[0] == '.') continue;
    nanoseconds += number_in(folder + task->d_name + "/schedstat", "%llu");
  }
  ::closedir(tasks);
  return static_cast<std::int64_t>(nanoseconds / 1000);
}

std::int64_t resident_bytes(const std::string& process) {
  return static_cast<std::int64_t>(number_in("/proc/" + process + "/statm", "%*u %llu")) *
         ::sysconf(_SC_PAGESIZE);
}

// ---- loads ----

class Run : public Load {
 public:
  Run(net::Loop& loop, const net::Address& address) : loop_(loop), address_(address) {}

  // A few at a time, so that no server's queue of new connections is what is measured.
  void connect(std::size_t count) {
    const std::size_t wanted = clients_.size() + count;
    while (connected_ < wanted) {
      while (clients_.size() < wanted && clients_.size() < connected_ + 64) {
        clients_.push_back(std::make_unique<Client>(loop_, *this));
        clients_.back()->connect(address_);
      }
      turn();
    }
  }
  virtual void start() {}
  void turn() { HILO_CHECK(loop_.run_once(net::Duration::seconds(10))); }
  void turn_for(net::Duration duration) {
    const net::Time end = net::clock_now() + duration;
    while (net::clock_now() < end) HILO_CHECK(loop_.run_once(end - net::clock_now()));
  }
  std::uint64_t operations() const noexcept { return operations_; }

  void on_connected(Client&) override { ++connected_; }
  void on_messages(Client&, std::size_t) override {}
  void on_closed(Client&) override {
    std::fputs("socketio_load: the server let a client go\n", stderr);
    std::exit(1);
  }

 protected:
  net::Loop& loop_;
  const net::Address address_;
  std::size_t connected_ = 0;
  std::uint64_t operations_ = 0;
  std::vector<std::unique_ptr<Client>> clients_;
};

// An event for each that is answered; in bursts, all at once when all are answered.
class Echo final : public Run {
 public:
  Echo(net::Loop& loop, const net::Address& address, std::size_t in_flight, bool bursts)
      : Run(loop, address), least_(bursts ? in_flight : 1) {
    const std::string frame = client_frame("427[\"echo\",{\"text\":\"hola\",\"n\":7}]");
    frame_size_ = frame.size();
    for (std::size_t i = 0; i < in_flight; ++i) frames_ += frame;
  }

  void start() override {
    for (const auto& client : clients_) client->send(frames_);
  }
  void on_messages(Client& client, std::size_t count) override {
    operations_ += count;
    client.answered += count;
    if (client.answered < least_) return;
    client.send(std::string_view(frames_).substr(0, client.answered * frame_size_));
    client.answered = 0;
  }

 private:
  std::size_t least_;
  std::size_t frame_size_ = 0;
  std::string frames_;
};

// One tells all so many things at once, again and again when all have heard them.
class Hall final : public Run {
 public:
  Hall(net::Loop& loop, const net::Address& address, std::size_t in_flight)
      : Run(loop, address), in_flight_(in_flight) {
    const std::string frame = client_frame("42[\"tell\",\"hall\",{\"text\":\"hola\",\"n\":7}]");
    for (std::size_t i = 0; i < in_flight; ++i) frames_ += frame;
  }

  void start() override {
    for (const auto& client : clients_) client->send(client_frame("420[\"join\",\"hall\"]"));
    while (operations_ < clients_.size()) turn();
    operations_ = 0;
    is_open_ = true;
    clients_.front()->send(frames_);
  }
  void on_messages(Client&, std::size_t count) override {
    operations_ += count;
    if (!is_open_ || operations_ % (clients_.size() * in_flight_) != 0) return;
    clients_.front()->send(frames_);
  }

 private:
  std::size_t in_flight_;
  std::string frames_;
  bool is_open_ = false;
};

// In, and out again.
class Visits final : public Run {
 public:
  using Run::Run;

  void on_connected(Client& client) override {
    ++connected_;
    client.send(client_frame("41") + client_frame("\x03\xe8", '\x88'));
  }
  void on_closed(Client& client) override {
    ++operations_;
    client.connect(address_);
  }
};

class Silence final : public Run {
 public:
  using Run::Run;
};

void measure(Run& run, const std::string& process, int seconds) {
  run.start();
  run.turn_for(net::Duration::milliseconds(500));  // until compilers and caches are warm
  const std::uint64_t operations = run.operations();
  const std::int64_t spent = processor_microseconds(process);
  const net::Time begin = net::clock_now();
  run.turn_for(net::Duration::seconds(seconds));
  const std::int64_t spent_now = processor_microseconds(process);
  const net::Duration passed = net::clock_now() - begin;
  std::printf("%llu %lld %lld\n", static_cast<unsigned long long>(run.operations() - operations),
              static_cast<long long>(spent_now - spent),
              static_cast<long long>(passed.to_microseconds()));
}

void measure_idle(Run& run, const std::string& process, std::size_t clients, int signal) {
  constexpr std::size_t warm_up = 100;
  const auto memory = [&] {
    run.turn_for(net::Duration::milliseconds(300));
    if (signal != 0) HILO_CHECK(::kill(std::atoi(process.c_str()), signal) == 0);
    run.turn_for(net::Duration::milliseconds(700));
    return resident_bytes(process);
  };
  run.connect(warm_up);
  const std::int64_t before = memory();
  run.connect(clients);
  const std::int64_t growth = memory() - before;
  std::printf("%lld\n", static_cast<long long>(growth / static_cast<std::int64_t>(clients)));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  if (words.size() < 5) {
    std::fputs("how it is called stands in bench/socketio_load.cc\n", stderr);
    return 2;
  }
  const auto number = [&](std::size_t i) { return i < words.size() ? std::stoi(words[i]) : 0; };
  static_cast<void>(net::socket::raise_descriptor_limit());
  net::Loop loop;
  const auto address = net::Address::parse(words[1]);
  HILO_CHECK(address);
  const std::string& process = words[2];
  const std::string& what = words[3];
  const auto clients = static_cast<std::size_t>(number(4));
  if (what == "idle") {
    Silence run(loop, *address);
    measure_idle(run, process, clients, number(5));
  } else if (what == "echo" || what == "burst") {
    Echo run(loop, *address, static_cast<std::size_t>(number(5)), what == "burst");
    run.connect(clients);
    measure(run, process, number(6));
  } else if (what == "broadcast") {
    Hall run(loop, *address, static_cast<std::size_t>(number(5)));
    run.connect(clients);
    measure(run, process, number(6));
  } else {
    HILO_CHECK(what == "connect");
    Visits run(loop, *address);
    run.connect(clients);
    measure(run, process, number(5));
  }
  std::fflush(stdout);
  std::_Exit(0);  // without letting go of thousands, one by one
}
