// SPDX-License-Identifier: MIT

#include "tools/fuzz/generator.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/base/pool.h"
#include "tools/fuzz/cutting.h"
#include "tools/fuzz/faults.h"
#include "tools/fuzz/oracle.h"
#include "ws/core/deflate_contexts.h"
#include "ws/core/handshake.h"
#include "ws/core/session.h"

using namespace hilo;
using namespace hilo::tools::fuzz;

namespace {

// What the engine makes of one connection of a case: the core alone, without sockets.
class Engine {
 public:
  void read(std::string_view bytes) {
    if (answer_ != 0) return;
    waiting_ += bytes;
    if (!session_) read_head();
    if (session_) read_frames();
  }

  int status() const { return status_; }  // of the answer to the request; 0: none yet
  int answer() const { return answer_; }  // to the rule that was broken; 0: none was
  ws::Errc error() const { return error_; }
  const std::vector<Reply>& replies() const { return replies_; }
  std::optional<int> close_code() const { return close_code_; }

 private:
  void fail(ws::Errc error) {
    error_ = error;
    answer_ = ws::rule(error).answer;
  }

  void read_head() {
    const ws::HeadProgress progress = parser_.parse(as_bytes(waiting_));
    if (progress.kind == ws::HeadProgress::Kind::need_input) return;
    if (progress.kind == ws::HeadProgress::Kind::failed) return refuse(progress.error);
    const ws::RequestHead head = parser_.head(as_bytes(waiting_));
    if (!ws::wants_websocket(head)) return refuse(ws::Errc::http_upgrade_required);
    const ws::UpgradeCheck check = ws::check_upgrade(head);
    if (check.error != ws::Errc::none) return refuse(check.error);
    status_ = 101;
    session_.emplace(ws::Role::server, shared_);
    if (const auto agreed = ws::accept_deflate(head.fields, options_)) {
      session_->compress_with(contexts_.make(ws::Role::server, agreed->agreed));
    }
    waiting_.erase(0, progress.head_bytes);
  }

  void refuse(ws::Errc error) {
    fail(error);
    status_ = answer_;
  }

  void read_frames() {
    std::vector<std::uint8_t> copy(waiting_.begin(), waiting_.end());
    waiting_.clear();
    MutableBytes input{copy};
    while (const ws::Event event = session_->next(input)) {
      const Octets payload{as_text(event.payload)};
      const bool is_text = event.opcode == ws::Opcode::text;
      switch (event.kind) {
        case ws::Event::Kind::message:
          replies_.push_back({is_text ? Reply::Kind::text : Reply::Kind::binary, payload});
          break;
        case ws::Event::Kind::ping: replies_.push_back({Reply::Kind::pong, payload}); break;
        case ws::Event::Kind::close: close_code_ = static_cast<int>(event.code); break;
        case ws::Event::Kind::failure: return fail(event.error);
        case ws::Event::Kind::need_input:
        case ws::Event::Kind::chunk:
        case ws::Event::Kind::pong: break;
      }
      static_cast<void>(session_->take_replies());
    }
  }

