// SPDX-License-Identifier: MIT

#include "tools/conform/cases.h"

#include <algorithm>
#include <utility>

namespace hilo::tools::conform {
namespace {

bool glob(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (std::size_t skip = 0; skip <= text.size(); ++skip) {
      if (glob(text.substr(skip), pattern.substr(1))) return true;
    }
    return false;
  }
  return !text.empty() && text.front() == pattern.front() &&
         glob(text.substr(1), pattern.substr(1));
}

}  // namespace

void CaseList::group(std::string_view id, std::string_view section) {
  group_ = id;
  section_ = section;
  number_ = 0;
}

Case& CaseList::add(std::string title, std::vector<Step> steps, std::vector<Outcome> outcomes) {
  Case& added = into_->emplace_back();
  added.id = group_ + "." + std::to_string(++number_);
  added.section = section_;
  added.title = shown(title);
  added.steps = std::move(steps);
  added.outcomes = std::move(outcomes);
  return added;
}

Case& CaseList::add_early(std::string title, std::vector<Part> wrong, std::vector<Part> rest,
                          std::vector<std::uint16_t> codes) {
  Outcome early = fails(codes);
  early.before_send = 2;
  return add(std::move(title), {send(std::move(wrong)), watch(), send(std::move(rest))},
             {early, as(Verdict::non_strict, fails(codes))});
}

Case& CaseList::add_by_header(std::string title, std::vector<Part> before, Frame wrong,
                              std::size_t bytes, std::vector<std::uint16_t> codes) {
  wrong.payload.clear();
  wrong.declared = bytes;
  before.emplace_back(std::move(wrong));
  // Masked, these are other letters; nobody is to read them.
  return add_early(std::move(title), std::move(before), {Part::bytes(repeated("x", bytes))},
                   std::move(codes));
}

std::vector<Case> all_cases(const Settings& settings) {
  std::vector<Case> cases;
  CaseList list{cases};
  add_framing_cases(list);
  add_control_cases(list);
  add_reserved_cases(list);
  add_fragmentation_cases(list);
  add_utf8_cases(list);
  add_close_cases(list);
  add_masking_cases(list);
  add_limit_cases(list, settings);
  add_server_handshake_cases(list);
  add_negotiation_cases(list, settings.tested);
  add_deflate_cases(list, settings);
  add_client_handshake_cases(list);
  std::erase_if(cases, [&](const Case& each) {
    // A client that says nothing at all does not even begin TLS: that is no matter of HTTP then.
    if (settings.tls && settings.tested == Side::server && each.opening.bare) return true;
    return each.side != Side::both && each.side != settings.tested;
  });
  return cases;
}

bool is_picked(std::string_view id, std::string_view pattern) {
  if (pattern.find('*') != std::string_view::npos) return glob(id, pattern);
  return id == pattern || (id.starts_with(pattern) && id.substr(pattern.size()).starts_with('.'));
}

}  // namespace hilo::tools::conform
