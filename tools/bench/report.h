// SPDX-License-Identifier: MIT
//
// What a run is reported as: text for a person, a line of JSON for a program, one HTML page with
// plots that needs nothing from elsewhere. Pure functions.

#pragma once

#include <span>
#include <string>

#include "tools/bench/plan.h"
#include "tools/bench/run.h"

namespace hilo::tools::bench {

// "64 connections × 16 in flight, 20 B of text, closed loop, 1 thread"
std::string describe(const Plan& plan);

std::string text_report(const Plan& plan, const Result& result);
// One line, without its end.
std::string json_report(const Plan& plan, const Result& result);
// Several runs of one plan, drawn over one another.
std::string html_report(const Plan& plan, std::span<const Result> results);

// Durations in the unit that fits: "950 ns", "12.3 µs", "4.56 ms", "1.23 s".
std::string in_words(net::Duration time);
// "1,234,567"
std::string grouped(std::uint64_t number);

}  // namespace hilo::tools::bench
