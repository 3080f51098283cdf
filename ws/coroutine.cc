// SPDX-License-Identifier: MIT

#include "ws/coroutine.h"

#include <algorithm>

#include "net/clock.h"
#include "ws/memory_holder.h"

namespace hilo::ws {

// What a coroutine may send, by and by, before drained() lets the other connections have their
// turn.
constexpr std::size_t burst_bytes_max = std::size_t{1} << 20;
constexpr std::size_t bytes_for_a_call = 64;  // what a message costs, however short

// What a connection and its coroutines have in common. It lives as long as either.
class Talk {
 public:
  Talk(SlabHandle handle, std::shared_ptr<Talks> talks, Connection& connection) noexcept
      : handle_(handle),
        talks_(std::move(talks)),
        connection_(&connection),
        kept_(connection.loop().pool()) {}

  void hold() noexcept { ++conversations_; }
  void let_go() noexcept;
  // An exception has left a coroutine.
  void threw() noexcept;

  void on_message(Message message);
  void on_drained();
  void on_close(const CloseInfo& info) noexcept;

  std::size_t kept_bytes() const noexcept { return keeps_ ? kept_.capacity() : 0; }
  void give_up_kept();

  // A call of the connection's, while which an exception can be handed to it. Its Conversation
  // keeps the Talk, also where the coroutine destroys the client that calls.
  class Call {
   public:
    explicit Call(Talk& talk) noexcept : conversation_(talk) { talk.in_call_ = true; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() { conversation_.talk_->in_call_ = false; }
    // As the last thing in it.
    void hand_over_exception() {
      std::exception_ptr& thrown = conversation_.talk_->thrown_;
      if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
    }

   private:
    Conversation conversation_;
  };

 private:
  friend class Conversation;
  friend class Talks;

  // What the kernel was offered and did not take, or will be offered in the flush phase.
  std::size_t waiting_bytes() const noexcept;
  bool has_room() const noexcept;
  void keep(Message message);
  void drop_kept() noexcept;

  SlabHandle handle_;
  std::shared_ptr<Talks> talks_;
  Connection* connection_;  // null: gone
  Conversation::Receive* receiver_ = nullptr;
  IntrusiveList<Waiting, Waiting> for_room_;
  IntrusiveList<Waiting, Waiting> asleep_;
  Buffer kept_;  // a message that nobody was waiting for, or the last of these
  std::exception_ptr thrown_;
  CloseInfo close_info_;
  std::size_t conversations_ = 0;
  std::size_t burst_bytes_ = 0;  // sent since a coroutine waited
  Opcode kept_opcode_ = Opcode::text;
  bool keeps_ = false;  // and it was not received yet
  bool ended_ = false;
  bool in_call_ = false;
  bool threw_ = false;
};

// All of one handler, or the one of a Caller.
class Talks final : public MemoryHolder, public std::enable_shared_from_this<Talks> {
 public:
  // `server` null: a client's.
  Talks(net::Loop& on, std::size_t low, TalkHandler handler, Server* server = nullptr)
      : loop(&on), queue_bytes_low(low), handler_(std::move(handler)), server_(server) {}

  template <class Target>
  void attach(HandlerSetters<Target>& target) {
    const std::shared_ptr<Talks> self = shared_from_this();
    target.on_open([self](Connection& c) { self->open(c); });
    target.on_chunk(nullptr);
    target.on_message([self](Connection& c, Message m) { self->find(c).on_message(m); });
    target.on_drained([self](Connection& c) { self->find(c).on_drained(); });
    target.on_close([self](Connection& c, CloseInfo info) { self->close(c, info); });
  }
  void end_connecting(std::error_code error) noexcept;
  Talk* any() noexcept;
  void erase(Talk& talk) noexcept;
  // Within a call of a connection's.
  void look_at_memory() noexcept {
    if (server_ != nullptr) server_->look_at_memory();
  }
  // MemoryHolder: messages that nobody has received.
  void count_memory(Largest& largest) override;
  void give_up_memory(Largest& largest) override;

  net::Loop* const loop;
  const std::size_t queue_bytes_low;
  Caller::Connect* connecting = nullptr;

