// SPDX-License-Identifier: MIT

#include "tools/fuzz/oracle.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hilo::tools::fuzz {

using conform::Event;

namespace {

struct ClassRow {
  Class kind;
  std::string_view name;
  std::string_view meaning;
};
constexpr std::array<ClassRow, class_count> class_rows = {{
    {Class::server_died, "server-died", "nobody listens any more"},
    {Class::liveness_lost, "liveness-lost", "a clean connection is not served any more"},
    {Class::hang, "hang", "what is due never comes, nor an end"},
    {Class::illegal_bytes, "illegal-bytes", "the server breaks a rule itself"},
    {Class::broken_echo, "broken-echo", "an answer that is due differs, or is missing"},
    {Class::legal_refused, "legal-refused", "what is legal was refused"},
    {Class::fault_accepted, "fault-accepted", "what breaks a rule was taken as if it did not"},
    {Class::wrong_answer, "wrong-answer", "it was refused in another way than it has to be"},
}};

const ClassRow& row(Class kind) {
  return class_rows[static_cast<std::size_t>(kind)];
}

std::optional<Finding> found(Class kind, std::string detail) {
  return Finding{kind, std::move(detail)};
}

template <class Number>
std::string list(const std::vector<Number>& numbers) {
  std::string text;
  for (std::size_t i = 0; i != numbers.size(); ++i) {
    if (i != 0) text += i + 1 == numbers.size() ? " or " : ", ";
    text += std::to_string(numbers[i]);
  }
  return text;
}

std::string describe(const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::text: return "the text " + conform::quoted(reply.payload);
    case Reply::Kind::binary: return "binary " + conform::quoted(reply.payload);
    case Reply::Kind::pong: return "a pong of " + conform::quoted(reply.payload);
    case Reply::Kind::begins: return "a text that begins " + conform::quoted(reply.payload);
  }
  return {};
}

// --- replies -------------------------------------------------------------------------------------

bool is_that(const Reply& reply, const Event& event) {
  const bool is_text = event.kind == Event::Kind::message && event.opcode == conform::op_text;
  switch (reply.kind) {
    case Reply::Kind::text: return is_text && event.payload == reply.payload;
    case Reply::Kind::begins: return is_text && event.payload.starts_with(reply.payload);
    case Reply::Kind::binary:
      return event.kind == Event::Kind::message && !is_text && event.payload == reply.payload;
    case Reply::Kind::pong:
      return event.kind == Event::Kind::pong && event.payload == reply.payload;
  }
  return false;
}

struct Due {
  std::vector<const Reply*> messages;
  std::vector<const Reply*> pongs;
};

Due due(const Case& subject, std::size_t steps, std::uint8_t line) {
  Due all;
  for (std::size_t i = 0; i != std::min(steps, subject.steps.size()); ++i) {
    if (subject.steps[i].line != line) continue;
    for (const Reply& reply : subject.steps[i].replies) {
      (reply.kind == Reply::Kind::pong ? all.pongs : all.messages).push_back(&reply);
    }
  }
  return all;
}

// The first message that is due and did not come, in order; others may stand between them.
const Reply* missing_message(const std::vector<const Reply*>& messages, const Seen& seen) {
  auto next = messages.begin();
  for (const Event& event : seen.events) {
    if (next != messages.end() && is_that(**next, event)) ++next;
  }
  return next == messages.end() ? nullptr : *next;
}

// RFC 6455 §5.5.3: of several pings, only the last one has to be answered.
const Reply* missing_pong(const std::vector<const Reply*>& pongs, const Seen& seen) {
  if (pongs.empty()) return nullptr;
  const auto is_last = [&](const Event& event) { return is_that(*pongs.back(), event); };
  return std::any_of(seen.events.begin(), seen.events.end(), is_last) ? nullptr : pongs.back();
}

const Event* undue_message(const std::vector<const Reply*>& messages, const Seen& seen) {
  std::size_t count = 0;
  for (const Event& event : seen.events) {
    if (event.kind != Event::Kind::message) continue;
    if (count == messages.size() || !is_that(*messages[count], event)) return &event;
    ++count;
  }
  return nullptr;
}

