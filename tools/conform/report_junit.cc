// SPDX-License-Identifier: MIT

#include <string>

#include "tools/conform/report.h"
#include "tools/conform/xml_text.h"

namespace hilo::tools::conform {
namespace {

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + xml_text(value) + "\"";
}

std::string seconds(std::int64_t microseconds) {
  const std::string digits = std::to_string(microseconds % 1'000'000);
  return std::to_string(microseconds / 1'000'000) + "." + std::string(6 - digits.size(), '0') +
         digits;
}

std::string one_case(const CaseResult& result) {
  const Case& subject = *result.subject;
  const Judgement& judgement = result.judgement;
  const Verdict verdict = judgement.overall();
  std::string out = "  <testcase" + attribute("classname", family_name(subject.id)) +
                    attribute("name", subject.id + " " + subject.title) +
                    attribute("time", seconds(result.transcript.microseconds));
  if (verdict == Verdict::ok || verdict == Verdict::informational) return out + "/>\n";
  out += ">\n";
  const std::string note =
      "behaviour: " + judgement.behaviour.note + "; closing: " + judgement.closing.note;
  if (verdict == Verdict::unimplemented) {
    out += "    <skipped" + attribute("message", judgement.behaviour.note) + "/>\n";
  } else {
    out +=
        "    <failure" + attribute("type", to_string(verdict)) + attribute("message", note) + ">";
    out += xml_text("expected: " + subject.expectation() + " (" + subject.section + ")\n" +
                    wire_log(result.transcript));
    out += "</failure>\n";
  }
  return out + "  </testcase>\n";
}

}  // namespace

// To a build server, what is not strict is a failure of a kind of its own.
std::string junit_report(const ReportHead& head, const std::vector<CaseResult>& results) {
  const Totals totals = count(results);
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite";
  out += attribute("name", head.agent + ": " + head.tested);
  out += attribute("tests", std::to_string(totals.cases));
  out += attribute("failures", std::to_string(totals.failed + totals.non_strict));
  out += attribute("skipped", std::to_string(totals.unimplemented)) + attribute("errors", "0");
  out += attribute("time", seconds(head.milliseconds * 1000)) + ">\n";
  for (const CaseResult& result : results) out += one_case(result);
  return out + "</testsuite>\n";
}

}  // namespace hilo::tools::conform
