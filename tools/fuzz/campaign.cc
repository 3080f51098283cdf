// SPDX-License-Identifier: MIT

#include "tools/fuzz/campaign.h"

#include <algorithm>
#include <utility>

#include "net/clock.h"

namespace hilo::tools::fuzz {

Campaign::Campaign(const Plan& plan, const Grammar& grammar, const Server& server, OnCase on_case)
    : plan_(&plan), grammar_(&grammar), on_case_(std::move(on_case)), player_(server) {}

std::optional<Finding> Campaign::play(const Case& subject) {
  const Case clean = make_clean_case(*grammar_, plan_->seed, clean_number_++);
  const Observation seen = player_.play(subject);
  was_applicable_ = !seen.not_applicable;
  was_refused_ = seen.refused;
  if (!was_refused_) last_connected_ = subject;
  player_.hold();
  std::optional<Finding> lost = judge_liveness(clean, player_.play(clean));
  player_.release();
  // A server that serves nobody is the worse finding, whatever it did in the case.
  return lost ? lost : judge(subject, seen);
}

// Before the first case. A server that is not there, or not of this protocol, is no finding.
bool Campaign::is_served() {
  const Case clean = make_clean_case(*grammar_, plan_->seed, clean_number_++);
  const Observation seen = player_.play(clean);
  const std::optional<Finding> lost = judge_liveness(clean, seen);
  if (!lost) return true;
  outcome_.trouble = "a clean connection fails: " + lost->detail;
  const std::optional<Finding> finding = judge(clean, seen);
  const bool is_heard =
      finding && (finding->kind == Class::illegal_bytes || finding->kind == Class::broken_echo);
  if (is_heard) outcome_.groups.push_back({{clean, *finding, plan_->url}, 1});
  return false;
}

Outcome Campaign::run() {
  if (!player_.status()) {
    outcome_.trouble = player_.status().error().message();
    return std::move(outcome_);
  }
  const net::Time began = net::clock_now();
  if (!is_served()) return std::move(outcome_);
  for (std::uint64_t i = 0; i != plan_->cases; ++i) {
    const Case subject = make_case(*grammar_, plan_->levels, plan_->seed, plan_->first + i);
    const std::optional<Finding> finding = play(subject);
    ++outcome_.cases[subject.level];
    if (!was_applicable_) ++outcome_.not_applicable;
    const bool has_died = finding && finding->kind == Class::server_died;
    if (finding) has_died ? note_death(subject, *finding) : keep(subject, *finding);
    if (!outcome_.trouble.empty()) break;
    on_case_(i + 1, outcome_.groups.size());
    if (plan_->time != net::Duration() && net::clock_now() - began >= plan_->time) break;
  }
  outcome_.milliseconds = (net::clock_now() - began).to_milliseconds();
  return std::move(outcome_);
}

// What is drawn in a case is of no meaning to what was found in it, up to a quotation.
Group* Campaign::find_group(const Case& subject, const Finding& finding) {
  const auto kind_of = [](const Finding& each) {
    return each.detail.substr(0, std::min(each.detail.find('"'), each.detail.find("hex ")));
  };
  const auto same = [&](const Group& group) {
    const Reproducer& first = group.first;
    return first.finding.kind == finding.kind && first.subject.name == subject.name &&
           kind_of(first.finding) == kind_of(finding);
  };
  const auto at = std::find_if(outcome_.groups.begin(), outcome_.groups.end(), same);
  return at == outcome_.groups.end() ? nullptr : &*at;
}

void Campaign::keep(const Case& subject, const Finding& finding) {
  Group* group = find_group(subject, finding);
  if (group != nullptr) {
    ++group->count;
    return;
  }
  group = &outcome_.groups.emplace_back();
  group->first = {subject, finding, plan_->url};
  group->count = 1;
  if (plan_->minimising_runs != 0 && finding.kind != Class::server_died) make_smaller(*group);
}

// Whoever is refused at once has done nothing: the server has died of what was played before, as
// its connections ended perhaps.
void Campaign::note_death(const Case& subject, const Finding& finding) {
  outcome_.trouble = "the server is gone";
  outcome_.groups.push_back(
      {{was_refused_ && last_connected_ ? *last_connected_ : subject, finding, plan_->url}, 1});
}

void Campaign::make_smaller(Group& group) {
  const Class kind = group.first.finding.kind;
  const net::Time began = net::clock_now();
  std::optional<std::pair<Case, Finding>> death;
  const auto fails = [&](const Case& smaller) {
    if (net::clock_now() - began > plan_->minimising_time) return false;
    if (!outcome_.trouble.empty()) return false;
    const std::optional<Finding> again = play(smaller);
    if (again && again->kind == Class::server_died) death = {smaller, *again};
    if (death) outcome_.trouble = "the server is gone";
    if (!again || again->kind != kind) return false;
    group.first.finding.detail = again->detail;
    return true;
  };
  group.again = fails(group.first.subject);
  if (group.again) {
    Minimised smallest = minimise(group.first.subject, kind, plan_->minimising_runs, fails);
    group.first.subject = std::move(smallest.subject);
    group.minimising_runs = smallest.runs;
  }
  // Behind all else: the group may not be where it was.
  if (death) note_death(death->first, death->second);
}

}  // namespace hilo::tools::fuzz
