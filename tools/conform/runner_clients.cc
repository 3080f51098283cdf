// SPDX-License-Identifier: MIT

#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "net/clock.h"
#include "net/listener.h"
#include "tools/conform/children.h"
#include "tools/conform/runner.h"

namespace hilo::tools::conform {
namespace {

constexpr std::string_view case_path = "/case/";
constexpr net::Duration look_every = net::Duration::milliseconds(5);
// A connection may still wait to be accepted when the client that made it has ended already.
constexpr net::Duration late_connection = net::Duration::milliseconds(500);

class ClientRun {
 public:
  ClientRun(const std::vector<Case>& cases, const RunOptions& options)
      : cases_(&cases), options_(&options), results_(cases.size()), states_(cases.size()) {}

  Result<std::vector<CaseResult>> run() {
    if (!loop_.status()) return loop_.status().error();
    const auto on_accept = [this](net::Fd fd, const net::Address&) { accepted(std::move(fd)); };
    if (const Status status = listener_.open(options_->addresses.front(), {}, on_accept); !status) {
      return status.error();
    }
    if (options_->on_listening) options_->on_listening(listener_.address());
    if (!options_->command.empty()) look_after_children();
    if (const Status status = loop_.run(); !status) return status.error();
    return std::move(results_);
  }

 private:
  enum class State : std::uint8_t { waiting, playing, over };
  struct Running {
    Child child;
    net::Time started;
    std::optional<net::Time> ended;
  };

  // --- connections ---

  void accepted(net::Fd fd) {
    Wire wire{.fd = std::move(fd)};
    if (const auto& tls = options_->tls_to_clients) {
      wire.transport = tls->accept(wire.fd.value());
      if (!wire.transport) return;  // the client finds that its connection has ended
    }
    auto conversation = std::make_unique<Conversation>(
        loop_, options_->settings, std::move(wire), nullptr,
        [this](const Head& request) { return choose(request); },
        [this](Conversation& c) { over(c); });
    Conversation& started = *conversation;
    conversations_.emplace(&started, std::move(conversation));
    started.start();
  }

  // The case that the path names, or the next one that nobody has played.
  const Case* choose(const Head& request) {
    const std::string target = request.target();
    const bool named = std::string_view(target).starts_with(case_path);
    for (std::size_t i = 0; i < cases_->size(); ++i) {
      if (states_[i] != State::waiting) continue;
      const Case& subject = (*cases_)[i];
      if (named && std::string_view(target).substr(case_path.size()) != subject.id) continue;
      states_[i] = State::playing;
      return &subject;
    }
    return nullptr;
  }

  void over(Conversation& conversation) {
    if (const Case* subject = conversation.subject()) {
      record(index_of(*subject), std::move(conversation.transcript()));
    }
    loop_.post([this, gone = &conversation] { conversations_.erase(gone); });
  }

  std::size_t index_of(const Case& subject) const {
    return static_cast<std::size_t>(&subject - cases_->data());
  }

  void record(std::size_t index, Transcript transcript) {
    CaseResult& result = results_[index];
    result.subject = &(*cases_)[index];
    result.judgement = judge(*result.subject, Side::client, transcript);
    result.transcript = std::move(transcript);
    states_[index] = State::over;
    if (options_->on_progress) options_->on_progress(done_ + 1, cases_->size());
    // The children go first: one more turn lets the last one be collected.
    if (++done_ == cases_->size()) loop_.post([this] { loop_.stop(); });
  }

  // --- processes ---

  void look_after_children() {
    for (auto it = children_.begin(); it != children_.end();) {
      it = is_finished(it->first, it->second) ? children_.erase(it) : std::next(it);
    }
    while (next_ < cases_->size() && children_.size() < options_->parallel) start_child(next_++);
    loop_.call_after(look_every, [this] { look_after_children(); });
  }

  void start_child(std::size_t index) {
    const std::string scheme = options_->tls_to_clients ? "wss://" : "ws://";
    const std::string url =
        scheme + listener_.address().to_string() + std::string(case_path) + (*cases_)[index].id;
    Result<Child> child = Child::start(options_->command, url);
    if (!child) return give_up(index, "the client cannot be started: " + child.error().message());
    children_.emplace(index, Running{std::move(*child), net::clock_now(), std::nullopt});
  }

  bool is_finished(std::size_t index, Running& running) {
    const net::Time now = net::clock_now();
    const net::Duration patience = options_->settings.patience;
    if (!running.ended && running.child.ended()) running.ended = now;
    switch (states_[index]) {
      // Whoever still runs, although its connection is gone, has had its time.
      case State::over: return running.ended || now - running.started > patience * 2;
      case State::playing: return false;
      case State::waiting: break;
    }
    if (running.ended && now - *running.ended > late_connection) {
      give_up(index, "the client ended without a request");
      return true;
    }
    if (!running.ended && now - running.started > patience * 2) {
      give_up(index, "the client did not connect");
      return true;
    }
    return false;
  }

  void give_up(std::size_t index, std::string why) {
    Transcript transcript;
    transcript.trouble = std::move(why);
    record(index, std::move(transcript));
  }

  const std::vector<Case>* cases_;
  const RunOptions* options_;
  std::vector<CaseResult> results_;
  std::vector<State> states_;
  net::Loop loop_;
  net::Listener listener_{loop_};
  std::unordered_map<Conversation*, std::unique_ptr<Conversation>> conversations_;
  std::map<std::size_t, Running> children_;
  std::size_t next_ = 0;
  std::size_t done_ = 0;
};

}  // namespace

Result<std::vector<CaseResult>> run_against_clients(const std::vector<Case>& cases,
                                                    const RunOptions& options) {
  return ClientRun(cases, options).run();
}

}  // namespace hilo::tools::conform