// --- what is wrong by itself ---------------------------------------------------------------------

std::optional<Finding> judge_bytes(const Case& subject, const Seen& seen) {
  if (subject.level != Level::noise && !seen.head_wrong.empty()) {
    return found(Class::illegal_bytes, "in the 101: " + seen.head_wrong);
  }
  for (const Event& event : seen.events) {
    if (event.kind == Event::Kind::violation) return found(Class::illegal_bytes, event.payload);
  }
  if (seen.end_in_frame) return found(Class::illegal_bytes, "the end inside a frame or a message");
  return std::nullopt;
}

std::string refusal(const Seen& seen) {
  if (const Event* close = seen.close()) return "Close " + std::to_string(close->code);
  return seen.end == End::reset ? "a reset" : "an end without a Close";
}

// --- steps ---------------------------------------------------------------------------------------

std::optional<Finding> judge_answer(const Case& subject, const Step& step, const Answer* answer,
                                    const Seen& seen) {
  const std::string right = step.statuses.empty() ? "any status but 101" : list(step.statuses);
  if (answer == nullptr) {
    if (step.or_end && seen.end != End::none) return std::nullopt;
    if (seen.end == End::none) return found(Class::hang, "no answer; right is " + right);
    return found(subject.level == Level::legal ? Class::legal_refused : Class::wrong_answer,
                 refusal(seen) + "; right is " + right);
  }
  const int status = answer->head.status();
  const bool is_right = subject.level == Level::noise || is_right_status(step, status);
  if (is_right && subject.level == Level::one_fault && status != 101) {
    // What a refusal has to say itself, as 405 has to name the methods that there are.
    const std::string wrong = conform::check_refusal(answer->head);
    if (!wrong.empty()) return found(Class::illegal_bytes, wrong);
  }
  if (is_right && answer->body.starts_with(step.begins)) return std::nullopt;
  if (is_right) {
    return found(Class::broken_echo, "the body is " + conform::quoted(answer->body) +
                                         "; right is one that begins " +
                                         conform::quoted(step.begins));
  }
  const std::string detail = std::to_string(status) + "; right is " + right;
  if (std::find(step.statuses.begin(), step.statuses.end(), 101) != step.statuses.end() ||
      subject.level == Level::legal) {
    return found(Class::legal_refused, detail);
  }
  return found(status == 101 || status == 200 ? Class::fault_accepted : Class::wrong_answer,
               detail);
}

std::optional<Finding> judge_end(const Case& subject, const Step& step, const Seen& seen,
                                 bool in_vain) {
  const bool is_fault = subject.level == Level::one_fault;
  const std::string right =
      step.codes.empty() ? "the end of the connection" : "Close " + list(step.codes);
  const Event* close = seen.close();
  if (close != nullptr && !step.codes.empty() &&
      std::find(step.codes.begin(), step.codes.end(), close->code) == step.codes.end()) {
    return found(Class::wrong_answer,
                 "Close " + std::to_string(close->code) + "; right is " + right);
  }
  if (close == nullptr && is_fault && answers_probe(seen)) {
    return found(Class::fault_accepted, "it goes on; right is " + right);
  }
  if (in_vain) {
    return found(Class::hang, close != nullptr ? "a Close, and no end of the connection"
                                               : "no end; right is " + right);
  }
  if (close == nullptr && !step.codes.empty()) {
    return found(Class::wrong_answer, refusal(seen) + "; right is " + right);
  }
  return std::nullopt;
}

// What came of messages that no step of the whole case is due.
std::optional<Finding> judge_undue(const Case& subject, std::uint8_t line, const Seen& seen) {
  if (!subject.exact) return std::nullopt;
  const Event* undue = undue_message(due(subject, subject.steps.size(), line).messages, seen);
  if (undue == nullptr) return std::nullopt;
  return found(Class::broken_echo, "not due: " + conform::quoted(undue->payload));
}

