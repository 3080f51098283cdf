// SPDX-License-Identifier: MIT

#include <map>
#include <string>

#include "tools/conform/octets.h"
#include "tools/conform/report.h"
#include "tools/conform/xml_text.h"

namespace hilo::tools::conform {
namespace {

// The page needs nothing from elsewhere: no script, no font, no picture.
constexpr std::string_view style =
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:72em;padding:0 1em;"
    "color:#222;background:#fff}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}"
    "table{border-collapse:collapse}td,th{padding:.2em .8em .2em 0;text-align:left}"
    "details{border-left:4px solid #ccc;margin:.25em 0;padding:.1em .7em}"
    "summary{cursor:pointer}code,pre{font:13px/1.4 ui-monospace,monospace}"
    "pre{background:#f5f5f5;padding:.7em;overflow-x:auto;white-space:pre-wrap;"
    "overflow-wrap:anywhere}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em;margin:.5em 0}"
    "dt{color:#666}dd{margin:0;overflow-wrap:anywhere}"
    "b{font-weight:600}.ok{border-color:#2a8f4a}.ok b{color:#1d6e37}"
    ".non_strict{border-color:#c98a00}.non_strict b{color:#8a5f00}"
    ".failed{border-color:#c0272d}.failed b{color:#a11d22}"
    ".unimplemented{border-color:#888}.unimplemented b{color:#555}"
    ".informational{border-color:#3b74c4}.informational b{color:#2a5799}";

std::string element(std::string_view name, std::string_view text) {
  const std::string tag{name};
  return "<" + tag + ">" + xml_text(text) + "</" + tag + ">";
}

std::string row(std::string_view name, std::string_view text) {
  return element("dt", name) + element("dd", text) + "\n";
}

std::string finding(const Finding& finding) {
  return std::string(to_string(finding.verdict)) + ": " + finding.note;
}

std::string one_case(const CaseResult& result) {
  const Case& subject = *result.subject;
  const Judgement& judgement = result.judgement;
  const std::string verdict{to_string(judgement.overall())};
  std::string out = "<details class=\"" + verdict + "\" id=\"c" + subject.id + "\"><summary>";
  out += element("code", subject.id) + " " + xml_text(subject.title) + " " + element("b", verdict);
  out += "</summary>\n<dl>\n" + row("rule", subject.section) + row("sent", subject.sends());
  out += row("expected", subject.expectation()) + row("behaviour", finding(judgement.behaviour));
  out += row("closing", finding(judgement.closing)) + "</dl>\n";
  return out + element("pre", wire_log(result.transcript)) + "</details>\n";
}

// A line for each case that is not ok, as links into the page.
std::string contents(const std::vector<CaseResult>& results) {
  std::string out;
  for (const CaseResult& result : results) {
    const Verdict verdict = result.judgement.overall();
    if (verdict == Verdict::ok || verdict == Verdict::unimplemented) continue;
    const std::string& id = result.subject->id;
    out += "<li><a href=\"#c" + id + "\">" + id + "</a> " + xml_text(result.subject->title) + ": " +
           std::string(to_string(verdict)) + "</li>\n";
  }
  return out.empty() ? out : "<ul>\n" + out + "</ul>\n";
}

std::string family_table(const std::vector<CaseResult>& results) {
  std::map<int, std::vector<CaseResult>> families;
  for (const CaseResult& result : results) {
    CaseResult bare;  // without the log, which is large
    bare.subject = result.subject;
    bare.judgement = result.judgement;
    families[std::stoi(result.subject->id)].push_back(std::move(bare));
  }
  std::string out =
      "<table>\n<tr><th>family</th><th>cases</th><th>ok</th><th>failed</th>"
      "<th>non_strict</th><th>unimplemented</th><th>informational</th></tr>\n";
  for (const auto& [number, members] : families) {
    const Totals totals = count(members);
    out += "<tr>" + element("td", std::to_string(number) + " " +
                                      std::string(family_name(members.front().subject->id)));
    for (const std::size_t each : {totals.cases, totals.ok, totals.failed, totals.non_strict,
                                   totals.unimplemented, totals.informational}) {
      out += element("td", std::to_string(each));
    }
    out += "</tr>\n";
  }
  return out + "</table>\n";
}

}  // namespace

std::string html_report(const ReportHead& head, const std::vector<CaseResult>& results) {
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";
  out += element("title", "Conformance of " + head.tested) + "<style>" + std::string(style);
  out += "</style></head><body>\n" + element("h1", "Conformance of " + head.tested);
  out += element("p", summary(count(results)) + "; " + std::to_string(head.milliseconds) + " ms; " +
                          head.agent);
  out += "\n" + family_table(results) + contents(results);
  std::string family;
  for (const CaseResult& result : results) {
    const std::string& id = result.subject->id;
    const std::string number = id.substr(0, id.find('.'));
    if (number != family) {
      family = number;
      out += element("h2", number + " " + std::string(family_name(id))) + "\n";
    }
    out += one_case(result);
  }
  return out + "</body></html>\n";
}

}  // namespace hilo::tools::conform
