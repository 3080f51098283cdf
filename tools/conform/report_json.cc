// SPDX-License-Identifier: MIT

#include <string>

#include "tools/conform/octets.h"
#include "tools/conform/report.h"

namespace hilo::tools::conform {
namespace {

// RFC 8259 §7. What is not UTF-8 (a peer's words, quoted) is shown byte by byte.
std::string quote(std::string_view text) {
  const bool utf8 = is_utf8(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8)) {
      out += "\\u00" + to_hex(std::string_view(&c, 1));
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

std::string member(std::string_view name, std::string_view value) {
  return quote(name) + ": " + quote(value);
}
std::string member(std::string_view name, std::uint64_t value) {
  return quote(name) + ": " + std::to_string(value);
}

std::string finding(const Finding& finding) {
  return "{" + member("verdict", to_string(finding.verdict)) + ", " + member("note", finding.note) +
         "}";
}

std::string_view kind_name(Entry::Kind kind) {
  switch (kind) {
    case Entry::Kind::sent: return "sent";
    case Entry::Kind::received: return "received";
    case Entry::Kind::frame: return "frame";
    case Entry::Kind::note: return "note";
  }
  return {};
}

std::string log(const Transcript& transcript) {
  std::string out = "[";
  for (const Entry& entry : transcript.log) {
    if (out.size() > 1) out += ", ";
    out += "{" + member("kind", kind_name(entry.kind)) + ", " +
           member("microseconds", static_cast<std::uint64_t>(entry.microseconds)) + ", " +
           member("text", entry.text);
    if (entry.size != 0) {
      out += ", " + member("bytes", entry.size) + ", " + member("hex", to_hex(entry.octets));
    }
    out += "}";
  }
  return out + "]";
}

std::string one_case(const CaseResult& result) {
  const Case& subject = *result.subject;
  const Judgement& judgement = result.judgement;
  std::string out = "    {" + member("id", subject.id) + ", " + member("section", subject.section);
  out += ", " + member("family", family_name(subject.id)) + ", " + member("title", subject.title);
  out += ", " + member("sends", subject.sends()) + ", " + member("expects", subject.expectation());
  out += ", " + member("verdict", to_string(judgement.overall()));
  out += ", \"behaviour\": " + finding(judgement.behaviour);
  out += ", \"closing\": " + finding(judgement.closing);
  if (const Event* close = result.transcript.close()) out += ", " + member("code", close->code);
  out += ", " + member("microseconds", static_cast<std::uint64_t>(result.transcript.microseconds));
  // The wire is of interest where something is to be understood.
  if (judgement.overall() != Verdict::ok) out += ", \"wire\": " + log(result.transcript);
  return out + "}";
}

}  // namespace

std::string json_report(const ReportHead& head, const std::vector<CaseResult>& results) {
  const Totals totals = count(results);
  std::string out = "{\n  " + member("tested", head.tested) + ",\n  " + member("agent", head.agent);
  out += ",\n  " + member("milliseconds", static_cast<std::uint64_t>(head.milliseconds));
  out += ",\n  " + member("cases", totals.cases) + ",\n  " + member("ok", totals.ok);
  out += ",\n  " + member("failed", totals.failed);
  out += ",\n  " + member("non_strict", totals.non_strict);
  out += ",\n  " + member("unimplemented", totals.unimplemented);
  out += ",\n  " + member("informational", totals.informational) + ",\n  \"results\": [\n";
  for (const CaseResult& result : results) {
    out += one_case(result);
    out += &result == &results.back() ? "\n" : ",\n";
  }
  return out + "  ]\n}\n";
}

}  // namespace hilo::tools::conform
