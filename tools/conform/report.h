// SPDX-License-Identifier: MIT
//
// Reports: what a run found, as text for a person, as JSON, as JUnit XML, or as one HTML page that
// shows the wire log of each case. Pure functions.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/conform/case.h"
#include "tools/conform/runner.h"

namespace hilo::tools::conform {

// How many cases have which verdict, each counted once by the worse of its two.
struct Totals {
  std::size_t cases = 0;
  std::size_t ok = 0;
  std::size_t informational = 0;
  std::size_t unimplemented = 0;
  std::size_t non_strict = 0;
  std::size_t failed = 0;
};
Totals count(const std::vector<CaseResult>& results);
// "612 cases: 600 ok, 0 failed, ..."
std::string summary(const Totals& totals);

struct ReportHead {
  std::string tested;  // "server ws://127.0.0.1:8080/echo"
  std::string agent;   // what made the report, with its version
  std::int64_t milliseconds = 0;
};

// `verbose`: every case, not only those that are not ok.
std::string text_report(const ReportHead& head, const std::vector<CaseResult>& results,
                        bool verbose);
std::string json_report(const ReportHead& head, const std::vector<CaseResult>& results);
std::string junit_report(const ReportHead& head, const std::vector<CaseResult>& results);
std::string html_report(const ReportHead& head, const std::vector<CaseResult>& results);

// The wire log of one case, a line an entry.
std::string wire_log(const Transcript& transcript);
// "fragmentation", of "5.3.2".
std::string_view family_name(std::string_view id);

}  // namespace hilo::tools::conform
