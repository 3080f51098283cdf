// SPDX-License-Identifier: MIT
//
// A campaign: case after case against a server, each followed by a clean connection while the
// case's own are still open; what is found is played again, made smaller, and kept once for each
// kind.
//
//   thread  one; run() returns when the campaign is over
//   ends    after `cases`, after `time`, or when the server is gone

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "net/duration.h"
#include "tools/fuzz/generator.h"
#include "tools/fuzz/minimiser.h"
#include "tools/fuzz/oracle.h"
#include "tools/fuzz/player.h"
#include "tools/fuzz/reproducer.h"

namespace hilo::tools::fuzz {

struct Plan {
  std::uint64_t seed = 1;
  std::uint64_t first = 0;  // the number of the first case
  std::uint64_t cases = 1000;
  net::Duration time = {};  // 0: no limit
  std::vector<Level> levels = {Level::legal, Level::one_fault, Level::noise};
  // For each finding that is kept, at most; and a case that hangs takes long.
  std::size_t minimising_runs = 200;  // 0: none is made smaller
  net::Duration minimising_time = net::Duration::seconds(30);
  std::string url;
};

// The same class in cases of one name with one detail.
struct Group {
  Reproducer first;         // minimised, where that was wanted and it came again
  std::uint64_t count = 0;  // how often it was found
  std::size_t minimising_runs = 0;
  bool again = true;  // the first one was found again when its case was played again
};

struct Outcome {
  std::map<Level, std::uint64_t> cases;
  std::uint64_t not_applicable = 0;  // of them: the server lacks what they need
  std::vector<Group> groups;         // in the order in which they were found
  std::string trouble;               // why it ended early; empty: it did not
  std::int64_t milliseconds = 0;
};

class Campaign {
 public:
  using OnCase = std::function<void(std::uint64_t done, std::size_t groups)>;

  // All must outlive it. `on_case` is called behind each case.
  Campaign(const Plan& plan, const Grammar& grammar, const Server& server, OnCase on_case);

  Outcome run();

 private:
  bool is_served();
  std::optional<Finding> play(const Case& subject);
  void keep(const Case& subject, const Finding& finding);
  Group* find_group(const Case& subject, const Finding& finding);
  void make_smaller(Group& group);
  void note_death(const Case& subject, const Finding& finding);

  const Plan* plan_;
  const Grammar* grammar_;
  OnCase on_case_;
  Player player_;
  Outcome outcome_;
  std::uint64_t clean_number_ = 0;
  bool was_applicable_ = true;
  bool was_refused_ = false;            // at its first connection, so that it sent nothing
  std::optional<Case> last_connected_;  // of all that were played, smaller ones too
};

}  // namespace hilo::tools::fuzz
