// SPDX-License-Identifier: MIT
//
// What most tests include, compiled once for all of them. Each test still includes what it uses:
// `make PRECOMPILED=0 test` builds them without this.

#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/sim/world.h"
#include "tests/support/wire.h"
#include "ws/client.h"