 private:
  static std::size_t place_of(const Connection& connection) noexcept {
    return connection.id().handle().index;
  }
  void open(Connection& connection);
  void close(Connection& connection, const CloseInfo& info) noexcept;
  Talk& find(const Connection& connection) noexcept { return *places_[place_of(connection)]; }

  TalkHandler handler_;
  Server* server_;
  Slab<Talk> talks_;
  std::vector<Talk*> places_;  // by the slots of the connections
};

// --- the life of a Talk --------------------------------------------------------------------------

void Talks::open(Connection& connection) {
  const std::size_t place = place_of(connection);
  if (place >= places_.size()) places_.resize(std::max(place + 1, places_.size() * 2));
  Talk* const talk = talks_.emplace(shared_from_this(), connection).object;
  if (talk == nullptr) {
    static_cast<void>(connection.close(CloseCode::internal_error));
    return;
  }
  places_[place] = talk;
  Talk::Call call(*talk);
  if (handler_) {
    handler_(Conversation(*talk));
  } else if (Caller::Connect* const waiting = std::exchange(connecting, nullptr)) {
    waiting->conversation_ = Conversation(*talk);
    waiting->coroutine_.resume();
  }
  call.hand_over_exception();
}

void Talks::close(Connection& connection, const CloseInfo& info) noexcept {
  const std::size_t place = place_of(connection);
  // Without memory it was never opened.
  if (place >= places_.size() || places_[place] == nullptr) return;
  std::exchange(places_[place], nullptr)->on_close(info);
}

void Talks::end_connecting(std::error_code error) noexcept {
  Caller::Connect* const waiting = std::exchange(connecting, nullptr);
  if (waiting == nullptr) return;
  waiting->error_ = error;
  waiting->coroutine_.resume();
}

void Talks::count_memory(Largest& largest) {
  talks_.for_each(
      [&](Talk& talk, SlabHandle) { largest.count(talk.kept_bytes(), talk.kept_bytes()); });
}

void Talks::give_up_memory(Largest& largest) {
  talks_.for_each([&](Talk& talk, SlabHandle) {
    if (largest.takes(talk.kept_bytes(), talk.kept_bytes())) talk.give_up_kept();
  });
}

Talk* Talks::any() noexcept {
  const auto found = std::find_if(places_.begin(), places_.end(), [](Talk* t) { return t; });
  return found != places_.end() ? *found : nullptr;
}

void Talks::erase(Talk& talk) noexcept {
  const std::shared_ptr<Talks> self = std::move(talk.talks_);
  talks_.erase(talk.handle_);
}

void Talk::let_go() noexcept {
  if (--conversations_ != 0) return;
  if (connection_ == nullptr) return talks_->erase(*this);
  if (threw_ || ended_) return;
  const bool unwinding = std::uncaught_exceptions() != 0;
  // Refused if it is closing already.
  static_cast<void>(connection_->close(unwinding ? CloseCode::internal_error : CloseCode::normal));
}

void Talk::threw() noexcept {
  threw_ = true;
  if (in_call_) {
    thrown_ = std::current_exception();
  } else if (connection_ != nullptr) {
    static_cast<void>(connection_->close(CloseCode::internal_error));
  }
}

// --- what the connection tells -------------------------------------------------------------------

void Talk::on_message(Message message) {
  Conversation::Receive* const receiver = std::exchange(receiver_, nullptr);
  if (receiver == nullptr) return keep(message);
  Call call(*this);
  receiver->message_ = message;
  receiver->resume();
  call.hand_over_exception();
}

void Talk::keep(Message message) {
  kept_.release();
  if (!kept_.append(message.payload)) {
    static_cast<void>(connection_->close(CloseCode::internal_error));
    return;
  }
  kept_opcode_ = message.opcode;
  keeps_ = true;
  connection_->pause();
  talks_->look_at_memory();
}

// It goes with the connection; or now, where that has gone.
void Talk::give_up_kept() {
  if (connection_ != nullptr) connection_->give_up_memory();
  if (connection_ == nullptr || !connection_->is_open()) drop_kept();
}

void Talk::drop_kept() noexcept {
  if (!std::exchange(keeps_, false)) return;  // somebody may look at it
  kept_.release();
}

void Talk::on_drained() {
  Call call(*this);
  IntrusiveList<Waiting, Waiting> waiting;
  waiting.take(for_room_);
  while (Waiting* const next = waiting.pop_front()) next->resume();
  call.hand_over_exception();
}

void Talk::on_close(const CloseInfo& info) noexcept {
  Call call(*this);
  ended_ = true;
  close_info_ = info;
  if (receiver_ != nullptr) std::exchange(receiver_, nullptr)->resume();
  while (Waiting* const next = for_room_.pop_front()) next->resume();
  while (Waiting* const next = asleep_.pop_front()) next->resume();
  close_info_.reason = {};
  connection_ = nullptr;
}

std::size_t Talk::waiting_bytes() const noexcept {
  // In a call of the connection's what is sent collects, and is offered to the kernel at its end.
  const std::size_t collected = in_call_ ? talks_->loop->send_buffer().size : 0;
  return connection_->buffered_bytes() - std::min(collected, connection_->buffered_bytes());
}

bool Talk::has_room() const noexcept {
  return waiting_bytes() <= talks_->queue_bytes_low;
}

// --- Conversation --------------------------------------------------------------------------------

Conversation::Conversation(Talk& talk) noexcept : talk_(&talk) {
  talk_->hold();
}

Conversation::Conversation(const Conversation& other) noexcept : talk_(other.talk_) {
  if (talk_ != nullptr) talk_->hold();
}

Conversation::~Conversation() {
  if (talk_ != nullptr) talk_->let_go();
}

Sent Conversation::send(Opcode opcode, Bytes payload, SendOptions options) const {
  if (!is_open()) return Sent::closed;
  talk_->burst_bytes_ += payload.size() + bytes_for_a_call;
  return talk_->connection_->send(opcode, payload, options);
}

Status Conversation::ping(Bytes payload) const {
  if (!is_open()) return std::make_error_code(std::errc::not_connected);
  return talk_->connection_->ping(payload);
}

Status Conversation::close(CloseCode code, std::string_view reason) const {
  if (!is_open()) return std::make_error_code(std::errc::not_connected);
  return talk_->connection_->close(code, reason);
}

void Conversation::abort() const {
  if (!talk_->ended_) talk_->connection_->abort();
}

bool Conversation::is_open() const noexcept {
  return !talk_->ended_ && talk_->connection_->is_open();
}

Connection* Conversation::connection() const noexcept {
  return talk_->connection_;
}

net::Loop& Conversation::loop() const noexcept {
  return *talk_->talks_->loop;
}

CloseInfo Conversation::close_info() const noexcept {
  return talk_->close_info_;
}

Conversation::Receive Conversation::receive() const noexcept {
  return Receive{*this};
}
Conversation::Drained Conversation::drained() const noexcept {
  return Drained{*this};
}
Conversation::Sleep Conversation::sleep(net::Duration duration) const noexcept {
  return Sleep{*this, duration};
}

// --- waiting -------------------------------------------------------------------------------------

void Waiting::resume() noexcept {
  coroutine_.resume();
}

Conversation::Receive::~Receive() {
  Talk& talk = *conversation_.talk_;
  if (talk.receiver_ == this) talk.receiver_ = nullptr;
}

bool Conversation::Receive::await_ready() noexcept {
  Talk& talk = *conversation_.talk_;
  if (talk.keeps_) {
    talk.keeps_ = false;
    message_ = Message{talk.kept_opcode_, talk.kept_.readable()};
    if (!talk.ended_) talk.connection_->resume();
    return true;
  }
  talk.kept_.release();
  return talk.ended_;
}

void Conversation::Receive::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  HILO_DCHECK(conversation_.talk_->receiver_ == nullptr);  // one at a time
  coroutine_ = coroutine;
  conversation_.talk_->receiver_ = this;
  conversation_.talk_->burst_bytes_ = 0;
}

std::optional<Message> Conversation::Receive::await_resume() noexcept {
  return message_;
}

Conversation::Drained::~Drained() {
  if (armed()) conversation_.loop().timers().cancel(*this);
}

bool Conversation::Drained::await_ready() const noexcept {
  const Talk& talk = *conversation_.talk_;
  return !conversation_.is_open() || (talk.has_room() && talk.burst_bytes_ <= burst_bytes_max);
}

void Conversation::Drained::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  Talk& talk = *conversation_.talk_;
  coroutine_ = coroutine;
  talk.for_room_.push_back(*this);
  talk.burst_bytes_ = 0;
  if (!talk.has_room()) return;
  // Nothing waits whose leaving would be told. A timer that is overdue fires in the next turn.
  net::Loop& loop = conversation_.loop();
  loop.timers().arm(*this, loop.now() + net::Duration::milliseconds(-1));
}

