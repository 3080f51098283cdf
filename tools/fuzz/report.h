// SPDX-License-Identifier: MIT
//
// What a campaign found, in words and as JSON. Pure functions.

#pragma once

#include <string>
#include <vector>

#include "tools/fuzz/campaign.h"

namespace hilo::tools::fuzz {

// `files`: where the reproducer of each group was saved, or empty.
std::string text_report(const Plan& plan, const Outcome& outcome,
                        const std::vector<std::string>& files);
std::string json_report(const Plan& plan, const Outcome& outcome,
                        const std::vector<std::string>& files);

// The name of a group's file: "fault-accepted-rsv-12.txt", with the number of its case.
std::string file_name(const Group& group);

}  // namespace hilo::tools::fuzz
