// SPDX-License-Identifier: MIT
//
// What most files of net/ and ws/ include of the standard library, compiled once for all of them in
// builds for tests. Each file still includes what it uses, as a release build shows.

#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>
