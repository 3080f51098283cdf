// SPDX-License-Identifier: MIT

#include <array>
#include <cstdio>
#include <string>

#include "tools/conform/report.h"

namespace hilo::tools::conform {
namespace {

std::string time_column(std::int64_t microseconds) {
  std::array<char, 32> text;
  const int size = std::snprintf(text.data(), text.size(), "%9.3f ms",
                                 static_cast<double>(microseconds) / 1000.0);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string_view direction(Entry::Kind kind) {
  switch (kind) {
    case Entry::Kind::sent: return "  sent      ";
    case Entry::Kind::received: return "  received  ";
    case Entry::Kind::frame: return "    frame   ";
    case Entry::Kind::note: return "  --        ";
  }
  return {};
}

void append_finding(std::string& out, std::string_view what, const Finding& finding) {
  out.append("    ").append(what).append(to_string(finding.verdict)).append(": ");
  out.append(finding.note).append("\n");
}

}  // namespace

Totals count(const std::vector<CaseResult>& results) {
  Totals totals;
  totals.cases = results.size();
  for (const CaseResult& result : results) {
    switch (result.judgement.overall()) {
      case Verdict::ok: ++totals.ok; break;
      case Verdict::informational: ++totals.informational; break;
      case Verdict::unimplemented: ++totals.unimplemented; break;
      case Verdict::non_strict: ++totals.non_strict; break;
      case Verdict::failed: ++totals.failed; break;
    }
  }
  return totals;
}

std::string summary(const Totals& totals) {
  return std::to_string(totals.cases) + " cases: " + std::to_string(totals.ok) + " ok, " +
         std::to_string(totals.failed) + " failed, " + std::to_string(totals.non_strict) +
         " non_strict, " + std::to_string(totals.unimplemented) + " unimplemented, " +
         std::to_string(totals.informational) + " informational";
}

std::string_view family_name(std::string_view id) {
  constexpr std::array<std::string_view, 15> names = {"",
                                                      "framing",
                                                      "pings and pongs",
                                                      "reserved bits",
                                                      "opcodes",
                                                      "fragmentation",
                                                      "UTF-8",
                                                      "closing handshake",
                                                      "masking",
                                                      "limits",
                                                      "",
                                                      "opening handshake of a server",
                                                      "permessage-deflate: negotiation",
                                                      "permessage-deflate: messages",
                                                      "opening handshake of a client"};
  std::size_t number = 0;
  for (const char c : id.substr(0, id.find('.'))) {
    number = number * 10 + static_cast<std::size_t>(c - '0');
  }
  return number < names.size() ? names[number] : "";
}

std::string wire_log(const Transcript& transcript) {
  std::string out;
  for (const Entry& entry : transcript.log) {
    out.append(time_column(entry.microseconds)).append(direction(entry.kind));
    out.append(shown(entry.text));
    if (entry.size != 0) {
      if (!entry.text.empty()) out.append("\n").append(24, ' ');
      out.append("[").append(std::to_string(entry.size)).append("] ");
      out.append(to_hex(entry.octets));
      if (entry.octets.size() < entry.size) out.append(" ...");
    }
    out.append("\n");
  }
  return out;
}

std::string text_report(const ReportHead& head, const std::vector<CaseResult>& results,
                        bool verbose) {
  std::string out;
  for (const CaseResult& result : results) {
    const Judgement& judgement = result.judgement;
    if (judgement.overall() == Verdict::ok && !verbose) continue;
    const Case& subject = *result.subject;
    out.append(to_string(judgement.overall())).append("  ").append(subject.id).append("  ");
    out.append(subject.title).append("  (").append(subject.section).append(")\n");
    // What the peer just does not have needs no explanation of each case.
    if (judgement.overall() == Verdict::unimplemented && !verbose) continue;
    out.append("    expected: ").append(subject.expectation()).append("\n");
    append_finding(out, "behaviour ", judgement.behaviour);
    append_finding(out, "closing   ", judgement.closing);
    if (verbose) out.append(wire_log(result.transcript));
  }
  out.append(head.tested).append("\n").append(summary(count(results))).append("\n");
  return out;
}

}  // namespace hilo::tools::conform
