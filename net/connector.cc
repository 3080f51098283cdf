// SPDX-License-Identifier: MIT

#include "net/connector.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "net/base/check.h"
#include "net/socket.h"

namespace hilo::net {

// The work of one connect(). All of it is done in the loop; the outcome is told from a timer that
// is due at once, because only there may the callback destroy everything around it.
struct Connector::State {
  class Attempt final : public Watcher {
   public:
    State* state = nullptr;
    Fd fd;
    Token token;

   private:
    void on_ready(Ready ready) override { state->attempt_ready(*this, ready.error, ready.broken); }
  };

  class Alarm final : public Timer {
   public:
    Alarm(State& state, void (State::*ring)()) noexcept : state_(&state), ring_(ring) {}

   private:
    void on_timer(Time now) override {
      static_cast<void>(now);
      (state_->*ring_)();
    }
    State* state_;
    void (State::*ring_)();
  };

  explicit State(Loop& used) noexcept : loop(&used) {
    for (Attempt& attempt : attempts) attempt.state = this;
  }

  void begin(std::span<const Address> given, const Options& wanted);
  void take_interleaved(std::span<const Address> given) noexcept;
  void start_next() noexcept;
  Status start_attempt(Attempt& attempt, const Address& address) noexcept;
  void attempt_ready(Attempt& attempt, int error, bool broken) noexcept;
  void drop(Attempt& attempt) noexcept;
  void settle(Result<Fd> result) noexcept;
  void stop() noexcept;
  void on_patience_over() { start_next(); }
  void on_time_out() { settle(std::make_error_code(std::errc::timed_out)); }
  void tell();

  Loop* loop;
  OnConnected on_connected;
  Options options;
  std::array<Address, addresses_max> addresses;
  std::array<Attempt, addresses_max> attempts;  // one for each address
  std::size_t count = 0;
  std::size_t next = 0;
  std::size_t under_way = 0;
  std::error_code last_error;
  Result<Fd> outcome{Fd{}};
  Alarm patience{*this, &State::on_patience_over};
  Alarm time_out{*this, &State::on_time_out};
  Alarm verdict{*this, &State::tell};
  bool busy = false;
};

// The families take turns, the first one of the list first (RFC 8305 §4).
void Connector::State::take_interleaved(std::span<const Address> given) noexcept {
  const Family first = given.empty() ? Family::none : given.front().family();
  const auto pick = [&](std::size_t from, bool of_first_family) {
    while (from < given.size() && (given[from].family() == first) != of_first_family) ++from;
    return from;
  };
  count = 0;
  std::size_t ours = pick(0, true);
  std::size_t others = pick(0, false);
  while (count < addresses_max && (ours < given.size() || others < given.size())) {
    if (ours < given.size()) {
      addresses[count++] = given[ours];
      ours = pick(ours + 1, true);
    }
    if (others < given.size() && count < addresses_max) {
      addresses[count++] = given[others];
      others = pick(others + 1, false);
    }
  }
}

void Connector::State::begin(std::span<const Address> given, const Options& wanted) {
  take_interleaved(given);
  options = wanted;
  next = 0;
  busy = true;
  last_error = std::make_error_code(std::errc::invalid_argument);  // of an empty list
  loop->timers().arm(time_out, loop->now() + options.timeout);
  start_next();
}

// Starts attempts until one is under way or the list is used up.
void Connector::State::start_next() noexcept {
  while (next < count) {
    Attempt& attempt = attempts[next];
    const Status status = start_attempt(attempt, addresses[next++]);
    if (verdict.armed()) return;  // connected on the spot
    if (status) {
      if (next < count) loop->timers().arm(patience, loop->now() + options.attempt_delay);
      return;
    }
    last_error = status.error();
  }
  if (under_way == 0) settle(last_error);
}

Status Connector::State::start_attempt(Attempt& attempt, const Address& address) noexcept {
  Result<Fd> opened = socket::open_stream(address.family());
  if (!opened) return opened.error();
  const Io io = socket::connect(opened->value(), address);
  switch (io.kind) {
    case Io::Kind::done: settle(std::move(opened)); return {};
    case Io::Kind::end:
    case Io::Kind::failed: return io.error;
    case Io::Kind::would_block: break;
  }
  Result<Token> token = loop->watch(opened->value(), Interest::write, attempt);
  if (!token) return token.error();
  attempt.fd = std::move(*opened);
  attempt.token = *token;
  ++under_way;
  return {};
}

void Connector::State::attempt_ready(Attempt& attempt, int error, bool broken) noexcept {
  const Status status = error != 0 ? std::error_code(error, std::generic_category())
                                   : socket::finish_connect(attempt.fd.value());
  if (status) {
    loop->unwatch(attempt.token);
    --under_way;
    settle(std::move(attempt.fd));
    return;
  }
  if (status.error() == std::errc::not_connected && !broken) return;  // woken without a reason
  last_error = status.error();
  drop(attempt);
  start_next();
}

void Connector::State::drop(Attempt& attempt) noexcept {
  if (!attempt.fd) return;
  loop->unwatch(attempt.token);
  attempt.fd.reset();
  --under_way;
}

void Connector::State::settle(Result<Fd> result) noexcept {
  stop();
  outcome = std::move(result);
  // A deadline in the past: this very turn, or the next.
  loop->timers().arm(verdict, Time{});
}

void Connector::State::stop() noexcept {
  for (Alarm* alarm : {&patience, &time_out, &verdict}) {
    if (alarm->armed()) loop->timers().cancel(*alarm);
  }
  for (Attempt& attempt : attempts) drop(attempt);
  next = count;
}

void Connector::State::tell() {
  busy = false;
  // The callback may connect again or destroy the connector, so nothing is touched after it.
  OnConnected callback = std::move(on_connected);
  Result<Fd> result = std::exchange(outcome, Result<Fd>{Fd{}});
  callback(std::move(result));
}

Connector::Connector(Loop& loop) noexcept : state_(new (std::nothrow) State(loop)) {}

Connector::~Connector() {
  cancel();
}

void Connector::connect(std::span<const Address> addresses, const Options& options,
                        OnConnected on_connected) {
  if (state_ == nullptr) {
    on_connected(out_of_memory());
    return;
  }
  cancel();
  state_->on_connected = std::move(on_connected);
  state_->begin(addresses, options);
}

void Connector::cancel() noexcept {
  if (!connecting()) return;
  state_->busy = false;
  state_->stop();
  state_->outcome = Fd{};
  state_->on_connected = nullptr;
}

bool Connector::connecting() const noexcept {
  return state_ != nullptr && state_->busy;
}

}  // namespace hilo::net
