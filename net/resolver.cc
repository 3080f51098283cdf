// SPDX-License-Identifier: MIT

#include "net/resolver.h"

#include <netdb.h>
#include <pthread.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "net/base/guard.h"
#include "net/base/slab.h"

namespace hilo::net {
namespace {

constexpr std::size_t host_bytes_max = 253;  // RFC 1035 §2.3.4, written as text
// A name server that does not answer holds up its own names only, as long as this many of them
// hang at once.
constexpr unsigned workers_max = 4;

// The codes of getaddrinfo(3), with its own words.
class LookUpCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "resolver"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

std::error_code look_up_error(int code, int system_error) noexcept {
  static const LookUpCategory category;
  if (code == EAI_SYSTEM) return {system_error, std::system_category()};
  if (code == EAI_MEMORY) return out_of_memory();
  return {code, category};
}

struct Answer {
  std::vector<Address> addresses;
  std::error_code error;
};

struct Question {
  std::string host;
  std::uint16_t port;
  SlabHandle id;
};

// Blocks: runs in a worker.
Answer look_up(const Question& question) {
  std::array<char, 8> service{};  // five digits and the end
  std::to_chars(service.data(), service.data() + service.size() - 1, question.port);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  Answer answer;
  const int code = ::getaddrinfo(question.host.c_str(), service.data(), &hints, &list);
  if (code != 0) {
    answer.error = look_up_error(code, errno);
    return answer;
  }
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    answer.addresses.push_back(Address::from_native(entry->ai_addr, entry->ai_addrlen));
  }
  ::freeaddrinfo(list);
  if (answer.addresses.empty()) answer.error = look_up_error(EAI_NONAME, 0);
  return answer;
}

bool is_plain_name(std::string_view host) noexcept {
  return !host.empty() && host.size() <= host_bytes_max &&
         host.find('\0') == std::string_view::npos;
}

// Answers what needs no look-up: numeric addresses, Unix paths, and nonsense.
bool answer_at_once(std::string_view host, std::uint16_t port, Answer& answer) {
  const bool unix_path = host.starts_with("unix:");
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string_view ip = brackets ? host.substr(1, host.size() - 2) : host;
  const Result<Address> address = unix_path ? Address::parse(host) : Address::from_ip(ip, port);
  if (address) {
    answer.addresses.push_back(*address);
    return true;
  }
  if (!unix_path && !brackets && is_plain_name(host)) return false;
  answer.error = std::make_error_code(std::errc::invalid_argument);
  return true;
}

}  // namespace

// Shared by the resolver, its workers, and answers on their way. The last one to leave frees it.
struct Resolver::State {
  struct Request {
    explicit Request(OnResolved callback) noexcept : on_resolved(std::move(callback)) {}
    OnResolved on_resolved;
    Loop::TimerId timer;
  };

  // In the loop's thread only.
  void finish(SlabHandle id, const Answer& answer);
  void forget(SlabHandle id) noexcept;
  void begin(std::string_view host, std::uint16_t port, SlabHandle id,
             const std::shared_ptr<State>& self);
  void ask(Question question, const std::shared_ptr<State>& self);

  // In a worker.
  static void* run_worker(void* argument);
  Status start_worker(const std::shared_ptr<State>& self) noexcept;

  Duration timeout;
  Slab<Request> requests;  // the loop's thread only

  std::mutex mutex;  // guards all below
  std::condition_variable arrived;
  std::deque<Question> waiting;
  unsigned workers = 0;
  unsigned idle = 0;
  Loop* loop = nullptr;  // null: the resolver is gone
};

void Resolver::State::finish(SlabHandle id, const Answer& answer) {
  Request* const request = requests.find(id);
  if (request == nullptr) return;  // cancelled, or too late
  // The callback may cancel others, ask again, or destroy the resolver.
  OnResolved callback = std::move(request->on_resolved);
  forget(id);
  if (answer.error) {
    callback(answer.error);
  } else {
    callback(std::span<const Address>{answer.addresses});
  }
}

