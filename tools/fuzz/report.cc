// SPDX-License-Identifier: MIT

#include "tools/fuzz/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace hilo::tools::fuzz {
namespace {

using Json = nlohmann::ordered_json;

struct Count {
  std::uint64_t kinds = 0;
  std::uint64_t cases = 0;
};

Count count(const Outcome& outcome, Class kind) {
  Count all;
  for (const Group& group : outcome.groups) {
    if (group.first.finding.kind != kind) continue;
    ++all.kinds;
    all.cases += group.count;
  }
  return all;
}

std::vector<Class> all_classes() {
  std::vector<Class> all;
  for (std::size_t i = 0; i != class_count; ++i) all.push_back(static_cast<Class>(i));
  return all;
}

std::string what_was_sent(const Case& subject) {
  std::string text = subject.name;
  if (!subject.catalogue.empty()) text += " (" + subject.catalogue + ")";
  if (!subject.rule.empty()) text += ": " + subject.rule;
  return text;
}

std::string group_text(const Group& group, const std::string& file) {
  const Case& subject = group.first.subject;
  std::string text = "  " + std::to_string(group.count) + "x " + what_was_sent(subject) +
                     "\n     " + conform::shown(group.first.finding.detail) + "\n     case " +
                     std::to_string(subject.number);
  if (!group.again) text += ", not found when it was played again";
  if (group.minimising_runs != 0) {
    text += ", made smaller in " + std::to_string(group.minimising_runs) + " runs";
  }
  if (!file.empty()) text += ": " + file;
  return text + "\n";
}

std::uint64_t all_cases(const Outcome& outcome) {
  std::uint64_t all = 0;
  for (const auto& [level, cases] : outcome.cases) all += cases;
  return all;
}

}  // namespace

std::string text_report(const Plan& plan, const Outcome& outcome,
                        const std::vector<std::string>& files) {
  std::string text = plan.url + ", seed " + std::to_string(plan.seed) + ": " +
                     std::to_string(all_cases(outcome)) + " cases";
  const char* separator = " (";
  for (const auto& [level, cases] : outcome.cases) {
    text += separator + std::to_string(cases) + " " + std::string(to_string(level));
    separator = ", ";
  }
  if (!outcome.cases.empty()) text += ")";
  text += " in " + std::to_string(outcome.milliseconds) + " ms\n";
  if (outcome.not_applicable != 0) {
    text += std::to_string(outcome.not_applicable) +
            " of them need permessage-deflate, which the server declines\n";
  }
  for (const Class kind : all_classes()) {
    const Count found = count(outcome, kind);
    if (found.kinds == 0) continue;
    text += "\n" + std::string(to_string(kind)) + ": " + std::string(meaning(kind)) + " (" +
            std::to_string(found.cases) + " cases)\n";
    for (std::size_t i = 0; i != outcome.groups.size(); ++i) {
      if (outcome.groups[i].first.finding.kind != kind) continue;
      text += group_text(outcome.groups[i], i < files.size() ? files[i] : "");
    }
  }
  if (outcome.groups.empty() && outcome.trouble.empty()) text += "nothing was found\n";
  if (!outcome.trouble.empty()) text += "\nended early: " + outcome.trouble + "\n";
  return text;
}

std::string json_report(const Plan& plan, const Outcome& outcome,
                        const std::vector<std::string>& files) {
  Json json = {{"url", plan.url},
               {"seed", plan.seed},
               {"first", plan.first},
               {"cases", all_cases(outcome)},
               {"milliseconds", outcome.milliseconds},
               {"not_applicable", outcome.not_applicable}};
  for (const auto& [level, cases] : outcome.cases) {
    json["levels"][std::string(to_string(level))] = cases;
  }
  json["classes"] = Json::object();
  for (const Class kind : all_classes()) {
    const Count found = count(outcome, kind);
    if (found.kinds == 0) continue;
    json["classes"][std::string(to_string(kind))] = {{"kinds", found.kinds},
                                                     {"cases", found.cases}};
  }
  json["findings"] = Json::array();
  for (std::size_t i = 0; i != outcome.groups.size(); ++i) {
    const Group& group = outcome.groups[i];
    const Case& subject = group.first.subject;
    json["findings"].push_back({{"class", to_string(group.first.finding.kind)},
                                {"name", subject.name},
                                {"rule", subject.rule},
                                {"catalogue", subject.catalogue},
                                {"level", to_string(subject.level)},
                                {"detail", conform::shown(group.first.finding.detail)},
                                {"count", group.count},
                                {"case", subject.number},
                                {"again", group.again},
                                {"minimising_runs", group.minimising_runs},
                                {"file", i < files.size() ? files[i] : ""}});
  }
  if (!outcome.trouble.empty()) json["trouble"] = outcome.trouble;
  return json.dump(2) + "\n";
}

std::string file_name(const Group& group) {
  std::string name = std::string(to_string(group.first.finding.kind)) + "-" +
                     group.first.subject.name + "-" + std::to_string(group.first.subject.number);
  for (char& c : name) {
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_plain) c = '-';
  }
  return name + ".txt";
}

}  // namespace hilo::tools::fuzz
