// SPDX-License-Identifier: MIT

#include "tests/sim/torture/run.h"

#include <new>

#include "tests/sim/torture.h"

namespace hilo::sim::torture {
namespace {

using namespace hilo::net::literals;

// Longer than any deadline of a connection, and than a client waits before it comes back.
constexpr net::Duration visit_time = 20_s;
constexpr net::Duration rest = 100_s;

std::string differences(const Baseline& before, const Baseline& now) {
  if (before == now) return {};
  const auto each = [](const char* what, std::size_t was, std::size_t is) {
    return std::string(what) + " " + std::to_string(was) + " -> " + std::to_string(is) + "; ";
  };
  return each("descriptors", before.descriptors, now.descriptors) +
         each("watched", before.watched, now.watched) + each("timers", before.timers, now.timers) +
         each("bytes of the pool", before.pool_bytes, now.pool_bytes);
}

// An application that has no memory for what it asks for has asked for nothing.
void begin(Visit& visit) {
  const InProduct product;
  try {
    visit.begin();
  } catch (const std::bad_alloc&) {
    return;
  }
}

void end(Stage& stage, std::unique_ptr<Visit>& visit) {
  {
    const InProduct product;
    visit->leave();
  }
  stage.world.run_for(rest);
}

}  // namespace

Outcome run_visit(const Kind& kind, void (*arm)(void*), void (*disarm)(), void* argument) {
  Stage stage;
  stage.world.settle();
  const Baseline before = stage.world.baseline();
  Outcome outcome;
  for (const bool is_tortured : {true, false}) {
    std::unique_ptr<Visit> visit = kind.make(stage);
    if (is_tortured) arm(argument);
    begin(*visit);
    stage.world.run_for(visit_time);
    disarm();
    end(stage, visit);
    if (is_tortured) outcome.was_whole = visit->is_whole();
    if (!is_tortured && !visit->is_whole()) outcome.complaint += "the next visit was not whole; ";
    outcome.complaint += visit->complaint();
    visit.reset();
    stage.world.run_for(rest);
    outcome.complaint += stage.complaint() + differences(before, stage.world.baseline());
    if (!outcome.complaint.empty()) break;
  }
  return outcome;
}

}  // namespace hilo::sim::torture
