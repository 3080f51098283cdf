// SPDX-License-Identifier: MIT
//
// The judge: from a case and what happened to two verdicts, one on how the peer behaved and one on
// how it closed. Pure functions, tested as tables.

#pragma once

#include <string>
#include <vector>

#include "tools/conform/case.h"
#include "tools/conform/transcript.h"

namespace hilo::tools::conform {

struct Finding {
  Verdict verdict = Verdict::ok;
  std::string note;  // one line; for ok what was seen, otherwise what was wrong
};

struct Judgement {
  Finding behaviour;
  Finding closing;
  Verdict overall() const { return worse(behaviour.verdict, closing.verdict); }
};

// `tested`: server or client.
Judgement judge(const Case& subject, Side tested, const Transcript& transcript);

// Whether these are the replies, and no others. Of pongs only the last one must be there (RFC 6455
// §5.5.3); messages and pongs may overtake each other (§5.5.2).
bool replies_match(const std::vector<Reply>& replies, const std::vector<Event>& events);

}  // namespace hilo::tools::conform
