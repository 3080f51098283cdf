// SPDX-License-Identifier: MIT
//
// What most tests of Socket.IO include: see precompiled.h.

#pragma once

#include "tests/support/precompiled.h"

#include "tests/support/socketio_wire.h"
#include "ws/socketio/server.h"