void Conversation::Drained::on_timer(net::Time) {
  ListNode<Waiting>::unlink();
  resume();
}

Conversation::Sleep::~Sleep() {
  if (armed()) conversation_.loop().timers().cancel(*this);
}

// Not from Loop::now(): a coroutine may have been at work since the turn began.
void Conversation::Sleep::await_suspend(std::coroutine_handle<> coroutine) noexcept {
  coroutine_ = coroutine;
  conversation_.talk_->asleep_.push_back(*this);
  conversation_.loop().timers().arm(*this, net::clock_now() + duration_);
}

void Conversation::Sleep::on_timer(net::Time) {
  ListNode<Waiting>::unlink();
  resume();
}

void LoopSleep::await_suspend(std::coroutine_handle<> coroutine) {
  struct Destroy {
    void operator()(void* address) const {
      std::coroutine_handle<>::from_address(address).destroy();
    }
  };
  std::unique_ptr<void, Destroy> owned(coroutine.address());
  loop_->call_after(duration_, [owned = std::move(owned)]() mutable {
    std::coroutine_handle<>::from_address(owned.release()).resume();
  });
}

// --- Task and Caller -----------------------------------------------------------------------------

void Task::promise_type::unhandled_exception() noexcept {
  if (conversation_) {
    conversation_->talk_->threw();
  } else if (caller_ != nullptr) {
    caller_->threw();
  } else {
    std::terminate();
  }
}

