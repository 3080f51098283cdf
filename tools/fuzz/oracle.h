// SPDX-License-Identifier: MIT
//
// The oracle: from a case and what came back to what is wrong with the server. Pure functions.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/fuzz/case.h"
#include "tools/fuzz/observation.h"

namespace hilo::tools::fuzz {

// What a finding is of, the worst first.
enum class Class : std::uint8_t {
  server_died,     // nobody listens any more
  liveness_lost,   // a clean connection does not get its upgrade and its answer
  hang,            // what is due never comes, nor an end
  illegal_bytes,   // the server breaks a rule itself
  broken_echo,     // an answer that is due differs, or is missing
  legal_refused,   // what is legal was refused
  fault_accepted,  // what breaks a rule was taken as if it did not
  wrong_answer,    // it was refused, in another way than it has to be
};
inline constexpr std::size_t class_count = 8;
std::string_view to_string(Class kind);
std::optional<Class> find_class(std::string_view name);
// In a sentence, for a reader of the report.
std::string_view meaning(Class kind);

struct Finding {
  Class kind = Class::hang;
  std::string detail;  // what was right, and what came
  friend bool operator==(const Finding&, const Finding&) = default;
};

// Nothing: the server did what it had to do.
std::optional<Finding> judge(const Case& subject, const Observation& seen);

// The same for the clean connection that was played behind it.
std::optional<Finding> judge_liveness(const Case& clean, const Observation& seen);

// --- for the player, who has to know how long to wait
// ---------------------------------------------

// Whether all replies that the steps before `steps` are due on this line have come.
bool replies_are_there(const Case& subject, std::size_t steps, std::uint8_t line, const Seen& seen);
// What is sent behind a fault was answered.
bool answers_probe(const Seen& seen);
bool is_right_status(const Step& step, int status);

}  // namespace hilo::tools::fuzz