std::optional<Finding> judge_replies(const Case& subject, std::size_t steps, std::uint8_t line,
                                     const Seen& seen) {
  if (auto undue = judge_undue(subject, line, seen)) return undue;
  const Due all = due(subject, steps, line);
  const Reply* missing = missing_message(all.messages, seen);
  if (missing == nullptr) missing = missing_pong(all.pongs, seen);
  if (missing == nullptr) return std::nullopt;
  const bool is_refused = seen.close() != nullptr || seen.end != End::none;
  return found(
      is_refused && subject.level == Level::legal ? Class::legal_refused : Class::broken_echo,
      (is_refused ? refusal(seen) : "nothing") + "; right is " + describe(*missing));
}

std::optional<Finding> judge_connecting(const Observation& seen) {
  if (seen.trouble.empty()) return std::nullopt;
  return found(seen.refused ? Class::server_died : Class::liveness_lost, seen.trouble);
}

// A reset of ours may overtake what the server says, and takes nothing back that was waited for
// before it.
bool is_cut(const Case& subject, std::size_t steps, std::uint8_t line) {
  const auto begin = subject.steps.begin();
  return std::any_of(begin, begin + static_cast<std::ptrdiff_t>(steps), [&](const Step& step) {
    return step.line == line && step.kind == Step::Kind::reset;
  });
}

std::optional<Finding> judge_steps(const Case& subject, const Observation& seen) {
  std::array<std::size_t, 2> answers = {};
  for (std::size_t i = 0; i != subject.steps.size(); ++i) {
    const Step& step = subject.steps[i];
    const Seen& line = seen.lines[step.line];
    const bool in_vain = seen.out_of_time == i;
    std::optional<Finding> finding;
    if (step.kind == Step::Kind::await_answer) {
      const std::size_t at = answers[step.line]++;
      finding =
          judge_answer(subject, step, at < line.answers.size() ? &line.answers[at] : nullptr, line);
    } else if (step.kind == Step::Kind::await_end) {
      // Who fails a connection may drop what it had still to say.
      if (subject.level == Level::legal) finding = judge_replies(subject, i, step.line, line);
      if (!finding) finding = judge_end(subject, step, line, in_vain);
    } else if (step.kind == Step::Kind::await_replies && !is_cut(subject, i, step.line)) {
      finding = judge_replies(subject, i, step.line, line);
    }
    if (finding || in_vain) return finding;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Class kind) {
  return row(kind).name;
}

std::string_view meaning(Class kind) {
  return row(kind).meaning;
}

std::optional<Class> find_class(std::string_view name) {
  for (const ClassRow& each : class_rows) {
    if (each.name == name) return each.kind;
  }
  return std::nullopt;
}

bool is_right_status(const Step& step, int status) {
  if (step.statuses.empty()) return status != 101;
  return std::find(step.statuses.begin(), step.statuses.end(), status) != step.statuses.end();
}

bool answers_probe(const Seen& seen) {
  return std::any_of(seen.events.begin(), seen.events.end(), [](const Event& event) {
    return event.kind == Event::Kind::pong && event.payload == probe_payload;
  });
}

bool replies_are_there(const Case& subject, std::size_t steps, std::uint8_t line,
                       const Seen& seen) {
  const Due all = due(subject, steps, line);
  return missing_message(all.messages, seen) == nullptr && missing_pong(all.pongs, seen) == nullptr;
}

std::optional<Finding> judge(const Case& subject, const Observation& seen) {
  if (auto finding = judge_connecting(seen)) return finding;
  for (const Seen& line : seen.lines) {
    if (auto finding = judge_bytes(subject, line)) return finding;
  }
  return seen.not_applicable ? std::nullopt : judge_steps(subject, seen);
}

// Whoever answers is alive, in whatever words.
std::optional<Finding> judge_liveness(const Case& clean, const Observation& seen) {
  if (auto finding = judge_connecting(seen)) return finding;
  const std::optional<Finding> finding = judge_steps(clean, seen);
  if (!finding) return std::nullopt;
  return found(Class::liveness_lost, finding->detail);
}

}  // namespace hilo::tools::fuzz
