// SPDX-License-Identifier: MIT

#include "tools/conform/cases.h"

namespace hilo::tools::conform {
void add_server_handshake_cases(CaseList&) {}
void add_negotiation_cases(CaseList&, Side) {}
void add_deflate_cases(CaseList&, const Settings&) {}
void add_client_handshake_cases(CaseList&) {}
}  // namespace hilo::tools::conform