namespace {

template <class Target>
Target& attach_talks(Server& server, Target& target, TalkHandler handler) {
  const auto talks = std::make_shared<Talks>(server.loop(), server.limits().queue_bytes_low,
                                             std::move(handler), &server);
  talks->attach<Target>(target);
  server.add_memory_holder(talks);
  return target;
}

}  // namespace

Server& on_coroutine(Server& server, TalkHandler handler) {
  return attach_talks(server, server, std::move(handler));
}

Service& on_coroutine(Server& server, std::string_view pattern, TalkHandler handler) {
  return attach_talks(server, server.at(pattern), std::move(handler));
}

Caller::Caller(net::Loop& loop, ClientOptions options)
    : talks_(std::make_shared<Talks>(loop, options.limits.queue_bytes_low, nullptr)),
      client_(std::make_unique<Client>(loop, std::move(options))) {
  talks_->attach<Client>(*client_);
  client_->on_failed([talks = talks_](std::error_code error) { talks->end_connecting(error); });
}

Caller::~Caller() {
  client_.reset();
  talks_->end_connecting(std::make_error_code(std::errc::operation_canceled));
}

Caller::Connect Caller::connect(ConnectOptions options) noexcept {
  options.reconnect.enabled = false;
  return {client_.get(), talks_, std::move(options)};
}

void Caller::threw() noexcept {
  Talk* const talk = talks_->any();
  if (talk == nullptr) std::terminate();
  talk->threw();
}

Caller::Connect::~Connect() {
  if (talks_->connecting == this) talks_->connecting = nullptr;
}

bool Caller::Connect::await_suspend(std::coroutine_handle<> coroutine) {
  // The Caller goes, and its coroutines are told so.
  if (client_ == nullptr) {
    error_ = std::make_error_code(std::errc::operation_canceled);
    return false;
  }
  if (Status status = client_->connect(options_); !status) {
    error_ = status.error();
    return false;
  }
  coroutine_ = coroutine;
  talks_->connecting = this;
  return true;
}

Result<Conversation> Caller::Connect::await_resume() noexcept {
  if (!conversation_) return error_;
  return std::move(*conversation_);
}

}  // namespace hilo::ws
