// SPDX-License-Identifier: MIT
//
// Coroutines: a conversation written from top to bottom, in place of callbacks.
//
//   ws::on_coroutine(server, [](ws::Conversation c) -> ws::Task {
//     while (auto message = co_await c.receive()) {
//       c.send(*message);
//       co_await c.drained();
//     }
//   });
//
// It takes the place of on_open, on_message, on_drained and on_close; all else of the server stays
// as it is, and whoever does not include this header pays nothing for it.
//
//   waiting    receive(), drained() and sleep() end when what they wait for is there, or with the
//              connection: then each says so, once, and from then on none of them waits any more.
//              So a coroutine that waits for nothing else is never left behind, also where the
//              server is destroyed. Several may hold copies of one Conversation; one at a time
//              may wait in receive().
//   pressure   While nobody waits in receive() one message is taken in and kept, and reading stops
//              behind it: the peer has to wait, the peer's pings and Close are seen until then.
//              Who sends without an end waits in drained() for the peer, and where the peer is as
//              fast, once in a while for the next turn, so that the others have theirs.
//   the end    When the last Conversation of a connection goes while it is open, the connection is
//              closed with 1000: so it ends when its coroutine returns.
//   errors     An exception that leaves a Task closes with 1011 the connection that the Task was
//              given, in a Conversation or by a Caller, as one that leaves a handler does; after
//              sleep() without Errc::handler_threw in log and metrics. Where there is none it ends
//              the program, as an exception that leaves a thread.
//   memory     One allocation for each Task: its frame. None for a message: one that is kept lies
//              in the loop's Pool, where Limits::memory_bytes_max counts it.
//   views      a message is valid until the next co_await
//   thread     the loop's
//   life       A Conversation may outlive the server, not the loop. What a handler captured lives
//              as long as the coroutines it made. A Task takes its Conversation by value, which is
//              checked; what else it takes by reference has to outlive it.
//
// The functions may be awaited in coroutines of other types than Task, of those that return values
// for example. An exception must not leave their resume().

#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "net/base/buffer.h"
#include "net/base/callback.h"
#include "net/base/intrusive_list.h"
#include "net/base/slab.h"
#include "net/loop.h"
#include "ws/client.h"
#include "ws/server.h"

namespace hilo::ws {

class Caller;
class Talk;
class Talks;

// One connection, for coroutines. Copy it, move it; one that was moved from can only be assigned
// to, or destroyed.
class Conversation {
 public:
  class Receive;
  class Drained;
  class Sleep;

  Conversation(const Conversation& other) noexcept;
  Conversation(Conversation&& other) noexcept : talk_(std::exchange(other.talk_, nullptr)) {}
  Conversation& operator=(Conversation other) noexcept {
    std::swap(talk_, other.talk_);
    return *this;
  }
  ~Conversation();

  // co_await gives std::optional<Message>: empty at the end, however it came. close_info() says.
  [[nodiscard]] Receive receive() const noexcept;
  // Until no more than Limits::queue_bytes_low waits for the peer to take it. False: the end.
  [[nodiscard]] Drained drained() const noexcept;
  // False: the end came sooner.
  [[nodiscard]] Sleep sleep(net::Duration duration) const noexcept;

  // Those of Connection; at the end Sent::closed and errc::not_connected.
  Sent send(Opcode opcode, Bytes payload, SendOptions options = {}) const;
  Sent send(const Message& message, SendOptions options = {}) const {
    return send(message.opcode, message.payload, options);
  }
  Sent send_text(std::string_view text, SendOptions options = {}) const {
    return send(Opcode::text, as_bytes(text), options);
  }
  Sent send_binary(Bytes payload, SendOptions options = {}) const {
    return send(Opcode::binary, payload, options);
  }
  Status ping(Bytes payload = {}) const;
  Status close(CloseCode code = CloseCode::normal, std::string_view reason = {}) const;
  void abort() const;

  bool is_open() const noexcept;
  // For all else that a connection can tell and do, but pause() and resume(), which are used here.
  // Null once it is gone, so ask again after each co_await.
  Connection* connection() const noexcept;
  net::Loop& loop() const noexcept;
  // How it ended. The reason is valid until the first co_await behind the end.
  CloseInfo close_info() const noexcept;

 private:
  friend class Talk;
  friend class Talks;
  friend class Task;
  explicit Conversation(Talk& talk) noexcept;

  Talk* talk_;
};

// A coroutine that starts at once and belongs to nobody: it is gone when it returns.
class Task {
 public:
  class promise_type {
   public:
    // What the coroutine was called with.
    template <class... Arguments>
    explicit promise_type(Arguments&&... arguments) noexcept {
      (note(arguments), ...);
    }

    Task get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept;

   private:
    template <class T>
    void note(T&) noexcept {}
    void note(Conversation& conversation) noexcept { conversation_ = conversation; }
    void note(const Conversation& conversation) noexcept { conversation_ = conversation; }
    void note(Caller& caller) noexcept { caller_ = &caller; }