  Pool pool_;
  ws::Session::Shared shared_{.pool = &pool_};
  ws::DeflateOptions options_{.enabled = true};
  ws::DeflateCounters counters_;
  ws::DeflateContexts contexts_{options_, ws::DeflateMemory::unlimited, counters_};
  ws::RequestParser parser_;
  std::optional<ws::Session> session_;
  std::string waiting_;
  std::vector<Reply> replies_;
  std::optional<int> close_code_;
  int status_ = 0;
  int answer_ = 0;
  ws::Errc error_ = ws::Errc::none;
};

// Sends all of a case, cut as it says.
void play(Engine& engine, const Case& subject) {
  for (const Step& step : subject.steps) {
    if (step.kind != Step::Kind::send) continue;
    std::string_view rest = step.bytes;
    for (const std::size_t size : writes_of(step, step.bytes.size())) {
      engine.read(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    CHECK(rest.empty());
  }
}

const Grammar& echo_grammar() {
  static const Grammar grammar{.authority = "a.example", .path = "/echo", .expects_echo = true};
  return grammar;
}

const Step* first_step(const Case& subject, Step::Kind kind) {
  const auto at = std::find_if(subject.steps.begin(), subject.steps.end(),
                               [&](const Step& step) { return step.kind == kind; });
  return at == subject.steps.end() ? nullptr : &*at;
}

std::vector<Reply> due_replies(const Case& subject) {
  std::vector<Reply> all;
  for (const Step& step : subject.steps) {
    all.insert(all.end(), step.replies.begin(), step.replies.end());
  }
  return all;
}

const std::vector<Level> all_levels = {Level::legal, Level::one_fault, Level::noise};

}  // namespace

TEST_CASE("what is legal breaks no rule, and is answered as it says") {
  for (std::uint64_t number = 0; number != 1500; ++number) {
    const Case subject = make_case(echo_grammar(), {Level::legal}, 11, number);
    CAPTURE(number);
    Engine engine;
    play(engine, subject);
    CHECK(engine.status() == 101);
    CHECK(engine.error() == ws::Errc::none);
    CHECK(engine.replies() == due_replies(subject));
    const Step* const end = first_step(subject, Step::Kind::await_end);
    if (end == nullptr || end->codes.empty()) continue;
    REQUIRE(engine.close_code());
    const bool is_empty = end->codes.front() == 0;
    CHECK(*engine.close_code() == (is_empty ? 1005 : end->codes.front()));
  }
}

TEST_CASE("each fault is refused by the engine with an answer that it calls right") {
  const std::vector<Fault> faults = faults_of(Protocol::ws);
  CHECK(faults.size() > 60);
  for (std::uint64_t number = 0; number != 20 * faults.size(); ++number) {
    const Case subject = make_case(echo_grammar(), {Level::one_fault}, 5, number);
    CAPTURE(subject.name);
    CAPTURE(number);
    Engine engine;
    play(engine, subject);
    const Step* const end = first_step(subject, Step::Kind::await_end);
    const Step* const answer = first_step(subject, Step::Kind::await_answer);
    REQUIRE(answer != nullptr);
    if (end == nullptr) {
      CHECK(is_right_status(*answer, engine.status()));
      continue;
    }
    CHECK(engine.status() == 101);
    const bool is_right =
        std::find(end->codes.begin(), end->codes.end(), engine.answer()) != end->codes.end();
    CHECK_MESSAGE(is_right, engine.answer(), " to ", ws::rule(engine.error()).label);
  }
}

TEST_CASE("the names of faults are their own, and each has a rule and a number") {
  std::set<std::string_view> names;
  for (const Fault& fault : faults_of(Protocol::socketio)) {
    CAPTURE(fault.name);
    CHECK(!fault.catalogue.empty());
    CHECK(!fault.rule.empty());
    names.insert(fault.name);
  }
  CHECK(names.size() == faults_of(Protocol::socketio).size());
}

TEST_CASE("the same seed and number make the same case, others another one") {
  for (const Protocol protocol : {Protocol::ws, Protocol::engineio, Protocol::socketio}) {
    Grammar grammar = echo_grammar();
    grammar.protocol = protocol;
    grammar.revisions = {4, 3};
    std::set<Octets> seen;
    for (std::uint64_t number = 0; number != 300; ++number) {
      const Case subject = make_case(grammar, all_levels, 3, number);
      CHECK(subject == make_case(grammar, all_levels, 3, number));
      CHECK(subject != make_case(grammar, all_levels, 4, number));
      seen.insert(all_bytes(subject));
    }
    // A request without a nonce may come twice.
    CHECK(seen.size() > 250);
  }
}

TEST_CASE("what is made of a seed stays what it is") {
  // Whoever changes the grammar changes this, and tells that saved numbers mean something else.
  // FNV-1a, over the bytes of many cases of each protocol; what zlib makes may differ.
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const Protocol protocol : {Protocol::ws, Protocol::engineio, Protocol::socketio}) {
    Grammar grammar = echo_grammar();
    grammar.protocol = protocol;
    for (std::uint64_t i = 0; i < 300; ++i) {
      const Case subject = make_case(grammar, all_levels, 1, i);
      if (subject.needs_deflate) continue;
      for (const char byte : all_bytes(subject)) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
      }
    }
  }
  CHECK(hash == 0xE87308FD1E477BB2);
}

TEST_CASE("levels take turns, and every fault has its own") {
  std::set<std::string> names;
  const std::size_t count = faults_of(Protocol::socketio).size();
  Grammar grammar = echo_grammar();
  grammar.protocol = Protocol::socketio;
  for (std::uint64_t number = 0; number != 3 * count; ++number) {
    const Case subject = make_case(grammar, all_levels, 77, number);
    CHECK(subject.level == all_levels[number % 3]);
    if (subject.level == Level::one_fault) names.insert(subject.name);
  }
  CHECK(names.size() == count);
}

TEST_CASE("noise breaks nothing of the engine, and nothing is due to it") {
  for (std::uint64_t number = 0; number != 1500; ++number) {
    const Case subject = make_case(echo_grammar(), {Level::noise}, 2, number);
    Engine engine;
    play(engine, subject);
    for (const Step& step : subject.steps) {
      CHECK(step.replies.empty());
      CHECK(step.codes.empty());
      CHECK(step.kind != Step::Kind::await_replies);
    }
  }
}

TEST_CASE("however bytes are cut, they are the same bytes") {
  Random random{9};
  for (std::size_t size = 0; size != 200; ++size) {
    Step step;
    step.bytes = random.octets(size);
    cut(step, random);
    std::size_t all = 0;
    for (const std::size_t each : writes_of(step, size)) {
      CHECK(each != 0);
      all += each;
    }
    CHECK(all == size);
    // With a session's id filled in there are more bytes, and the last write takes them.
    CHECK((size == 0 || writes_of(step, size + 20).size() <= size + 1));
  }
}
