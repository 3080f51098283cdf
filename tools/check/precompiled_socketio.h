// SPDX-License-Identifier: MIT
//
// The same for ws/socketio, whose values are those of a large header.

#pragma once

#include <nlohmann/json.hpp>

#include "tools/check/precompiled_library.h"
#include "ws/engineio/server.h"
