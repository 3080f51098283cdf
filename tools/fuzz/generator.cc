// SPDX-License-Identifier: MIT

#include "tools/fuzz/generator.h"

#include "tools/fuzz/cutting.h"
#include "tools/fuzz/faults.h"
#include "tools/fuzz/legal.h"
#include "tools/fuzz/noise.h"

namespace hilo::tools::fuzz {
namespace {

Case begin(const Grammar& grammar, std::uint64_t seed, std::uint64_t number) {
  Case subject;
  subject.seed = seed;
  subject.number = number;
  subject.protocol = grammar.protocol;
  return subject;
}

void write_fault(Draft& draft, std::uint64_t turn) {
  const std::vector<Fault> faults = faults_of(draft.grammar().protocol);
  const Fault& fault = faults[turn % faults.size()];
  Case& subject = draft.subject();
  subject.name = fault.name;
  subject.rule = fault.rule;
  subject.catalogue = fault.catalogue;
  fault.write(draft);
}

}  // namespace

Case make_case(const Grammar& grammar, const std::vector<Level>& levels, std::uint64_t seed,
               std::uint64_t number) {
  Random random{seed, number};
  Case subject = begin(grammar, seed, number);
  subject.level = levels[number % levels.size()];
  Draft draft(grammar, random, subject);
  switch (subject.level) {
    case Level::legal: write_legal(draft); break;
    case Level::one_fault: write_fault(draft, seed + number / levels.size()); break;
    case Level::noise: write_noise(draft); break;
  }
  for (Step& step : subject.steps) {
    if (step.kind == Step::Kind::send) cut(step, random);
  }
  return subject;
}

Case make_clean_case(const Grammar& grammar, std::uint64_t seed, std::uint64_t number) {
  Random random{~seed, number};
  Case subject = begin(grammar, seed, number);
  Draft draft(grammar, random, subject);
  write_clean(draft);
  return subject;
}

}  // namespace hilo::tools::fuzz
