// SPDX-License-Identifier: MIT

#include "tools/hilo/flags.h"

#include "tools/hilo/values.h"

namespace hilo::tools {
namespace {

Flag make(FlagText text, std::function<Complaint(std::string_view)> take) {
  return {.name = std::move(text.name),
          .short_name = std::move(text.short_name),
          .value = std::move(text.value),
          .text = std::move(text.text),
          .preset = {},
          .take = std::move(take)};
}

}  // namespace

Flag switch_flag(FlagText text, bool& into) {
  return make(std::move(text), [&into](std::string_view) -> Complaint {
    into = true;
    return {};
  });
}

Flag text_flag(FlagText text, std::string& into) {
  return make(std::move(text), [&into](std::string_view value) -> Complaint {
    into = value;
    return {};
  });
}

Flag texts_flag(FlagText text, std::vector<std::string>& into) {
  Flag flag = make(std::move(text), [&into](std::string_view value) -> Complaint {
    into.emplace_back(value);
    return {};
  });
  flag.repeatable = true;
  return flag;
}

Flag choice_flag(FlagText text, std::vector<std::string_view> choices, std::string& into) {
  Flag flag = text_flag(std::move(text), into);
  flag.take = [choices = std::move(choices), &into](std::string_view value) -> Complaint {
    std::string all;
    for (const std::string_view each : choices) {
      if (each == value) {
        into = value;
        return {};
      }
      all.append(all.empty() ? "" : ", ").append(each);
    }
    return "is none of " + all;
  };
  return flag;
}

Flag duration_flag(FlagText text, net::Duration& into) {
  return make(std::move(text),
              [&into](std::string_view value) { return take_duration(value, into); });
}

Complaint take_number(std::string_view text, Range range, std::uint64_t& into) {
  const Result<std::uint64_t> number = parse_size(text);
  if (!number && number.error() == std::errc::invalid_argument) {
    return "is not a number (as in 4096, 64KiB, 1MiB)";
  }
  if (!number || *number > range.most) return "is above " + std::to_string(range.most);
  if (*number < range.least) return "is below " + std::to_string(range.least);
  into = *number;
  return {};
}

Complaint take_duration(std::string_view text, net::Duration& into) {
  const Result<net::Duration> duration = parse_duration(text);
  if (!duration) return "is not a duration (as in 500ms, 10s, 2min)";
  into = *duration;
  return {};
}

}  // namespace hilo::tools
