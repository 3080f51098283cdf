// SPDX-License-Identifier: MIT
//
// The minimiser: from a case in which something is found to a smaller one in which the same is
// found.
//
// What a case means must stay: where the finding is that the server answered a fault wrongly, only
// steps that can be spared go, and cuts and pauses. Where it needs no meaning (the server died, it
// serves nobody, it sent what is illegal), nothing is waited for any more, and any step, frame and
// byte may go.

#pragma once

#include <cstddef>
#include <functional>

#include "tools/fuzz/case.h"
#include "tools/fuzz/oracle.h"

namespace hilo::tools::fuzz {

struct Minimised {
  Case subject;
  std::size_t runs = 0;
};

// `fails` plays a case and tells whether the same is found; it is asked `runs_max` times at most.
Minimised minimise(const Case& subject, Class found, std::size_t runs_max,
                   const std::function<bool(const Case&)>& fails);

}  // namespace hilo::tools::fuzz
