// SPDX-License-Identifier: MIT
//
// The words of an opening handshake: the head that a case sends, what it answers to a client's
// offer, and whether what was agreed on is enough for it. Pure functions; Conversation plays them.

#pragma once

#include <string>
#include <string_view>

#include "tools/conform/case.h"
#include "tools/conform/conversation.h"
#include "tools/conform/deflate.h"

namespace hilo::tools::conform {

// Our request to a server.
std::string request_head(const Case& subject, const Settings& settings, std::string_view key);
// Our response to a client. `answer`: Sec-WebSocket-Extensions, or empty.
std::string response_head(const Case& subject, std::string_view answer, std::string_view key);

bool offers_deflate(std::string_view offer);
// What the case wants to answer to a client's Sec-WebSocket-Extensions; empty: nothing.
std::string answer_to(const Case& subject, std::string_view offer);

// What the case needs and these terms have not; empty: nothing.
std::string unmet_need(Need need, Side tested, const DeflateTerms& terms);

}  // namespace hilo::tools::conform
