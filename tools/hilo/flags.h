// SPDX-License-Identifier: MIT
//
// Makers of flags of the usual kinds. The variable that a flag sets must outlive the parsing.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/duration.h"
#include "tools/hilo/command.h"

namespace hilo::tools {

// What a flag is called and what the help says of it.
struct FlagText {
  std::string name;
  std::string value;
  std::string text;
  std::string short_name;
};

Flag switch_flag(FlagText text, bool& into);
Flag text_flag(FlagText text, std::string& into);
Flag texts_flag(FlagText text, std::vector<std::string>& into);
Flag duration_flag(FlagText text, net::Duration& into);
// One of these words, which are static text.
Flag choice_flag(FlagText text, std::vector<std::string_view> choices, std::string& into);

struct Range {
  std::uint64_t least = 0;
  std::uint64_t most = UINT64_MAX;
};
// Reads a count or a size within the range, for flags whose variable has a type of its own.
Complaint take_number(std::string_view text, Range range, std::uint64_t& into);
Complaint take_duration(std::string_view text, net::Duration& into);

template <class Number>
Flag number_flag(FlagText text, Range range, Number& into) {
  return {.name = std::move(text.name),
          .short_name = std::move(text.short_name),
          .value = std::move(text.value),
          .text = std::move(text.text),
          .preset = {},
          .take = [range, &into](std::string_view value) -> Complaint {
            std::uint64_t number = 0;
            if (Complaint complaint = take_number(value, range, number)) return complaint;
            into = static_cast<Number>(number);
            return {};
          }};
}

}  // namespace hilo::tools