void Resolver::State::forget(SlabHandle id) noexcept {
  if (Request* const request = requests.find(id)) {
    loop->cancel(request->timer);
    requests.erase(id);
    // Nobody is interested any more, so no worker need begin with it.
    const std::scoped_lock lock(mutex);
    std::erase_if(waiting, [id](const Question& question) { return question.id == id; });
  }
}

void Resolver::State::begin(std::string_view host, std::uint16_t port, SlabHandle id,
                            const std::shared_ptr<State>& self) {
  Answer answer;
  if (!answer_at_once(host, port, answer)) return ask({std::string(host), port, id}, self);
  loop->post([self, id, answer = std::move(answer)] { self->finish(id, answer); });
}

void Resolver::State::ask(Question question, const std::shared_ptr<State>& self) {
  const SlabHandle id = question.id;
  const std::scoped_lock lock(mutex);
  waiting.push_back(std::move(question));
  if (idle < waiting.size() && workers < workers_max) {
    const Status started = start_worker(self);
    if (!started && workers == 0) {
      waiting.pop_back();
      loop->post([self, id, error = started.error()] { self->finish(id, Answer{{}, error}); });
      return;
    }
  }
  arrived.notify_one();
}

Status Resolver::State::start_worker(const std::shared_ptr<State>& self) noexcept {
  auto* const argument = new (std::nothrow) std::shared_ptr<State>(self);
  if (argument == nullptr) return out_of_memory();
  // Signals belong to the threads that expect them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, &State::run_worker, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    delete argument;
    return std::error_code(error, std::system_category());
  }
  // Nobody waits for it: it may hang in a look-up for as long as the name servers please.
  pthread_detach(thread);
  ++workers;
  return {};
}

void* Resolver::State::run_worker(void* argument) {
  const std::unique_ptr<std::shared_ptr<State>> owned{
      static_cast<std::shared_ptr<State>*>(argument)};
  const std::shared_ptr<State>& state = *owned;
  std::unique_lock lock(state->mutex);
  while (true) {
    while (state->waiting.empty() && state->loop != nullptr) {
      ++state->idle;
      state->arrived.wait(lock);
      --state->idle;
    }
    if (state->loop == nullptr) return nullptr;
    const Question question = std::move(state->waiting.front());
    state->waiting.pop_front();
    lock.unlock();
    Answer answer;
    if (!guarded([&] { answer = look_up(question); })) answer = {{}, out_of_memory()};
    lock.lock();
    // Posting under the lock: the resolver cannot leave meanwhile, nor the loop before it. Without
    // memory for the answer the question runs out of time.
    static_cast<void>(guarded([&] {
      if (state->loop == nullptr) return;
      state->loop->post(
          [state, id = question.id, answer = std::move(answer)] { state->finish(id, answer); });
    }));
  }
}

Resolver::Resolver(Loop& loop, Duration timeout) : state_(std::make_shared<State>()) {
  state_->loop = &loop;
  state_->timeout = timeout;
}

Resolver::~Resolver() {
  state_->requests.for_each([this](State::Request&, SlabHandle id) { state_->forget(id); });
  const std::scoped_lock lock(state_->mutex);
  state_->loop = nullptr;
  state_->waiting.clear();
  state_->arrived.notify_all();
}

Resolver::Id Resolver::resolve(std::string_view host, std::uint16_t port, OnResolved on_resolved) {
  State* const state = state_.get();
  Loop& loop = *state->loop;
  const auto [request, id] = state->requests.emplace(std::move(on_resolved));
  if (request == nullptr) {
    // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): taken only for a slot
    on_resolved(out_of_memory());
    return 0;
  }
  request->timer = loop.call_after(state->timeout, [state, id = id] {
    state->finish(id, Answer{{}, std::make_error_code(std::errc::timed_out)});
  });
  const bool is_begun = request->timer != Loop::TimerId{} &&
                        guarded([&, id = id] { state->begin(host, port, id, state_); });
  if (is_begun) return (Id{id.index} << 32) | id.generation;
  OnResolved callback = std::move(request->on_resolved);
  state->forget(id);
  callback(out_of_memory());
  return 0;
}

void Resolver::cancel(Id id) noexcept {
  state_->forget({static_cast<std::uint32_t>(id >> 32), static_cast<std::uint32_t>(id)});
}

}  // namespace hilo::net
