// SPDX-License-Identifier: MIT
//
// guarded() and guarded_status() of net/base/guard.h: the one way in which the endpoints call the
// application.

#pragma once

#include "net/base/guard.h"

namespace hilo::ws {

using hilo::guarded;
using hilo::guarded_status;

}  // namespace hilo::ws