    std::optional<Conversation> conversation_;
    Caller* caller_ = nullptr;
  };
};

// --- who is talked with --------------------------------------------------------------------------

using TalkHandler = Callback<Task(Conversation)>;

// Each connection on every path, or on one, is a call of `handler`. In place of on_open,
// on_message, on_chunk, on_drained and on_close there, and like these before the first connection.
Server& on_coroutine(Server& server, TalkHandler handler);
Service& on_coroutine(Server& server, std::string_view pattern, TalkHandler handler);

// A client for coroutines.
//
//   ws::Task greet(ws::Caller& caller) {
//     Result<ws::Conversation> c = co_await caller.connect({.url = "ws://127.0.0.1:9001/"});
//     if (!c) co_return;                                        // c.error() says why
//     c->send_text("hello");
//     if (auto message = co_await c->receive()) print(message->text());
//   }
//
// It is to outlive the coroutines that wait for it: its destructor resumes them, with the end or
// with errc::operation_canceled.
class Caller {
 public:
  class Connect;

  explicit Caller(net::Loop& loop, ClientOptions options = {});
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  ~Caller();

  // co_await gives Result<Conversation>; the errors are those of Client::connect() and of
  // on_failed. One at a time, and not before the connection before it is gone: its receive() tells.
  // `options.reconnect` is not looked at; a coroutine has loops for that, and sleep().
  [[nodiscard]] Connect connect(ConnectOptions options) noexcept;

  // For response(), tls_failure() and metrics(); its handlers are used here.
  Client& client() noexcept { return *client_; }

 private:
  friend class Task;
  void threw() noexcept;

  std::shared_ptr<Talks> talks_;
  std::unique_ptr<Client> client_;
};

// `co_await sleep(loop, duration)` waits, whatever becomes of any connection. It is the loop that
// holds the coroutine meanwhile, and destroys it where it is destroyed itself.
class LoopSleep {
 public:
  LoopSleep(net::Loop& loop, net::Duration duration) noexcept : loop_(&loop), duration_(duration) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine);
  void await_resume() const noexcept {}

 private:
  net::Loop* loop_;
  net::Duration duration_;
};
[[nodiscard]] inline LoopSleep sleep(net::Loop& loop, net::Duration duration) noexcept {
  return {loop, duration};
}

// --- how they wait -------------------------------------------------------------------------------

// A coroutine that waits; part of its frame, so that it leaves the list with it.
class Waiting : public ListNode<Waiting> {
 public:
  void resume() noexcept;

 protected:
  std::coroutine_handle<> coroutine_;
};

class Conversation::Receive : private Waiting {
 public:
  explicit Receive(Conversation conversation) noexcept : conversation_(std::move(conversation)) {}
  Receive(const Receive&) = delete;
  Receive& operator=(const Receive&) = delete;
  ~Receive();
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> coroutine) noexcept;
  std::optional<Message> await_resume() noexcept;

 private:
  friend class Talk;
  Conversation conversation_;
  std::optional<Message> message_;
};

class Conversation::Drained final : private Waiting, private net::Timer {
 public:
  explicit Drained(Conversation conversation) noexcept : conversation_(std::move(conversation)) {}
  Drained(const Drained&) = delete;
  Drained& operator=(const Drained&) = delete;
  ~Drained();
  bool await_ready() const noexcept;
  void await_suspend(std::coroutine_handle<> coroutine) noexcept;
  bool await_resume() const noexcept { return conversation_.is_open(); }

 private:
  void on_timer(net::Time now) override;
  Conversation conversation_;
};

class Conversation::Sleep final : private Waiting, private net::Timer {
 public:
  Sleep(Conversation conversation, net::Duration duration) noexcept
      : conversation_(std::move(conversation)), duration_(duration) {}
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;
  ~Sleep();
  bool await_ready() const noexcept { return !conversation_.is_open(); }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept;
  bool await_resume() const noexcept { return conversation_.is_open(); }

 private:
  void on_timer(net::Time now) override;
  Conversation conversation_;
  net::Duration duration_;
};

class Caller::Connect {
 public:
  // `client` null: it goes.
  Connect(Client* client, std::shared_ptr<Talks> talks, ConnectOptions options) noexcept
      : client_(client), talks_(std::move(talks)), options_(std::move(options)) {}
  Connect(const Connect&) = delete;
  Connect& operator=(const Connect&) = delete;
  ~Connect();
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> coroutine);
  Result<Conversation> await_resume() noexcept;

 private:
  friend class Talks;
  Client* client_;
  std::shared_ptr<Talks> talks_;
  ConnectOptions options_;
  std::coroutine_handle<> coroutine_;
  std::optional<Conversation> conversation_;
  std::error_code error_;
};

}  // namespace hilo::ws

// A Conversation taken by reference would be gone at the first co_await.
template <class... Arguments>
struct std::coroutine_traits<hilo::ws::Task, Arguments...> {
  static_assert(!((std::is_reference_v<Arguments> &&
                   std::is_same_v<std::remove_cvref_t<Arguments>, hilo::ws::Conversation>) ||
                  ...),
                "a Task takes its Conversation by value");
  using promise_type = hilo::ws::Task::promise_type;
};
