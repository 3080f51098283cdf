// SPDX-License-Identifier: MIT
//
// Text as it may stand in XML and HTML, in elements and in quoted attributes.

#pragma once

#include <string>
#include <string_view>

namespace hilo::tools::conform {

// Characters that XML 1.0 forbids, and bytes that are no UTF-8, are shown as "\x1b".
std::string xml_text(std::string_view text);

}  // namespace hilo::tools::conform
