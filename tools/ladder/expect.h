// SPDX-License-Identifier: MIT
//
// expect: a sentence that has to be true at this point of the program. The ladder tells its story
// in such sentences, so what a chapter prints is also its self-check. must: the same for the steps
// on the way that are not worth a sentence; it hands the value out.

#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "net/base/result.h"

namespace hilo::ladder {

// Prints the sentence and goes on if it holds; else says so and ends the program with 1.
inline void expect(bool holds, const char* sentence) {
  std::printf("%s %s\n", holds ? "  *" : "NOT SO:", sentence);
  if (!holds) std::exit(1);
}

inline void must(const Status& status) {
  if (!status) expect(false, status.error().message().c_str());
}
template <class T>
T must(Result<T> result) {
  if (!result) expect(false, result.error().message().c_str());
  return std::move(*result);
}

// Was the program called with --check? The chapters that serve for ever check themselves then.
inline bool checking(int argc, char** argv) {
  return argc > 1 && std::string_view{argv[1]} == "--check";
}

}  // namespace hilo::ladder
